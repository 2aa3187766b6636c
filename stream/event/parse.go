package event

import (
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"stopline.internal/stream/event/words"
)

// Reason says, in one word for counting, why a document was refused.
type Reason string

// The reasons for which a document goes to the dead letters.
const (
	ReasonTooLarge        Reason = "too-large"
	ReasonNotUTF8         Reason = "not-utf8"
	ReasonNotJSON         Reason = "not-json"
	ReasonUnknownKind     Reason = "unknown-kind"
	ReasonWrongTopic      Reason = "wrong-topic"
	ReasonMissingField    Reason = "missing-field"
	ReasonBadValue        Reason = "bad-value"
	ReasonBadAmount       Reason = "bad-amount"
	ReasonUnknownCurrency Reason = "unknown-currency"
	ReasonBadTime         Reason = "bad-time"
	ReasonTooOld          Reason = "too-old"
	ReasonTooFarAhead     Reason = "too-far-ahead"
	ReasonTooLong         Reason = "too-long"
	ReasonUnknownField    Reason = "unknown-field" // over HTTP; on Kafka it is counted
	ReasonUnknownBank     Reason = "unknown-bank"  // in what asks for a stop
)

// Problem is one thing wrong with a document. Field is a JSON pointer; the
// message's code begins with the reason, and says more where there is more to say.
type Problem struct {
	Reason Reason
	Field  string
	words.Message
}

// NewProblem is what is wrong with a field: its reason is its code up to the dot.
func NewProblem(field, code string, pairs ...any) Problem {
	reason, _, _ := strings.Cut(code, ".")
	return Problem{Reason(reason), field, words.New(code, pairs...)}
}

func (p Problem) String() string {
	if p.Field == "" {
		return p.Error()
	}
	return p.Field + " " + p.Error()
}

// Refusal is the error of a document that cannot be taken, with everything
// that is wrong with it. Its reason for counting is the first one's.
type Refusal []Problem

func (r Refusal) Error() string {
	parts := make([]string, len(r))
	for i, p := range r {
		parts[i] = p.String()
	}
	return strings.Join(parts, "; ")
}

// Limits are the bounds of what is accepted.
type Limits struct {
	Bytes  int           // of one document
	String int           // bytes of one text
	Past   time.Duration // how old an event may be; 0: any age
	Ahead  time.Duration // how far ahead of the clock
	List   int           // transfers or callers in one report
}

// DefaultLimits are those of the published contract.
var DefaultLimits = Limits{Bytes: 1 << 20, String: 256, Past: 7 * 24 * time.Hour, Ahead: 5 * time.Minute, List: 1000}

// Parser reads documents. It is safe for many goroutines.
type Parser struct {
	Limits  Limits
	Numbers *Numbers
	// Unknown is told of each field of a document that was taken and that
	// nobody knows, as /payer/acount; nil: nobody is.
	Unknown func(kind, field string)
	// Banks are those that may be asked for a stop; nil: any.
	Banks *Banks
	// Strange is told of each field of a document that was taken whose value is
	// in no register: a district, a type of fraud, a bank of a transfer. nil:
	// nobody is.
	Strange func(kind, field string)
}

// document has the fields of every kind: which ones count, the kind says.
type document struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	At   string `json:"at"`

	Payer        party   `json:"payer"`
	Payee        party   `json:"payee"`
	Amount       Decimal `json:"amount"`
	Currency     string  `json:"currency"`
	Channel      string  `json:"channel"`
	Status       string  `json:"status"`
	PayerBalance Decimal `json:"payer_balance"`
	PayeeBalance Decimal `json:"payee_balance"`
	Device       string  `json:"device"`
	Purpose      string  `json:"purpose"`
	District     string  `json:"district"`

	Phase    string   `json:"phase"`
	Caller   terminal `json:"caller"`
	Callee   terminal `json:"callee"`
	Duration *int64   `json:"duration_s"`
	Spoofed  bool     `json:"spoofed"`

	Sender    string `json:"sender"`
	Recipient string `json:"recipient"`
	LinkHost  string `json:"link_host"`

	Number string `json:"number"`
	Change string `json:"change"`

	Source    string           `json:"source"`
	FraudType string           `json:"fraud_type"`
	Victim    party            `json:"victim"`
	Transfers []reportTransfer `json:"transfers"`
	Callers   []string         `json:"callers"`

	Entity string `json:"entity"`
	Risk   string `json:"risk"`
	Reason string `json:"reason"`
	Until  string `json:"until"`

	// Of the contract, and not looked at yet.
	UETR       jsontext.Value `json:"uetr"`
	EndToEndID jsontext.Value `json:"end_to_end_id"`
	Clearing   jsontext.Value `json:"clearing"`
	MCC        jsontext.Value `json:"mcc"`

	Rest jsontext.Value `json:",embed"` // fields that nobody knows
}

