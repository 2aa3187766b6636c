package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

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
	section("figures", []any{showFigures(l.Figures())})
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

func showAccount(a Account) any { return []any{a.Number, a.Bank, a.Holder} }

func showTransfer(t Transfer) any { return []any{t.ID, t.Minor, t.At} }

func showPlace(p Place) any { return []any{p.Partition, p.Offset} }

func showProposal(p *Proposal) doc {
	d := doc{"account": showAccount(p.Account), "minor": p.Minor, "currency": p.Currency, "transfer": showTransfer(p.Transfer),
		"hop": p.Hop, "type": p.FraudType, "district": p.District, "pattern": p.Pattern, "alert": p.AlertID,
		"report": p.ReportID, "parent": p.Parent, "via": p.Via, "text": p.Text, "doubt": p.Doubt, "payer": p.Payer}
	if x := p.Explanation; x != nil {
		d["explanation"] = []any{x.Catalogue, x.Score, x.At, x.Event, string(x.Hits)}
	}
	if o := p.Order; o != nil {
		d["order"] = []any{o.Type, o.Original, o.CaseNumber, o.Urgency, o.Operator.Name, o.Operator.Badge, o.Operator.Phone,
			o.Investigator.Name, o.Authority, o.Document, o.Remark, o.Entity}
	}
	return d
}

