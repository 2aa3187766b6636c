package event

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// Ids follow from what caused a thing: the same parts make the same id, parts that are
// divided otherwise another.
func TestDerivedIDs(t *testing.T) {
	if a, b := DerivedID("x", "ab", "c"), DerivedID("x", "a", "bc"); a == b {
		t.Error("parts run together")
	}
	id := DerivedID("stp", "a")
	if id != DerivedID("stp", "a") || !strings.HasPrefix(id, "stp_") || len(id) != 4+26 ||
		strings.ContainsAny(id[4:], "ILOU") {
		t.Errorf("%s", id)
	}
	if DerivedID("stp", "a")[4:] != DerivedID("cas", "a")[4:] || DerivedID("stp") == DerivedID("stp", "") {
		t.Error("the prefix names the kind alone; no part is not an empty one")
	}
	if TransferKey("1", "23") == TransferKey("12", "3") || TransferKey("1", "2")&0xffff != 0 ||
		TransferKey("1", "2") == 0 {
		t.Error("a transfer's key has its low 16 bits free")
	}
	if CaseID(" 1 ") != CaseID("1") || CaseID("1") == CaseID("2") || StopID(1, "a") == StopID(1, "b") ||
		StopID(1, "a") == StopID(2, "a") || StopID(16, "a") != DerivedID("stp", "10", "a") {
		t.Error("cases are of an account, stops of a transfer and an account")
	}
	if Hash("a") == Hash("b") || Hash("a") != HashBytes([]byte("a")) || Hash("") == 0 {
		t.Error("hashes of texts and bytes")
	}
	seen := map[int]bool{}
	for _, e := range []string{"acct:1", "acct:2", "acct:3", "acct:4", "acct:5", "acct:6", "acct:7", "acct:8"} {
		p := PartitionOf([]byte(e), 3)
		if seen[p] = true; p < 0 || p > 2 || p != PartitionOf([]byte(e), 3) {
			t.Errorf("%s lies in partition %d of 3", e, p)
		}
	}
	if len(seen) != 3 {
		t.Errorf("eight entities lie in %v", seen)
	}
}

// What two reports say is the same, or not, field by field.
func TestReportDigestOfEachField(t *testing.T) {
	report := func(change func(*Report)) string {
		r := Report{Source: "110", District: "520103", FraudType: "x", Victim: Party{Holder: "甲", Phone: "+86138"},
			Transfers: []ReportedTransfer{{ID: "t", PayerAccount: "1", PayeeAccount: "2", PayeeBank: "B",
				Amount: Money{Minor: 5, Currency: CNY}, At: 9}}, Callers: []string{"+1"}}
		change(&r)
		return r.Digest()
	}
	base, all := report(func(*Report) {}), map[string]string{}
	for name, change := range map[string]func(*Report){
		"source": func(r *Report) { r.Source = "x" }, "district": func(r *Report) { r.District = "x" },
		"type": func(r *Report) { r.FraudType = "y" }, "holder": func(r *Report) { r.Victim.Holder = "x" },
		"phone": func(r *Report) { r.Victim.Phone = "x" }, "no transfer": func(r *Report) { r.Transfers = nil },
		"id": func(r *Report) { r.Transfers[0].ID = "x" }, "payer": func(r *Report) { r.Transfers[0].PayerAccount = "x" },
		"payee":       func(r *Report) { r.Transfers[0].PayeeAccount = "x" },
		"bank":        func(r *Report) { r.Transfers[0].PayeeBank = "x" },
		"amount":      func(r *Report) { r.Transfers[0].Amount.Minor++ },
		"time":        func(r *Report) { r.Transfers[0].At++ },
		"currency":    func(r *Report) { r.Transfers[0].Amount.Currency = "USD" },
		"caller":      func(r *Report) { r.Callers[0] = "x" },
		"two callers": func(r *Report) { r.Callers = append(r.Callers, "+2") },
	} {
		d := report(change)
		if other, twice := all[d]; twice || d == base || !strings.HasPrefix(d, "dig_") {
			t.Errorf("another %s is the same as %s", name, other)
		}
		all[d] = name
	}
	if report(func(*Report) {}) != base {
		t.Error("the same report says something else")
	}
}