type party struct {
	Account string `json:"account"`
	Bank    string `json:"bank"`
	Holder  string `json:"holder"`
	Phone   string `json:"phone"`

	Rest jsontext.Value `json:",embed"`
}

type terminal struct {
	Number string `json:"number"`
	IMEI   string `json:"imei"`
	Cell   string `json:"cell"`

	Rest jsontext.Value `json:",embed"`
}

type reportTransfer struct {
	ID           string  `json:"id"`
	PayerAccount string  `json:"payer_account"`
	PayeeAccount string  `json:"payee_account"`
	PayeeBank    string  `json:"payee_bank"`
	Amount       Decimal `json:"amount"`
	Currency     string  `json:"currency"`
	At           string  `json:"at"`

	Rest jsontext.Value `json:",embed"`
}

// Parse reads one document into e, as it arrived at now. The error, if any, is
// a [Refusal]; e is then not to be used. Fields that nobody knows are passed
// over: a newer source must not be refused.
func (p *Parser) Parse(b []byte, now Instant, e *Event) error {
	var d document
	strange, err := p.read("", b, now, &d, e)
	if err != nil {
		return err
	}
	if p.Unknown != nil {
		for _, at := range d.rest() {
			p.Unknown(d.Kind, at)
		}
	}
	if p.Strange != nil {
		for _, at := range strange {
			p.Strange(d.Kind, at)
		}
	}
	return nil
}

// ParseAs is [Parser.Parse] for a document that somebody waits for an answer to:
// it need not name its kind, and may have no field that nobody knows.
func (p *Parser) ParseAs(kind string, b []byte, now Instant, e *Event) error {
	var d document
	_, err := p.read(kind, b, now, &d, e)
	var problems Refusal
	if d.Kind != kind || err != nil && !errors.As(err, &problems) {
		return err
	}
	for _, at := range unknownFields(kindFields[kind], b, "") {
		problems = append(problems, NewProblem(at, "unknown-field", "kind", kind))
	}
	if len(problems) > 0 {
		return problems
	}
	return nil
}

// read reads a document, and lists the fields whose values no register has.
func (p *Parser) read(kind string, b []byte, now Instant, d *document, e *Event) (strange []string, err error) {
	if len(b) > p.Limits.Bytes {
		return nil, Refusal{NewProblem("", "too-large", "bytes", len(b), "limit", p.Limits.Bytes)}
	}
	if !utf8.Valid(b) {
		return nil, Refusal{NewProblem("", "not-utf8")}
	}
	if err := json.Unmarshal(b, d); err != nil {
		*d = document{}
		return nil, Refusal{decodeProblem(err)}
	}
	if d.Kind == "" {
		d.Kind = kind
	}
	c := check{parser: p, now: now}
	*e = Event{}
	c.event(d, e)
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return c.strange, nil
}

// ParseWatchRemoval is the event of a watchlist record without a value: its
// key names the entity.
func ParseWatchRemoval(key []byte, now Instant, e *Event) error {
	entity := Entity(key)
	if !watchable(string(entity)) {
		return Refusal{NewProblem("", "bad-value.watch-key")}
	}
	*e = Event{Kind: KindWatch, At: now, Watch: Watch{Entity: entity, Removed: true}}
	return nil
}

