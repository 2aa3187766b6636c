package wire

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"stopline.internal/api/access"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/giveback"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
	"stopline.internal/stream/event/words"
)

var noon = event.InstantOf(time.Date(2026, 11, 23, 12, 0, 0, 0, event.Zone))

// held has a ledger with the stop stp_1: 3,000.00 of 5,000.00 are held for 李四.
func held(t *testing.T) *ledger.Ledger {
	t.Helper()
	l := ledger.New(law.Default)
	fold(t, l, ledger.StopEntries(stop.Propose(l.Terms(), "stp_1", "cas_1",
		stop.Proposal{Minor: 5_000_00, Currency: event.CNY, Hop: 1,
			Account:   stop.Account{Number: "6217", Bank: "PCBC", Holder: "李四"},
			Transfer:  stop.Transfer{ID: "t1", Minor: 5_000_00, At: noon},
			FraudType: "task-rebate", Payer: "6222", Text: "reported"}, noon, "report"))...)
	fold(t, l, ledger.StopEntry(stop.Answer(l.Terms(), l.Stop("stp_1"),
		stop.Outcome{Result: stop.Partial, HeldMinor: 3_000_00,
			EffectiveAt: noon}, noon, "bank PCBC")))
	return l
}

func fold(t *testing.T, l *ledger.Ledger, events ...ledger.Entry) {
	t.Helper()
	for i := range events {
		if r := l.Apply(&events[i]); !r.Accepted {
			t.Fatal(r.Why)
		}
	}
}

