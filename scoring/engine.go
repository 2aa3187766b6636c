package scoring

import (
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"stopline/scoring/pattern"
	"stopline/stream/event"
)

// Policy turns scores into actions.
type Policy struct {
	StopScore   int           // a hit that asks for a stop gets it from this score on
	ReviewScore int           // below it, an alert only warns
	Quiet       time.Duration // a pattern that only warns speaks once in this time of an entity
}

// DefaultPolicy has numbers of ours, to be set by each center from its backtests.
var DefaultPolicy = Policy{StopScore: 600, ReviewScore: 300, Quiet: 24 * time.Hour}

// Catalogue is a catalogue of patterns over this package's features.
type Catalogue = pattern.Catalogue[View]

// ParseCatalogue reads and checks a catalogue.
func ParseCatalogue(file string, text []byte) (*Catalogue, error) {
	return pattern.Parse(file, text, Features())
}

// Engine is what the partitions share: the catalogue, the policy and the risks
// that are known to every replica.
type Engine struct {
	Policy Policy
	Risks  *Risks

	catalogue atomic.Pointer[program]
	failed    atomic.Int64
}

// program is a catalogue with what the engine needs to know of each pattern.
type program struct {
	*Catalogue
	ofPayment map[*pattern.Pattern[View]]bool // looks at a payment
	key       map[*pattern.Pattern[View]]uint64
}

// NewEngine returns an engine with a catalogue.
func NewEngine(c *Catalogue, p Policy) *Engine {
	e := &Engine{Policy: p, Risks: NewRisks()}
	e.Load(c)
	return e
}

// Load swaps the catalogue; the next leg is scored with it.
func (e *Engine) Load(c *Catalogue) {
	p := &program{c, map[*pattern.Pattern[View]]bool{}, map[*pattern.Pattern[View]]uint64{}}
	for _, pt := range c.Patterns {
		p.key[pt] = event.Hash(pt.ID)
		for _, f := range pt.Reads {
			if strings.HasPrefix(f.Name, "debit.") {
				p.ofPayment[pt] = true
			}
		}
	}
	e.catalogue.Store(p)
}

// Catalogue is the one in force.
func (e *Engine) Catalogue() *Catalogue { return e.catalogue.Load().Catalogue }

// Failed counts conditions that ended in an arithmetic error.
func (e *Engine) Failed() int64 { return e.failed.Load() }

// apply puts a leg into its entity's state and appends the alerts that follow.
// The view is the caller's to reuse; so is the payment that it points at.
func (e *Engine) apply(v *View, s *State, l *event.Leg, alerts []Alert) []Alert {
	s.dirty = true
	if l.Event.Kind != event.KindWatch && l.Event.Kind != event.KindReport {
		s.seen(l.Event.At)
	}
	v.state, v.leg, v.pay, v.now, v.risks = s, l, nil, l.Event.At, e.Risks
	switch l.Role {
	case event.RoleDebit, event.RolePayment:
		return e.debit(v, alerts)
	case event.RoleCredit:
		t := &l.Event.Transfer
		if !moved(&s.credits, event.TransferKey(t.Payer.Account, l.Event.ID), l, t.Payer.Account) {
			return alerts
		}
		v.own = payment{id: l.Event.ID, at: l.Event.At, transfer: *t}
		v.pay = &v.own
		return e.ask(v, false, alerts)
	case event.RoleCallee:
		return e.called(v, alerts)
	case event.RoleCaller:
		if m := s.callsTo.find(event.Hash(l.Event.ID)); m != nil {
			end(m, l)
			return alerts
		}
		s.meet(event.Hash(l.Event.Call.Callee), l.Event.At)
		s.callsTo.add(call(l, l.Event.Call.Callee))
		return e.ask(v, false, alerts)
	case event.RoleRecipient, event.RoleSender:
		id := event.Hash(l.Event.ID)
		if s.messages.find(id) != nil {
			return alerts
		}
		m := move{at: l.Event.At, id: id, counter: event.Hash(l.Event.Message.Sender)}
		if l.Role == event.RoleSender {
			m.counter = event.Hash(l.Event.Message.Recipient)
		}
		if s.meet(m.counter, m.at) {
			m.marks |= markUnknown
		}
		if l.Event.Message.LinkHost != "" {
			m.marks |= markLink
		}
		s.messages.add(m)
		return e.ask(v, false, alerts)
	case event.RoleSIM:
		switch l.Event.SIM.Change {
		case "swapped", "ported":
			s.swappedAt = max(s.swappedAt, l.Event.At)
		case "forwarding_on":
			s.forwardingAt = l.Event.At
		case "forwarding_off":
			s.forwardingAt = 0
		}
		return e.ask(v, false, alerts)
	case event.RoleWatch:
		s.risk, s.riskUntil = strings.Clone(l.Event.Watch.Risk), l.Event.Watch.Until
	}
	return alerts
}

// moved notes a transfer in a flow; false when it was there already, in this
// status or another.
func moved(f *flow, id uint64, l *event.Leg, counter string) bool {
	t := &l.Event.Transfer
	if m := f.find(id); m != nil {
		if t.Status == event.StatusReversed {
			m.marks |= markReversed
		}
		return false
	}
	m := move{at: l.Event.At, id: id, counter: event.Hash(counter), amount: homeMinor(t.Amount)}
	if t.Status == event.StatusReversed {
		m.marks = markReversed
	}
	f.add(m)
	return t.Status != event.StatusReversed
}

