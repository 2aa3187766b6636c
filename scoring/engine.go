package scoring

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"stopline.internal/scoring/pattern"
	"stopline.internal/stream/event"
)

// Policy turns scores into actions.
type Policy struct {
	StopScore     int           // a hit that asks for a stop gets it from this score on
	ReviewScore   int           // below it, an alert only warns
	Cooldown      time.Duration // a pattern that asks for no stop raises one alert of an entity in this time
	Lateness      time.Duration // how long after a payment a call, message or SIM change may still complete its pattern
	ServiceBudget Budget        // automatic stops in an hour, of all patterns together
	PatternBudget Budget        // of one pattern that names no budget of its own
	Network       Network
	Trail         Trail
}

// DefaultPolicy has numbers of ours, to be set by each center from its backtests.
var DefaultPolicy = Policy{StopScore: 600, ReviewScore: 300, Cooldown: 24 * time.Hour, Lateness: 2 * time.Hour,
	ServiceBudget: Budget{Stops: 2000, Minor: 200_000_000_00},
	PatternBudget: Budget{Stops: 1000, Minor: 100_000_000_00}, Network: DefaultNetwork, Trail: DefaultTrail}

// Catalogue is a catalogue of patterns over this package's features.
type Catalogue = pattern.Catalogue[View]

// ParseCatalogue reads and checks a catalogue.
func ParseCatalogue(file string, text []byte) (*Catalogue, error) {
	return pattern.Parse(file, text, Features())
}

// Engine is what the partitions share: the policy, and the catalogues that
// were compiled. Which one is in force each partition knows: see [Controls].
type Engine struct {
	Policy     Policy
	Partitions int // of the legs: each has its share of the budgets

	start    *program
	mu       sync.Mutex
	compiled map[string]*program // by text
	failed   atomic.Int64
}

// program is a catalogue with what the engine needs to know of each pattern.
type program struct {
	*Catalogue
	byRole [event.Roles][]*entry
}

// entry is a pattern, prepared.
type entry struct {
	*pattern.Pattern[View]
	key       uint64
	ofPayment bool // looks at a payment
	mule      bool
}

// NewEngine returns an engine that starts with a catalogue.
func NewEngine(c *Catalogue, p Policy, partitions int) *Engine {
	return &Engine{Policy: p, Partitions: max(1, partitions), start: prepare(c), compiled: map[string]*program{}}
}

func prepare(c *Catalogue) *program {
	p := &program{Catalogue: c}
	for _, pt := range c.Patterns {
		x := &entry{Pattern: pt, key: event.Hash(pt.ID), mule: strings.HasPrefix(pt.FraudType, "mule-")}
		for _, f := range pt.Reads {
			x.ofPayment = x.ofPayment || strings.HasPrefix(f.Name, "debit.")
		}
		for _, r := range pt.On {
			p.byRole[r] = append(p.byRole[r], x)
		}
	}
	return p
}

// compile prepares a catalogue once for all partitions.
func (e *Engine) compile(text string) (*program, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p := e.compiled[text]; p != nil {
		return p, nil
	}
	c, err := ParseCatalogue("the published catalogue", []byte(text))
	if err != nil {
		return nil, err
	}
	p := prepare(c)
	e.compiled[strings.Clone(text)] = p
	return p, nil
}

// Failed counts conditions that ended in an arithmetic error.
func (e *Engine) Failed() int64 { return e.failed.Load() }

// Outcome is what a leg led to. Its slices are reused.
type Outcome struct {
	Alerts []Alert
	Notes  []Note        // for other entities, in any partition
	Taints []event.Taint // money that went on: for its next account
	Hops   []event.Taint // accounts that a stop is to be asked for on
	Ends   []End         // where a trail ends
	// tainted money went on by payments that are not remembered by name: see
	// [Partition.AddPayments]
	NeedsPayments bool
	// the payer's account knows the transfer as one to another payee or of another
	// amount or currency: the first stands, and the repeat has changed nothing
	Conflict bool
	Trips    []Trip // brakes that fell
	Refused  error  // a control that this program cannot follow
}

// Empty says whether a leg led to nothing that others need to know, as most do.
func (o *Outcome) Empty() bool {
	return len(o.Alerts)+len(o.Notes)+len(o.Taints)+len(o.Hops)+len(o.Ends)+len(o.Trips) == 0
}

func (o *Outcome) reset() {
	o.Alerts, o.Notes, o.Trips, o.Refused = o.Alerts[:0], o.Notes[:0], o.Trips[:0], nil
	o.Taints, o.Hops, o.Ends, o.NeedsPayments = o.Taints[:0], o.Hops[:0], o.Ends[:0], false
	o.Conflict = false
}

