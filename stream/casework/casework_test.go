package casework

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"stopline.internal/scoring"
	"stopline.internal/scoring/pattern"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

const (
	victim = "6222020200112233445"
	mule   = "6217000010098765432"
	second = "6228480000555566667"
)

var (
	noon  = event.InstantOf(time.Date(2026, 11, 23, 12, 0, 0, 0, event.Zone))
	terms = law.Default // ¥500,000 need no person, below ¥200 one looks first, so does one from the 4th report on
)

// account is a partition's memory of the events that a test writes.
type account struct {
	t      *testing.T
	part   *scoring.Partition
	parser *event.Parser
	offset int64
}

func remember(t *testing.T, docs ...string) *account {
	t.Helper()
	c, err := scoring.ParseCatalogue("catalogue.yaml", scoring.DefaultCatalogue)
	if err != nil {
		t.Fatal(err)
	}
	limits := event.DefaultLimits
	limits.Past = 0
	a := &account{t: t, part: scoring.NewPartition(scoring.NewEngine(c, scoring.DefaultPolicy, 1), 100),
		parser: &event.Parser{Limits: limits, Numbers: event.NewNumbers("CN"), Banks: event.BuiltInBanks()}}
	for _, d := range docs {
		e := a.parse(d)
		a.offset++
		b := event.BeginBlock(nil)
		for _, touch := range e.Touched(nil) {
			b = event.AppendLeg(b, touch, event.Source{Offset: a.offset}, event.AppendEvent(nil, &e))
		}
		if err := a.part.Apply(a.offset, b, func(*event.Leg, *scoring.Outcome) {}); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func (a *account) parse(doc string) (e event.Event) {
	a.t.Helper()
	if err := a.parser.Parse([]byte(doc), noon, &e); err != nil {
		a.t.Fatalf("%s: %v", doc, err)
	}
	return e
}

// report is what a report calls for at the victim's account.
func (a *account) report(doc string) *Effects {
	a.t.Helper()
	f := &Effects{}
	l := &event.Leg{Role: event.RoleReport, Entity: "acct:" + victim, Event: a.parse(doc)}
	f.Report(&terms, l, a.part.Peek("acct:"+victim), noon)
	return f
}

// taints are the money that the effects follow.
func taints(t *testing.T, f *Effects) (out []event.Taint) {
	t.Helper()
	for _, d := range f.Risk {
		var e event.Event
		if err := event.ParseInner(d.Value, &e); err != nil || e.Kind != event.KindTaint {
			t.Fatalf("%s: %v", d.Value, err)
		}
		out = append(out, *e.Taint)
	}
	return out
}

func states(f *Effects) (out []stop.State) {
	for i := range f.Entries {
		out = append(out, stop.State(f.Entries[i].State))
	}
	return out
}

// A victim's report of a payment that the service has seen, without the payment's
// id, finds it by account, amount and time: the same stop as scoring would ask for,
// and its money is followed from the payment.
func TestReportFindsThePayment(t *testing.T) {
	a := remember(t, `{"kind":"transfer","id":"T-1","at":"2026-11-23T11:00:00+08:00",
		"payer":{"account":"`+victim+`","bank":"ICBK"},"payee":{"account":"`+mule+`","bank":"PCBC"},
		"amount":"49800.00","currency":"CNY","channel":"mobile","status":"posted"}`)
	f := a.report(`{"kind":"report","id":"R-1","at":"2026-11-23T11:30:00+08:00","source":"110","fraud_type":"impersonation-police",
		"district":"520102","victim":{"holder":"张某","phone":"13900000001"},"callers":["+8617000000001"],
		"transfers":[{"payer_account":"` + victim + `","payee_account":"` + mule + `","payee_bank":"PCBC","amount":"49800.00",
		"currency":"CNY","at":"2026-11-23T11:01:00+08:00"}]}`)
	if got := states(f); !slices.Equal(got, []stop.State{stop.Proposed, stop.Requested, ""}) {
		t.Fatalf("states %q, want a stop proposed and requested, and the report", got)
	}
	p, note := f.Entries[0].Proposal, f.Entries[2].Report
	stop := event.StopID(event.TransferKey(victim, "T-1"), mule)
	if f.Entries[0].StopID != stop || p.Account.Number != mule || p.Account.Bank != "PCBC" || p.Minor != 4_980_000 ||
		p.ReportID != "110:R-1" || p.Payer != victim || p.Hop != 1 || p.Doubt != "" || f.Entries[0].By != "report" {
		t.Errorf("the stop is %s: %+v", f.Entries[0].StopID, p)
	}
	if f.Entries[1].Until != noon.Add(terms.Respond) {
		t.Errorf("the bank has until %s", f.Entries[1].Until)
	}
	if note.ID != "110:R-1" || note.Minor != 4_980_000 || note.Currency != event.CNY || note.Holder != "张某" ||
		!slices.Equal(note.Stops, []string{stop}) || len(note.Payments) != 1 || note.Payments[0].Stop != stop {
		t.Errorf("the note is %+v", note)
	}
	caseID := event.CaseID("" + victim)
	for i := range f.Entries {
		if f.Entries[i].CaseID != caseID {
			t.Errorf("entry %d is of case %s, want %s", i, f.Entries[i].CaseID, caseID)
		}
	}
	if got := taints(t, f); len(got) != 1 || got[0].Account != mule || got[0].Minor != 4_980_000 ||
		got[0].StopID != stop ||
		got[0].Key != event.TransferKey(victim, "T-1") || got[0].Hop != 1 {
		t.Errorf("followed: %+v", got)
	}
	if f.Risk[0].Key != "acct:"+mule {
		t.Errorf("the money's note lies by %q, want by the mule's account", f.Risk[0].Key)
	}
}

// A payment that nobody has seen gets a stop of its own, named by the report; one
// of another account is that account's to see to, and is noted all the same.
func TestReportOfUnseenAndForeignPayments(t *testing.T) {
	f := remember(t).report(`{"kind":"report","id":"R-2","at":"2026-11-23T11:30:00+08:00","source":"bank","victim":{"holder":"张某"},
		"transfers":[
		{"payer_account":"` + victim + `","payee_account":"` + mule + `","payee_bank":"PCBC","amount":"1000.00","currency":"CNY","at":"2026-11-23T11:00:00+08:00"},
		{"id":"X-9","payer_account":"` + second + `","payee_account":"` + mule + `","payee_bank":"PCBC","amount":"70.05","currency":"CNY","at":"2026-11-23T11:02:00+08:00"},
		{"payer_account":"` + victim + `","payee_account":"` + second + `","payee_bank":"ABOC","amount":"300.00","currency":"USD","at":"2026-11-23T11:03:00+08:00"}]}`)
	note := f.Entries[len(f.Entries)-1].Report
	if note == nil || note.Minor != 107_005 || note.Currency != event.CNY || len(note.Payments) != 3 {
		t.Fatalf("the note is %+v: it sums its first currency alone", note)
	}
	unseen := event.StopID(event.TransferKey(victim, "bank:R-2/0"), mule)
	dollars := event.StopID(event.TransferKey(victim, "bank:R-2/2"), second)
	if !slices.Equal(note.Stops, []string{unseen, dollars}) {
		t.Errorf("stops %q, want %q and %q", note.Stops, unseen, dollars)
	}
	if note.Payments[1].Stop != event.StopID(event.TransferKey(second, "X-9"), mule) {
		t.Errorf("the other account's payment is %+v", note.Payments[1])
	}
	for i := range f.Entries[:len(f.Entries)-1] {
		if p := f.Entries[i].Proposal; p != nil && p.Payer != victim {
			t.Errorf("a stop for %s's payment", p.Payer)
		}
	}
	if got := taints(t, f); len(got) != 1 || got[0].Minor != 100_000 {
		t.Errorf("followed: %+v, want the yuan alone", got)
	}
}

// What abuse of reports looks like waits for a person, and nothing is followed.
func TestDoubt(t *testing.T) {
	paid := `{"kind":"transfer","id":"B-1","at":"2026-11-23T10:00:00+08:00","payer":{"account":"` + mule +
		`","bank":"PCBC"},
		"payee":{"account":"` + victim + `","bank":"ICBK"},"amount":"500.00","currency":"CNY","channel":"mobile","status":"posted"}`
	reported := func(id string) string {
		return `{"kind":"report","id":"` + id + `","at":"2026-11-23T09:00:00+08:00","source":"110","victim":{"holder":"张某"},"transfers":[{"payer_account":"` + victim +
			`","payee_account":"` + second + `","payee_bank":"ABOC","amount":"900.00","currency":"CNY","at":"2026-11-23T08:00:00+08:00"}]}`
	}
	for name, c := range map[string]struct {
		before   []string
		amount   string
		currency string
		want     string
	}{
		"the usual":                     {nil, "200.00", "CNY", ""},
		"a fen below what is not tiny":  {nil, "199.99", "CNY", stop.DoubtTiny},
		"as little in another currency": {nil, "199.99", "USD", ""},
		"three reports before":          {[]string{reported("A"), reported("B"), reported("C")}, "900.00", "CNY", ""},
		"four": {[]string{reported("A"), reported("B"), reported("C"), reported("D")},
			"900.00", "CNY", stop.DoubtRepeated},
		"paid as much by the one reported":    {[]string{paid}, "500.00", "CNY", stop.DoubtCircular},
		"paid a fen less by the one reported": {[]string{paid}, "500.01", "CNY", ""},
	} {
		f := remember(t, c.before...).report(`{"kind":"report","id":"R","at":"2026-11-23T11:30:00+08:00","source":"110","victim":{"holder":"张某"},
			"transfers":[{"id":"T","payer_account":"` + victim + `","payee_account":"` + mule + `","payee_bank":"PCBC",
			"amount":"` + c.amount + `","currency":"` + c.currency + `","at":"2026-11-23T11:00:00+08:00"}]}`)
		if got := f.Entries[0].Proposal.Doubt; got != c.want {
			t.Errorf("%s: doubt %q, want %q", name, got, c.want)
		}
		requested := slices.Contains(states(f), stop.Requested)
		if requested != (c.want == "") {
			t.Errorf("%s: requested without a person: %v", name, requested)
		}
		if followed := len(f.Risk) > 0; followed != (c.want == "" && c.currency == "CNY") {
			t.Errorf("%s: followed: %v", name, followed)
		}
	}
}

// An alert is published; one with a stop proposes it with what scoring saw, and
// asks the bank where no person need approve.
func TestOutcomeOfAnAlert(t *testing.T) {
	alert := func(minor int64) *scoring.Outcome {
		return &scoring.Outcome{Alerts: []scoring.Alert{{
			ID: "alr_1", At: noon, Entity: "acct:" + mule, Event: scoring.EventRef{Kind: "transfer", ID: "T-1"},
			Transfer: &scoring.TransferRef{ID: "T-1", At: noon,
				Amount: event.Money{Minor: minor, Currency: event.CNY}.Decimal(), Currency: event.CNY,
				Payer: scoring.PartyRef{Account: victim, Bank: "ICBK"},
				Payee: scoring.PartyRef{Account: mule, Bank: "PCBC", Holder: "李某"}},
			Score: 940, Action: pattern.Stop, FraudType: "impersonation-police", District: "520102", Catalogue: "v1",
			Hits: []scoring.Hit{{Pattern: "call-then-pay"}}, StopID: "stp_1", CaseID: "cas_1",
		}}}
	}
	f := &Effects{}
	f.Outcome(&terms, alert(50_000_000), 1, noon)
	if got := states(f); !slices.Equal(got, []stop.State{stop.Proposed, stop.Requested}) {
		t.Fatalf("¥500,000: %q", got)
	}
	p := f.Entries[0].Proposal
	if p.Account != (stop.Account{Number: mule, Bank: "PCBC", Holder: "李某"}) || p.Minor != 50_000_000 ||
		p.AlertID != "alr_1" ||
		p.Pattern != "call-then-pay" || p.Payer != victim || p.Hop != 1 ||
		p.Transfer != (stop.Transfer{ID: "T-1", Minor: 50_000_000, At: noon}) {
		t.Errorf("%+v", p)
	}
	if x := p.Explanation; x == nil || x.Catalogue != "v1" || x.Score != 940 || x.Event != "transfer:T-1" || x.At != noon {
		t.Errorf("explained by %+v", p.Explanation)
	}
	if p.Text != "impersonation-police, score 940" {
		t.Errorf("in words: %q", p.Text)
	}
	if len(f.Alerts) != 1 || f.Alerts[0].Key != "acct:"+mule {
		t.Errorf("published: %+v", f.Alerts)
	}
	f.Reset()
	f.Outcome(&terms, alert(50_000_001), 1, noon)
	if got := states(f); !slices.Equal(got, []stop.State{stop.Proposed}) {
		t.Errorf("a fen above: %q, want that a person approves", got)
	}
	f.Reset()
	review := alert(100)
	review.Alerts[0].StopID = ""
	f.Outcome(&terms, review, 1, noon)
	if len(f.Entries) != 0 || len(f.Alerts) != 1 {
		t.Errorf("a review makes %d entries and %d alerts", len(f.Entries), len(f.Alerts))
	}
}

// Money that went on becomes a stop on the next account, a leaf where it ends, and
// a note to the account whose partition follows it from there.
func TestOutcomeOfATrail(t *testing.T) {
	hop := event.Taint{Account: second, Bank: "ABOC", Holder: "王某", CaseID: "cas_1", StopID: "stp_2", Parent: "stp_1",
		Payer:    mule,
		Transfer: "T-2", At: noon, Minor: 30_000, Whole: 45_000, Hop: 2, Type: "refund", District: "520102", Pattern: "p"}
	end := scoring.End{Taint: event.Taint{Account: "", CaseID: "cas_1", StopID: "stp_3", Parent: "stp_1",
		Transfer: "T-3", At: noon,
		Minor: 2_000, Whole: 2_000, Hop: 2}, Why: scoring.EndCash}
	f := &Effects{}
	f.Outcome(&terms, &scoring.Outcome{Hops: []event.Taint{hop}, Ends: []scoring.End{end}, Taints: []event.Taint{hop}},
		0, noon.Add(time.Minute))
	if len(f.Entries) != 3 {
		t.Fatalf("%d entries, want proposed, requested, leaf", len(f.Entries))
	}
	p := f.Entries[0].Proposal
	if f.Entries[0].StopID != "stp_2" || f.Entries[0].By != "trail" || p.Account.Number != second || p.Minor != 30_000 ||
		p.Transfer.Minor != 45_000 || p.Parent != "stp_1" || p.Via != stop.ViaTransfer || p.Hop != 2 {
		t.Errorf("%+v", p)
	}
	leaf := f.Entries[2].Leaf
	if leaf == nil || leaf.ID != "stp_3" || leaf.Why != stop.LeafCash || leaf.Minor != 2_000 || leaf.Hop != 2 ||
		leaf.Parent != "stp_1" {
		t.Errorf("%+v", leaf)
	}
	if got := taints(t, f); len(got) != 1 || got[0].Account != second || got[0].Minor != 30_000 || got[0].Whole != 45_000 {
		t.Errorf("%+v", got)
	}
}

// A brake that fell in one partition is told to all, once a moment and partition.
func TestOutcomeOfABrake(t *testing.T) {
	trip := &scoring.Outcome{Trips: []scoring.Trip{{Pattern: "call-then-pay", At: noon, Stops: 12, Minor: 1_234_56}}}
	f := &Effects{}
	f.Outcome(&terms, trip, 3, noon)
	f.Outcome(&terms, trip, 4, noon)
	var ids []string
	for _, d := range f.Controls {
		var e event.Event
		if err := event.ParseInner(d.Value, &e); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.ID)
		if c := e.Control; c.What != event.ControlTrip || c.Pattern != "call-then-pay" || c.By != "scoring" {
			t.Errorf("%+v", c)
		}
	}
	if len(ids) != 2 || ids[0] == ids[1] {
		t.Fatalf("controls %q, want one of each partition", ids)
	}
	var doc struct{ Reason string }
	if err := json.Unmarshal(f.Controls[0].Value, &doc); err != nil ||
		doc.Reason != "partition 3 had asked for 12 stops of ¥1,234.56 within the hour" {
		t.Errorf("reason %q, %v", doc.Reason, err)
	}
}

// A hold that ran out frees the account from that moment on; where nothing was
// held, nobody need know.
func TestFreed(t *testing.T) {
	s := &stop.Stop{ID: "stp_1", CaseID: "cas_1", State: stop.Expired, EffectiveAt: noon,
		EndedAt: noon.Add(48 * time.Hour), HeldMinor: 500,
		Proposal: stop.Proposal{Account: stop.Account{Number: mule, Bank: "PCBC"}, Minor: 500, Currency: event.CNY}}
	at := noon.Add(49 * time.Hour)
	if got := Freed(s, at); got == nil || got.Account != mule || got.Minor != 0 || got.At != at || !got.Held ||
		got.StopID != "stp_1" {
		t.Errorf("%+v", got)
	}
	s.EffectiveAt = 0
	if got := Freed(s, at); got != nil {
		t.Errorf("never held: %+v", got)
	}
}
