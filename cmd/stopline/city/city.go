package city

import (
	"cmp"
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"stopline.internal/stream/event"
)

// BankCodes are the city's banks.
var BankCodes = []string{"ABOC", "BKCH", "COMM", "ICBK", "PCBC", "PSBC"}

// districts are Guiyang's, by their codes of GB/T 2260: ten, and the two in which
// most people live once more.
var districts = [12]string{"520102", "520103", "520111", "520112", "520113", "520115", "520121", "520122", "520123",
	"520181", "520103", "520102"}

// Config shapes a city.
type Config struct {
	Seed   uint64        `json:"seed"`
	Start  event.Instant `json:"start"`  // when the live part begins; the past lies before it
	Rate   float64       `json:"rate"`   // events a second of the city's time
	People int           `json:"people"` // 0: as many as the rate suits
	Frauds float64       `json:"frauds"` // campaigns begun per 1,000 events; 0: [DefaultFrauds]
}

// DefaultFrauds is many times what a real city sees, so that a minute shows
// something.
const DefaultFrauds = 0.5

// eventsPerHour is what one person causes in an hour of the day.
const eventsPerHour = 0.6

// Doc is a document that the city sends.
type Doc struct {
	At    event.Instant
	Topic Topic
	Key   string
	ID    string // kind and id, as [Truth] and latency know it
	JSON  []byte
}

// Topic is which of the source topics a document goes to.
type Topic uint8

// The source topics.
const (
	Transfers Topic = iota
	Telecom
	Reports
)

// person is somebody who lives in the city, with one account and one telephone.
type person struct {
	account, holder, phone, device, district string
	bank                                     int
	savings                                  int64
	known                                    []int // people that they pay and call
	landlord, employer                       int
	swapped                                  int    // changes of handset so far
	second                                   string // account of their own at another bank
	trader                                   bool   // sells things on their own account
	courier                                  bool   // calls strangers all day
	taken                                    int64  // by a trader, and not yet paid to a supplier
}

// account is what a bank keeps of an account that matters: a mule's.
type account struct {
	number, holder string
	bank           int
	balance        int64
	tainted        int64 // stolen money in the balance
	held           int64
	out            []outflow
	burned         bool // the gang knows that it is held
	awakened       bool // slept for most of a year
}

// outflow is a payment that left a mule's account.
type outflow struct {
	id, to, bank string
	minor        int64
	at           event.Instant
}

func (a *account) available() int64 { return max(0, a.balance-a.held) }

// City is the simulation. It is safe for many goroutines.
type City struct {
	mu       sync.Mutex
	cfg      Config
	rng      *rand.Rand // of honest life
	fraudRng *rand.Rand
	people   []person
	shops    []account
	firms    []account // employers, and companies that sell by telephone
	traders  []int
	couriers []int
	gangs    []gang
	mules    map[string]*account
	agenda   agenda
	seq      int
	now      event.Instant
	ids      int
	frauds   []*fraud
	honest   bool // generate honest life as well
	out      []Doc
	truth    Truth
	baseline time.Duration // >0: hold this long after a report, as is done today
	pending  []Hold        // to be applied at their moments, from a journal
}

// Truth is what really happened.
type Truth struct {
	Events, Transfers int64 // sent; transfers that are honest
	Campaigns         int64
	Stolen            int64 // what victims sent, less what they were sent back
	CashedOut         int64
	Held              int64           // stolen money under a hold now
	Fraud             map[string]bool // ids of fraudulent transfers, of victims and of mules
}

// Hold is a hold that a bank put on an account.
type Hold struct {
	StopID  string        `json:"stop_id"`
	Account string        `json:"account"`
	Minor   int64         `json:"minor"`
	At      event.Instant `json:"at"`
}

// New builds the city of a configuration.
func New(cfg Config) *City {
	if cfg.People == 0 {
		cfg.People = max(500, int(cfg.Rate*3600/eventsPerHour))
	}
	if cfg.Frauds == 0 {
		cfg.Frauds = DefaultFrauds
	}
	c := &City{cfg: cfg, now: cfg.Start, honest: true, mules: map[string]*account{},
		truth: Truth{Fraud: map[string]bool{}},
		rng:   rand.New(rand.NewPCG(cfg.Seed, 1)), fraudRng: rand.New(rand.NewPCG(cfg.Seed, 2))}
	c.settle(rand.New(rand.NewPCG(cfg.Seed, 3)))
	c.after(c.exp(c.rng, c.cfg.Rate/1.45), c.life)
	c.after(c.exp(c.fraudRng, c.cfg.Rate*c.cfg.Frauds/1000), c.campaign)
	return c
}

// Config is the configuration with what New filled in.
func (c *City) Config() Config { return c.cfg }

