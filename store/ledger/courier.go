package ledger

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"stopline.internal/stream/event"
)

// Courier decides which message is handed to which bank when. It does no I/O
// and has no clock: whoever drives it sends what Next gives, and tells Done. A
// bank that is down delays its own messages and no others.
type Courier struct {
	policy CourierPolicy
	rng    *rand.Rand
	lanes  map[string]*lane // by bank
}

// CourierPolicy says how hard it is tried.
type CourierPolicy struct {
	Waits       []time.Duration // before each further attempt
	Slow        time.Duration   // between attempts after those
	Most        int             // attempts in all
	Jitter      float64         // share of a wait by which it varies
	Concurrency int             // messages to one bank at a time
	Failures    int             // in a row, after which a bank is left alone
	Pause       time.Duration   // for how long; then one message tries
	Queue       int             // messages to one bank that wait in memory; the others wait in the ledger
}

// DefaultCourier tries at once and after 1, 2, 5, 10 and 30 seconds, as a stop
// is worth nothing later; then every minute for an hour.
var DefaultCourier = CourierPolicy{Waits: []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second},
	Slow: time.Minute, Most: 66, Jitter: 0.2, Concurrency: 8, Failures: 5, Pause: 5 * time.Second, Queue: 10_000}

// NewCourier returns a courier without messages.
func NewCourier(p CourierPolicy, rng *rand.Rand) *Courier {
	return &Courier{policy: p, rng: rng, lanes: map[string]*lane{}}
}

// lane is one bank's queue.
type lane struct {
	parcels  []*Parcel
	flying   int
	failures int           // in a row
	open     event.Instant // the breaker: nothing is sent before
}

// Parcel is a message on its way.
type Parcel struct {
	Bank    string
	StopID  string
	Version int
	Tries   int

	next   event.Instant
	flying bool
}

// Offer takes a message; one that is there already is not taken twice. It says
// whether it is the courier's now.
func (c *Courier) Offer(bank, stopID string, version int, now event.Instant) bool {
	l := c.lanes[bank]
	if l == nil {
		l = &lane{}
		c.lanes[bank] = l
	}
	for _, p := range l.parcels {
		if p.StopID == stopID {
			if p.Version < version && !p.flying { // what is newer goes in its place
				p.Version, p.Tries, p.next = version, 0, now
			}
			return p.Version >= version
		}
	}
	if len(l.parcels) >= c.policy.Queue {
		return false
	}
	l.parcels = append(l.parcels, &Parcel{Bank: bank, StopID: stopID, Version: version, next: now})
	return true
}

// Drop forgets a message that need not be sent any more.
func (c *Courier) Drop(keep func(*Parcel) bool) {
	for _, l := range c.lanes {
		l.parcels = slices.DeleteFunc(l.parcels, func(p *Parcel) bool { return !p.flying && !keep(p) })
	}
}

// Next lists what is to be sent now, and when to ask again (0: when there is
// news).
func (c *Courier) Next(now event.Instant) (send []*Parcel, wake event.Instant) {
	for _, bank := range sortedKeys(c.lanes) {
		l := c.lanes[bank]
		if now < l.open {
			if len(l.parcels) > 0 {
				wake = earlier(wake, l.open)
			}
			continue
		}
		most := c.policy.Concurrency
		if l.failures >= c.policy.Failures {
			most = 1 // half open: one tries
		}
		slices.SortStableFunc(l.parcels, func(a, b *Parcel) int { return cmp.Compare(a.next, b.next) })
		for _, p := range l.parcels {
			switch {
			case p.flying:
			case p.next > now:
				wake = earlier(wake, p.next)
			case l.flying < most:
				p.flying = true
				p.Tries++
				l.flying++
				send = append(send, p)
			}
		}
	}
	return send, wake
}

// Done tells what became of a parcel. It says whether that is the end of it:
// it was delivered, or it is given up.
func (c *Courier) Done(p *Parcel, delivered bool, now event.Instant) (over bool) {
	l := c.lanes[p.Bank]
	l.flying--
	p.flying = false
	if delivered {
		l.failures, l.open = 0, 0
	} else if l.failures++; l.failures >= c.policy.Failures {
		l.open = now.Add(c.policy.Pause)
	}
	if delivered || p.Tries >= c.policy.Most {
		l.parcels = slices.DeleteFunc(l.parcels, func(o *Parcel) bool { return o == p })
		return true
	}
	wait := c.policy.Slow
	if p.Tries <= len(c.policy.Waits) {
		wait = c.policy.Waits[p.Tries-1]
	}
	p.next = now.Add(time.Duration(float64(wait) * (1 + c.policy.Jitter*(2*c.rng.Float64()-1))))
	return false
}

// Health is how a bank takes its messages.
type Health struct {
	Bank     string
	Waiting  int
	Failures int           // in a row
	Open     event.Instant // the bank is left alone until then
}

// Health lists the banks that the courier knows.
func (c *Courier) Health() []Health {
	var out []Health
	for _, bank := range sortedKeys(c.lanes) {
		l := c.lanes[bank]
		out = append(out, Health{bank, len(l.parcels), l.failures, l.open})
	}
	return out
}

func earlier(a, b event.Instant) event.Instant {
	if a == 0 {
		return b
	}
	return min(a, b)
}

func sortedKeys(m map[string]*lane) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
