package scoring

import (
	"slices"
	"strings"
	"time"

	"stopline/stream/event"
)

// Place is where a leg lies in its partition: the offset of its block, and its
// index there.
type Place struct {
	Offset int64
	Index  int32
}

// Before orders places.
func (p Place) Before(q Place) bool {
	return p.Offset < q.Offset || p.Offset == q.Offset && p.Index < q.Index
}

const (
	maxContacts = 64             // counterparts that an entity remembers
	maxDevices  = 4              // devices that a person has paid from
	maxPayments = 4              // payments that a late call may still complete
	newFor      = 24 * time.Hour // a counterpart is new for a day after the first contact
	sleep       = 30 * 24 * time.Hour
)

// contact is a counterpart and when it was first and last met.
type contact struct {
	hash        uint64
	first, last event.Instant
}

// payment is a transfer that the person at a number made, kept whole for a
// while: the call that explains it may be reported after it.
type payment struct {
	id        string
	key       uint64
	at        event.Instant
	transfer  event.Transfer
	newPayee  bool
	newDevice bool
	stopped   bool
}

// State is what the engine knows of one account or number. Its size is
// bounded: see maxMoves and its neighbours.
type State struct {
	Entity  event.Entity
	Applied Place // the last leg that is in it

	first, last event.Instant
	wokeAt      event.Instant // the end of the last long silence
	slept       time.Duration // how long that was

	debits, credits  flow
	callsIn, callsTo flow
	messages         flow
	contacts         []contact
	devices          []uint64
	payments         []payment
	swappedAt        event.Instant
	forwardingAt     event.Instant // 0: forwarding is off
	risk             string
	riskUntil        event.Instant
	largest          int64 // largest debit up to the day before today
	today            int32 // days since the epoch
	largestToday     int64
	quiet            []quiet

	dirty  bool
	unread bool // its past could not be read yet
}

// quiet remembers that a pattern has spoken, so that it does not repeat itself.
type quiet struct {
	pattern uint64
	at      event.Instant
}

// NewState is an entity of which nothing is known.
func NewState(e event.Entity) *State { return &State{Entity: e} }

// MarkUnread says that the entity has a past which could not be read.
func (s *State) MarkUnread() { s.unread = true }

// Unread says whether the past is still missing.
func (s *State) Unread() bool { return s.unread }

// seen moves the entity's clock.
func (s *State) seen(at event.Instant) {
	if s.first == 0 || at < s.first {
		s.first = at
	}
	if s.last != 0 && at.Sub(s.last) >= sleep {
		s.wokeAt, s.slept = at, at.Sub(s.last)
	}
	s.last = max(s.last, at)
}

// meet notes a contact and says whether the counterpart is new: first met less
// than a day before.
func (s *State) meet(counter uint64, at event.Instant) (isNew bool) {
	oldest := 0
	for i := range s.contacts {
		c := &s.contacts[i]
		if c.hash == counter {
			c.first, c.last = min(c.first, at), max(c.last, at)
			return at.Sub(c.first) < newFor
		}
		if c.last < s.contacts[oldest].last {
			oldest = i
		}
	}
	c := contact{counter, at, at}
	if len(s.contacts) < maxContacts {
		s.contacts = append(s.contacts, c)
	} else {
		s.contacts[oldest] = c
	}
	return true
}

// device notes the device of a payment and says whether it is another than
// those known; a person's first one is not.
func (s *State) device(d string) (isNew bool) {
	if d == "" {
		return false
	}
	h := event.Hash(d)
	for _, k := range s.devices {
		if k == h {
			return false
		}
	}
	if len(s.devices) == maxDevices {
		s.devices = s.devices[:copy(s.devices, s.devices[1:])]
	}
	s.devices = append(s.devices, h)
	return len(s.devices) > 1
}

// paid keeps the size of the largest debit of earlier days.
func (s *State) paid(at event.Instant, minor int64) {
	day := int32(at / event.Instant((24 * time.Hour).Milliseconds()))
	if day > s.today {
		s.largest = max(s.largest, s.largestToday)
		s.today, s.largestToday = day, 0
	}
	s.largestToday = max(s.largestToday, minor)
}

// remember keeps a payment for the calls that are reported after it. The
// leg's texts belong to its block: they are cloned.
func (s *State) remember(p payment) {
	p.id = strings.Clone(p.id)
	p.transfer = event.CloneTransfer(p.transfer)
	old := 0
	for old < len(s.payments) && (len(s.payments)-old >= maxPayments || p.at.Sub(s.payments[old].at) > longestRunning) {
		old++
	}
	s.payments = append(slices.Clip(s.payments[old:]), p)
}

// speak says whether the pattern has been silent for long enough to speak
// again, and notes that it does.
func (s *State) speak(pattern uint64, at event.Instant, every time.Duration) bool {
	for i := range s.quiet {
		if q := &s.quiet[i]; q.pattern == pattern {
			if at.Sub(q.at) < every {
				return false
			}
			q.at = at
			return true
		}
	}
	s.quiet = append(s.quiet, quiet{pattern, at})
	return true
}

// Merge adds a past that was read late, of the same entity, up to before what
// this state has seen.
func (s *State) Merge(past *State) {
	s.first = min(s.first, past.first)
	if s.slept == 0 {
		s.wokeAt, s.slept = past.wokeAt, past.slept
	}
	s.debits.merge(&past.debits)
	s.credits.merge(&past.credits)
	s.callsIn.merge(&past.callsIn)
	s.callsTo.merge(&past.callsTo)
	s.messages.merge(&past.messages)
	for _, c := range past.contacts {
		s.meet(c.hash, c.last)
		s.meet(c.hash, c.first)
	}
	for _, d := range past.devices {
		known := false
		for _, k := range s.devices {
			known = known || k == d
		}
		if !known && len(s.devices) < maxDevices {
			s.devices = append(s.devices, d)
		}
	}
	s.swappedAt = max(s.swappedAt, past.swappedAt)
	if s.forwardingAt == 0 {
		s.forwardingAt = past.forwardingAt
	}
	if s.risk == "" {
		s.risk, s.riskUntil = past.risk, past.riskUntil
	}
	s.largest = max(s.largest, past.largest, past.largestToday)
	s.unread, s.dirty = false, true
}

// Read says that the past, if any, has been read.
func (s *State) Read() { s.unread = false }

// FindDebit names the remembered payment to a payee of an amount near a
// moment, as a victim tells it: within two hours.
func (s *State) FindDebit(payee string, minor int64, at event.Instant) (key uint64, found bool) {
	if s == nil {
		return 0, false
	}
	counter, nearest := event.Hash(payee), 2*time.Hour
	for i := range s.debits.moves {
		m := &s.debits.moves[i]
		if d := m.at.Sub(at).Abs(); m.counter == counter && m.amount == minor && d <= nearest {
			key, found, nearest = m.id, true, d
		}
	}
	return key, found
}

// Version orders the states of one entity: it grows with each leg applied.
func (p Place) Version() uint64 { return uint64(p.Offset+1)<<20 | uint64(p.Index) }
