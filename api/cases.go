package api

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// caseRoutes are about cases: what belongs together, where the money went, and
// what people did.
func (s *server) caseRoutes(api huma.API) {
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/cases", "list-cases", "Cases, newest first", readers, 422), s.listCases)
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/cases/{id}", "get-case", "One case, whole: its reports and stops, with those of the cases that proved to be part of it", readers, 404), s.getCase)
	huma.Register(api, s.operation(api, http.MethodPatch, "/v1/cases/{id}", "change-case", "Say how far a case is, how many were arrested, and what it was: an outcome holds for all its alerts that nobody judged by themselves", center, 404, 409, 412, 422, 503), s.changeCase)
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/cases/{id}/trail", "trail", "The case's money as trees: one for each payment of a victim, with every account that it came to, and where it ends", readers, 404), s.trail)
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/cases/{id}/evidence", "evidence", "What was seen: the case's alerts with the values of each pattern, and the calls and payments of those who paid, a day around", center, 404, 503), s.evidence)
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/cases/{id}/visits", "assign-visit", "Send somebody of the district's grid to a person who is being talked out of money", center, 404, 409, 422, 503), s.assignVisit)
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/visits", "list-visits", "Visits that are not confirmed, by when they are due", readers, 422), s.listVisits)
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/visits/{id}/confirmation", "confirm-visit", "What the visit found", []Role{Analyst, Supervisor, Police, Admin}, 404, 409, 422, 503), s.confirmVisit)
}

// CaseID is the case in a route.
type CaseID struct {
	ID string `path:"id" maxLength:"64" example:"cas_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"`
}

type caseOutput struct {
	ETag string `header:"ETag"`
	Body CaseDocument
}

// CaseDocument is a case as the center sees it.
type CaseDocument struct {
	ID       string         `json:"id"`
	OpenedAt string         `json:"opened_at" format:"date-time"`
	State    string         `json:"state" enum:"open,investigating,solved,closed"`
	Version  int            `json:"version" doc:"Of the progress"`
	Arrests  int            `json:"arrests"`
	Members  []string       `json:"members" doc:"Cases that proved to be part of this one: the same accounts or callers"`
	Reports  []CaseReport   `json:"reports"`
	Stops    []StopDocument `json:"stops"`
	Amounts  CaseAmounts    `json:"amounts"`
	Returns  []string       `json:"returns"`
	Visits   []string       `json:"visits"`
}

