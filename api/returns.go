package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/giveback"
	"stopline.internal/stream/event"
	"stopline.internal/stream/event/words"
)

// maxMovements bounds what a return is worked out from on one account.
const maxMovements = 10_000

// returnRoutes give frozen money back to victims.
func (s *server) returnRoutes(api huma.API) {
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/cases/{id}/returns", "propose-return", "Work out a return of the case's frozen money: traced where it can be, in proportion where it is mixed", center, 404, 409, 422, 503), s.proposeReturn)
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/returns/{id}", "get-return", "One return with its arithmetic", readers, 404), s.getReturn)
	for _, d := range returnDecisions {
		roles := deciders
		if d.to == giveback.Announced || d.to == giveback.Withdrawn {
			roles = center
		}
		huma.Register(api, s.operation(api, http.MethodPost, "/v1/returns/{id}/"+d.name, "return-"+d.name, d.summary, roles, 404, 409, 422, 503),
			func(ctx context.Context, in *returnDecision) (*returnOutput, error) {
				return s.decideReturn(ctx, d.to, in)
			})
	}
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/returns/{id}/objections", "object", "Note an objection to an announced return", center, 404, 409, 422, 503), s.object)
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/returns/{id}/objections/{objection}/decision", "decide-objection", "Decide an objection", deciders, 404, 409, 422, 503), s.decideObjection)
	s.document(api, "/v1/returns/{id}/document", "return-document", "The return as a document to print and sign, with its arithmetic", readers, s.returnPage)
}

var returnDecisions = []struct {
	name, summary string
	to            giveback.State
}{
	{"announcement", "Announce a return in proportion: for 30 days anyone concerned may object", giveback.Announced},
	{"approval", "Approve a return; the second person's approval instructs the banks", giveback.Approved},
	{"withdrawal", "Withdraw a return, to work it out anew", giveback.Withdrawn},
}

// ReturnID is the return in a route.
type ReturnID struct {
	ID string `path:"id" maxLength:"64" example:"ret_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"`
}

// ReturnDocument is a return with its arithmetic.
type ReturnDocument struct {
	ID         string              `json:"id"`
	CaseID     string              `json:"case_id"`
	Version    int                 `json:"version"`
	Round      int                 `json:"round"`
	State      string              `json:"state" enum:"proposed,announced,approved,instructed,completed,withdrawn"`
	Currency   string              `json:"currency"`
	Total      string              `json:"total"`
	PaidBack   string              `json:"paid_back" doc:"Confirmed by the banks"`
	Stale      string              `json:"stale,omitempty" doc:"Why it should be worked out anew"`
	StaleCode  string              `json:"stale_code,omitempty" example:"version.victim" doc:"The same for programs"`
	ProposedAt string              `json:"proposed_at" format:"date-time"`
	ProposedBy string              `json:"proposed_by"`
	Until      string              `json:"until,omitempty" format:"date-time" doc:"When the announcement ends"`
	Approvals  []string            `json:"approvals"`
	Accounts   []ReturnAccountBody `json:"accounts"`
	Pool       string              `json:"pool" doc:"Frozen money that is given back in proportion"`
	Losses     string              `json:"losses" doc:"What the proportions are of: losses less what was paid back before or traced"`
	Lines      []ReturnLineBody    `json:"lines"`
	Objections []ObjectionDocument `json:"objections"`
}

// ReturnAccountBody is how one account was judged.
type ReturnAccountBody struct {
	Account AccountRef `json:"account"`
	Frozen  string     `json:"frozen"`
	Method  string     `json:"method" enum:"single,by-time,proportional"`
	Why     string     `json:"why"`
	Victims []string   `json:"victims"`
	Stops   []string   `json:"stops"`

	WhyCode   string       `json:"why_code" example:"remittance.told-apart" doc:"The same for programs: docs/messages.md"`
	WhyValues words.Values `json:"why_values,omitempty"`
}

// returnAccount says how an account was judged, and why.
func returnAccount(a *giveback.AccountReturn, c event.Currency) ReturnAccountBody {
	why := words.Message{Code: "remittance." + a.Why}
	if a.Mixed != nil {
		why.Values = words.Values{"at": a.Mixed.At, "amount": event.Money{Minor: -a.Mixed.Minor, Currency: c}}
	}
	return ReturnAccountBody{Account: AccountRef{a.Account.Number, a.Account.Bank, ""},
		Frozen: event.Money{Minor: a.Minor, Currency: c}.Decimal(), Method: a.Method, Why: why.Error(),
		Victims: a.Victims, Stops: a.Stops, WhyCode: why.Code, WhyValues: why.Values}
}

