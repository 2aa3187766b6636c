package event

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

var (
	testNow    = InstantOf(time.Date(2026, 11, 23, 10, 21, 0, 0, Zone))
	testParser = &Parser{Limits: DefaultLimits, Numbers: NewNumbers("CN")}
)

const goodTransfer = `{"kind": "transfer", "id": "ICBC-20261123-0000012345", "at": "2026-11-23T10:20:30.123+08:00",
 "payer": {"account": "6222 0202-00112233445", "bank": "icbk", "holder": "甲", "phone": "138 0013 8000"},
 "payee": {"account": "6217000010098765432", "bank": "PCBC"},
 "amount": "49800.00", "currency": "CNY", "channel": "mobile", "status": "initiated", "payer_balance": "50012.30", "unheard_of": [1, {"a": 2}]}`

func parse(t *testing.T, doc string) (*Event, error) {
	t.Helper()
	e := &Event{}
	return e, testParser.Parse([]byte(doc), testNow, e)
}

func TestParseTransfer(t *testing.T) {
	e, err := parse(t, goodTransfer)
	if err != nil {
		t.Fatal(err)
	}
	tr := &e.Transfer
	if tr.Amount != (Money{4_980_000, CNY}) || tr.PayerBalance != 5_001_230 || tr.PayeeBalance != Unknown {
		t.Errorf("amounts: %+v", tr)
	}
	if tr.Payer.Account != "6222020200112233445" || tr.Payer.Bank != "ICBK" || tr.Payer.Phone != "+8613800138000" {
		t.Errorf("the payer was not normalised: %+v", tr.Payer)
	}
	if e.At.String() != "2026-11-23T10:20:30.123+08:00" {
		t.Errorf("time: %s", e.At)
	}
	touched := e.Touched(nil)
	want := []Entity{"acct:6222020200112233445", "tel:+8613800138000", "acct:6217000010098765432"}
	for i, touch := range touched {
		if touch.Entity() != want[i] {
			t.Errorf("leg %d belongs to %s, want %s", i, touch.Entity(), want[i])
		}
	}
}

func TestAmountsAreExact(t *testing.T) {
	for text, want := range map[string]int64{`"0.01"`: 1, `0.07`: 7, `"100000000000.00"`: MaxMinor, `1e2`: -1,
		`"1,000"`: -1,
		`12.3`:    1230, `9007199254740993`: -1, `90071992547.93`: 9007199254793} {
		e, err := parse(t, strings.Replace(goodTransfer, `"49800.00"`, text, 1))
		if want < 0 {
			if err == nil {
				t.Errorf("amount %s was taken as %d", text, e.Transfer.Amount.Minor)
			}
		} else if err != nil || e.Transfer.Amount.Minor != want {
			t.Errorf("amount %s: %d, %v; want %d", text, e.Transfer.Amount.Minor, err, want)
		}
	}
}