// CaseReport is a report that the case came from.
type CaseReport struct {
	ID       string `json:"id"`
	Source   string `json:"source"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	Holder   string `json:"holder,omitempty"`
	Phone    string `json:"phone,omitempty" doc:"For the center alone"`
	District string `json:"district,omitempty"`
}

// CaseAmounts keep apart what is often added up: stopped is not saved. They are
// sums over the case's stops in the currency of the first. A share of any of them
// is of what was requested.
type CaseAmounts struct {
	Currency  string `json:"currency,omitempty"`
	Reported  string `json:"reported" doc:"By victims, each payment once"`
	Requested string `json:"requested" doc:"At the first hop: what banks were asked to hold of the victims' own payments. The base of every rate"`
	Traced    string `json:"traced" doc:"The victims' money that was seen to go on from the accounts that they paid, to other accounts, shops or cash: each yuan once, at whatever hop it is now"`
	Held      string `json:"held" doc:"Held now and not frozen"`
	Frozen    string `json:"frozen"`
	Returned  string `json:"returned"`
	Released  string `json:"released"`
	Lapsed    string `json:"lapsed" doc:"Holds that ended with nobody acting"`
}

func (s *server) caseDocument(ctx context.Context, c *ledger.Case) CaseDocument {
	d := CaseDocument{ID: c.ID, OpenedAt: c.OpenedAt.String(), State: string(c.State), Version: c.Version, Arrests: c.Arrests, Members: append([]string{}, c.Members...),
		Reports: []CaseReport{}, Stops: []StopDocument{}, Returns: append([]string{}, c.Returns...), Visits: append([]string{}, c.Visits...)}
	for _, r := range c.Reports {
		report := CaseReport{ID: r.ID, Source: r.Source, Amount: event.Money{Minor: r.Minor, Currency: r.Currency}.Decimal(),
			Currency: string(r.Currency), Holder: mask(ctx, r.Holder), District: r.District}
		if slices.Contains(center, who(ctx).Role) {
			report.Phone = r.Phone
		}
		d.Reports = append(d.Reports, report)
	}
	var stops []*stop.Stop
	for _, id := range c.Stops {
		if st := s.Ledger.Stop(id); st != nil {
			stops = append(stops, st)
			d.Stops = append(d.Stops, stopDocument(ctx, st, s.Ledger.Terms()))
		}
	}
	d.Amounts = caseAmounts(c, stops)
	return d
}

func caseAmounts(c *ledger.Case, stops []*stop.Stop) CaseAmounts {
	currency := event.CNY
	if len(stops) > 0 {
		currency = stops[0].Currency
	}
	var reported, requested int64
	var sum stop.Amounts
	lost, _ := c.Lost()
	for i := range lost {
		if lost[i].Currency == currency {
			reported += lost[i].Minor
		}
	}
	for _, st := range stops {
		if st.Currency != currency {
			continue
		}
		a := st.Amounts()
		if st.Hop == 1 {
			requested += a.Requested
		}
		sum.Add(&a)
	}
	m := func(minor int64) string { return event.Money{Minor: minor, Currency: currency}.Decimal() }
	return CaseAmounts{string(currency), m(reported), m(requested), m(traced(c, stops, currency)),
		m(sum.Held), m(sum.Frozen), m(sum.Returned), m(sum.Released), m(sum.Lapsed)}
}

// traced is how much of the victims' payments was seen to go on from the accounts
// that they paid: for each payment what left its first account, at most itself.
// What goes on from there is the same yuan again, and no sum counts it twice.
func traced(c *ledger.Case, stops []*stop.Stop, currency event.Currency) (sum int64) {
	left := map[string]int64{}
	for _, st := range stops {
		left[st.Parent] += st.Minor
	}
	for i := range c.Leaves {
		left[c.Leaves[i].Parent] += c.Leaves[i].Minor
	}
	for _, st := range stops {
		if st.Hop == 1 && st.Currency == currency {
			sum += min(left[st.ID], st.Minor)
		}
	}
	return sum
}

func (s *server) caseOutput(ctx context.Context, id string) (*caseOutput, error) {
	c := s.Ledger.Case(id)
	if c == nil {
		return nil, problem(http.StatusNotFound, "not-found.case", "case", id)
	}
	return &caseOutput{strconv.Quote(strconv.Itoa(c.Version)), s.caseDocument(ctx, c)}, nil
}

func (s *server) getCase(ctx context.Context, in *CaseID) (*caseOutput, error) {
	return s.caseOutput(ctx, in.ID)
}

// CasesPage is a part of the list of cases.
type CasesPage struct {
	Cases []CaseDocument `json:"cases" nullable:"false"`
	Next  string         `json:"next,omitempty" doc:"The cursor of the next page"`
}

type casesOutput struct{ Body CasesPage }

func (s *server) listCases(ctx context.Context, in *struct {
	Page
	State string `query:"state" enum:"open,investigating,solved,closed"`
}) (*casesOutput, error) {
	cases, more := s.Ledger.Cases(desk.CaseState(in.State), in.After, in.Limit)
	out := &casesOutput{}
	out.Body.Cases = []CaseDocument{}
	for _, c := range cases {
		out.Body.Cases = append(out.Body.Cases, s.caseDocument(ctx, c))
	}
	if more {
		out.Body.Next = cases[len(cases)-1].ID
	}
	return out, nil
}

// CaseChange is what people did about a case.
type CaseChange struct {
	State   string `json:"state,omitempty" enum:"open,investigating,solved,closed" doc:"As it was without it"`
	Arrests *int   `json:"arrests,omitempty" minimum:"0" maximum:"100000" doc:"People, in all so far; as it was without it"`
	Outcome string `json:"outcome,omitempty" enum:"confirmed,unfounded" doc:"Teaches how good the patterns are"`
	Reason  string `json:"reason,omitempty" maxLength:"256"`
}

func (s *server) changeCase(ctx context.Context, in *struct {
	CaseID
	IfMatch string `header:"If-Match" doc:"The ETag of the version that was read; another version answers 412"`
	Body    CaseChange
}) (*caseOutput, error) {
	c := s.Ledger.Case(in.ID)
	if c == nil {
		return nil, problem(http.StatusNotFound, "not-found.case", "case", in.ID)
	}
	if v := strings.Trim(in.IfMatch, `"`); v != "" && v != strconv.Itoa(c.Version) {
		return nil, problem(http.StatusPreconditionFailed, "version.if-match-case", "version", c.Version)
	}
	b := &in.Body
	if b.State == "" && b.Arrests == nil && b.Outcome == "" {
		return nil, fieldError("body", "field.any-of", "allowed", []string{"state", "arrests", "outcome"})
	}
	if b.State != "" || b.Arrests != nil {
		now, name := s.Clock(), who(ctx).Name
		e := ledger.Entry{ID: event.DerivedID("evt", c.ID, strconv.Itoa(c.Version+1), name, now.String()), CaseID: c.ID, Version: c.Version + 1, State: string(c.State),
			At: now, By: name, Reason: b.Reason, Progress: &desk.Progress{Arrests: c.Arrests}}
		if b.State != "" {
			e.State = b.State
		}
		if b.Arrests != nil {
			e.Progress.Arrests = *b.Arrests
		}
		if _, err := s.append(ctx, e); err != nil {
			return nil, err
		}
	}
	if b.Outcome != "" {
		verdict := desk.VerdictConfirmed
		if b.Outcome == "unfounded" {
			verdict = desk.VerdictFalseAlarm
		}
		for _, id := range append([]string{c.ID}, c.Members...) {
			if err := s.verdict(ctx, id, "", VerdictBody{Verdict: verdict, Reason: b.Reason}); err != nil {
				return nil, err
			}
		}
	}
	return s.caseOutput(ctx, c.ID)
}