// ReturnLineBody is one victim's part.
type ReturnLineBody struct {
	Victim     string       `json:"victim_account"`
	Loss       string       `json:"loss"`
	Before     string       `json:"paid_back_before"`
	Direct     string       `json:"traced" doc:"From accounts whose money is this victim's alone"`
	Weight     string       `json:"weight" doc:"loss − paid_back_before − traced"`
	Share      string       `json:"share" doc:"pool × weight ÷ losses"`
	Amount     string       `json:"amount" doc:"traced + share"`
	Arithmetic string       `json:"arithmetic" example:"3000000 × 4980000 ÷ 9960000 = 1500000 rest 0"`
	From       []ReturnStop `json:"from"`
}

// ReturnStop is what one stop pays of a line.
type ReturnStop struct {
	StopID string `json:"stop_id"`
	Bank   string `json:"bank"`
	Amount string `json:"amount"`
	State  string `json:"state"`
}

// ObjectionDocument is an objection.
type ObjectionDocument struct {
	ID    string `json:"id"`
	Who   string `json:"who"`
	Text  string `json:"text"`
	State string `json:"state" enum:"open,dismissed,upheld"`
}

type returnOutput struct{ Body ReturnDocument }

func (s *server) returnDocument(r *giveback.Round) ReturnDocument {
	m := func(minor int64) string { return event.Money{Minor: minor, Currency: r.Currency}.Decimal() }
	paid, done := s.Ledger.Paid(r)
	d := ReturnDocument{ID: r.ID, CaseID: r.CaseID, Version: r.Version, Round: r.Round, State: string(r.State), Currency: string(r.Currency), Total: m(r.Total()), PaidBack: m(paid),
		ProposedAt: r.ProposedAt.String(), ProposedBy: r.ProposedBy, Until: r.Until.String(), Approvals: append([]string{}, r.Approvals...),
		Accounts: []ReturnAccountBody{}, Pool: m(r.Pool), Losses: m(r.Losses), Lines: []ReturnLineBody{}, Objections: []ObjectionDocument{}}
	if done {
		d.State = "completed"
	}
	if s.stale(r) {
		stale := words.New("version.victim")
		d.Stale, d.StaleCode = stale.Error(), stale.Code
	}
	for _, a := range r.Accounts {
		d.Accounts = append(d.Accounts, returnAccount(&a, r.Currency))
	}
	for _, l := range r.Lines {
		b := ReturnLineBody{Victim: l.Victim, Loss: m(l.Loss), Before: m(l.Before), Direct: m(l.Direct), Weight: m(l.Weight), Share: m(l.Share), Amount: m(l.Minor), From: []ReturnStop{}}
		if r.Pool > 0 {
			b.Arithmetic = arithmetic(r, &l)
		}
		for _, f := range l.From {
			rs := ReturnStop{StopID: f.Stop, Amount: m(f.Minor)}
			if st := s.Ledger.Stop(f.Stop); st != nil {
				rs.Bank, rs.State = st.Account.Bank, string(st.State)
			}
			b.From = append(b.From, rs)
		}
		d.Lines = append(d.Lines, b)
	}
	for _, o := range r.Objections {
		d.Objections = append(d.Objections, ObjectionDocument(o))
	}
	return d
}

const leftOver = ", and 1 of what is left over: among the largest rests"

// arithmetic is how a line's share was worked out, in fen.
func arithmetic(r *giveback.Round, l *giveback.Line) string {
	floor, extra := l.Share, ""
	if l.Extra {
		floor, extra = floor-1, leftOver
	}
	return fmt.Sprintf("%d × %d ÷ %d = %d rest %d%s", r.Pool, l.Weight, r.Losses, floor, l.Remainder, extra)
}

// stale says whether a victim has come since the return was worked out: a newly
// found one starts a new round.
func (s *server) stale(r *giveback.Round) bool {
	c := s.Ledger.Case(r.CaseID)
	return c != nil && (r.State == giveback.Proposed || r.State == giveback.Announced || r.State == giveback.Approved) && len(c.Reports) > r.Reports
}