// Which entities an event touches, and as what.
func TestTouched(t *testing.T) {
	for name, c := range map[string]struct {
		e    Event
		want string
	}{
		"a transfer": {Event{Kind: KindTransfer, Transfer: Transfer{Payer: Party{Account: "1", Phone: "+2"},
			Payee: Party{Account: "3"}}},
			"debit acct:1, payment tel:+2, credit acct:3, "},
		"a withdrawal": {Event{Kind: KindTransfer, Transfer: Transfer{Payer: Party{Account: "1"}}}, "debit acct:1, "},
		"a call":       {Event{Kind: KindCall, Call: Call{Caller: "+1", Callee: "+2"}}, "callee tel:+2, caller tel:+1, "},
		"a message": {Event{Kind: KindMessage, Message: Message{Sender: "+1", Recipient: "+2"}},
			"recipient tel:+2, sender tel:+1, "},
		"a SIM change": {Event{Kind: KindSIM, SIM: SIM{Number: "+1"}}, "sim tel:+1, "},
		"a watch":      {Event{Kind: KindWatch, Watch: Watch{Entity: "host:x"}}, "watch host:x, "},
		"a risk":       {Event{Kind: KindRisk, Risk: Risk{Entity: "tel:+1"}}, "risk tel:+1, "},
		"a control":    {Event{Kind: KindControl}, "control controls, "},
		"a taint":      {Event{Kind: KindTaint, Taint: &Taint{Account: "1"}}, "taint acct:1, "},
		"a report": {Event{Kind: KindReport, Report: &Report{Transfers: []ReportedTransfer{{PayerAccount: "1"},
			{PayerAccount: "2"}, {PayerAccount: "1"}}}}, "report acct:1, report acct:2, "},
		"a report of no payment": {Event{Kind: KindReport, Report: &Report{Victim: Party{Phone: "+1"}}}, "report tel:+1, "},
		"nothing":                {Event{}, ""},
	} {
		got := ""
		for _, x := range c.e.Touched(nil) {
			got += x.Role.String() + " " + string(x.Entity()) + ", "
		}
		if got != c.want {
			t.Errorf("%s touches %s, want %s", name, got, c.want)
		}
	}
	if Role(99).String() != "taint" || !Entity("acct:1").IsAccount() || Entity("tel:1").IsAccount() ||
		!Entity("tel:1").IsNumber() || Entity("acct:1").IsNumber() {
		t.Error("roles and entities")
	}
}

// A note is named by what caused it and whom it is about; a taint by its stop.
func TestNamesOfNotes(t *testing.T) {
	r := Risk{Why: WhyReceived, From: "acct:1", Entity: "acct:2", Cause: "t", Origin: "acct:o"}
	id := func(change func(*Risk)) string {
		c := r
		change(&c)
		return RiskID(&c)
	}
	if id(func(r *Risk) { r.Origin = "x" }) != RiskID(&r) || id(func(r *Risk) { r.Score = 9 }) != RiskID(&r) {
		t.Error("by whichever trail it came, a note is one")
	}
	passed := id(func(r *Risk) { r.Why = WhyPassedOn })
	if passed == id(func(r *Risk) { r.Why, r.Origin = WhyPassedOn, "x" }) || passed == RiskID(&r) {
		t.Error("money that passes on is one for each origin")
	}
	if id(func(r *Risk) { r.From = "x" }) == RiskID(&r) || id(func(r *Risk) { r.Entity = "x" }) == RiskID(&r) ||
		id(func(r *Risk) { r.Cause = "x" }) == RiskID(&r) {
		t.Error("another cause is another note")
	}
	tt := Taint{StopID: "s", Minor: 1, At: 5}
	held := Taint{StopID: "s", Minor: 1, At: 5, Held: true}
	more, later := held, held
	more.Minor, later.At = 2, 6
	ids := []string{TaintID(&tt), TaintID(&held), TaintID(&more), TaintID(&later)}
	if slices.Sort(ids); len(slices.Compact(ids)) != 4 {
		t.Errorf("%v", ids)
	}
	if again := (Taint{StopID: "s", Minor: 9, At: 9}); TaintID(&again) != TaintID(&tt) || again.Entity() != "acct:" {
		t.Error("money of a stop comes once")
	}
}