// TrailNode is a place that the money came to.
type TrailNode struct {
	StopID    string      `json:"stop_id,omitempty" doc:"Absent where the trail ends without a stop"`
	State     string      `json:"state" example:"partial" doc:"Of the stop; at an end: cash, merchant, small, deep"`
	Hop       int         `json:"hop" doc:"1: the account that the victim paid"`
	Account   AccountRef  `json:"account"`
	Amount    string      `json:"amount" doc:"Of the victim's money in it: first in, first out"`
	Held      string      `json:"held_amount"`
	Returned  string      `json:"returned_amount"`
	Currency  string      `json:"currency"`
	Transfer  TransferRef `json:"transfer"`
	Payer     string      `json:"payer_account,omitempty" doc:"The victim's, at the first hop"`
	KnownFrom string      `json:"known_from,omitempty" enum:"transfer,answer" doc:"A payment that the service saw, or a bank's answer"`
	EndsAt    string      `json:"ends_at,omitempty" format:"date-time"`
	Children  []TrailNode `json:"children"`
}

// TrailDocument is a case's money.
type TrailDocument struct {
	CaseID  string      `json:"case_id"`
	At      string      `json:"at" format:"date-time"`
	Limited bool        `json:"limited" doc:"The money went further, and the case has as many stops as are allowed"`
	Amounts CaseAmounts `json:"amounts"`
	Trees   []TrailNode `json:"trees"`
}

func (s *server) trail(ctx context.Context, in *CaseID) (*struct{ Body TrailDocument }, error) {
	c := s.Ledger.Case(in.ID)
	if c == nil {
		return nil, problem(http.StatusNotFound, "not-found.case", "case", in.ID)
	}
	out := &struct{ Body TrailDocument }{TrailDocument{CaseID: c.ID, At: s.Clock().String(), Limited: c.Limited, Amounts: s.caseDocument(ctx, c).Amounts, Trees: []TrailNode{}}}
	for _, n := range s.Ledger.Trail(c.ID) {
		out.Body.Trees = append(out.Body.Trees, trailNode(ctx, n, event.CNY))
	}
	return out, nil
}