// apply puts a leg into its entity's state and appends what follows. The view
// is the caller's to reuse; so is the payment that it points at.
func (e *Engine) apply(v *View, s *State, l *event.Leg, out *Outcome) {
	s.dirty = true
	v.begin(s, l)
	switch l.Role {
	case event.RoleWatch, event.RoleReport, event.RoleRisk, event.RoleTaint:
	default:
		s.advance(l.Event.At)
	}
	switch l.Role {
	case event.RoleDebit, event.RolePayment:
		e.debit(v, out)
	case event.RoleCredit:
		e.credit(v, out)
	case event.RoleCallee:
		e.called(v, out)
	case event.RoleCaller:
		if m := s.find(callOut, event.Hash(l.Event.ID)); m != nil {
			end(m, l)
			return
		}
		s.add(callMove(callOut, l, l.Event.Call.Callee))
		s.dialled(l.Event.At, &l.Event.Call)
		e.evaluate(v, aboutEntity, out)
	case event.RoleRecipient:
		if e.message(v, messageIn, l.Event.Message.Sender) {
			e.evaluate(v, aboutEntity, out)
			e.evaluateKept(v, out)
		}
	case event.RoleSender:
		if e.message(v, messageOut, l.Event.Message.Recipient) {
			e.evaluate(v, aboutEntity, out)
		}
	case event.RoleSIM:
		e.sim(v, out)
	case event.RoleWatch:
		if w := &l.Event.Watch; w.Removed {
			s.makeCold().watch, s.makeCold().watchUntil = "", 0
		} else {
			s.makeCold().watch, s.makeCold().watchUntil = strings.Clone(w.Risk), w.Until
		}
	case event.RoleReport:
		s.reported(event.Hash(l.Event.Report.Source+":"+l.Event.ID), l.Event.At)
	case event.RoleRisk:
		e.risk(v, out)
	case event.RoleTaint:
		e.taint(v, out)
	}
}

// alreadySeen says whether a transfer was there already, in this status or another,
// and notes when it was taken back. One that says another counterpart or amount
// than the first is a conflict: it changes nothing.
func alreadySeen(s *State, k movementKind, id uint64, t *event.Transfer, counter uint64) (seen, conflict bool) {
	m := s.find(k, id)
	if m == nil {
		return false, false
	}
	was, is := m.tag&foreignBits, foreignAmount(t.Amount)
	if m.counter != counter || m.amount != homeMinor(t.Amount) || was != 0 && is != 0 && was != is {
		return true, true
	}
	if t.Status == event.StatusReversed {
		m.tag |= markReversed
	}
	return true, false
}

// foreignAmount tells an amount that is not in yuan from others; of yuan it is 0.
func foreignAmount(m event.Money) uint64 {
	if m.Currency == event.CNY {
		return 0
	}
	text := strconv.AppendInt(append(make([]byte, 0, 32), m.Currency...), m.Minor, 10)
	return (1 + event.HashBytes(text)%31) << foreignShift
}

// addPayment notes a transfer that was not known; false when it is taken back as it
// is first notified of.
func addPayment(s *State, k movementKind, id uint64, l *event.Leg, counter, marks uint64) bool {
	t := &l.Event.Transfer
	if t.Status == event.StatusReversed {
		marks |= markReversed
	}
	switch t.Channel {
	case event.ChannelCash:
		marks |= markCash
	case "pos":
		marks |= markRetail
	}
	marks |= foreignAmount(t.Amount)
	s.add(move{at: l.Event.At, tag: id | uint64(k) | marks, counter: counter, amount: homeMinor(t.Amount)})
	return t.Status != event.StatusReversed
}

// debit notes that money leaves, and looks at the patterns of it.
func (e *Engine) debit(v *View, out *Outcome) {
	s, l := v.state, v.leg
	t := &l.Event.Transfer
	id := event.TransferKey(t.Payer.Account, l.Event.ID)
	counter, isNew, marks := event.Hash(event.ChannelCash), false, uint64(0)
	if t.Channel != event.ChannelCash {
		counter = event.Hash(t.Payee.Account)
	}
	if seen, conflict := alreadySeen(s, debit, id, t, counter); seen {
		out.Conflict = conflict && l.Role == event.RoleDebit // one leg tells of it
		return
	}
	if t.Channel != event.ChannelCash {
		if isNew = s.isNew(counter, l.Event.At); isNew {
			marks = markNew
		}
	}
	if !addPayment(s, debit, id, l, counter, marks) {
		return
	}
	p := &v.own
	*p = payment{id: l.Event.ID, at: l.Event.At, transfer: *t, newPayee: isNew, newDevice: s.noteDevice(t.Device)}
	s.paid(l.Event.At, homeMinor(t.Amount))
	v.pay = p
	p.stopped = e.evaluate(v, aboutBoth, out)
	if l.Role == event.RolePayment {
		s.expire(v.clock.Add(-e.Policy.Lateness))
		v.payload = event.AppendEvent(v.payload[:0], &l.Event)
		s.keep(p, v.payload)
		if s.partnerOf(event.PrefixAccount, t.Payer.Account, l.Event.At) {
			e.notifySharers(v, event.Entity(event.PrefixAccount+t.Payer.Account), out)
		}
		return
	}
	e.notifyPayee(v, isNew, out)
	e.followDebit(v, id, out)
}