// What is missing of an inner document is refused, by its code.
func TestInnerDocumentsThatAreRefused(t *testing.T) {
	taint := func(rest string) string {
		return `{"kind":"taint","id":"t","account":"1","stop_id":"s","case_id":"c"` + rest
	}
	for doc, want := range map[string]string{
		`{`:                        "not-json",
		`{"kind":"riks"}`:          "unknown-kind",
		`{"kind":"risk","hop":""}`: "bad-value.inner",
		`{"kind":"risk","id":"r","entity":"acct:1"}`:                   "missing-field.note",
		`{"kind":"risk","id":"r","entity":"x","origin":"acct:1"}`:      "missing-field.note",
		`{"kind":"risk","entity":"acct:1","origin":"acct:1"}`:          "missing-field.note",
		`{"kind":"risk","id":"r","entity":"acct:1","origin":"acct:1"}`: "",
		taint(`}`):                                    "missing-field.taint",
		taint(`,"held":true}`):                        "",
		taint(`,"amount_minor":1}`):                   "",
		taint(`,"amount_minor":-1,"held":true}`):      "missing-field.taint",
		taint(`,"amount_minor":1,"offset_minor":-1}`): "missing-field.taint",
		`{"kind":"taint","id":"t","account":"1","stop_id":"s","amount_minor":1}`:      "missing-field.taint",
		`{"kind":"taint","id":"t","account":"1","case_id":"c","amount_minor":1}`:      "missing-field.taint",
		`{"kind":"taint","id":"t","stop_id":"s","case_id":"c","amount_minor":1}`:      "missing-field.taint",
		`{"kind":"taint","account":"1","stop_id":"s","case_id":"c","amount_minor":1}`: "missing-field.taint",
		`{"kind":"taint","hop":""}`:                 "bad-value.inner",
		`{"kind":"control","id":"c"}`:               "missing-field.control",
		`{"kind":"control","what":"lift"}`:          "missing-field.control",
		`{"kind":"control","removed":1}`:            "bad-value.inner",
		`{"kind":"control","id":"c","what":"lift"}`: "",
	} {
		var e Event
		err := ParseInner([]byte(doc), &e)
		got := ""
		if r := (Refusal)(nil); errors.As(err, &r) {
			got = r[0].Code
		}
		if got != want || (err == nil) != (want == "") {
			t.Errorf("%s: %q, want %q", doc, got, want)
		}
	}
}

// Texts that belong to a block are copied, with all else.
func TestClones(t *testing.T) {
	tr := Transfer{Amount: Money{Minor: 5, Currency: CNY}, Payer: Party{"1", "2", "3", "4"},
		Payee: Party{"5", "6", "7", "8"}, Channel: "c", Device: "d", Purpose: "p", District: "e", Status: StatusPosted,
		PayerBalance: 9, Screened: true}
	if got := CloneTransfer(tr); got != tr {
		t.Errorf("%+v, want %+v", got, tr)
	}
	tt := Taint{Account: "1", Bank: "2", Holder: "3", CaseID: "4", StopID: "5", Parent: "6", Payer: "7",
		Transfer: "8", Type: "9", District: "a", Pattern: "b", Minor: 1, Offset: 2, Whole: 3, Hop: 4,
		Key: 5, At: 6, Held: true}
	if got := CloneTaint(&tt); got != tt {
		t.Errorf("%+v, want %+v", got, tt)
	}
}

