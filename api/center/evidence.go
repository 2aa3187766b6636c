package center

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/scoring"
	"stopline.internal/stream/event"
)

// evidence is what was seen of a case.
type evidence struct{ *base }

func (s *evidence) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Path: "/v1/cases/{id}/evidence", ID: "evidence",
			Roles: center, Errors: []int{404, 503}, Handler: route.Handle(s.evidence),
			EN: "What was seen: the case's alerts with the values of each pattern, and the calls and payments " +
				"of those who paid, a day around",
			ZH: "所见证据：案件的预警及各规则所见的值，付款人前后一天的通话与转账"},
	}
}

// aroundCase is how far around the case's payments is looked.
const aroundCase = 24 * time.Hour

// Bounds of what is looked at for one case: of a few victims; a case of dozens has
// its reports.
const (
	maxVictims   = 8
	maxTransfers = 200 // of one victim
)

type evidenceOutput struct{ Body wire.Evidence }

func (s *evidence) evidence(ctx context.Context, in *wire.CaseID) (*evidenceOutput, error) {
	c := s.Ledger.Case(in.ID)
	if c == nil {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.case", "case", in.ID)
	}
	docs, err := s.Warehouse.CaseAlerts(ctx, append([]string{c.ID}, c.Members...))
	if err != nil {
		return nil, s.fail.Books(ctx, err)
	}
	out := &evidenceOutput{wire.Evidence{Alerts: []wire.RawAlert{}, Said: []wire.SaidHit{},
		Calls: []wire.EvidenceCall{}, Transfers: []wire.EvidenceTransfer{}}}
	accounts, phones := spans{}, spans{}
	for _, doc := range docs {
		out.Body.Alerts = append(out.Body.Alerts, wire.RawAlert(doc))
		var a scoring.Alert
		if json.Unmarshal([]byte(doc), &a) != nil {
			continue
		}
		out.Body.Said = append(out.Body.Said, said(&a, s.patternNames())...)
		if a.Transfer != nil {
			accounts.note(a.Transfer.Payer.Account, a.Transfer.At)
			phones.note(a.Transfer.Payer.Phone, a.Transfer.At)
		}
	}
	for i := range c.Reports {
		for _, p := range c.Reports[i].Payments {
			accounts.note(p.Payer, p.At)
			phones.note(c.Reports[i].Phone, p.At)
		}
	}
	if out.Body.Calls, err = s.calls(ctx, phones); err != nil {
		return nil, s.fail.Books(ctx, err)
	}
	if out.Body.Transfers, err = s.transfers(ctx, accounts); err != nil {
		return nil, s.fail.Books(ctx, err)
	}
	return out, nil
}

// said is each hit of an alert in words.
func said(a *scoring.Alert, names patternNames) []wire.SaidHit {
	var out []wire.SaidHit
	for i := range a.Hits {
		hit := wire.SaidHit{AlertID: a.ID, Pattern: a.Hits[i].Pattern}
		hit.NameZH, hit.NameEN = names.name(hit.Pattern)
		hit.SeenZH, hit.SeenEN = scoring.Words(a.Hits[i : i+1])
		out = append(out, hit)
	}
	return out
}

// span is from the first to the last payment of a victim.
type span struct{ from, to event.Instant }

// spans are those of victims' accounts or numbers.
type spans map[string]span

func (m spans) note(key string, at event.Instant) {
	p, there := m[key]
	if key == "" || !there && len(m) >= maxVictims {
		return
	}
	if !there {
		p = span{at, at}
	}
	m[key] = span{min(p.from, at), max(p.to, at)}
}

// calls are those that the victims took around their payments.
func (s *evidence) calls(ctx context.Context, phones spans) ([]wire.EvidenceCall, error) {
	out := []wire.EvidenceCall{}
	for phone, p := range phones {
		calls, err := s.Warehouse.Calls(ctx, phone, p.from.Add(-aroundCase), p.to.Add(aroundCase))
		if err != nil {
			return nil, err
		}
		for _, k := range calls {
			out = append(out, wire.EvidenceCall{At: k.At.String(), Caller: k.Caller, Callee: phone, Seconds: k.Seconds,
				Foreign: k.Foreign, Spoofed: k.Spoofed})
		}
	}
	slices.SortFunc(out, func(a, b wire.EvidenceCall) int { return cmp.Compare(a.At, b.At) })
	return out, nil
}

// transfers are the victims' payments around those that were reported.
func (s *evidence) transfers(ctx context.Context, accounts spans) ([]wire.EvidenceTransfer, error) {
	out := []wire.EvidenceTransfer{}
	for account, p := range accounts {
		moves, err := s.Warehouse.Movements(ctx, account, p.from.Add(-aroundCase), event.CNY, maxTransfers)
		if err != nil {
			return nil, err
		}
		for _, m := range moves {
			if m.Minor > 0 || m.At > p.to.Add(aroundCase) {
				continue
			}
			t := wire.EvidenceTransfer{ID: m.ID, At: m.At.String(), Payer: account, Payee: m.Other,
				Amount: event.Money{Minor: -m.Minor, Currency: event.CNY}.Decimal()}
			if id := event.StopID(event.TransferKey(account, m.ID), m.Other); s.Ledger.Stop(id) != nil {
				t.StopID = id
			}
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b wire.EvidenceTransfer) int { return cmp.Compare(a.At, b.At) })
	return out, nil
}
