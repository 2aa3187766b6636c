package delivery

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"stopline.internal/stream/event"
)

// Sender decides which message is handed to which bank when. It does no I/O
// and has no clock: whoever drives it sends what Next gives, and tells Done. A
// bank that is down delays its own messages and no others.
type Sender struct {
	policy Policy
	rng    *rand.Rand
	queues map[string]*queue // by bank
}

// Policy says how hard it is tried.
type Policy struct {
	Waits       []time.Duration // before each further attempt
	Slow        time.Duration   // between attempts after those
	Most        int             // attempts in all
	Jitter      float64         // fraction of a wait by which it varies
	Concurrency int             // messages in flight to one bank at a time
	Failures    int             // in a row, after which a bank is left alone
	Pause       time.Duration   // for how long; then one message tries
	Queue       int             // messages to one bank that wait in memory; the others wait in the outbox
}

// DefaultPolicy tries at once and after 1, 2, 5, 10 and 30 seconds, as a stop
// is worth nothing later; then every minute for an hour.
var DefaultPolicy = Policy{
	Waits: []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second},
	Slow:  time.Minute, Most: 66, Jitter: 0.2, Concurrency: 8, Failures: 5, Pause: 5 * time.Second, Queue: 10_000,
}

// NewSender returns a sender without messages.
func NewSender(p Policy, rng *rand.Rand) *Sender {
	return &Sender{policy: p, rng: rng, queues: map[string]*queue{}}
}

// queue has one bank's messages.
type queue struct {
	messages []*Outgoing
	inFlight int
	failures int           // in a row
	open     event.Instant // the breaker: nothing is sent before
}

// Outgoing is a message on its way.
type Outgoing struct {
	Bank    string
	StopID  string
	Version int // of the stop
	Tries   int // so far, with the one in flight

	next     event.Instant // when it is tried again
	inFlight bool
}

// Offer takes a message; one that is there already is not taken twice. It says
// whether it is the sender's now.
func (s *Sender) Offer(bank, stopID string, version int, now event.Instant) bool {
	q := s.queues[bank]
	if q == nil {
		q = &queue{}
		s.queues[bank] = q
	}
	for _, m := range q.messages {
		if m.StopID == stopID {
			if m.Version < version && !m.inFlight { // what is newer goes in its place
				m.Version, m.Tries, m.next = version, 0, now
			}
			return m.Version >= version
		}
	}
	if len(q.messages) >= s.policy.Queue {
		return false
	}
	q.messages = append(q.messages, &Outgoing{Bank: bank, StopID: stopID, Version: version, next: now})
	return true
}

// Drop forgets the messages that need not be sent any more.
func (s *Sender) Drop(keep func(*Outgoing) bool) {
	for _, q := range s.queues {
		q.messages = slices.DeleteFunc(q.messages, func(m *Outgoing) bool { return !m.inFlight && !keep(m) })
	}
}

// Next lists what is to be sent now, and when to ask again (0: when there is
// news).
func (s *Sender) Next(now event.Instant) (send []*Outgoing, wake event.Instant) {
	for _, bank := range slices.Sorted(maps.Keys(s.queues)) {
		q := s.queues[bank]
		if now < q.open {
			if len(q.messages) > 0 {
				wake = earlier(wake, q.open)
			}
			continue
		}
		most := s.policy.Concurrency
		if q.failures >= s.policy.Failures {
			most = 1 // half open: one tries
		}
		slices.SortStableFunc(q.messages, func(a, b *Outgoing) int { return cmp.Compare(a.next, b.next) })
		for _, m := range q.messages {
			switch {
			case m.inFlight:
			case m.next > now:
				wake = earlier(wake, m.next)
			case q.inFlight < most:
				m.inFlight = true
				m.Tries++
				q.inFlight++
				send = append(send, m)
			}
		}
	}
	return send, wake
}

// Done tells what became of a message in flight. It says whether that is the end
// of it: it was delivered, or it is given up.
func (s *Sender) Done(m *Outgoing, delivered bool, now event.Instant) (over bool) {
	q := s.queues[m.Bank]
	q.inFlight--
	m.inFlight = false
	if delivered {
		q.failures, q.open = 0, 0
	} else if q.failures++; q.failures >= s.policy.Failures {
		q.open = now.Add(s.policy.Pause)
	}
	if delivered || m.Tries >= s.policy.Most {
		q.messages = slices.DeleteFunc(q.messages, func(o *Outgoing) bool { return o == m })
		return true
	}
	wait := s.policy.Slow
	if m.Tries <= len(s.policy.Waits) {
		wait = s.policy.Waits[m.Tries-1]
	}
	m.next = now.Add(time.Duration(float64(wait) * (1 + s.policy.Jitter*(2*s.rng.Float64()-1))))
	return false
}

// Health is how a bank takes its messages.
type Health struct {
	Bank     string
	Waiting  int           // messages in the queue
	Failures int           // in a row
	Open     event.Instant // the bank is left alone until then
}

// Health lists the banks that the sender has had messages for.
func (s *Sender) Health() []Health {
	var out []Health
	for _, bank := range slices.Sorted(maps.Keys(s.queues)) {
		q := s.queues[bank]
		out = append(out, Health{bank, len(q.messages), q.failures, q.open})
	}
	return out
}

func earlier(a, b event.Instant) event.Instant {
	if a == 0 {
		return b
	}
	return min(a, b)
}
