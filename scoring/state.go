package scoring

import (
	"encoding/binary"
	"slices"
	"time"

	"stopline.internal/stream/event"
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

// Version orders the states of one entity: it grows with each leg applied.
func (p Place) Version() uint64 { return uint64(p.Offset+1)<<20 | uint64(p.Index) }

const (
	maxContacts = 64             // counterparts that an entity remembers beyond those of its movements
	maxDevices  = 4              // devices that a person has paid from
	maxKept     = 4              // payments that a late record may still complete
	newFor      = 24 * time.Hour // a counterpart is new for a day after the first contact
	longSilence = 30 * 24 * time.Hour
)

// contact is a counterpart and when it was first and last met, in seconds
// since the epoch.
type contact struct {
	hash        uint64
	first, last uint32
}

func seconds(i event.Instant) uint32 { return uint32(max(0, i/1000)) }

// State is what the engine knows of one account or number. Its size is
// bounded: see maxMoves and its neighbours. There are millions of them.
type State struct {
	Entity  event.Entity
	Applied Place // the last leg that is in it

	first, last  event.Instant
	moves        []move       // by time
	contacts     []contact    // whose movements are forgotten
	kept         []byte       // payments that a late record may complete, see keep
	partner      event.Entity // the number that an account pays under, or the account of a number: the first
	hops         []neighbour  // neighbours by name, to tell them of a risk
	device       uint64       // the first one that a person paid from
	largest      int64        // largest debit up to the day before today
	largestToday int64
	cold         *cold // what most entities do not have
	today        int32 // days since the epoch

	dirty bool
}

// cold is the part of a state that most entities do without.
type cold struct {
	buckets      []bucket // by their beginning
	devices      []uint64 // after the first
	cooldowns    []cooldown
	trails       []trail  // that this entity is on
	notified     []uint64 // notes that an alert was asked of
	traced       *traced  // to follow money
	caller       *caller  // of a number that calls much
	swappedAt    event.Instant
	forwardingAt event.Instant // 0: forwarding is off
	wokeAt       event.Instant // the end of the last long silence
	silence      time.Duration // how long that was
	watch        string        // what the watchlist says
	watchUntil   event.Instant
}

// makeCold returns the cold part, which is made when it is first needed.
func (s *State) makeCold() *cold {
	if s.cold == nil {
		s.cold = &cold{}
	}
	return s.cold
}

// emptyCold stands in for a cold part that is not there; it is never written.
var emptyCold cold

// readCold is the cold part for reading.
func (s *State) readCold() *cold {
	if s.cold == nil {
		return &emptyCold
	}
	return s.cold
}

// cooldown remembers that a pattern has spoken, so that it does not repeat itself.
type cooldown struct {
	pattern uint64
	at      event.Instant
}

// NewState is an entity of which nothing is known.
func NewState(e event.Entity) *State { return &State{Entity: e, Applied: Place{Offset: -1}} }

// advance moves the entity's clock.
func (s *State) advance(at event.Instant) {
	if s.first == 0 || at < s.first {
		s.first = at
	}
	if s.last != 0 && at.Sub(s.last) >= longSilence {
		r := s.makeCold()
		r.wokeAt, r.silence = at, at.Sub(s.last)
	}
	s.last = max(s.last, at)
}

// firstMet is when a counterpart was first met; false when it was not. Who is
// among the movements needs no contact of its own.
func (s *State) firstMet(counter uint64) (first event.Instant, met bool) {
	for i := range s.moves { // by time: the first is the earliest
		if m := &s.moves[i]; m.counter == counter {
			first, met = m.at, true
			break
		}
	}
	for i := range s.contacts {
		if c := &s.contacts[i]; c.hash == counter {
			if at := event.Instant(c.first) * 1000; !met || at < first {
				first, met = at, true
			}
			break
		}
	}
	return first, met
}

// isNew says whether a counterpart is new at a moment: first met less than a
// day before.
func (s *State) isNew(counter uint64, at event.Instant) bool {
	first, met := s.firstMet(counter)
	return !met || at.Sub(min(first, at)) < newFor
}

// knownFor is how long before a moment the counterpart was first met; zero
// when it was not.
func (s *State) knownFor(counter uint64, at event.Instant) time.Duration {
	first, met := s.firstMet(counter)
	if !met {
		return 0
	}
	return max(0, at.Sub(first))
}

// remember keeps a counterpart whose movement is about to be forgotten. The
// one that was met longest ago makes room.
func (s *State) remember(m *move) {
	if !m.has(markCash) {
		s.acquaint(m.counter, seconds(m.at))
	}
}

func (s *State) acquaint(counter uint64, at uint32) {
	oldest := 0
	for i := range s.contacts {
		c := &s.contacts[i]
		if c.hash == counter {
			c.first, c.last = min(c.first, at), max(c.last, at)
			return
		}
		if o := &s.contacts[oldest]; c.last < o.last || c.last == o.last && c.hash < o.hash {
			oldest = i
		}
	}
	c := contact{counter, at, at}
	if len(s.contacts) == maxContacts {
		s.contacts[oldest] = c
		return
	}
	s.contacts = append(grow(s.contacts), c)
}

// noteDevice notes the device of a payment and says whether it is another than
// those known; a person's first one is not.
func (s *State) noteDevice(d string) (isNew bool) {
	if d == "" {
		return false
	}
	h := event.Hash(d)
	if s.device == 0 {
		s.device = h
		return false
	}
	if s.device == h || slices.Contains(s.readCold().devices, h) {
		return false
	}
	r := s.makeCold()
	if len(r.devices) == maxDevices-1 {
		r.devices = slices.Delete(r.devices, 0, 1)
	}
	r.devices = append(r.devices, h)
	return true
}

// paid keeps the size of the largest debit of earlier days.
func (s *State) paid(at event.Instant, minor int64) {
	day := int32(at / (24 * hourMillis))
	if day > s.today {
		s.largest = max(s.largest, s.largestToday)
		s.today, s.largestToday = day, 0
	}
	s.largestToday = max(s.largestToday, minor)
}

// payment is a transfer in question: the leg's own, or one that the person at
// a number made a while ago and that a record which comes late may complete.
type payment struct {
	id        string
	at        event.Instant
	transfer  event.Transfer
	newPayee  bool
	newDevice bool
	stopped   bool
}

// keep remembers a payment whole for the records that come after it: a length,
// a byte of flags, and the event's own bytes.
func (s *State) keep(p *payment, payload []byte) {
	for n := s.keptCount(); n >= maxKept; n-- {
		s.dropKept()
	}
	s.kept = binary.AppendUvarint(s.kept, uint64(len(payload)+1))
	s.kept = append(s.kept, p.flags())
	s.kept = append(s.kept, payload...)
}

func (p *payment) flags() (f byte) {
	if p.newPayee {
		f |= 1
	}
	if p.newDevice {
		f |= 2
	}
	if p.stopped {
		f |= keptStopped
	}
	return f
}

const keptStopped = 4

func (s *State) keptCount() (n int) {
	for b := s.kept; len(b) > 0; n++ {
		size, head := binary.Uvarint(b)
		b = b[head+int(size):]
	}
	return n
}

func (s *State) dropKept() {
	size, head := binary.Uvarint(s.kept)
	s.kept = s.kept[:copy(s.kept, s.kept[head+int(size):])]
	if len(s.kept) == 0 {
		s.kept = nil
	}
}

// eachKept decodes the remembered payments, oldest first; f says whether a stop
// was asked for.
func (s *State) eachKept(p *payment, f func() (stopped bool)) {
	var e event.Event
	for b := s.kept; len(b) > 0; {
		size, head := binary.Uvarint(b)
		doc := b[head : head+int(size)]
		b = b[head+int(size):]
		if event.ReadEvent(doc[1:], &e) != nil {
			continue
		}
		*p = payment{id: e.ID, at: e.At, transfer: e.Transfer, newPayee: doc[0]&1 != 0, newDevice: doc[0]&2 != 0,
			stopped: doc[0]&keptStopped != 0}
		if f() {
			doc[0] |= keptStopped
		}
	}
}

// expire drops the remembered payments from before a moment: no record may
// complete them any more.
func (s *State) expire(before event.Instant) {
	for len(s.kept) > 0 {
		size, head := binary.Uvarint(s.kept)
		var e event.Event
		if event.ReadEvent(s.kept[head+1:head+int(size)], &e) == nil && e.At >= before {
			return
		}
		s.dropKept()
	}
}

// startCooldown says whether the pattern has been silent for long enough to speak
// again, and notes that it does.
func (s *State) startCooldown(pattern uint64, at event.Instant, every time.Duration) bool {
	r := s.makeCold()
	for i := range r.cooldowns {
		if q := &r.cooldowns[i]; q.pattern == pattern {
			if at.Sub(q.at) < every {
				return false
			}
			q.at = at
			return true
		}
	}
	r.cooldowns = append(r.cooldowns, cooldown{pattern, at})
	return true
}

// FindDebit names the remembered payment to a payee of an amount near a
// moment, as a victim tells it: within [event.ReportedWithin].
func (s *State) FindDebit(payee string, minor int64, at event.Instant) (key uint64, found bool) {
	if s == nil {
		return 0, false
	}
	counter, nearest := event.Hash(payee), event.ReportedWithin
	for i := range s.moves {
		m := &s.moves[i]
		if d := m.at.Sub(at).Abs(); m.kind() == debit && m.counter == counter && m.amount == minor && d <= nearest {
			key, found, nearest = m.tag&idBits, true, d
		}
	}
	return key, found
}

// maxReports bounds the reports that an entity remembers having made.
const maxReports = 16

// reported remembers a report by the holder, once.
func (s *State) reported(id uint64, at event.Instant) {
	r := s.traced()
	if slices.ContainsFunc(r.reports, func(q cooldown) bool { return q.pattern == id }) {
		return
	}
	if len(r.reports) == maxReports {
		r.reports = slices.Delete(r.reports, 0, 1)
	}
	r.reports = append(r.reports, cooldown{id, at})
}

// Reports counts the reports that the holder made in the 30 days before a
// moment; of none it is 0.
func (s *State) Reports(at event.Instant) (n int) {
	if s == nil {
		return 0
	}
	for _, q := range s.trace().reports {
		if at.Sub(q.at) < memory {
			n++
		}
	}
	return n
}

// ReceivedFrom sums what came in from an account in the remembered movements.
func (s *State) ReceivedFrom(account string) (minor int64) {
	if s == nil {
		return 0
	}
	counter := event.Hash(account)
	for i := range s.moves {
		if m := &s.moves[i]; m.counts(credit) && m.counter == counter {
			minor += m.amount
		}
	}
	return minor
}
