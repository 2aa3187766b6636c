package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
	"stopline.internal/stream/event/words"
)

// doc is an object of the state's document; its keys are sorted when it is written.
type doc = map[string]any

// stateDocument is everything that the fold shows, as a document with a line for
// each thing. Its words are its own, so that no field's name of Go is in it.
func stateDocument(l *Ledger, results []any, end event.Instant) []byte {
	ids := map[string][]string{}
	for id := range l.stops {
		ids["stop"] = append(ids["stop"], id)
	}
	for id := range l.cases {
		ids["case"] = append(ids["case"], id)
	}
	for id := range l.returns {
		ids["return"] = append(ids["return"], id)
	}
	for id := range l.appeals {
		ids["appeal"] = append(ids["appeal"], id)
	}
	for id := range l.visits {
		ids["visit"] = append(ids["visit"], id)
	}
	for id := range l.tasks {
		ids["task"] = append(ids["task"], id)
	}
	for _, list := range ids {
		slices.Sort(list)
	}
	var b bytes.Buffer
	section := func(name string, rows []any) {
		fmt.Fprintf(&b, "%s%q: [", map[bool]string{true: "{", false: ",\n"}[b.Len() == 0], name)
		for i, r := range rows {
			text, err := json.Marshal(r)
			if err != nil {
				panic(err)
			}
			fmt.Fprintf(&b, "%s\n%s", map[bool]string{true: ",", false: ""}[i > 0], text)
		}
		b.WriteString("\n]")
	}
	each := func(kind string, show func(id string) any) (rows []any) {
		for _, id := range ids[kind] {
			rows = append(rows, show(id))
		}
		return rows
	}
	section("results", results)
	section("stops", each("stop", func(id string) any { return showStop(l, l.Stop(id)) }))
	section("cases", each("case", func(id string) any { return showCase(l, id) }))
	section("trails", each("case", func(id string) any { return showTrail(l.Trail(id)) }))
	section("frozen", each("case", func(id string) any { return showFrozen(l, id) }))
	section("returns", each("return", func(id string) any { return showReturn(l, l.Return(id)) }))
	section("appeals", each("appeal", func(id string) any { return showAppeal(l.Appeal(id)) }))
	section("visits", each("visit", func(id string) any { return showVisit(l.Visit(id)) }))
	section("tasks", each("task", func(id string) any { return showTask(l.Task(id)) }))
	section("reports", showReports(l))
	section("figures", []any{showTotals(l.Totals())})
	var times []event.Instant
	for _, back := range []time.Duration{0, 24 * time.Hour, 30 * 24 * time.Hour, 200 * 24 * time.Hour} {
		times = append(times, end.Add(-back))
	}
	times = append(times, end.Add(400*24*time.Hour))
	for _, at := range times {
		section("duties at "+at.String(), showDuties(l, at))
		section("due at "+at.String(), showDue(l, at))
	}
	for _, bank := range []string{"", "ABOC", "ICBK", "PCBC"} {
		section("bank "+bank, showBank(l, bank))
	}
	section("lists", showLists(l, end))
	b.WriteString("}\n")
	return b.Bytes()
}

func showResult(r *Result) any {
	if r.Accepted {
		d := doc{"accepted": true}
		if r.Report != nil {
			d["brought"] = showLosses(r.Report.Brought)
		}
		return d
	}
	return doc{"refused": r.Why.Code, "values": showValues(r.Why.Values), "stop": r.Stop != nil}
}

func showValues(v words.Values) any {
	out := doc{}
	for k, x := range v {
		out[k] = fmt.Sprint(x)
	}
	return out
}

func showAccount(a stop.Account) any { return []any{a.Number, a.Bank, a.Holder} }

func showTransfer(t stop.Transfer) any { return []any{t.ID, t.Minor, t.At} }

func showPlace(p step.Place) any { return []any{p.Partition, p.Offset} }