// Every kind of rubbish has its reason and, where there is one, its field.
func TestRefusals(t *testing.T) {
	edit := func(old, repl string) string {
		if !strings.Contains(goodTransfer, old) {
			t.Fatalf("%q is not in the document", old)
		}
		return strings.Replace(goodTransfer, old, repl, 1)
	}
	for name, c := range map[string]struct {
		doc    string
		reason Reason
		field  string
	}{
		"truncated":        {goodTransfer[:100], ReasonNotJSON, ""},
		"empty":            {"", ReasonNotJSON, ""},
		"not an object":    {`[1]`, ReasonBadValue, ""},
		"two documents":    {goodTransfer + goodTransfer, ReasonNotJSON, ""},
		"duplicate field":  {edit(`"kind"`, `"id":"x","kind"`), ReasonNotJSON, "/id"},
		"negative":         {edit(`"49800.00"`, `"-1.00"`), ReasonBadAmount, "/amount"},
		"zero":             {edit(`"49800.00"`, `"0.00"`), ReasonBadAmount, "/amount"},
		"20 digits":        {edit(`"49800.00"`, `"12345678901234567890"`), ReasonBadAmount, "/amount"},
		"3 decimals":       {edit(`"49800.00"`, `"1.001"`), ReasonBadAmount, "/amount"},
		"amount of object": {edit(`"49800.00"`, `{}`), ReasonBadAmount, "/amount"},
		"unknown currency": {edit(`"CNY"`, `"XXZ"`), ReasonUnknownCurrency, "/currency"},
		"time in 1970":     {edit("2026-11-23T10:20:30.123+08:00", "1970-01-01T00:00:00Z"), ReasonTooOld, "/at"},
		"time tomorrow":    {edit("2026-11-23T10:20:30.123+08:00", "2026-11-24T10:20:30+08:00"), ReasonTooFarAhead, "/at"},
		"no offset":        {edit("2026-11-23T10:20:30.123+08:00", "2026-11-23T10:20:30"), ReasonBadTime, "/at"},
		"2 MB":             {edit(`"甲"`, `"`+strings.Repeat("x", 2<<20)+`"`), ReasonTooLarge, ""},
		"long text":        {edit(`"甲"`, `"`+strings.Repeat("x", 300)+`"`), ReasonTooLong, "/payer/holder"},
		"unknown kind":     {edit(`"transfer"`, `"transmogrify"`), ReasonUnknownKind, "/kind"},
		"invalid UTF-8":    {edit(`甲`, "\xff\xfe"), ReasonNotUTF8, ""},
		"id is a number":   {edit(`"ICBC-20261123-0000012345"`, `5`), ReasonBadValue, "/id"},
		"no id":            {edit(`"ICBC-20261123-0000012345"`, `""`), ReasonMissingField, "/id"},
		"no payee": {edit(`"payee": {"account": "6217000010098765432", "bank": "PCBC"},`, ``), ReasonMissingField,
			"/payee/account"},
		"unknown status":   {edit(`"initiated"`, `"pending"`), ReasonBadValue, "/status"},
		"pays itself":      {edit(`6217000010098765432`, `6222020200112233445`), ReasonBadValue, "/payee/account"},
		"call without end": {`{"kind":"call","id":"1","at":"2026-11-23T10:20:30+08:00","phase":"ended","caller":{"number":"1"},"callee":{"number":"2"}}`, ReasonMissingField, "/duration_s"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(t, c.doc)
			var r Refusal
			if !errors.As(err, &r) {
				t.Fatalf("not refused: %v", err)
			}
			if r[0].Reason != c.reason || r[0].Field != c.field {
				t.Errorf("refused with %s at %q (%s), want %s at %q", r[0].Reason, r[0].Field, r[0], c.reason, c.field)
			}
		})
	}
}

func TestRefusalNamesEveryMistake(t *testing.T) {
	_, err := parse(t, `{"kind":"transfer","id":"","at":"x","payer":{},"amount":"-1","currency":"CNY","channel":"?","status":"?"}`)
	var r Refusal
	if !errors.As(err, &r) || len(r) < 8 {
		t.Fatalf("want every mistake at once, got %v", err)
	}
}

func TestNumbers(t *testing.T) {
	n := NewNumbers("CN")
	for in, want := range map[string]string{"13800138000": "+8613800138000", "+852 8123 4567": "+85281234567",
		"0851-12345678":   "+8685112345678",
		"008613800138000": "+8613800138000", "96110": "96110", "10086": "10086", "+85281234567": "+85281234567", "abc": ""} {
		if got := n.E164(in); got != want {
			t.Errorf("E164(%q) = %q, want %q", in, got, want)
		}
	}
	if n.Home("+85281234567") || !n.Home("+8613800138000") || !n.Home("96110") {
		t.Error("home and foreign numbers are confused")
	}
}