func decodeProblem(err error) Problem {
	var sem *json.SemanticError
	if errors.As(err, &sem) {
		return NewProblem(string(sem.JSONPointer), "bad-value.json", "kind", sem.JSONKind.String())
	}
	var syn *jsontext.SyntacticError
	if errors.As(err, &syn) {
		return NewProblem(string(syn.JSONPointer), "not-json.at", "byte", syn.ByteOffset, "cause", syn.Err.Error())
	}
	return NewProblem("", "not-json", "cause", err.Error())
}

// check collects everything that is wrong, so that a source sees it all at once.
type check struct {
	parser   *Parser
	now      Instant
	problems Refusal
	strange  []string // fields whose values no register has
}

func (c *check) fail(field, code string, pairs ...any) {
	c.problems = append(c.problems, NewProblem(field, code, pairs...))
}

func (c *check) event(d *document, e *Event) {
	if d.Kind == "watch" {
		e.Kind = KindWatch
		e.At = c.now
		c.watch(d, &e.Watch)
		return
	}
	for k := KindTransfer; k <= KindReport; k++ {
		if d.Kind == kindNames[k] {
			e.Kind = k
		}
	}
	if e.Kind == 0 {
		c.fail("/kind", "unknown-kind", "value", clip(d.Kind),
			"allowed", []string{"transfer", "call", "message", "sim", "report", "watch"})
		return
	}
	e.ID = c.required("/id", d.ID)
	e.At = c.instant("/at", d.At, true)
	switch e.Kind {
	case KindTransfer:
		c.transfer(d, &e.Transfer)
	case KindCall:
		c.call(d, &e.Call)
	case KindMessage:
		e.Message = Message{Sender: c.number("/sender", d.Sender), Recipient: c.number("/recipient", d.Recipient), LinkHost: c.text("/link_host", d.LinkHost)}
	case KindSIM:
		e.SIM = SIM{Number: c.number("/number", d.Number),
			Change: c.oneOf("/change", d.Change, "activated", "swapped", "ported", "forwarding_on", "forwarding_off", "suspended")}
	case KindReport:
		e.Report = &Report{}
		c.report(d, e.Report)
	}
}

func (c *check) transfer(d *document, t *Transfer) {
	t.Channel = c.oneOf("/channel", d.Channel, "mobile", "web", "counter", "atm", "pos", "api", ChannelCash)
	t.Payer = c.party("/payer", d.Payer)
	if t.Channel == ChannelCash {
		t.Payee.Holder = c.text("/payee/holder", d.Payee.Holder)
	} else {
		t.Payee = c.party("/payee", d.Payee)
		if t.Payee.Account != "" && t.Payee.Account == t.Payer.Account {
			c.fail("/payee/account", "bad-value.own-account")
		}
	}
	t.Amount = c.money("/amount", d.Amount, d.Currency, "/currency")
	t.PayerBalance = c.balance("/payer_balance", d.PayerBalance, t.Amount.Currency)
	t.PayeeBalance = c.balance("/payee_balance", d.PayeeBalance, t.Amount.Currency)
	switch d.Status {
	case "initiated":
		t.Status = StatusInitiated
	case "posted":
		t.Status = StatusPosted
	case "reversed":
		t.Status = StatusReversed
	default:
		c.oneOf("/status", d.Status, "initiated", "posted", "reversed")
	}
	t.Device = c.text("/device", d.Device)
	t.Purpose = c.text("/purpose", d.Purpose)
	t.District = c.district("/district", d.District)
}

func (c *check) call(d *document, call *Call) {
	switch d.Phase {
	case "ended":
		call.Ended = true
		switch {
		case d.Duration == nil:
			c.fail("/duration_s", "missing-field.duration")
		case *d.Duration < 0 || *d.Duration > 7*24*3600:
			c.fail("/duration_s", "bad-value.duration")
		default:
			call.Seconds = *d.Duration
		}
	case "started":
	default:
		c.oneOf("/phase", d.Phase, "started", "ended")
	}
	call.Caller = c.number("/caller/number", d.Caller.Number)
	call.Callee = c.number("/callee/number", d.Callee.Number)
	call.IMEI = c.text("/caller/imei", d.Caller.IMEI)
	call.CallerCell = c.text("/caller/cell", d.Caller.Cell)
	call.CalleeCell = c.text("/callee/cell", d.Callee.Cell)
	call.Spoofed = d.Spoofed
	call.Foreign = !c.parser.Numbers.Home(call.Caller)
}