func showProposal(p *stop.Proposal) doc {
	d := doc{"account": showAccount(p.Account), "minor": p.Minor, "currency": p.Currency,
		"transfer": showTransfer(p.Transfer),
		"hop":      p.Hop, "type": p.FraudType, "district": p.District, "pattern": p.Pattern, "alert": p.AlertID,
		"report": p.ReportID, "parent": p.Parent, "via": p.Via, "text": p.Text, "doubt": p.Doubt, "payer": p.Payer}
	if x := p.Explanation; x != nil {
		d["explanation"] = []any{x.Catalogue, x.Score, x.At, x.Event, string(x.Hits)}
	}
	if o := p.Order; o != nil {
		d["order"] = []any{o.Type, o.Original, o.CaseNumber, o.Urgency, o.Operator.Name, o.Operator.Badge,
			o.Operator.Phone,
			o.Investigator.Name, o.Authority, o.Document, o.Remark, o.Entity}
	}
	return d
}

func showOutcome(o *stop.Outcome) any {
	if o == nil {
		return nil
	}
	d := doc{"result": o.Result, "effective": o.EffectiveAt, "held": o.HeldMinor, "balance": o.Balance,
		"reason": o.Reason}
	var onward, differs, prior []any
	for _, x := range o.Onward {
		onward = append(onward, []any{x.ID, x.ToAccount, x.ToBank, x.Minor, x.At})
	}
	for _, x := range o.Differs {
		differs = append(differs, []any{x.Field, x.Theirs, x.Ours, x.Cause})
	}
	for _, x := range o.Prior {
		prior = append(prior, []any{x.Authority, x.Minor, x.Until})
	}
	d["onward"], d["differs"], d["prior"] = onward, differs, prior
	return d
}

func showChange(c *stop.Change) any {
	if c == nil {
		return nil
	}
	var payees []any
	for _, p := range c.Payees {
		payees = append(payees, []any{p.Victim, p.Account, p.Minor})
	}
	return []any{c.Kind, c.Minor, c.ReturnID, c.Credit, c.AppealID, c.Reference, payees}
}

func showStop(l *Ledger, s *stop.Stop) any {
	d := showProposal(&s.Proposal)
	maps.Copy(d, doc{"id": s.ID, "case": s.CaseID, "version": s.Version, "state": s.State, "proposed": s.ProposedAt,
		"requested": s.RequestedAt, "answered": s.AnsweredAt, "effective": s.EffectiveAt, "ended": s.EndedAt,
		"until":        s.Until,
		"freeze until": s.FreezeUntil, "terms": s.HoldTerms, "held": s.HeldMinor, "released": s.ReleasedMinor,
		"returned": s.ReturnedMinor, "issued by": s.IssuedBy, "number": []int{s.Number.Year, s.Number.Partition,
			s.Number.Sequence},
		"outcome": showOutcome(s.Outcome), "instruction": showChange(s.Instruction), "left": s.Left(),
		"claim": s.Claim(),
		"first": l.FirstOfCase(s.ID), "held taint": showTaint(s.HeldTaint()),
		"taint": showTaint(s.Taint(s.ID, s.CaseID, s.Payer))})
	if m := s.Message; m != nil {
		var attempts []any
		for _, a := range m.Attempts {
			attempts = append(attempts, []any{a.At, a.Status, a.Millis, a.Error})
		}
		d["message"] = []any{m.Version, m.Type, m.At, showPlace(m.Place), m.Delivered, m.Failed, m.Round, attempts}
	}
	var timeline []any
	for i := range s.Timeline {
		e := &s.Timeline[i]
		timeline = append(timeline, []any{e.ID, e.Version, e.State, e.Place.Partition, e.Place.Offset})
	}
	d["timeline"] = timeline
	hops, leaves := l.Follow(s)
	var next, ends []any
	for _, h := range hops {
		next = append(next, []any{h.StopID, h.Proposal.Minor, h.Proposal.Hop})
	}
	for i := range leaves {
		ends = append(ends, showLeaf(&leaves[i]))
	}
	d["next"], d["ends"] = next, ends
	return d
}

func showTaint(t *event.Taint) any {
	if t == nil {
		return nil
	}
	return []any{t.Account, t.Minor, t.At, t.Held, t.Whole, t.Hop}
}

func showLeaf(f *stop.Leaf) any {
	return []any{f.ID, f.Parent, showAccount(f.Account), f.Minor, showTransfer(f.Transfer), f.Hop, f.Why}
}