// A field that nobody knows is named, however deep; on Kafka it is told of and
// passed over, where somebody waits for an answer it is refused.
func TestUnknownFields(t *testing.T) {
	report := `{"kind":"report","id":"r","at":"2026-11-23T10:00:00+08:00","source":"110","victim":{"phone":"13800138000"},
		"transfers":[{"payer_account":"1","payee_account":"2","payee_bank":"B","amount":"1.50","currency":"CNY","at":"2026-11-23T09:00:00+08:00"}]}`
	transfer := strings.Replace(goodTransfer, `, "unheard_of": [1, {"a": 2}]`, "", 1)
	for name, c := range map[string]struct{ kind, doc, from, to, http, kafka string }{
		"nothing": {"transfer", transfer, "", "", "", ""},
		"of the contract": {"transfer", transfer, `"channel"`,
			`"uetr":"u","end_to_end_id":"e","clearing":{"payer":"1"},"mcc":5411,"channel"`, "", ""},
		"at the top": {"transfer", transfer, `"channel"`, `"chanel":"x","channel"`, "/chanel", "/chanel"},
		"in a party": {"transfer", transfer, `"bank": "icbk"`, `"bank": "icbk", "phones": ["1"]`,
			"/payer/phones", "/payer/phones"},
		"with a slash":    {"transfer", transfer, `"channel"`, `"a/b~c":[{"deep":1}],"channel"`, "/a~1b~0c", "/a~1b~0c"},
		"of another kind": {"transfer", transfer, `"channel"`, `"caller":{"number":"1"},"channel"`, "/caller", ""},
		"in a list": {"report", report, `"payee_bank":"B"`, `"payee_bank":"B","amout":"1"`,
			"/transfers/0/amout", "/transfers/amout"},
		"the victim's account": {"report", report, `"phone":"13800138000"`, `"phone":"13800138000","account":"1"`,
			"/victim/account", ""},
		"two": {"report", report, `"source":"110"`, `"source":"110","x":1,"y":{"x":2}`, "/x /y", "/x /y"},
	} {
		doc := []byte(strings.Replace(c.doc, c.from, c.to, 1))
		var told []string
		parser := *testParser
		parser.Unknown = func(_, field string) { told = append(told, field) }
		var e Event
		if err := parser.Parse(doc, testNow, &e); err != nil || strings.Join(told, " ") != c.kafka {
			t.Errorf("%s: on Kafka %v, %v; want %q", name, told, err, c.kafka)
		}
		err := parser.ParseAs(c.kind, doc, testNow, &e)
		var refusal Refusal
		var at []string
		if errors.As(err, &refusal) {
			for _, p := range refusal {
				if at = append(at, p.Field); p.Reason != ReasonUnknownField {
					t.Errorf("%s: %v", name, p)
				}
			}
		}
		if strings.Join(at, " ") != c.http {
			t.Errorf("%s: over HTTP %v, want %q", name, err, c.http)
		}
	}
}

// A report names who was defrauded, and of which payment.
func TestReportNeedsVictimAndTransfers(t *testing.T) {
	const head = `{"kind":"report","id":"r","at":"2026-11-23T10:00:00+08:00","source":"110"`
	const transfers = `,"transfers":[{"payer_account":"1","payee_account":"2","payee_bank":"B","amount":"1.50","currency":"CNY","at":"2026-11-23T09:00:00+08:00"}]`
	for doc, want := range map[string]string{
		head + `,"victim":{"holder":"甲"}` + transfers + "}":          "",
		head + `,"victim":{"phone":"13800138000"}` + transfers + "}": "",
		head + `,"victim":{}` + transfers + "}":                      "/victim",
		head + transfers + "}":                                       "/victim",
		head + `,"victim":{"phone":"13800138000"}}`:                  "/transfers",
		head + `,"victim":{"phone":"13800138000"},"transfers":[]}`:   "/transfers",
		head + `}`: "/victim /transfers",
	} {
		_, err := parse(t, doc)
		var refusal Refusal
		var at []string
		if errors.As(err, &refusal) {
			for _, p := range refusal {
				at = append(at, p.Field)
			}
		}
		if strings.Join(at, " ") != want {
			t.Errorf("%s: %v, want %q", doc, err, want)
		}
	}
}

