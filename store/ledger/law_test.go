package ledger

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/giveback"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
	"stopline.internal/stream/event/words"
)

// frozen is a ledger with a case of three victims whose money lies mixed on one
// frozen account.
func frozen(t *testing.T) *Ledger {
	t.Helper()
	l := New(law.Default)
	for i, minor := range []int64{1000_00, 500_00, 1} {
		id, payer := fmt.Sprint("s", i), fmt.Sprint("v", i)
		p := stop.Proposal{Account: stop.Account{Number: "6217", Bank: "PCBC"}, Minor: minor, Currency: event.CNY,
			Transfer: stop.Transfer{ID: id, Minor: minor, At: noon}, Hop: 1, FraudType: "task-rebate", Payer: payer}
		fold(t, l, StopEntries(stop.Propose(law.Default, id, "c", p, noon, "scoring"))...)
		fold(t, l, Entry{ID: "r" + id, CaseID: "c", At: noon, By: "report", Report: &ReportNote{ID: "r" + id,
			Source: "110", Minor: minor, Currency: event.CNY,
			Payments: []Payment{{Payer: payer, Payee: "6217", Minor: minor, At: noon, Stop: id}}}})
	}
	fold(t, l, StopEntry(stop.Answer(law.Default, l.Stop("s2"), stop.Outcome{Result: stop.Missed}, noon, "bank")))
	for _, id := range []string{"s0", "s1"} {
		s := l.Stop(id)
		fold(t, l, StopEntry(stop.Answer(law.Default, s, stop.Outcome{Result: stop.Partial, EffectiveAt: noon,
			HeldMinor: 300_00}, noon, "bank")))
		e := l.Stop(id).Next(noon.Add(time.Hour), "A")
		e.ID, e.State, e.Until = "f"+id, stop.Frozen, noon.Add(law.Default.Freeze)
		if r := fold(t, l, StopEntry(e)); !r.Accepted {
			t.Fatal(r.Why)
		}
	}
	return l
}

// A return in proportion: announced for 30 days, an objection heard and decided,
// two people who did not propose it, the banks told once, three working days,
// paid back; what one bank cannot pay goes into another round.
func TestReturnInProportion(t *testing.T) {
	l := frozen(t)
	accounts, claims := l.Frozen("c")
	r, err := giveback.Divide(accounts, claims)
	if err != nil || r.Pool != 600_00 || r.Accounts[0].Method != giveback.MethodProportional {
		t.Fatalf("%v: %+v", err, r)
	}
	r.Currency = event.CNY
	at := noon.Add(2 * time.Hour)
	try := func(e Entry, want string) {
		t.Helper()
		res := l.Apply(&e)
		if want == "" && !res.Accepted || want != "" && (res.Accepted || res.Why.Code != want) {
			t.Fatalf("%s by %s: accepted %v, %s (%s), want %s", e.State, e.By, res.Accepted, res.Why.Code, res.Why,
				want)
		}
	}
	e := l.ProposeReturn("c", *r, at, "P")
	try(e, "")
	get := func() *giveback.Round { return l.Return(e.Subject) }
	try(l.ProposeReturn("c", *r, at, "P"), "return.round")
	try(ReturnEntry(get().Next(giveback.Approved, at, "A")), "law.announce-first")
	short := get().Next(giveback.Announced, at, "P")
	short.Until = at.Add(29 * 24 * time.Hour)
	try(ReturnEntry(short), "law.announce")
	announced := get().Next(giveback.Announced, at, "P")
	announced.Until = at.Add(law.Default.Announce)
	try(ReturnEntry(announced), "")
	object := get().Next(giveback.Announced, at.Add(time.Hour), "P")
	object.Return = &giveback.Return{Objects: &giveback.Objection{ID: "1", Who: "丙", Text: "me too", State: "open"}}
	try(ReturnEntry(object), "")
	try(ReturnEntry(get().Next(giveback.Approved, at.Add(time.Hour), "A")), "law.announced-until")
	late := at.Add(31 * 24 * time.Hour)
	try(ReturnEntry(get().Next(giveback.Approved, late, "A")), "law.objection-open")
	decided := get().Next(giveback.Announced, late, "A")
	decided.Return = &giveback.Return{Objects: &giveback.Objection{ID: "1", Who: "丙", Text: "me too",
		State: "dismissed"}}
	try(ReturnEntry(decided), "")
	try(ReturnEntry(get().Next(giveback.Approved, late, "P")), "four-eyes.return")
	try(ReturnEntry(get().Next(giveback.Instructed, late, "A")), "return.step")
	try(ReturnEntry(get().Next(giveback.Approved, late, "A")), "")
	try(ReturnEntry(get().Next(giveback.Instructed, late, "A")), "four-eyes.second")
	try(ReturnEntry(get().Next(giveback.Instructed, late, "B")), "")
	try(ReturnEntry(get().Next(giveback.Withdrawn, late, "B")), "return.withdraw")

	due := l.Due(late)
	if len(due) != 2 || due[0].State != string(stop.Returning) || due[0].Until != law.China.After(late, 3) {
		t.Fatalf("the banks are told %+v", due)
	}
	fold(t, l, due...)
	fold(t, l, due...)
	if again := l.Due(late); len(again) != 0 {
		t.Fatalf("told again: %+v", again)
	}
	if d := l.Duties(law.China.After(late, 3)); len(d) != 2 || d[0].Kind != dutyReturn {
		t.Errorf("overdue: %+v", d)
	}
	try(StopEntry(stop.PaidBack(l.Stop("s0"), true, "R", "", late, "bank")), "")
	try(StopEntry(stop.PaidBack(l.Stop("s1"), false, "", "account closed", late, "bank")), "")
	if paid, done := l.Paid(get()); paid != 300_00 || !done {
		t.Errorf("paid back %d, done %v", paid, done)
	}
	if a, b := l.Stop("s0"), l.Stop("s1"); a.State != stop.Returned || b.State != stop.Frozen || b.Left() != 300_00 {
		t.Errorf("%s and %s", a.State, b.State)
	}
	// The next round is of what is left, and knows what was paid before.
	accounts, claims = l.Frozen("c")
	r, err = giveback.Divide(accounts, claims)
	if err != nil || r.Total() != 300_00 || claims[0].Before+claims[1].Before+claims[2].Before != 300_00 {
		t.Errorf("%v: %+v, %+v", err, r, claims)
	}
	if next := l.ProposeReturn("c", *r, late, "P"); next.Return.Round != 2 {
		t.Errorf("round %d", next.Return.Round)
	}
}