func trailNode(ctx context.Context, n *ledger.Node, currency event.Currency) TrailNode {
	var d TrailNode
	m := func(minor int64) string { return event.Money{Minor: minor, Currency: currency}.Decimal() }
	if st := n.Stop; st != nil {
		currency = st.Currency
		d = TrailNode{StopID: st.ID, State: string(st.State), Hop: st.Hop, Account: AccountRef{st.Account.Number, st.Account.Bank, mask(ctx, st.Account.Holder)},
			Amount: m(st.Minor), Held: m(0), Returned: m(st.ReturnedMinor), Currency: string(currency),
			Transfer: TransferRef{st.Transfer.ID, m(st.Transfer.Minor), st.Transfer.At.String()}, Payer: st.Payer, KnownFrom: st.Via}
		if st.State.Holds() {
			d.Held, d.EndsAt = m(st.Left()), st.Until.String()
		}
	} else {
		l := n.Leaf
		d = TrailNode{State: l.Why, Hop: l.Hop, Account: AccountRef{l.Account.Number, l.Account.Bank, mask(ctx, l.Account.Holder)}, Amount: m(l.Minor),
			Held: m(0), Returned: m(0), Currency: string(currency), Transfer: TransferRef{l.Transfer.ID, m(l.Transfer.Minor), l.Transfer.At.String()}}
	}
	d.Children = []TrailNode{}
	for _, c := range n.Children {
		d.Children = append(d.Children, trailNode(ctx, c, currency))
	}
	return d
}

// VisitBody is whom to see.
type VisitBody struct {
	District string `json:"district" minLength:"1" maxLength:"16" example:"520103" doc:"GB/T 2260"`
	Grid     string `json:"grid,omitempty" maxLength:"64" example:"中华南路 12" doc:"The district's own name of the grid"`
	Holder   string `json:"holder" minLength:"1" maxLength:"256"`
	Phone    string `json:"phone,omitempty" maxLength:"32"`
	Reason   string `json:"reason,omitempty" maxLength:"256"`
}

// VisitDocument is a visit.
type VisitDocument struct {
	ID       string      `json:"id" example:"vis_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"`
	CaseID   string      `json:"case_id"`
	Version  int         `json:"version"`
	State    string      `json:"state" enum:"assigned,escalated,confirmed"`
	Level    string      `json:"level" enum:"grid,district,city" doc:"Who must see to it now"`
	District string      `json:"district"`
	Grid     string      `json:"grid,omitempty"`
	Holder   string      `json:"holder"`
	Phone    string      `json:"phone,omitempty"`
	Due      string      `json:"due,omitempty" format:"date-time" doc:"When it goes up a level"`
	Found    string      `json:"found,omitempty" enum:"averted,met,paid,unreached"`
	Timeline []StopEvent `json:"timeline"`
}

type visitOutput struct{ Body VisitDocument }

func visitDocument(ctx context.Context, v *desk.VisitFile) VisitDocument {
	levels := []string{"", "grid", "district", "city"}
	d := VisitDocument{ID: v.ID, CaseID: v.CaseID, Version: v.Version, State: string(v.State), Level: levels[min(v.Level, 3)], District: v.District, Grid: v.Grid,
		Holder: mask(ctx, v.Holder), Phone: v.Phone, Found: v.Found, Timeline: []StopEvent{}}
	if v.State != desk.VisitConfirmed {
		d.Due = v.Until.String()
	}
	for _, e := range v.Timeline {
		d.Timeline = append(d.Timeline, stopEvent(&e.Head))
	}
	return d
}