// What the registers do not have: a district becomes none, a type of fraud
// "other", a bank of a payment that is merely seen stays; each is told of. A bank
// that is asked for a stop must be known.
func TestVocabularies(t *testing.T) {
	const report = `{"kind":"report","id":"r","at":"2026-11-23T10:00:00+08:00","source":"110","district":"520103","fraud_type":"task-rebate",
		"victim":{"holder":"甲"},"transfers":[{"payer_account":"1","payee_account":"2","payee_bank":"pcbc","amount":"1.50","currency":"CNY","at":"2026-11-23T09:00:00+08:00"}]}`
	parser := *testParser
	parser.Banks = BuiltInBanks()
	for name, c := range map[string]struct {
		doc, from, to   string
		strange         string
		district, fraud string
		refused         Reason
	}{
		"all known":            {report, "", "", "", "520103", "task-rebate", ""},
		"another district":     {report, "520103", "Guiyang", "/district", "", "task-rebate", ""},
		"a formula":            {report, "520103", "=1+1", "/district", "", "task-rebate", ""},
		"another fraud":        {report, "task-rebate", "刷单", "/fraud_type", "520103", OtherFraud, ""},
		"none":                 {report, `"district":"520103","fraud_type":"task-rebate",`, "", "", "", "", ""},
		"another bank is paid": {report, "pcbc", "BANK9", "", "", "", ReasonUnknownBank},
		"a payment is seen":    {goodTransfer, "icbk", "ZZZZ", "/payer/bank", "", "", ""},
		"a payment's district": {goodTransfer, `"channel"`, `"district":"12","channel"`, "/district", "", "", ""},
	} {
		var strange []string
		parser.Strange = func(_, field string) { strange = append(strange, field) }
		var e Event
		err := parser.Parse([]byte(strings.Replace(c.doc, c.from, c.to, 1)), testNow, &e)
		var refusal Refusal
		if errors.As(err, &refusal); c.refused != "" {
			if len(refusal) != 1 || refusal[0].Reason != c.refused || refusal[0].Field != "/transfers/0/payee_bank" ||
				!strings.Contains(refusal[0].Error(), "--bank-register") {
				t.Errorf("%s: %v, want %s", name, err, c.refused)
			}
			continue
		}
		if err != nil || strings.Join(strange, " ") != c.strange {
			t.Errorf("%s: %v, told of %q, want %q", name, err, strange, c.strange)
		}
		if e.Report != nil && (e.Report.District != c.district || e.Report.FraudType != c.fraud ||
			e.Report.Transfers[0].PayeeBank != "PCBC") {
			t.Errorf("%s: %+v", name, e.Report)
		}
		if e.Kind == KindTransfer && e.Transfer.District != "" {
			t.Errorf("%s: %q", name, e.Transfer.District)
		}
	}
}

// Two reports are the same when they say the same, however they write it, and
// whenever they are sent; anything else differs.
func TestReportDigest(t *testing.T) {
	const doc = `{"kind":"report","id":"r","at":"2026-11-23T10:00:00+08:00","source":"110","district":"520103","fraud_type":"task-rebate","victim":{"phone":"13800138000","holder":"甲"},"callers":["+852 8123 4567"],
		"transfers":[{"id":"t","payer_account":"62 22","payee_account":"2","payee_bank":"b","amount":"1.50","currency":"CNY","at":"2026-11-23T09:00:00+08:00"}]}`
	digest := func(doc string) string {
		e, err := parse(t, doc)
		if err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
		return e.Report.Digest()
	}
	want := digest(doc)
	for _, same := range [][2]string{{`"62 22"`, `"6222"`}, {`"1.50"`, `1.5`}, {`"b"`, `"B"`},
		{`"13800138000"`, `"+8613800138000"`}, {"10:00:00+08:00", "10:01:00+08:00"}, {"09:00:00+08:00", "01:00:00Z"},
		{`"kind":"report",`, `"kind":"report", `}} {
		if got := digest(strings.Replace(doc, same[0], same[1], 1)); got != want {
			t.Errorf("%s for %s: %s, want %s", same[1], same[0], got, want)
		}
	}
	seen := map[string]string{want: "the first"}
	for _, other := range [][2]string{{`"source":"110"`, `"source":"96110"`}, {"520103", "520102"},
		{`"task-rebate"`, `"account-takeover"`}, {"甲", "乙"}, {"13800138000", "13800138001"}, {`"id":"t"`, `"id":"u"`},
		{"62 22", "62 23"}, {`"payee_account":"2"`, `"payee_account":"3"`},
		{`"b"`, `"c"`}, {"1.50", "1.51"}, {"CNY", "USD"}, {"09:00:00", "09:00:01"}, {"8123", "8124"},
		{`"callers":["+852 8123 4567"],`, ""}} {
		got := digest(strings.Replace(doc, other[0], other[1], 1))
		if before, known := seen[got]; known {
			t.Errorf("%s for %s has the digest of %s", other[1], other[0], before)
		}
		seen[got] = other[1]
	}
}