// debit notes that money leaves, and looks at the patterns of it.
func (e *Engine) debit(v *View, alerts []Alert) []Alert {
	s, l := v.state, v.leg
	t := &l.Event.Transfer
	key := event.TransferKey(t.Payer.Account, l.Event.ID)
	counter := t.Payee.Account
	if t.Channel == event.ChannelCash {
		counter = event.ChannelCash
	}
	if !moved(&s.debits, key, l, counter) {
		return alerts
	}
	p := &v.own
	*p = payment{id: l.Event.ID, key: key, at: l.Event.At, transfer: *t,
		newPayee:  t.Channel != event.ChannelCash && s.meet(event.Hash(counter), l.Event.At),
		newDevice: s.device(t.Device)}
	s.paid(l.Event.At, homeMinor(t.Amount))
	v.pay = p
	before := len(alerts)
	alerts = e.ask(v, true, alerts)
	if l.Role == event.RolePayment {
		p.stopped = len(alerts) > before && alerts[before].Action == pattern.Stop
		s.remember(*p)
	}
	return alerts
}

// called notes a call that was taken, and asks again of the payments that were
// made since it began.
func (e *Engine) called(v *View, alerts []Alert) []Alert {
	s, l := v.state, v.leg
	if m := s.callsIn.find(event.Hash(l.Event.ID)); m != nil {
		if !end(m, l) {
			return alerts
		}
	} else {
		m := call(l, l.Event.Call.Caller)
		if s.meet(m.counter, m.at) {
			m.marks |= markUnknown
		}
		if l.Event.Call.Foreign {
			m.marks |= markForeign
		}
		if l.Event.Call.Spoofed {
			m.marks |= markSpoofed
		}
		s.callsIn.add(m)
	}
	alerts = e.ask(v, false, alerts)
	for i := range s.payments {
		p := &s.payments[i]
		if p.stopped || p.at < l.Event.At.Add(-callGrace) {
			continue
		}
		v.pay, v.now = p, p.at
		before := len(alerts)
		alerts = e.ask(v, true, alerts)
		p.stopped = len(alerts) > before && alerts[before].Action == pattern.Stop
	}
	return alerts
}

// call is the movement of a call.
func call(l *event.Leg, counter string) move {
	m := move{at: l.Event.At, id: event.Hash(l.Event.ID), counter: event.Hash(counter), amount: l.Event.Call.Seconds}
	if !l.Event.Call.Ended {
		m.marks = markRunning
	}
	return m
}

// end notes the end of a call that was known to run; false when it was over.
func end(m *move, l *event.Leg) bool {
	if m.marks&markRunning == 0 || !l.Event.Call.Ended {
		return false
	}
	m.marks &^= markRunning
	m.amount = l.Event.Call.Seconds
	return true
}

// ask looks at the patterns of the leg's role that are about a payment, or
// those that are not, and appends the alert that they amount to. On the legs
// of a payment both sorts are asked at once.
func (e *Engine) ask(v *View, payment bool, alerts []Alert) []Alert {
	prog := e.catalogue.Load()
	transfer := v.leg.Event.Kind == event.KindTransfer
	var hits []Hit
	quiet := true // every hit is one that has spoken lately
	action, best, rest := pattern.Warn, 0.0, 1.0
	fraudType, shadow := "", true
	for _, p := range prog.On(v.leg.Role) {
		if !transfer && prog.ofPayment[p] != payment {
			continue
		}
		hit, failed := p.Hits(v)
		if failed {
			e.failed.Add(1)
		}
		if !hit {
			continue
		}
		values := make(map[string]any, len(p.Reads))
		for _, f := range p.Reads {
			values[f.Name] = shown(f, v)
		}
		hits = append(hits, Hit{Pattern: p.ID, FraudType: p.FraudType, Weight: p.Weight, Shadow: p.Shadow, Values: values})
		if v.state.speak(prog.key[p], v.now, e.Policy.Quiet) || p.Then == pattern.Stop {
			quiet = false
		}
		if p.Shadow {
			if shadow && p.Weight > best {
				fraudType = p.FraudType
			}
			continue
		}
		shadow = false
		rest *= 1 - p.Weight
		action = max(action, p.Then)
		if p.Weight > best {
			best, fraudType = p.Weight, p.FraudType
		}
	}
	if len(hits) == 0 || quiet {
		return alerts
	}
	score := int(math.Round(1000 * (1 - rest)))
	if action == pattern.Stop && score < e.Policy.StopScore {
		action = pattern.Review
	}
	if action == pattern.Review && score < e.Policy.ReviewScore {
		action = pattern.Warn
	}
	l := v.leg
	a := Alert{At: v.now, Entity: event.Entity(strings.Clone(string(l.Entity))),
		Event: EventRef{l.Event.Kind.String(), strings.Clone(l.Event.ID)}, Score: score, Action: action,
		FraudType: fraudType, Hits: hits, Catalogue: prog.Version, Incomplete: v.state.unread, Shadow: shadow}
	subject := a.Event.Kind + a.Event.ID
	if v.pay != nil {
		t := event.CloneTransfer(v.pay.transfer)
		a.Transfer = transferRef(strings.Clone(v.pay.id), v.pay.at, &t)
		a.District = t.District
		a.CaseID = event.CaseID(t.Payer.Account)
		subject = fmt.Sprintf("transfer%x", event.TransferKey(t.Payer.Account, v.pay.id))
		if action == pattern.Stop && t.Payee.Account != "" {
			a.StopID = event.StopID(event.TransferKey(t.Payer.Account, v.pay.id), t.Payee.Account)
		}
	}
	a.ID = event.DerivedID("alt", subject, string(a.Entity), a.Event.Kind)
	return append(alerts, a)
}