func (s *server) assignVisit(ctx context.Context, in *struct {
	CaseID
	Body VisitBody
}) (*visitOutput, error) {
	c := s.Ledger.Case(in.ID)
	if c == nil {
		return nil, problem(http.StatusNotFound, "not-found.case", "case", in.ID)
	}
	b := &in.Body
	for _, id := range c.Visits { // somebody is on the way
		if v := s.Ledger.Visit(id); v != nil && v.State != desk.VisitConfirmed && v.Holder == b.Holder {
			return &visitOutput{visitDocument(ctx, v)}, nil
		}
	}
	id := event.DerivedID("vis", c.ID, b.Holder, strconv.Itoa(len(c.Visits)))
	e := s.Ledger.AssignVisit(id, c.ID, desk.Visit{District: b.District, Grid: b.Grid, Holder: b.Holder, Phone: b.Phone}, s.Clock(), who(ctx).Name)
	e.Reason = b.Reason
	if _, err := s.append(ctx, e); err != nil {
		return nil, err
	}
	return &visitOutput{visitDocument(ctx, s.Ledger.Visit(id))}, nil
}

// VisitsPage is a list of visits.
type VisitsPage struct {
	Visits []VisitDocument `json:"visits" nullable:"false"`
}

type visitsOutput struct{ Body VisitsPage }

func (s *server) listVisits(ctx context.Context, in *struct {
	District string `query:"district" maxLength:"16" example:"520103"`
	All      bool   `query:"all" doc:"Those that were confirmed as well"`
}) (*visitsOutput, error) {
	out := &visitsOutput{}
	out.Body.Visits = []VisitDocument{}
	for _, v := range s.Ledger.Visits(in.District, in.All) {
		out.Body.Visits = append(out.Body.Visits, visitDocument(ctx, v))
	}
	return out, nil
}

// VisitFindingBody is what a visit found.
type VisitFindingBody struct {
	Found  string `json:"found" enum:"averted,met,paid,unreached" doc:"averted: the person was about to pay, and did not"`
	Reason string `json:"reason,omitempty" maxLength:"256"`
}

func (s *server) confirmVisit(ctx context.Context, in *struct {
	ID   string `path:"id" maxLength:"64" example:"vis_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"`
	Body VisitFindingBody
}) (*visitOutput, error) {
	v := s.Ledger.Visit(in.ID)
	if v == nil {
		return nil, problem(http.StatusNotFound, "not-found.visit", "visit", in.ID)
	}
	visit := v.Visit
	visit.Found = in.Body.Found
	e := ledger.Entry{ID: event.DerivedID("evt", v.ID, strconv.Itoa(v.Version+1), who(ctx).Name, in.Body.Found), CaseID: v.CaseID, Subject: v.ID, Version: v.Version + 1,
		State: string(desk.VisitConfirmed), At: s.Clock(), By: who(ctx).Name, Reason: in.Body.Reason, Visit: &visit}
	if _, err := s.append(ctx, e); err != nil {
		return nil, err
	}
	return &visitOutput{visitDocument(ctx, s.Ledger.Visit(v.ID))}, nil
}

// EvidenceDocument is what was seen of a case.
type EvidenceDocument struct {
	Alerts    []rawAlert         `json:"alerts" nullable:"false"`
	Said      []SaidHit          `json:"said" doc:"Each hit of those alerts in words, in their order"`
	Calls     []EvidenceCall     `json:"calls"`
	Transfers []EvidenceTransfer `json:"transfers"`
}

// SaidHit is a pattern's hit, said in words.
type SaidHit struct {
	AlertID string   `json:"alert_id"`
	Pattern string   `json:"pattern"`
	NameZH  string   `json:"name_zh" doc:"As the catalogue in force has it; the id where it has none"`
	NameEN  string   `json:"name_en"`
	SeenZH  []string `json:"seen_zh"`
	SeenEN  []string `json:"seen_en"`
}

// EvidenceCall is a call that a victim took.
type EvidenceCall struct {
	At      string `json:"at" format:"date-time"`
	Caller  string `json:"caller"`
	Callee  string `json:"callee"`
	Seconds int64  `json:"seconds" doc:"0 while it runs"`
	Foreign bool   `json:"foreign"`
	Spoofed bool   `json:"spoofed"`
}

