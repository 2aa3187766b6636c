package ledger

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"stopline.internal/store/ledger/delivery"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/giveback"
	"stopline.internal/store/ledger/step"
	"stopline.internal/stream/event"
)

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
		"stops": c.Stops, "leaves": leaves, "returns": c.Returns, "visits": c.Visits, "state": c.State,
		"version": c.Version,
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
	if r, err := giveback.Divide(accounts, claims); err == nil {
		d["return"] = showDivision(r)
		next := l.ProposeReturn(id, *r, 1, "P")
		d["next"] = []any{next.ID, next.Subject, next.Return.Round, next.Return.Reports}
	} else {
		d["error"] = err.Error()
	}
	return d
}

func showDivision(r *giveback.Return) any {
	var accounts, lines []any
	for _, a := range r.Accounts {
		accounts = append(accounts, []any{showAccount(a.Account), a.Stops, a.Minor, a.Victims, a.Method, a.Why,
			a.Mixed != nil})
	}
	for _, x := range r.Lines {
		var from []any
		for _, f := range x.From {
			from = append(from, []any{f.Stop, f.Minor})
		}
		lines = append(lines, []any{x.Victim, x.Loss, x.Before, x.Direct, x.Weight, x.Share, x.Remainder, x.Extra,
			x.Minor, from})
	}
	return []any{r.Round, r.Currency, r.Pool, r.Losses, r.Reports, r.Total(), accounts, lines}
}

func showReturn(l *Ledger, r *giveback.Round) any {
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

func showAppeal(a *desk.AppealFile) any {
	var documents, timeline []any
	for _, x := range a.Documents {
		documents = append(documents, []any{x.Name, x.Received})
	}
	for i := range a.Timeline {
		timeline = append(timeline, []any{a.Timeline[i].ID, a.Timeline[i].Version, a.Timeline[i].State})
	}
	return doc{"id": a.ID, "case": a.CaseID, "version": a.Version, "state": a.State, "stop": a.StopID,
		"holder":  a.Holder,
		"contact": a.Contact, "text": a.Text, "documents": documents, "minor": a.Minor, "opened": a.OpenedAt,
		"decided": a.DecidedAt, "until": a.Until, "held since": a.HeldSince, "wrong": a.WronglyHeld().Milliseconds(),
		"timeline": timeline}
}

func showVisit(v *desk.VisitFile) any {
	var timeline []any
	for i := range v.Timeline {
		timeline = append(timeline, []any{v.Timeline[i].ID, v.Timeline[i].Version, v.Timeline[i].State,
			v.Timeline[i].Visit.Level})
	}
	return doc{"id": v.ID, "case": v.CaseID, "version": v.Version, "state": v.State, "until": v.Until,
		"timeline": timeline,
		"visit":    []any{v.District, v.Grid, v.Holder, v.Phone, v.Level, v.Found}}
}

func showTask(t *desk.TaskFile) any {
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
		rows = append(rows, doc{"id": r.ID, "source": r.Source, "district": r.District, "type": r.FraudType,
			"minor":    r.Minor,
			"currency": r.Currency, "stops": r.Stops, "holder": r.Holder, "phone": r.Phone, "callers": r.Callers,
			"payments": payments, "digest": r.Digest, "case": r.CaseID, "at": r.At, "brought": showLosses(r.Brought),
			"repeats": r.Repeats(), "noted": noted, "differs": differs})
	}
	return rows
}

func showTotals(f Totals) any {
	return doc{"cases": f.Cases, "stops": f.Stops, "open": f.Open, "reports": f.Reports, "repeats": f.Repeats,
		"requested": f.Requested, "held stops": f.HeldStops, "partial": f.Partial, "missed": f.Missed,
		"refused": f.Refused,
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
	entries, complete, _ := l.Feed(bank, delivery.Cursor{}, 10_000)
	for _, e := range entries {
		rows = append(rows, []any{e.Place.Partition, e.Place.Offset, e.StopID, e.Version, e.Type})
	}
	end := l.End(bank)
	later, _, _ := l.Feed(bank, delivery.Cursor{0: end[0] / 2, 1: end[1] / 2}, 10_000)
	rows = append(rows, []any{complete, end[0], end[1], len(later)})
	var waiting []any
	stops, _ := l.Waiting(bank, 1000)
	for _, s := range stops {
		waiting = append(waiting, s.ID)
	}
	var outbox []any
	list, _ := l.Outbox([]string{bank}, func(step.Place) bool { return true })
	for _, m := range list {
		outbox = append(outbox, []any{m.Bank, m.StopID, m.Version, m.Round, m.At})
	}
	return append(rows, doc{"waiting": waiting, "outbox": outbox})
}

func showLists(l *Ledger, end event.Instant) (rows []any) {
	var unanswered, watched, escalated, locks, found []any
	for _, m := range l.Unanswered(func(step.Place) bool { return true }) {
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
	return []any{doc{"unanswered": unanswered}, doc{"watched": watched}, doc{"escalated": escalated},
		doc{"locks": locks},
		doc{"found": found, "cases": within}}
}