// A visit that nobody confirms goes up, level by level, and no further.
func TestVisitGoesUp(t *testing.T) {
	l := New(law.Default)
	fold(t, l, l.AssignVisit("v", "c", desk.Visit{District: "520103", Holder: "甲"}, noon, "A"))
	at := noon
	for level := 2; level <= 3; level++ {
		if due := l.Due(at.Add(law.Default.Visit - time.Second)); len(due) != 0 {
			t.Fatalf("too early: %+v", due)
		}
		at = at.Add(law.Default.Visit)
		fold(t, l, l.Due(at)...)
		fold(t, l, l.Due(at)...)
		if v := l.Visit("v"); v.Level != level || v.State != desk.VisitEscalated {
			t.Fatalf("level %d, %s", v.Level, v.State)
		}
	}
	if due := l.Due(at.Add(time.Hour)); len(due) != 0 {
		t.Errorf("above the city: %+v", due)
	}
	if d := l.Duties(at.Add(time.Hour)); len(d) != 1 || d[0].Kind != dutyVisit {
		t.Errorf("%+v", d)
	}
}

// Who decides an appeal may be gone before the stop is lifted: any replica does
// it, once; the hours that the money was wrongly held are known.
func TestAppealLifts(t *testing.T) {
	l := New(law.Default)
	fold(t, l, StopEntries(stop.Propose(law.Default, "s", "c", proposal(1000), noon, "scoring"))...)
	fold(t, l, StopEntry(stop.Answer(law.Default, l.Stop("s"), stop.Outcome{Result: stop.Held, EffectiveAt: noon,
		HeldMinor: 1000}, noon, "bank")))
	fold(t, l, l.ReceiveAppeal("a", "c", desk.Appeal{StopID: "s", Holder: "乙"}, noon.Add(time.Hour), "A"))
	a := l.Appeal("a")
	next := a.Appeal
	next.Minor = 400
	fold(t, l, Entry{ID: "d", CaseID: "c", Subject: "a", Version: 2, State: string(desk.AppealUpheld),
		At: noon.Add(3 * time.Hour), By: "B", Appeal: &next})
	due := l.Due(noon.Add(3 * time.Hour))
	fold(t, l, due...)
	fold(t, l, due...)
	if s := l.Stop("s"); s.HeldMinor != 600 || s.ReleasedMinor != 400 || s.State != stop.Partial ||
		len(l.Due(noon.Add(3*time.Hour))) != 0 {
		t.Errorf("%s, held %d, released %d", s.State, s.HeldMinor, s.ReleasedMinor)
	}
	if f := l.Totals(); f.WronglyHeld != 1 || f.WrongMillis != (3*time.Hour).Milliseconds() {
		t.Errorf("%+v", f)
	}
}

