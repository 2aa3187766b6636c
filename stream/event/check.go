package event

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"stopline.internal/stream/event/words"
)

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
		e.Message = Message{Sender: c.number("/sender", d.Sender), Recipient: c.number("/recipient", d.Recipient),
			LinkHost: c.text("/link_host", d.LinkHost)}
	case KindSIM:
		e.SIM = SIM{Number: c.number("/number", d.Number),
			Change: c.oneOf("/change", d.Change, "activated", "swapped", "ported", "forwarding_on", "forwarding_off",
				"suspended")}
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
			Index:        i,
		})
	}
	if len(r.Transfers) > 0 {
		r.Owner = r.Transfers[0].PayerAccount
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