// credit notes that money comes in, and looks at the patterns of it.
func (e *Engine) credit(v *View, out *Outcome) {
	s, l := v.state, v.leg
	t := &l.Event.Transfer
	id := event.TransferKey(t.Payer.Account, l.Event.ID)
	counter, marks := event.Hash(t.Payer.Account), uint64(0)
	if seen, _ := alreadySeen(s, credit, id, t, counter); seen {
		return
	}
	isNew := s.isNew(counter, l.Event.At)
	if isNew {
		marks = markNew
	}
	if !addPayment(s, credit, id, l, counter, marks) {
		return
	}
	v.own = payment{id: l.Event.ID, at: l.Event.At, transfer: *t}
	v.pay = &v.own
	e.evaluate(v, aboutBoth, out)
	e.notePayer(v, isNew, out)
}

// called notes a call that was taken, and asks again of the payments that were
// made since it began.
func (e *Engine) called(v *View, out *Outcome) {
	s, l := v.state, v.leg
	if m := s.find(callIn, event.Hash(l.Event.ID)); m != nil {
		if !end(m, l) {
			return
		}
	} else {
		m := callMove(callIn, l, l.Event.Call.Caller)
		if s.isNew(m.counter, m.at) {
			m.tag |= markNew
		}
		if l.Event.Call.Foreign {
			m.tag |= markForeign
		}
		if l.Event.Call.Spoofed {
			m.tag |= markSpoofed
		}
		s.add(m)
		if r := s.cold; r != nil && r.caller != nil {
			bump(&r.caller.on(dayOf(m.at)).in)
		}
	}
	e.evaluate(v, aboutEntity, out)
	e.evaluateKept(v, out)
}

// message notes a message; false when it was there already.
func (e *Engine) message(v *View, k movementKind, counterpart string) bool {
	s, l := v.state, v.leg
	id := event.Hash(l.Event.ID)
	if s.find(k, id) != nil {
		return false
	}
	m := move{at: l.Event.At, tag: id&idBits | uint64(k), counter: event.Hash(counterpart)}
	if s.isNew(m.counter, m.at) {
		m.tag |= markNew
	}
	if l.Event.Message.LinkHost != "" {
		m.tag |= markLink
	}
	s.add(m)
	return true
}

// sim notes a change of the SIM card or of forwarding.
func (e *Engine) sim(v *View, out *Outcome) {
	r, at := v.state.makeCold(), v.leg.Event.At
	switch v.leg.Event.SIM.Change {
	case "swapped", "ported":
		r.swappedAt = max(r.swappedAt, at)
	case "forwarding_on":
		r.forwardingAt = at
	case "forwarding_off":
		r.forwardingAt = 0
	}
	e.evaluate(v, aboutEntity, out)
	e.evaluateKept(v, out)
}

// evaluateKept asks of the remembered payments that this leg, which came after them,
// may complete: those within the lateness. The alert points at the payment.
func (e *Engine) evaluateKept(v *View, out *Outcome) {
	if len(v.state.kept) == 0 {
		return
	}
	v.state.expire(v.clock.Add(-e.Policy.Lateness))
	v.state.eachKept(&v.own, func() bool {
		p := &v.own
		if p.stopped || p.at < v.leg.Event.At.Add(-clockGrace) {
			return p.stopped
		}
		v.at(p.at)
		v.pay = p
		return e.evaluate(v, aboutPayment, out)
	})
}

// callMove is the movement of a call.
func callMove(k movementKind, l *event.Leg, counter string) move {
	m := move{at: l.Event.At, tag: event.Hash(l.Event.ID)&idBits | uint64(k), counter: event.Hash(counter),
		amount: l.Event.Call.Seconds}
	if !l.Event.Call.Ended {
		m.tag |= markRunning
	}
	return m
}

// end notes the end of a call that was known to run; false when it was over.
func end(m *move, l *event.Leg) bool {
	if !m.has(markRunning) || !l.Event.Call.Ended {
		return false
	}
	m.tag &^= markRunning
	m.amount = l.Event.Call.Seconds
	return true
}