// settle makes the people, the shops and the gangs.
func (c *City) settle(r *rand.Rand) {
	n := c.cfg.People
	c.people = make([]person, n)
	for i := range c.people {
		p := &c.people[i]
		p.bank = r.IntN(len(BankCodes))
		p.account = fmt.Sprintf("6222%02d%013d", p.bank, i)
		p.holder = fmt.Sprintf("住户%06d", i)
		p.phone = fmt.Sprintf("138%08d", i)
		p.device = fmt.Sprintf("d-%x", i)
		p.district = districts[r.IntN(len(districts))]
		p.savings = int64(math.Exp(r.NormFloat64()*0.9+math.Log(45_000))) * 100
		p.landlord = r.IntN(n)
		p.second = fmt.Sprintf("6225%02d%013d", (p.bank+1+r.IntN(len(BankCodes)-1))%len(BankCodes), i)
		if p.employer = r.IntN(max(5, n/200)); r.IntN(50) == 0 {
			p.trader = true
			c.traders = append(c.traders, i)
		}
		if r.IntN(400) == 0 {
			p.courier = true
			c.couriers = append(c.couriers, i)
		}
		for range 3 + r.IntN(5) {
			if k := r.IntN(n); k != i {
				p.known = append(p.known, k)
			}
		}
		if len(p.known) == 0 {
			p.known = []int{(i + 1) % n}
		}
		if p.landlord == i {
			p.landlord = p.known[0]
		}
	}
	c.shops = make([]account, max(20, n/60))
	for i := range c.shops {
		bank := r.IntN(len(BankCodes))
		c.shops[i] = account{number: fmt.Sprintf("6100%02d%013d", bank, i), holder: fmt.Sprintf("商户%05d", i), bank: bank}
	}
	c.firms = make([]account, max(5, n/200))
	for i := range c.firms {
		bank := r.IntN(len(BankCodes))
		c.firms[i] = account{number: fmt.Sprintf("6300%02d%013d", bank, i), holder: fmt.Sprintf("公司%05d", i), bank: bank}
	}
	c.gangs = make([]gang, max(3, n/4000))
	for i := range c.gangs {
		c.gangs[i].id = i
		for layer := range layers {
			for range 4 + r.IntN(4) {
				c.gangs[i].recruit(c, layer, r)
			}
		}
	}
}

// Advance runs the city up to a moment and returns what it sent, by time.
func (c *City) Advance(to event.Instant) []Doc {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = nil
	for len(c.agenda) > 0 && c.agenda[0].at <= to {
		c.restore(c.agenda[0].at - 1)
		item := heap.Pop(&c.agenda).(*todo)
		c.now = max(c.now, item.at)
		item.do()
	}
	c.restore(to)
	c.now = max(c.now, to)
	slices.SortStableFunc(c.out, func(a, b Doc) int { return cmp.Compare(a.At, b.At) })
	return c.out
}

// restore puts the journal's holds up to a moment on their accounts.
func (c *City) restore(to event.Instant) {
	for len(c.pending) > 0 && c.pending[0].At <= to {
		c.hold(c.pending[0])
		c.pending = c.pending[1:]
	}
}

// Now is the moment up to which the city has run.
func (c *City) Now() event.Instant {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Truth is what really happened up to now.
func (c *City) Truth() Truth {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.truth
	t.Held = 0
	for _, a := range c.mules {
		t.Held += min(a.held, a.tainted)
	}
	return t
}

// Campaign is what really happened in one fraud.
type Campaign struct {
	Kind      string
	Transfers []Paid        // of the victim and of the mules
	Stolen    int64         // what the victim paid
	HalfGone  event.Instant // when half of it had left the first mules' accounts; 0: it has not
}

// Paid is a transfer's id and its moment.
type Paid struct {
	ID string
	At event.Instant
}

// Campaigns are the frauds in which a victim has paid, in the order in which
// they began.
func (c *City) Campaigns() []Campaign {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []Campaign
	for _, f := range c.frauds {
		if f.stolen == 0 {
			continue
		}
		k := Campaign{Kind: f.kind, Transfers: f.transfers, Stolen: f.stolen}
		gone := int64(0)
		for _, g := range f.gone {
			if gone += g.minor; k.HalfGone == 0 && 2*gone >= f.stolen {
				k.HalfGone = g.at
			}
		}
		out = append(out, k)
	}
	return out
}

// IsFraud says whether a transfer was part of a fraud.
func (c *City) IsFraud(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.truth.Fraud[id]
}

// Restore gives the holds of an earlier run, by time: they take effect as the
// city runs past their moments.
func (c *City) Restore(holds []Hold) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = append(c.pending, holds...)
}

// Baseline is the share of stolen money that would be held without the
// service: in the same city, up to the same moment, a stop reaches the account
// that the victim paid a while after the report.
func Baseline(cfg Config, to event.Instant, after time.Duration) (stolen, held int64) {
	c := New(cfg)
	c.honest, c.baseline = false, after
	c.Advance(to)
	t := c.Truth()
	return t.Stolen, t.Held
}

// hold puts a hold on an account and says how much of it there is to hold.
func (c *City) hold(h Hold) int64 {
	a := c.mules[h.Account]
	if a == nil {
		return 0
	}
	h.Minor = min(h.Minor, a.available())
	a.held += h.Minor
	return h.Minor
}

// after puts something on the agenda.
func (c *City) after(d time.Duration, do func()) { c.at(c.now.Add(d), do) }

func (c *City) at(t event.Instant, do func()) {
	c.seq++
	heap.Push(&c.agenda, &todo{t, c.seq, do})
}

// exp is the time to the next of things that happen rate times a second.
func (c *City) exp(r *rand.Rand, rate float64) time.Duration {
	return time.Duration(r.ExpFloat64() / rate * float64(time.Second))
}

// todo is an entry of the agenda.
type todo struct {
	at  event.Instant
	seq int
	do  func()
}

type agenda []*todo

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].seq < a[j].seq
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push is for container/heap.
func (a *agenda) Push(x any) { *a = append(*a, x.(*todo)) }

// Pop is for container/heap.
func (a *agenda) Pop() any {
	old := *a
	x := old[len(old)-1]
	*a = old[:len(old)-1]
	return x
}