// EvidenceTransfer is a payment of a victim.
type EvidenceTransfer struct {
	ID     string `json:"id"`
	At     string `json:"at" format:"date-time"`
	Payer  string `json:"payer_account"`
	Payee  string `json:"payee_account,omitempty" doc:"Absent for cash"`
	Amount string `json:"amount"`
	StopID string `json:"stop_id,omitempty"`
}

// aroundCase is how far around the case's payments is looked.
const aroundCase = 24 * time.Hour

func (s *server) evidence(ctx context.Context, in *CaseID) (*struct{ Body EvidenceDocument }, error) {
	c := s.Ledger.Case(in.ID)
	if c == nil {
		return nil, problem(http.StatusNotFound, "not-found.case", "case", in.ID)
	}
	docs, err := s.Warehouse.CaseAlerts(ctx, append([]string{c.ID}, c.Members...))
	if err != nil {
		return nil, s.unavailableBooks(ctx, err)
	}
	out := &struct{ Body EvidenceDocument }{EvidenceDocument{[]rawAlert{}, []SaidHit{}, []EvidenceCall{}, []EvidenceTransfer{}}}
	names := s.patternNames()
	type span struct{ from, to event.Instant }
	accounts, phones := map[string]span{}, map[string]span{}
	note := func(m map[string]span, key string, at event.Instant) {
		if key == "" || len(m) >= 8 && m[key] == (span{}) { // of a few victims; a case of dozens has its reports
			return
		}
		p, there := m[key]
		if !there {
			p = span{at, at}
		}
		m[key] = span{min(p.from, at), max(p.to, at)}
	}
	for _, doc := range docs {
		out.Body.Alerts = append(out.Body.Alerts, rawAlert(doc))
		var a scoring.Alert
		if json.Unmarshal([]byte(doc), &a) != nil {
			continue
		}
		for i := range a.Hits {
			said := SaidHit{AlertID: a.ID, Pattern: a.Hits[i].Pattern}
			said.NameZH, said.NameEN = names.name(said.Pattern)
			said.SeenZH, said.SeenEN = scoring.Words(a.Hits[i : i+1])
			out.Body.Said = append(out.Body.Said, said)
		}
		if a.Transfer != nil {
			note(accounts, a.Transfer.Payer.Account, a.Transfer.At)
			note(phones, a.Transfer.Payer.Phone, a.Transfer.At)
		}
	}
	for i := range c.Reports {
		for _, p := range c.Reports[i].Payments {
			note(accounts, p.Payer, p.At)
			note(phones, c.Reports[i].Phone, p.At)
		}
	}
	for phone, p := range phones {
		calls, err := s.Warehouse.Calls(ctx, phone, p.from.Add(-aroundCase), p.to.Add(aroundCase))
		if err != nil {
			return nil, s.unavailableBooks(ctx, err)
		}
		for _, k := range calls {
			out.Body.Calls = append(out.Body.Calls, EvidenceCall{k.At.String(), k.Caller, phone, k.Seconds, k.Foreign, k.Spoofed})
		}
	}
	for account, p := range accounts {
		moves, err := s.Warehouse.Movements(ctx, account, p.from.Add(-aroundCase), event.CNY, 200)
		if err != nil {
			return nil, s.unavailableBooks(ctx, err)
		}
		for _, m := range moves {
			if m.Minor > 0 || m.At > p.to.Add(aroundCase) {
				continue
			}
			t := EvidenceTransfer{ID: m.ID, At: m.At.String(), Payer: account, Payee: m.Other, Amount: event.Money{Minor: -m.Minor, Currency: event.CNY}.Decimal()}
			if id := event.StopID(event.TransferKey(account, m.ID), m.Other); s.Ledger.Stop(id) != nil {
				t.StopID = id
			}
			out.Body.Transfers = append(out.Body.Transfers, t)
		}
	}
	slices.SortFunc(out.Body.Calls, func(a, b EvidenceCall) int { return cmp.Compare(a.At, b.At) })
	slices.SortFunc(out.Body.Transfers, func(a, b EvidenceTransfer) int { return cmp.Compare(a.At, b.At) })
	return out, nil
}