func (c *check) report(d *document, r *Report) {
	r.Source = c.oneOf("/source", d.Source, "96110", "110", "12345", "bank", "grid", "other")
	r.District = c.district("/district", d.District)
	r.FraudType = c.fraud("/fraud_type", d.FraudType)
	r.Victim.Holder = c.text("/victim/holder", d.Victim.Holder)
	if d.Victim.Phone != "" {
		r.Victim.Phone = c.number("/victim/phone", d.Victim.Phone)
	}
	if d.Victim.Holder == "" && d.Victim.Phone == "" {
		c.fail("/victim", "missing-field.victim")
	}
	if len(d.Transfers) == 0 {
		c.fail("/transfers", "missing-field.transfers")
	}
	if len(d.Transfers) > c.parser.Limits.List || len(d.Callers) > c.parser.Limits.List {
		c.fail("/transfers", "too-long.list", "limit", c.parser.Limits.List)
		return
	}
	for i, t := range d.Transfers {
		at := "/transfers/" + strconv.Itoa(i)
		r.Transfers = append(r.Transfers, ReportedTransfer{
			ID:           c.text(at+"/id", t.ID),
			PayerAccount: PlainAccount(c.required(at+"/payer_account", t.PayerAccount)),
			PayeeAccount: PlainAccount(c.required(at+"/payee_account", t.PayeeAccount)),
			PayeeBank:    c.askedBank(at+"/payee_bank", t.PayeeBank),
			Amount:       c.money(at+"/amount", t.Amount, t.Currency, at+"/currency"),
			At:           c.instant(at+"/at", t.At, false),
		})
	}
	for i, n := range d.Callers {
		r.Callers = append(r.Callers, c.number("/callers/"+strconv.Itoa(i), n))
	}
}

func (c *check) watch(d *document, w *Watch) {
	entity := c.required("/entity", d.Entity)
	if entity != "" && !watchable(entity) {
		c.fail("/entity", "bad-value.entity")
	}
	switch e := Entity(entity); {
	case e.IsNumber():
		w.Entity = Entity(PrefixNumber + c.number("/entity", entity[len(PrefixNumber):]))
	case e.IsAccount():
		w.Entity = Entity(PrefixAccount + PlainAccount(entity[len(PrefixAccount):]))
	default:
		w.Entity = e
	}
	w.Risk = c.oneOf("/risk", d.Risk, "confirmed", "suspected", "cleared")
	w.Reason = c.text("/reason", d.Reason)
	if d.Until != "" {
		t, err := time.Parse(time.RFC3339, d.Until)
		if err != nil {
			c.fail("/until", "bad-time", "value", clip(d.Until))
		}
		w.Until = InstantOf(t)
	}
}

func watchable(s string) bool {
	for _, p := range []string{PrefixAccount, PrefixNumber, PrefixDevice, PrefixHost} {
		if strings.HasPrefix(s, p) && len(s) > len(p) {
			return true
		}
	}
	return false
}

func (c *check) party(at string, p party) Party {
	out := Party{
		Account: PlainAccount(c.required(at+"/account", p.Account)),
		Bank:    c.bank(at+"/bank", p.Bank),
		Holder:  c.text(at+"/holder", p.Holder),
	}
	if p.Phone != "" {
		out.Phone = c.number(at+"/phone", p.Phone)
	}
	return out
}

// district is a code of GB/T 2260, or none: what nobody knows is no district.
func (c *check) district(at, code string) string {
	if c.text(at, code) != "" && District(code) == "" {
		c.strange = append(c.strange, at)
		return ""
	}
	return code
}