func showOutcome(o *Outcome) any {
	if o == nil {
		return nil
	}
	d := doc{"result": o.Result, "effective": o.EffectiveAt, "held": o.HeldMinor, "balance": o.Balance, "reason": o.Reason}
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

func showChange(c *Change) any {
	if c == nil {
		return nil
	}
	var payees []any
	for _, p := range c.Payees {
		payees = append(payees, []any{p.Victim, p.Account, p.Minor})
	}
	return []any{c.Kind, c.Minor, c.ReturnID, c.Credit, c.AppealID, c.Reference, payees}
}

func showStop(l *Ledger, s *Stop) any {
	d := showProposal(&s.Proposal)
	maps.Copy(d, doc{"id": s.ID, "case": s.CaseID, "version": s.Version, "state": s.State, "proposed": s.ProposedAt,
		"requested": s.RequestedAt, "answered": s.AnsweredAt, "effective": s.EffectiveAt, "ended": s.EndedAt, "until": s.Until,
		"freeze until": s.FreezeUntil, "terms": s.Terms, "held": s.HeldMinor, "released": s.ReleasedMinor,
		"returned": s.ReturnedMinor, "issued by": s.IssuedBy, "number": []int{s.Number.Year, s.Number.Partition, s.Number.Sequence},
		"outcome": showOutcome(s.Outcome), "instruction": showChange(s.Instruction), "left": s.Left(), "claim": s.Claim(),
		"first": l.FirstOfCase(s.ID), "held taint": showTaint(s.HeldTaint()), "taint": showTaint(s.Taint(s.ID, s.CaseID, s.Payer))})
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

func showLeaf(f *Leaf) any {
	return []any{f.ID, f.Parent, showAccount(f.Account), f.Minor, showTransfer(f.Transfer), f.Hop, f.Why}
}

func showCase(l *Ledger, id string) any {
	c := l.Case(id)
	var leaves, progress, reports []any
	for i := range c.Leaves {
		leaves = append(leaves, showLeaf(&c.Leaves[i]))
	}
	for i := range c.Progress {
		progress = append(progress, []any{c.Progress[i].ID, c.Progress[i].Version, c.Progress[i].State})
	}
	for i := range c.Reports {
		reports = append(reports, c.Reports[i].ID)
	}
	lost, stops := c.Lost()
	var losses []any
	for i := range lost {
		losses = append(losses, showPayment(&lost[i]))
	}
	return doc{"asked": id, "id": c.ID, "opened": c.OpenedAt, "into": c.Into, "members": c.Members, "reports": reports,
		"stops": c.Stops, "leaves": leaves, "returns": c.Returns, "visits": c.Visits, "state": c.State, "version": c.Version,
		"arrests": c.Arrests, "progress": progress, "limited": c.Limited, "lost": losses,
		"lost by": slices.Sorted(maps.Keys(stops)), "begun": l.BegunAt(id)}
}

func showTrail(nodes []*Node) (rows []any) {
	for _, n := range nodes {
		id := ""
		if n.Stop != nil {
			id = n.Stop.ID
		} else {
			id = n.Leaf.ID
		}
		rows = append(rows, []any{id, n.At(), showTrail(n.Children)})
	}
	return rows
}

func showFrozen(l *Ledger, id string) any {
	accounts, claims := l.Frozen(id)
	var a, c []any
	for i := range accounts {
		var stops []any
		for _, s := range accounts[i].Stops {
			stops = append(stops, []any{s.ID, s.Left, s.Victim})
		}
		flows := doc{}
		for transfer, list := range l.Remittances(id, accounts[i].Account.Number) {
			var in []any
			for _, f := range list {
				in = append(in, []any{f.At, f.Minor, f.Victim})
			}
			flows[transfer] = in
		}
		a = append(a, []any{showAccount(accounts[i].Account), stops, flows})
	}
	for _, x := range claims {
		c = append(c, []any{x.Victim, x.Loss, x.Before})
	}
	d := doc{"case": id, "accounts": a, "claims": c}
	if r, err := Divide(accounts, claims); err == nil {
		d["return"] = showDivision(r)
		next := l.ProposeReturn(id, *r, 1, "P")
		d["next"] = []any{next.ID, next.Subject, next.Return.Round, next.Return.Reports}
	} else {
		d["error"] = err.Error()
	}
	return d
}

func showDivision(r *Return) any {
	var accounts, lines []any
	for _, a := range r.Accounts {
		accounts = append(accounts, []any{showAccount(a.Account), a.Stops, a.Minor, a.Victims, a.Method, a.Why, a.Mixed != nil})
	}
	for _, x := range r.Lines {
		var from []any
		for _, f := range x.From {
			from = append(from, []any{f.Stop, f.Minor})
		}
		lines = append(lines, []any{x.Victim, x.Loss, x.Before, x.Direct, x.Weight, x.Share, x.Remainder, x.Extra, x.Minor, from})
	}
	return []any{r.Round, r.Currency, r.Pool, r.Losses, r.Reports, r.Total(), accounts, lines}
}

func showReturn(l *Ledger, r *ReturnRound) any {
	var objections, timeline []any
	for _, o := range r.Objections {
		objections = append(objections, []any{o.ID, o.Who, o.Text, o.State})
	}
	for i := range r.Timeline {
		timeline = append(timeline, []any{r.Timeline[i].ID, r.Timeline[i].Version, r.Timeline[i].State})
	}
	paid, done := l.Paid(r)
	return doc{"id": r.ID, "case": r.CaseID, "version": r.Version, "state": r.State, "until": r.Until,
		"number":   []int{r.Number.Year, r.Number.Partition, r.Number.Sequence},
		"proposed": r.ProposedAt, "by": r.ProposedBy, "proportional": r.Proportional(), "objections": objections,
		"approvals": r.Approvals, "timeline": timeline, "division": showDivision(&r.Return), "paid": paid, "done": done}
}

func showAppeal(a *AppealFile) any {
	var documents, timeline []any
	for _, x := range a.Documents {
		documents = append(documents, []any{x.Name, x.Received})
	}
	for i := range a.Timeline {
		timeline = append(timeline, []any{a.Timeline[i].ID, a.Timeline[i].Version, a.Timeline[i].State})
	}
	return doc{"id": a.ID, "case": a.CaseID, "version": a.Version, "state": a.State, "stop": a.StopID, "holder": a.Holder,
		"contact": a.Contact, "text": a.Text, "documents": documents, "minor": a.Minor, "opened": a.OpenedAt,
		"decided": a.DecidedAt, "until": a.Until, "held since": a.HeldSince, "wrong": a.WronglyHeld().Milliseconds(),
		"timeline": timeline}
}

func showVisit(v *VisitFile) any {
	var timeline []any
	for i := range v.Timeline {
		timeline = append(timeline, []any{v.Timeline[i].ID, v.Timeline[i].Version, v.Timeline[i].State, v.Timeline[i].Visit.Level})
	}
	return doc{"id": v.ID, "case": v.CaseID, "version": v.Version, "state": v.State, "until": v.Until, "timeline": timeline,
		"visit": []any{v.District, v.Grid, v.Holder, v.Phone, v.Level, v.Found}}
}

func showTask(t *TaskFile) any {
	return []any{t.AlertID, t.CaseID, t.Version, t.State, t.By, t.Reason, t.At, t.Until}
}

func showPayment(p *Payment) any {
	return []any{p.Payer, p.Payee, p.Minor, p.Currency, p.At, p.Stop}
}

func showLosses(list []Loss) (out []any) {
	for i := range list {
		out = append(out, []any{list[i].Position, showPayment(&list[i].Payment)})
	}
	return out
}

func showReports(l *Ledger) (rows []any) {
	for _, r := range l.Reports() {
		noted, differs := l.CaseOfReport(r.ID, "another")
		var payments []any
		for i := range r.Payments {
			payments = append(payments, showPayment(&r.Payments[i]))
		}
		rows = append(rows, doc{"id": r.ID, "source": r.Source, "district": r.District, "type": r.FraudType, "minor": r.Minor,
			"currency": r.Currency, "stops": r.Stops, "holder": r.Holder, "phone": r.Phone, "callers": r.Callers,
			"payments": payments, "digest": r.Digest, "case": r.CaseID, "at": r.At, "brought": showLosses(r.Brought),
			"repeats": r.Repeats(), "noted": noted, "differs": differs})
	}
	return rows
}

func showFigures(f Figures) any {
	return doc{"cases": f.Cases, "stops": f.Stops, "open": f.Open, "reports": f.Reports, "repeats": f.Repeats,
		"requested": f.Requested, "held stops": f.HeldStops, "partial": f.Partial, "missed": f.Missed, "refused": f.Refused,
		"expired": f.Expired, "frozen": f.Frozen, "held": f.HeldMinor, "returned": f.ReturnedMinor,
		"wrongly held": f.WronglyHeld, "wrong ms": f.WrongMillis}
}

func showDuties(l *Ledger, at event.Instant) (rows []any) {
	for _, d := range l.Duties(at) {
		rows = append(rows, []any{d.Kind, d.ID, d.CaseID, d.Since, d.Until, d.Say.Code, showValues(d.Say.Values)})
	}
	return rows
}

// showDue has the entries that are due as the log would carry them, without their
// order among those of one subject.
func showDue(l *Ledger, at event.Instant) (rows []any) {
	for _, e := range l.Due(at) {
		text, err := json.Marshal(&e)
		if err != nil {
			panic(err)
		}
		rows = append(rows, json.RawMessage(text))
	}
	slices.SortFunc(rows, func(a, b any) int { return bytes.Compare(a.(json.RawMessage), b.(json.RawMessage)) })
	return rows
}

func showBank(l *Ledger, bank string) (rows []any) {
	entries, complete, _ := l.Feed(bank, Cursor{}, 10_000)
	for _, e := range entries {
		rows = append(rows, []any{e.Place.Partition, e.Place.Offset, e.StopID, e.Version, e.Type})
	}
	end := l.End(bank)
	later, _, _ := l.Feed(bank, Cursor{0: end[0] / 2, 1: end[1] / 2}, 10_000)
	rows = append(rows, []any{complete, end[0], end[1], len(later)})
	var waiting []any
	stops, _ := l.Waiting(bank, 1000)
	for _, s := range stops {
		waiting = append(waiting, s.ID)
	}
	var outbox []any
	list, _ := l.Post([]string{bank}, func(p Place) bool { return true })
	for _, m := range list {
		outbox = append(outbox, []any{m.Bank, m.StopID, m.Version, m.Round, m.At})
	}
	return append(rows, doc{"waiting": waiting, "outbox": outbox})
}

func showLists(l *Ledger, end event.Instant) (rows []any) {
	var unanswered, watched, escalated, locks, found []any
	for _, m := range l.Unanswered(func(p Place) bool { return true }) {
		unanswered = append(unanswered, []any{m.Bank, m.StopID, m.Version, m.Round, m.At})
	}
	ids := []string{}
	for _, s := range l.Watched() {
		ids = append(ids, s.ID)
	}
	slices.Sort(ids)
	for _, id := range ids {
		watched = append(watched, id)
	}
	names := []string{}
	for _, task := range l.Escalated() {
		names = append(names, task.AlertID)
	}
	slices.Sort(names)
	for _, id := range names {
		escalated = append(escalated, id)
	}
	cases, more := l.Cases("", "", 1000)
	for _, c := range cases {
		locks = append(locks, []any{c.ID, more, l.Lock(c.ID, end) != nil})
	}
	open, _ := l.List(Filter{Open: true, Limit: 1000})
	for _, s := range open {
		found = append(found, s.ID)
	}
	found = append(found, "|")
	stops, within := l.Search(Query{Text: "v1", Tail: "3", Minor: 5_000_00, Banks: []string{"ABOC"}}, 1000)
	for _, s := range stops {
		found = append(found, s.ID)
	}
	return []any{doc{"unanswered": unanswered}, doc{"watched": watched}, doc{"escalated": escalated}, doc{"locks": locks},
		doc{"found": found, "cases": within}}
}