// Moments: in the law's zone, to the millisecond.
func TestInstants(t *testing.T) {
	i := InstantOf(time.Date(2026, 11, 23, 4, 0, 0, 999_999_999, time.UTC))
	if i.String() != "2026-11-23T12:00:00.999+08:00" || Instant(0).String() != "" {
		t.Errorf("%s", i)
	}
	if i.Add(time.Second+999_999) != i+1000 || i.Sub(i-1500) != 1500*time.Millisecond || i.Apart(i-7) != 7*time.Millisecond ||
		i.Apart(i+7) != 7*time.Millisecond {
		t.Error("what lies between two moments")
	}
	for text, want := range map[string]Instant{"": 0, "2026-11-23T12:00:00.999+08:00": i, "2026-11-23T04:00:00.999Z": i} {
		got := Instant(5)
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
	if err := new(Instant).UnmarshalText([]byte("2026-11-23 12:00")); err == nil {
		t.Error("a moment with no offset")
	}
	if b, err := i.MarshalText(); err != nil || string(b) != i.String() {
		t.Errorf("%s, %v", b, err)
	}
}

// A register of banks: in code order, each once, with both names.
func TestBankRegister(t *testing.T) {
	dir := t.TempDir()
	file := func(text string) string {
		p := filepath.Join(dir, "banks.json")
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	r, err := LoadBanks(file(`[{"code":"B","zh":"乙","en":"Bee","hotline":"1"},{"code":"A","zh":"甲","en":"Ay"}]`))
	if err != nil {
		t.Fatal(err)
	}
	if all := r.All(); len(all) != 2 || all[0].Code != "A" || all[1].Hotline != "1" || r.Codes() != "A, B" {
		t.Errorf("%+v, %s", all, r.Codes())
	}
	if b, ok := r.Find("B"); !ok || b.EN != "Bee" {
		t.Errorf("%+v", b)
	}
	if r.Refuses("/x", "A") != nil || (*Banks)(nil).Refuses("/x", "Z") != nil {
		t.Error("a bank that is known is refused, or one where nothing is")
	}
	if p := r.Refuses("/x", "Z"); p == nil || p.Code != "unknown-bank" || p.Field != "/x" {
		t.Errorf("%+v", p)
	}
	for name, text := range map[string]string{"no list": `{}`,
		"an unknown field": `[{"code":"A","zh":"x","en":"x","zip":1}]`,
		"no code":          `[{"zh":"x","en":"x"}]`, "no Chinese name": `[{"code":"A","en":"x"}]`,
		"no English name": `[{"code":"A","zh":"x"}]`,
		"a code twice":    `[{"code":"A","zh":"x","en":"x"},{"code":"A","zh":"y","en":"y"}]`} {
		if _, err := LoadBanks(file(text)); err == nil || !strings.Contains(err.Error(), "banks.json") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := LoadBanks(filepath.Join(dir, "none")); err == nil {
		t.Error("a file that is not there")
	}
	if b, ok := BuiltInBanks().Find("ICBK"); !ok || b.ZH == "" {
		t.Error("the register that comes with the program")
	}
}

// An event goes into a block and comes back, every field of it, of each kind.
func TestEventRoundTrip(t *testing.T) {
	transfer := Transfer{Amount: Money{Minor: 5, Currency: CNY}, Payer: Party{"1", "2", "3", "4"},
		Payee: Party{"5", "6", "7", "8"}, Channel: "c", Device: "d", Purpose: "p", District: "e", Status: StatusReversed,
		PayerBalance: Unknown, PayeeBalance: 9}
	screened := transfer
	screened.Status, screened.Screened = StatusPosted, true
	for name, e := range map[string]Event{
		"transfer": {Kind: KindTransfer, Transfer: transfer},
		"screened": {Kind: KindTransfer, Transfer: screened},
		"call":     {Kind: KindCall, Call: Call{true, "1", "2", "3", "4", "5", 6, false, false}},
		"forged":   {Kind: KindCall, Call: Call{Spoofed: true, Caller: "1"}},
		"foreign":  {Kind: KindCall, Call: Call{Foreign: true, Caller: "1"}},
		"message":  {Kind: KindMessage, Message: Message{"1", "2", "3"}},
		"sim":      {Kind: KindSIM, SIM: SIM{"1", "2"}},
		"watch":    {Kind: KindWatch, Watch: Watch{"acct:1", "risk", "reason", 5, false}},
		"unwatch":  {Kind: KindWatch, Watch: Watch{Entity: "acct:1", Removed: true}},
		"risk":     {Kind: KindRisk, Risk: Risk{"1", "2", 3, 4, "5", "6", 7, 8, "9"}},
		"control":  {Kind: KindControl, Control: &Control{"1", "2", "3", "4", 5, false, "6", "7", "8"}},
		"removed":  {Kind: KindControl, Control: &Control{What: "1", Removed: true}},
		"taint":    {Kind: KindTaint, Taint: &Taint{Account: "1", Whole: 1 << 40, Offset: 3, Minor: 2, Hop: 4, Key: 1 << 63}},
		"report": {Kind: KindReport, Report: &Report{"1", "2", "3", Party{"4", "5", "6", "7"},
			[]ReportedTransfer{{"t", "1", "2", "3", Money{Minor: 4, Currency: CNY}, 5, 6}, {ID: "u"}},
			[]string{"+1", "+2"}, "8"}},
	} {
		e.ID, e.At = "id", 77
		if e.Taint != nil {
			e.Taint.At = 77
		}
		b := AppendLeg(BeginBlock(nil), Touch{RoleCredit, PrefixAccount, "9"}, Source{3, 4, 5}, AppendEvent(nil, &e))
		block, err := OpenBlock(AppendLeg(b, Touch{RoleDebit, PrefixNumber, "8"}, Source{6, 7, 8}, AppendEvent(nil, &e)))
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []Leg{{RoleCredit, "acct:9", Source{3, 4, 5}, e}, {RoleDebit, "tel:8", Source{6, 7, 8}, e}} {
			var l Leg
			if !block.Next(&l) || !reflect.DeepEqual(l, want) {
				t.Errorf("%s, leg %d: %+v, want %+v", name, i, l, want)
			}
		}
		var l Leg
		if block.Next(&l) || block.Err() != nil {
			t.Errorf("%s: a third leg, or %v", name, block.Err())
		}
		only := AppendEvent(nil, &e)
		for n := range only {
			if ReadEvent(only[:n], new(Event)) == nil {
				t.Errorf("%s: cut off after %d of %d bytes, and read", name, n, len(only))
			}
		}
		skipped, err := OpenBlock(b)
		if err != nil {
			t.Fatal(err)
		}
		if !skipped.Skip(&l) || l.Entity != "acct:9" || l.Role != RoleCredit || skipped.Skip(&l) || skipped.Err() != nil {
			t.Errorf("%s: skipped %+v, %v", name, l, skipped.Err())
		}
	}
	if _, err := OpenBlock(nil); !errors.Is(err, errBlock) {
		t.Errorf("a block of nothing: %v", err)
	}
	if _, err := OpenBlock([]byte{99}); !errors.Is(err, errVersion) {
		t.Errorf("a block of a newer version: %v", err)
	}
	if _, err := OpenBlock(append([]byte{1}, make([]byte, 40)...)); !errors.Is(err, errBlock) {
		t.Errorf("a block of an older version: %v", err)
	}
}

// What a block covers is in its head, whose end is written last.
func TestSpan(t *testing.T) {
	want := Span{Topic: 5, Partition: 1 << 20, Epoch: 7, From: 1 << 40, To: 1<<40 + 9, Back: 6, First: true}
	begun := want
	begun.To = begun.From
	block := BeginSpan([]byte{}, begun)
	block = AppendLeg(block, Touch{RoleSIM, PrefixNumber, "8"}, Source{5, 1 << 20, 1<<40 + 3},
		AppendEvent(nil, &Event{Kind: KindSIM}))
	EndSpan(block, want.To)
	b, err := OpenBlock(block)
	if err != nil || b.Span != want {
		t.Fatalf("%+v, %v", b.Span, err)
	}
	var l Leg
	if !b.Next(&l) || l.Entity != "tel:8" || b.Next(&l) || b.Err() != nil {
		t.Errorf("%+v, %v", l, b.Err())
	}
	for what, wrong := range map[string]Span{"backwards": {From: 5, To: 4}, "before the first": {From: -1, To: 4},
		"before the first epoch": {Epoch: -1},
		"set back later":         {Epoch: 2, Back: 3}} {
		if _, err := OpenBlock(BeginSpan(nil, wrong)); !errors.Is(err, errBlock) {
			t.Errorf("a span %s: %v", what, err)
		}
	}
}

// The owner's leg has the whole report, that of any other payer its own payments,
// with their places in the report.
func TestShareOfAReport(t *testing.T) {
	paid := func(payer string, i int) ReportedTransfer { return ReportedTransfer{PayerAccount: payer, Index: i} }
	r := Report{Source: "110", Owner: "1", Callers: []string{"+1"},
		Transfers: []ReportedTransfer{paid("1", 0), paid("2", 1), paid("3", 2), paid("2", 3)}}
	if whole := r.Share("1"); len(whole.Transfers) != 4 || len(whole.Callers) != 1 {
		t.Errorf("the owner has %+v", whole)
	}
	part := r.Share("2")
	if len(part.Transfers) != 2 || part.Transfers[0] != paid("2", 1) || part.Transfers[1] != paid("2", 3) ||
		part.Callers != nil || part.Owner != "1" || part.Source != "110" || len(r.Transfers) != 4 {
		t.Errorf("another payer has %+v", part)
	}
}