// More held along a trail than the payment was: a person is told.
func TestExcess(t *testing.T) {
	l := New(law.Default)
	fold(t, l, StopEntries(stop.Propose(law.Default, "s", "c", proposal(1000), noon, "scoring"))...)
	child := proposal(700)
	child.Parent, child.Hop, child.Via, child.Account.Number = "s", 2, stop.ViaTransfer, "6228"
	fold(t, l, StopEntries(stop.Propose(law.Default, "k", "c", child, noon, "trail"))...)
	fold(t, l, StopEntry(stop.Answer(law.Default, l.Stop("k"), stop.Outcome{Result: stop.Held, EffectiveAt: noon,
		HeldMinor: 700}, noon, "bank")))
	fold(t, l, StopEntry(stop.Answer(law.Default, l.Stop("s"), stop.Outcome{Result: stop.Held, EffectiveAt: noon,
		HeldMinor: 1000}, noon, "bank")))
	if d := l.Duties(noon); len(d) != 1 || d[0].Kind != dutyExcess || !strings.Contains(d[0].Say.Error(),
		"¥7.00 more are held") ||
		d[0].Say.In(words.Chinese) != "沿线在控比转账多 ¥7.00（首笔 PCBC 6217）：不属于被害人的请解除" {
		t.Errorf("%+v", d)
	}
	late := proposal(200)
	late.Parent, late.Hop, late.Via, late.Account.Number = "s", 2, stop.ViaTransfer, "6229"
	if r := fold(t, l, StopEntries(stop.Propose(law.Default, "m", "c", late, noon, "trail"))[0]); r.Accepted {
		t.Error("what is held was followed")
	}
}

// Each thing that waits for a person is said whole, in both languages, with the
// amount, the bank and the account that it is about.
func TestDutiesAreSaid(t *testing.T) {
	p := proposal(123_456_00)
	p.Doubt = stop.DoubtTiny
	s := &stop.Stop{ID: "s", Proposal: p, ProposedAt: noon, RequestedAt: noon, AnsweredAt: noon, HeldMinor: 30_000_00,
		Until: noon.Add(time.Hour), Instruction: &stop.Change{Minor: 1},
		Timeline: []stop.Step{{Head: step.Head[stop.State]{At: noon}}}}
	l := New(law.Default)
	for state, want := range map[stop.State]string{
		stop.Proposed:    "批准或不批准，金额过小须先核实：止付 ¥123,456.00（PCBC 6217）",
		stop.Undelivered: "PCBC 未反馈，请致电：¥123,456.00，账户 6217",
		stop.Mismatch:    "PCBC 比对不符、不得止付，账户 6217：请更正或撤回请求",
		stop.Held:        "PCBC 6217 的 ¥30,000.00 止付至 11-23 13:00：请冻结、延长或解除",
		stop.Frozen:      "PCBC 6217 的 ¥30,000.00 冻结至 11-23 13:00：请续冻、返还或解除",
		stop.Returning:   "PCBC 未在 11-23 13:00 前返还 ¥0.01，账户 6217",
	} {
		s.State = state
		d, waits := l.dutyOf(s, noon.Add(2*time.Hour))
		if err := d.Say.Check(); !waits || err != nil || d.Say.In(words.Chinese) != want {
			t.Errorf("%s: %v %s, want %s", state, err, d.Say.In(words.Chinese), want)
		}
	}
	l.appeals["a"] = &desk.AppealFile{State: desk.AppealReceived, Appeal: desk.Appeal{Holder: "乙"}}
	l.visits["v"] = &desk.VisitFile{State: desk.VisitAssigned, Visit: desk.Visit{District: "520103", Level: 1},
		Timeline: []desk.VisitStep{{Head: step.Head[desk.VisitState]{At: noon}}}}
	l.returns["r"] = &giveback.Round{State: giveback.Announced, Return: giveback.Return{Currency: event.CNY,
		Lines: []giveback.Line{{Minor: 50_00}}}}
	said := map[string]string{}
	for _, d := range l.Duties(noon) {
		said[d.Kind] = d.Say.In(words.Chinese)
	}
	want := map[string]string{dutyAppeal: "请对 乙 的申诉作出决定", dutyVisit: "上门劝阻：520103 地区，第 1 级",
		dutyAnnounce: "返还方案 ¥50.00 公告期满，请批准"}
	if !maps.Equal(said, want) {
		t.Errorf("%v, want %v", said, want)
	}
}

// Everybody who signs without being a person has a name in Chinese, and so have the
// states that refusals name.
func TestNamesOfTheLedger(t *testing.T) {
	for _, a := range law.AutomaticAuthors() {
		if words.Name("author", a, words.Chinese) == a {
			t.Errorf("%s has no name", a)
		}
	}
	for _, s := range []stop.State{stop.Proposed, stop.Rejected, stop.Requested, stop.Undelivered, stop.Acknowledged,
		stop.Held, stop.Partial, stop.Missed, stop.Mismatch,
		stop.Refused, stop.Extended, stop.Frozen, stop.Returning, stop.Returned, stop.Released, stop.Expired} {
		if words.Name("stop", string(s), words.Chinese) == string(s) {
			t.Errorf("%s has no name", s)
		}
	}
	for _, s := range []giveback.State{giveback.Proposed, giveback.Announced, giveback.Approved, giveback.Instructed,
		giveback.Withdrawn} {
		if words.Name("return", string(s), words.Chinese) == string(s) {
			t.Errorf("%s has no name", s)
		}
	}
}