func (c *check) fraud(at, kind string) string {
	kept, known := FraudOf(c.text(at, kind))
	if !known {
		c.strange = append(c.strange, at)
	}
	return kept
}

// bank is one of a payment that is merely seen: a bank elsewhere has its code too.
func (c *check) bank(at, code string) string {
	code = strings.ToUpper(c.required(at, code))
	if c.parser.Banks != nil && code != "" {
		if _, known := c.parser.Banks.Find(code); !known {
			c.strange = append(c.strange, at)
		}
	}
	return code
}

// askedBank is one that is asked for a stop: it must be known.
func (c *check) askedBank(at, code string) string {
	code = strings.ToUpper(c.required(at, code))
	if p := c.parser.Banks.Refuses(at, code); p != nil && code != "" {
		c.problems = append(c.problems, *p)
	}
	return code
}

func (c *check) text(at, s string) string {
	if len(s) > c.parser.Limits.String {
		c.fail(at, "too-long", "bytes", len(s), "limit", c.parser.Limits.String)
		return ""
	}
	return s
}

func (c *check) required(at, s string) string {
	if s == "" {
		c.fail(at, "missing-field")
	}
	return c.text(at, s)
}

func (c *check) number(at, s string) string {
	if s = c.required(at, s); s == "" {
		return ""
	}
	n := c.parser.Numbers.E164(s)
	if n == "" || n == "+" {
		c.fail(at, "bad-value.number")
	}
	return n
}

func (c *check) oneOf(at, s string, allowed ...string) string {
	for _, a := range allowed {
		if s == a {
			return a
		}
	}
	if s == "" {
		c.fail(at, "missing-field.one-of", "allowed", allowed)
	} else {
		c.fail(at, "bad-value.one-of", "value", clip(s), "allowed", allowed)
	}
	return ""
}

func (c *check) instant(at, s string, recent bool) Instant {
	if s == "" {
		c.fail(at, "missing-field.time")
		return 0
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		c.fail(at, "bad-time", "value", clip(s))
		return 0
	}
	i := InstantOf(t)
	switch {
	case recent && c.parser.Limits.Past > 0 && c.now.Sub(i) > c.parser.Limits.Past:
		c.fail(at, "too-old", "at", i, "limit", c.parser.Limits.Past, "now", c.now)
	case i.Sub(c.now) > c.parser.Limits.Ahead:
		c.fail(at, "too-far-ahead", "at", i, "limit", c.parser.Limits.Ahead, "now", c.now)
	}
	return i
}

func (c *check) money(at string, d Decimal, currency, currencyAt string) Money {
	m := Money{Currency: Currency(currency)}
	digits, known := m.Currency.Digits()
	switch {
	case currency == "":
		c.fail(currencyAt, "missing-field.currency")
	case !known:
		c.fail(currencyAt, "unknown-currency", "value", clip(currency))
	}
	if d == "" {
		c.fail(at, "missing-field.amount")
		return m
	}
	if !known {
		return m
	}
	m.Currency = currencies[m.Currency]
	minor, err := ParseMinor(string(d), digits)
	if err == nil && minor == 0 {
		err = words.New("bad-amount.not-positive", "value", clip(string(d)))
	}
	c.amount(at, err)
	m.Minor = minor
	return m
}

// amount notes what is wrong with an amount, where something is.
func (c *check) amount(at string, err error) {
	var m words.Message
	if errors.As(err, &m) {
		c.problems = append(c.problems, Problem{ReasonBadAmount, at, m})
	}
}

func (c *check) balance(at string, d Decimal, currency Currency) int64 {
	if d == "" {
		return Unknown
	}
	digits, _ := currency.Digits()
	minor, err := ParseMinor(string(d), digits)
	if err != nil {
		c.amount(at, err)
		return Unknown
	}
	return minor
}

// currencies holds one copy of each code, so that money keeps no document alive.
var currencies = func() map[Currency]Currency {
	m := map[Currency]Currency{}
	for c := range minorDigits {
		m[c] = c
	}
	return m
}()

// clip shortens what is echoed back in an error.
func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}