func (s *server) proposeReturn(ctx context.Context, in *CaseID) (*returnOutput, error) {
	c := s.Ledger.Case(in.ID)
	if c == nil {
		return nil, problem(http.StatusNotFound, "not-found.case", "case", in.ID)
	}
	accounts, claims := s.Ledger.Frozen(c.ID)
	for i := range accounts {
		a := &accounts[i]
		known := s.Ledger.Remittances(c.ID, a.Account.Number)
		from := event.Instant(1 << 62)
		for _, flows := range known {
			for _, f := range flows {
				from = min(from, f.At)
			}
		}
		moves, err := s.Warehouse.Movements(ctx, a.Account.Number, from, event.CNY, maxMovements)
		if err != nil {
			return nil, s.unavailableBooks(ctx, err)
		}
		for _, m := range moves {
			rest := m.Minor
			for _, f := range known[m.ID] {
				a.Flows = append(a.Flows, giveback.Flow{At: m.At, Minor: f.Minor, Victim: f.Victim})
				rest -= f.Minor
			}
			if rest != 0 && (m.Minor < 0 || rest > 0) {
				a.Flows = append(a.Flows, giveback.Flow{At: m.At, Minor: rest})
			}
			delete(known, m.ID)
		}
		for _, flows := range known { // reported, and never seen as a transfer
			a.Flows = append(a.Flows, flows...)
		}
		slices.SortStableFunc(a.Flows, func(x, y giveback.Flow) int { return int(x.At - y.At) })
	}
	r, err := giveback.Divide(accounts, claims)
	if err != nil {
		return nil, because(http.StatusConflict, err)
	}
	r.Currency = event.CNY
	e := s.Ledger.ProposeReturn(c.ID, *r, s.Clock(), who(ctx).Name)
	if _, err := s.append(ctx, e); err != nil {
		return nil, err
	}
	return &returnOutput{s.returnDocument(s.Ledger.Return(e.Subject))}, nil
}

func (s *server) findReturn(id string) (*giveback.Round, error) {
	r := s.Ledger.Return(id)
	if r == nil {
		return nil, problem(http.StatusNotFound, "not-found.return", "return", id)
	}
	return r, nil
}

func (s *server) getReturn(_ context.Context, in *ReturnID) (*returnOutput, error) {
	r, err := s.findReturn(in.ID)
	if err != nil {
		return nil, err
	}
	return &returnOutput{s.returnDocument(r)}, nil
}

type returnDecision struct {
	ReturnID
	Body ReturnDecisionBody
}

// ReturnDecisionBody is why a return is brought on its way, or taken back.
type ReturnDecisionBody struct {
	Reason string `json:"reason,omitempty" maxLength:"256"`
}

func (s *server) decideReturn(ctx context.Context, to giveback.State, in *returnDecision) (*returnOutput, error) {
	r, err := s.findReturn(in.ID)
	if err != nil {
		return nil, err
	}
	if to == giveback.Approved {
		if s.stale(r) {
			return nil, problem(http.StatusConflict, "version.victim")
		}
		if r.State == giveback.Approved {
			to = giveback.Instructed
		}
	}
	e := r.Next(to, s.Clock(), who(ctx).Name)
	e.Reason = in.Body.Reason
	if to == giveback.Announced {
		e.Until = e.At.Add(s.Ledger.Terms().Announce)
	}
	if _, err := s.append(ctx, ledger.ReturnEntry(e)); err != nil {
		return nil, err
	}
	return &returnOutput{s.returnDocument(s.Ledger.Return(r.ID))}, nil
}

// ObjectionBody is what somebody has against a return.
type ObjectionBody struct {
	Who  string `json:"who" minLength:"1" maxLength:"256"`
	Text string `json:"text" minLength:"1" maxLength:"4000"`
}

func (s *server) object(ctx context.Context, in *struct {
	ReturnID
	Body ObjectionBody
}) (*returnOutput, error) {
	r, err := s.findReturn(in.ID)
	if err != nil {
		return nil, err
	}
	return s.objection(ctx, r, giveback.Objection{ID: strconv.Itoa(len(r.Objections) + 1), Who: in.Body.Who, Text: in.Body.Text, State: giveback.ObjectionOpen}, "")
}

// ObjectionDecisionBody is what was decided of an objection.
type ObjectionDecisionBody struct {
	Decision string `json:"decision" enum:"dismissed,upheld" doc:"upheld: then withdraw the return and work it out anew"`
	Reason   string `json:"reason,omitempty" maxLength:"256"`
}

func (s *server) decideObjection(ctx context.Context, in *struct {
	ReturnID
	Objection string `path:"objection" maxLength:"16" example:"1"`
	Body      ObjectionDecisionBody
}) (*returnOutput, error) {
	r, err := s.findReturn(in.ID)
	if err != nil {
		return nil, err
	}
	for _, o := range r.Objections {
		if o.ID == in.Objection {
			o.State = in.Body.Decision
			return s.objection(ctx, r, o, in.Body.Reason)
		}
	}
	return nil, problem(http.StatusNotFound, "not-found.objection", "objection", in.Objection)
}

func (s *server) objection(ctx context.Context, r *giveback.Round, o giveback.Objection, reason string) (*returnOutput, error) {
	e := r.Next(giveback.Announced, s.Clock(), who(ctx).Name)
	e.Reason, e.Return = reason, &giveback.Return{Objects: &o}
	if _, err := s.append(ctx, ledger.ReturnEntry(e)); err != nil {
		return nil, err
	}
	return &returnOutput{s.returnDocument(s.Ledger.Return(r.ID))}, nil
}