// An amount is a string or a number, whose digits are kept; nothing else is one.
func TestAmountIsExact(t *testing.T) {
	for text, want := range map[string]int64{`"49800.00"`: 49_800_00, `49800.1`: 49_800_10, `0.07`: 7,
		`99999999999.99`: 9_999_999_999_999} {
		var a Amount
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			t.Fatal(err)
		}
		if got, err := a.Minor(event.CNY); err != nil || got != want {
			t.Errorf("%s is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{`"-1"`, `"1.001"`, `""`, `"1e3"`, `"9007199254740993"`} {
		var a Amount
		_ = json.Unmarshal([]byte(text), &a)
		if got, err := a.Minor(event.CNY); err == nil {
			t.Errorf("%s is %d", text, got)
		}
	}
}

// The police read the first character of a name, and no telephone; a bank and the
// center the whole; who proposed a stop is for the center.
func TestWhoReadsWhat(t *testing.T) {
	l := held(t)
	terms := l.Terms()
	terms.AutoLimit = -1
	fold(t, l, ledger.StopEntries(stop.Propose(terms, "stp_2", "cas_2",
		stop.Proposal{Minor: 1, Currency: event.CNY, Hop: 1,
			Account: stop.Account{Number: "62", Bank: "PCBC", Holder: "王五"}, Transfer: stop.Transfer{ID: "t2", Minor: 1,
				At: noon}}, noon, "wang"))[0])
	c := *l.Case("cas_1")
	c.Reports = []ledger.ReportNote{{ID: "110:1", Holder: "张三", Phone: "+8613800138000", Minor: 5_000_00,
		Currency: event.CNY}}
	for role, want := range map[access.Role][4]string{ // holder, phone, victim, proposer
		access.Police: {"李*", "", "张*", ""}, access.Bank: {"李四", "", "张三", ""}, access.Analyst: {"李四", "+8613800138000",
			"张三", "wang"},
		access.Supervisor: {"李四", "+8613800138000", "张三", "wang"}, access.Admin: {"李四", "+8613800138000", "张三", "wang"},
	} {
		ctx := access.With(t.Context(), &access.Identity{Role: role})
		d := NewCase(ctx, l, &c)
		if got := [4]string{d.Stops[0].Account.Holder, d.Reports[0].Phone, d.Reports[0].Holder, NewStop(ctx,
			l.Stop("stp_2"), l.Terms()).ProposedBy}; got != want {
			t.Errorf("%s reads %v, want %v", role, got, want)
		}
		if d.Amounts.Requested != "5000.00" || d.Amounts.Held != "3000.00" || d.Amounts.Frozen != "0.00" {
			t.Errorf("%+v", d.Amounts)
		}
	}
	if Mask(access.With(t.Context(), &access.Identity{Role: access.Police}), "") != "" {
		t.Error("nobody has a mask")
	}
}

// A stop that holds says until when, and what of a later credit is to be held; its
// message as a webhook carries it is the same document, at the time of its version.
func TestStopAndItsMessage(t *testing.T) {
	l := held(t)
	d := NewStopDetail(t.Context(), l.Stop("stp_1"), l.Terms())
	if d.HeldAmount != "3000.00" || d.Claim != "2000.00" ||
		d.EndsAt != noon.Add(48*time.Hour).String() || d.RespondBy != "" || d.State != "partial" || len(d.Timeline) != 3 ||
		d.Transfer.Amount != "5000.00" || d.Reason.Code != "FRAD" || d.Delivery == nil ||
		d.Delivery.Type != "stop.requested" {
		t.Errorf("%+v", d)
	}
	var e EnvelopeBody
	if err := json.Unmarshal(Envelope(l.Stop("stp_1"), "stop.requested", 2, l.Terms()), &e); err != nil {
		t.Fatal(err)
	}
	if e.ID != "msg_stp_1_2" || e.Type != "stop.requested" || e.Timestamp != noon.String() || e.Data.State != "partial" ||
		e.Data.Account.Holder != "李四" {
		t.Errorf("%+v", e)
	}
	page := NewStopsPage(t.Context(), []*stop.Stop{l.Stop("stp_1")}, true, l.Terms())
	if page.Next != "stp_1" || len(page.Stops) != 1 || NewStopsPage(t.Context(), nil, false, l.Terms()).Stops == nil {
		t.Errorf("%+v", page)
	}
}

// A bank's answer is read with its currency, and its next banks must be known.
func TestOutcomeIsRead(t *testing.T) {
	st, banks := held(t).Stop("stp_1"), event.BuiltInBanks()
	b := OutcomeBody{Result: "partial", EffectiveAt: noon.String(), HeldAmount: "30.5", Balance: "7",
		Onward: []OnwardBody{{ID: "o1", ToAccount: "6228", ToBank: "aboc", Amount: "5", At: noon.String()}, {ID: "cash",
			Amount: "1", At: noon.String()}},
		Differs: []DifferenceBody{{Field: "holder", Theirs: "李*"}}, Prior: []PriorBody{{Authority: "court", Amount: "9",
			Until: noon.String()}}}
	o, err := b.Outcome(st, banks)
	if err != nil || o.HeldMinor != 30_50 || o.Balance != 7_00 || o.EffectiveAt != noon || o.Onward[0].ToBank != "ABOC" ||
		o.Onward[0].Minor != 5_00 || o.Onward[1].ToBank != "" || o.Prior[0].Minor != 9_00 || o.Differs[0].Theirs != "李*" {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err := (&OutcomeBody{Result: "missed"}).Outcome(st, banks); err != nil || o.Balance != event.Unknown {
		t.Errorf("a balance that nobody told is %d, %v", o.Balance, err)
	}
	for at, b := range map[string]OutcomeBody{
		"#/held_amount":      {HeldAmount: "1.001"},
		"#/balance":          {Balance: "x"},
		"#/effective_at":     {EffectiveAt: "noon"},
		"#/onward":           {Onward: []OnwardBody{{Amount: "x"}}},
		"#/prior":            {Prior: []PriorBody{{Amount: "1", Until: "noon"}}},
		"#/onward/0/to_bank": {Onward: []OnwardBody{{ToAccount: "1", ToBank: "ZZZZ"}}},
	} {
		_, err := b.Outcome(st, banks)
		var p *Problem
		if !errors.As(err, &p) || p.Status != 422 || len(p.Errors) != 1 || p.Errors[0].Pointer != at {
			t.Errorf("%s: %+v", at, err)
		}
	}
}

// A return of 100.00 over losses of 200.00 and 100.00: 66.67, with the fen that is left
// over, and 33.33.
func TestReturnArithmetic(t *testing.T) {
	l := held(t)
	r := &giveback.Round{ID: "ret_1", CaseID: "cas_1", State: giveback.Proposed,
		Return: giveback.Return{Currency: event.CNY, Pool: 100_00, Losses: 300_00,
			Accounts: []giveback.AccountReturn{{Account: stop.Account{Number: "6217", Bank: "PCBC"}, Minor: 100_00,
				Method: giveback.MethodProportional,
				Why:    giveback.WhyMixed, Mixed: &giveback.Flow{At: noon, Minor: -12_34}}},
			Lines: []giveback.Line{
				{Victim: "a", Loss: 200_00, Weight: 200_00, Share: 66_67, Remainder: 20_000, Extra: true, Minor: 66_67,
					From: []giveback.PayFrom{{Stop: "stp_1", Minor: 66_67}}},
				{Victim: "b", Loss: 100_00, Weight: 100_00, Share: 33_33, Remainder: 10_000, Minor: 33_33,
					From: []giveback.PayFrom{{Stop: "gone", Minor: 33_33}}}}}}
	d := NewReturn(l, r)
	if d.Total != "100.00" ||
		d.Lines[0].Arithmetic != "10000 × 20000 ÷ 30000 = 6666 rest 20000"+LeftOver ||
		d.Lines[1].Arithmetic != "10000 × 10000 ÷ 30000 = 3333 rest 10000" || d.Lines[0].Amount != "66.67" {
		t.Errorf("%+v", d.Lines)
	}
	if d.Lines[0].From[0].Bank != "PCBC" || d.Lines[0].From[0].State != "partial" || d.Lines[1].From[0].Bank != "" {
		t.Errorf("%+v", d.Lines)
	}
	if a := d.Accounts[0]; a.WhyCode != "remittance.left-together" ||
		a.WhyValues["amount"] != (event.Money{Minor: 12_34, Currency: event.CNY}) {
		t.Errorf("%+v", a)
	}
}

// Where the money lies: a stop with what it holds, and cash behind it.
func TestTrailOfAStop(t *testing.T) {
	st := held(t).Stop("stp_1")
	n := NewTrailNode(t.Context(), &ledger.Node{Stop: st, Children: []*ledger.Node{{Leaf: &stop.Leaf{Minor: 1_000_00,
		Hop: 2, Why: stop.LeafCash}}}}, "USD")
	if n.Held != "3000.00" || n.Amount != "5000.00" || n.Currency != "CNY" || n.Payer != "6222" || n.EndsAt == "" ||
		len(n.Children) != 1 {
		t.Errorf("%+v", n)
	}
	if leaf := n.Children[0]; leaf.State != "cash" || leaf.Amount != "1000.00" || leaf.Currency != "CNY" ||
		leaf.Children == nil {
		t.Errorf("%+v", leaf)
	}
}

// An appeal that was upheld an hour and a half after the hold; a visit that went up.
func TestAppealAndVisit(t *testing.T) {
	st := held(t).Stop("stp_1")
	a := &desk.AppealFile{ID: "apl_1", State: desk.AppealUpheld, HeldSince: noon,
		DecidedAt: noon.Add(90 * time.Minute),
		Appeal: desk.Appeal{StopID: "stp_1", Holder: "李四", Contact: "139", Minor: 2_000_00,
			Documents: []desk.Document{{Name: "identity", Received: true}}}}
	police := access.With(t.Context(), &access.Identity{Role: access.Police})
	if d := NewAppeal(police, a, st); d.Released != "2000.00" || d.Contact != "" || d.Holder != "李*" ||
		!d.Documents[0].Received {
		t.Errorf("%+v", d)
	}
	if d := NewAppeal(t.Context(), a, nil); d.Released != "" || d.Contact != "139" {
		t.Errorf("%+v", d)
	}
	v := &desk.VisitFile{ID: "vis_1", State: desk.VisitAssigned, Until: noon,
		Visit: desk.Visit{Level: 2, Holder: "张三"}}
	if d := NewVisit(police, v); d.Level != "district" || d.Due != noon.String() || d.Holder != "张*" {
		t.Errorf("%+v", d)
	}
	v.State, v.Level = desk.VisitConfirmed, 9
	if d := NewVisit(police, v); d.Level != "city" || d.Due != "" {
		t.Errorf("%+v", d)
	}
}

// A claim that has run out is none.
func TestTaskNow(t *testing.T) {
	claim := &desk.TaskFile{State: desk.TaskClaimed, By: "li", Until: noon}
	if d := NewTask(claim, noon-1); d.State != "claimed" || d.By != "li" {
		t.Errorf("%+v", d)
	}
	for _, c := range []struct {
		t  *desk.TaskFile
		at event.Instant
	}{{claim, noon}, {nil, noon}} {
		if d := NewTask(c.t, c.at); d != (Task{State: "open"}) {
			t.Errorf("%+v", d)
		}
	}
}

// 3 confirmed and 1 false alarm are a precision of 0.75; of nothing judged there is none.
func TestPrecision(t *testing.T) {
	list := NewPatternStatistics([]warehouse.PatternOutcome{{Pattern: "a", Alerts: 5, Confirmed: 3, False: 1},
		{Pattern: "b", Alerts: 2}})
	if len(list) != 2 || *list[0].Precision != 0.75 || list[0].Open != 1 || list[1].Precision != nil ||
		len(list[1].Weeks) != 1 {
		t.Errorf("%+v", list)
	}
	if NewPatternStatistics(nil) == nil {
		t.Error("no pattern is null")
	}
}

// The books' figures in decimals, each at its name.
func TestRecoveryRow(t *testing.T) {
	row := NewRecoveryRow(&warehouse.Recovery{Key: "k", Reports: 1, Proposed: 2, Requested: 3, Held: 4, Unanswered: 5,
		AmountHeld:           6_01,
		AmountRequestedFirst: 7_02, AmountLapsed: 8_03, SecondsToHold: [3]float64{1, 2, 3}}, event.CNY)
	if row.Reports != 1 || row.StopsProposed != 2 || row.StopsRequested != 3 || row.StopsHeld != 4 ||
		row.StopsUnanswered != 5 ||
		row.AmountHeld != "6.01" || row.AmountFirst != "7.02" || row.AmountLapsed != "8.03" ||
		row.SecondsToHold != (Percentiles{1, 2, 3}) {
		t.Errorf("%+v", row)
	}
}

// A catalogue is told whole or by its name; one that cannot be read has its text.
func TestCatalogueDocument(t *testing.T) {
	p := scoring.Published{Version: "v", By: "li", Text: string(scoring.DefaultCatalogue)}
	if d := NewCatalogue(p, false); d.Text != "" || d.Patterns != nil || d.By != "li" {
		t.Errorf("%+v", d)
	}
	if d := NewCatalogue(p, true); len(d.Patterns) < 10 || d.Patterns[0].NameZH != "冒充公检法" ||
		d.Patterns[0].Then != "stop" {
		t.Errorf("%+v", d.Patterns)
	}
	p.Text = "- id: ["
	if d := NewCatalogue(p, true); d.Text != p.Text || d.Patterns != nil {
		t.Errorf("%+v", d)
	}
	if d := NewProposal(scoring.Proposal{Published: scoring.Published{Version: "v", By: "li", Patterns: 3},
		Base: "b"}); d.Base != "b" ||
		d.Patterns != 3 || d.ProposedBy != "li" {
		t.Errorf("%+v", d)
	}
	page := NewDecisionsPage([]scoring.Decision{{Entity: "acct:1", Pattern: "p", By: "li", Until: noon}})
	if len(page.Items) != 1 || page.Items[0].Until != noon.String() || NewDecisionsPage(nil).Items == nil {
		t.Errorf("%+v", page)
	}
}

// A duty that is over says so, in both languages, with the name as it may be read.
func TestDutyDocument(t *testing.T) {
	d := &ledger.Duty{Kind: "appeal", ID: "apl_1", Until: noon, Say: words.New("duty.appeal", "holder", "李四")}
	police := access.With(t.Context(), &access.Identity{Role: access.Police})
	got := NewDuty(police, d, noon)
	if !got.Overdue || !strings.Contains(got.Text, "李*") || !strings.Contains(got.TextZH, "李*") ||
		d.Say.Values["holder"] != "李四" {
		t.Errorf("%+v of %+v", got, d)
	}
	if got := NewDuty(t.Context(), d, noon-1); got.Overdue || !strings.Contains(got.Text, "李四") {
		t.Errorf("%+v", got)
	}
}

// A document is shown as text, at most 4,096 bytes of it.
func TestShown(t *testing.T) {
	if got := Shown([]byte("a\xffb")); got != "a\ufffdb" {
		t.Errorf("%q", got)
	}
	if got := Shown([]byte(strings.Repeat("x", 5000))); len(got) != 4096 {
		t.Errorf("%d bytes", len(got))
	}
}

// What the form has as usual is left out of the log.
func TestLedgerOrder(t *testing.T) {
	var none *OrderBody
	if none.LedgerOrder() != nil {
		t.Error("no form is one")
	}
	o := (&OrderBody{Type: "normal", Urgency: "urgent", Operator: OfficerBody{Name: "甲", Badge: "1"},
		Entity: true}).LedgerOrder()
	if o.Type != "" || o.Urgency != "" || o.Operator.Badge != "1" || !o.Entity {
		t.Errorf("%+v", o)
	}
	if o := (&OrderBody{Type: "back-filled", Urgency: "normal"}).LedgerOrder(); o.Type != "back-filled" ||
		o.Urgency != "normal" {
		t.Errorf("%+v", o)
	}
}

// A problem names its fields by pointers, whoever found what is wrong in them.
func TestProblemFields(t *testing.T) {
	p := NewProblem(422, "report.refused").With(nil, event.Refusal{{Field: "/transfers/0/amount", Reason: "bad-amount",
		Message: words.New("bad-amount.negative", "amount", "-1")}}, errors.New("line 3: what is this"))
	if len(p.Errors) != 2 || p.Errors[0].Pointer != "#/transfers/0/amount" || p.Errors[0].Reason != "bad-amount" ||
		p.Errors[1].Code != "field.other" || p.Errors[1].Detail != "line 3: what is this" {
		t.Errorf("%+v", p.Errors)
	}
	for location, want := range map[string]string{"body.transfers[0].amount": "#/transfers/0/amount", "body": "#",
		"query.wait": "query.wait"} {
		if got := pointer(location); got != want {
			t.Errorf("%s is %s, want %s", location, got, want)
		}
	}
	p.In(words.Chinese)
	if p.Detail != "报案不能接受，请更正所列各项" || p.ContentType("") != "application/problem+json" || p.GetStatus() != 422 {
		t.Errorf("%+v", p)
	}
	if own, is := FrameworkProblem(500, "unexpected", p).(*Problem); !is || own != p {
		t.Error("a problem of ours is wrapped")
	}
	if q, is := FrameworkProblem(500, "pq: relation does not exist").(*Problem); !is || q.Code != "internal" ||
		strings.Contains(q.Detail, "pq") {
		t.Errorf("%+v", q)
	}
	var field *Problem
	if err := BadField("body.amount", "field.decimal"); !errors.As(err, &field) || field.Errors[0].Pointer != "#/amount" {
		t.Errorf("%v", err)
	}
}

// Alerts are passed on byte for byte.
func TestRawAlert(t *testing.T) {
	const doc = `{"id":"alt_1","old_field":1.50}`
	if b, err := json.Marshal(AlertsPage{Alerts: []RawAlert{RawAlert(doc)}}); err != nil ||
		string(b) != `{"alerts":[`+doc+`]}` {
		t.Errorf("%s %v", b, err)
	}
	if b, err := json.Marshal(Explanation{Hits: HitList(`[1.50]`)}); err != nil || !strings.Contains(string(b),
		`"hits":[1.50]`) {
		t.Errorf("%s %v", b, err)
	}
}

// English unless Chinese is preferred.
func TestLanguageOf(t *testing.T) {
	for accept, want := range map[string]words.Language{"": words.English, "zh": words.Chinese, "zh-TW": words.Chinese,
		"en-GB,zh;q=0.5": words.English, "fr": words.English, "de, zh;q=0.9": words.Chinese} {
		if got := LanguageOf(accept); got != want {
			t.Errorf("%q: %v", accept, got)
		}
	}
}