func TestBlockRoundTrip(t *testing.T) {
	docs := []string{goodTransfer,
		`{"kind":"call","id":"c","at":"2026-11-23T10:00:00+08:00","phase":"ended","duration_s":5,"caller":{"number":"+85281234567","imei":"i","cell":"a"},"callee":{"number":"13800138000","cell":"b"},"spoofed":true}`,
		`{"kind":"message","id":"m","at":"2026-11-23T10:00:00+08:00","sender":"10690000123","recipient":"13800138000","link_host":"example.test"}`,
		`{"kind":"sim","id":"s","at":"2026-11-23T10:00:00+08:00","number":"13800138000","change":"swapped"}`,
		`{"kind":"watch","entity":"acct:1","risk":"confirmed","until":"2027-05-23T00:00:00+08:00"}`,
		`{"kind":"report","id":"r","at":"2026-11-23T10:00:00+08:00","source":"110","victim":{"phone":"13800138000"},"callers":["+85281234567"],
		  "transfers":[{"payer_account":"1","payee_account":"2","payee_bank":"B","amount":"1.50","currency":"CNY","at":"2026-11-23T09:00:00+08:00"}]}`,
	}
	block := BeginBlock(nil)
	var want []Leg
	for i, d := range docs {
		e, err := parse(t, d)
		if err != nil {
			t.Fatal(err)
		}
		for _, touch := range e.Touched(nil) {
			src := Source{1, 2, int64(1000 + i)}
			block = AppendLeg(block, touch, src, AppendEvent(nil, e))
			want = append(want, Leg{touch.Role, touch.Entity(), src, *e})
		}
	}
	b, err := OpenBlock(block)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; ; n++ {
		var l Leg
		if !b.Next(&l) {
			break
		}
		if got, w := fmt.Sprintf("%+v %+v", l, l.Event.Report), fmt.Sprintf("%+v %+v", want[n],
			want[n].Event.Report); got[:200] != w[:200] || l.Event.Transfer != want[n].Event.Transfer ||
			l.Event.Call != want[n].Event.Call {
			t.Errorf("leg %d:\n got %s\nwant %s", n, got, w)
		}
	}
	if b.Err() != nil || n != len(want) {
		t.Fatalf("%d legs of %d, %v", n, len(want), b.Err())
	}
	for cut := blockHead; cut < len(block)-1; cut += 7 { // a block that ends too soon is an error, never a panic
		b, _ := OpenBlock(block[:cut])
		var l Leg
		for b.Next(&l) {
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(goodTransfer))
	f.Add([]byte(`{"kind":"watch","entity":"tel:1","risk":"cleared"}`))
	f.Add([]byte(`{"kind":"report","transfers":[{}],"victim":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var e Event
		if testParser.Parse(b, testNow, &e) != nil {
			return
		}
		// What is accepted survives the way through a block.
		for _, touch := range e.Touched(nil) {
			blk, err := OpenBlock(AppendLeg(BeginBlock(nil), touch, Source{}, AppendEvent(nil, &e)))
			if err != nil {
				t.Fatal(err)
			}
			var l Leg
			if !blk.Next(&l) || l.Event.ID != e.ID || l.Event.Transfer != e.Transfer || l.Entity != touch.Entity() {
				t.Fatalf("%+v became %+v", e, l)
			}
		}
	})
}

func FuzzBlock(f *testing.F) {
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(_ *testing.T, b []byte) {
		blk, err := OpenBlock(b)
		if err != nil {
			return
		}
		var l Leg
		for blk.Next(&l) {
		}
	})
}

// Telling unknown fields costs nothing where there are none.
func BenchmarkParse(b *testing.B) {
	parser := *testParser
	parser.Unknown = func(string, string) {}
	for name, text := range map[string]string{"all known": strings.Replace(goodTransfer,
		`, "unheard_of": [1, {"a": 2}]`, "", 1), "one unknown": goodTransfer} {
		b.Run(name, func(b *testing.B) {
			doc := []byte(text)
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				var e Event
				if err := parser.Parse(doc, testNow, &e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
