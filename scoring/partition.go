package scoring

import (
	"strings"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"stopline.internal/stream/event"
)

// Partition holds the hot entities of one legs partition. One goroutine owns
// it.
type Partition struct {
	engine   *Engine
	hot      *simplelru.LRU[event.Entity, *State]
	evicted  map[event.Entity]*State // evicted, and not yet written
	seen     Chain
	controls *Controls
	view     View
	leg      event.Leg
	out      Outcome
	fate     Fate
}

// NewPartition returns an empty partition that keeps up to size entities hot.
func NewPartition(e *Engine, size int) *Partition {
	p := &Partition{engine: e, evicted: map[event.Entity]*State{}, seen: chainOf(nil, false),
		controls: newControls(e.start)}
	p.view.controls, p.view.network = p.controls, &e.Policy.Network
	var err error
	if p.hot, err = simplelru.NewLRU(size, func(k event.Entity, s *State) { p.evicted[k] = s }); err != nil {
		panic(err) // only a size of zero or less is refused, and the flag's bound excludes it
	}
	return p
}

// Put makes an entity hot, as it was read from cold storage.
func (p *Partition) Put(s *State) { p.hot.Add(s.Entity, s) }

// Has says whether the entity's state is at hand.
func (p *Partition) Has(e event.Entity) bool {
	return p.hot.Contains(e) || p.evicted[e] != nil
}

// Peek returns the state without making it hotter; nil when it is not at hand.
func (p *Partition) Peek(e event.Entity) *State {
	if s, ok := p.hot.Peek(e); ok {
		return s
	}
	return p.evicted[e]
}

// Len is the number of hot entities.
func (p *Partition) Len() int { return p.hot.Len() }

// Missing appends the entities of a block that are not at hand, each once; the
// names are clones.
func (p *Partition) Missing(block []byte, dst []event.Entity) ([]event.Entity, error) {
	b, err := event.OpenBlock(block)
	if err != nil {
		return dst, err
	}
	var asked map[event.Entity]bool
	for b.Skip(&p.leg) {
		if p.Has(p.leg.Entity) || asked[p.leg.Entity] || p.leg.Role == event.RoleControl {
			continue
		}
		if asked == nil {
			asked = map[event.Entity]bool{}
		}
		e := event.Entity(strings.Clone(string(p.leg.Entity)))
		asked[e] = true
		dst = append(dst, e)
	}
	return dst, b.Err()
}

// Apply scores the legs of a block at the offset, and calls then for each of
// them in turn with what it led to; the leg and the outcome are reused.
// Entities that are not at hand are taken for new. What was applied before is
// skipped, both when the partition is read again and when ingest wrote an
// event's legs twice; a block that its source's chain does not allow is refused
// as a whole. [Partition.Fate] tells.
func (p *Partition) Apply(offset int64, block []byte, then func(*event.Leg, *Outcome)) error {
	return p.apply(offset, block, false, then)
}

// ApplyLoose is [Partition.Apply] for a block that a person has put back: its legs
// are taken wherever their source has come to by now, and move no mark.
func (p *Partition) ApplyLoose(offset int64, block []byte, then func(*event.Leg, *Outcome)) error {
	return p.apply(offset, block, true, then)
}

func (p *Partition) apply(offset int64, block []byte, putBack bool, then func(*event.Leg, *Outcome)) error {
	p.fate = Fate{}
	b, err := event.OpenBlock(block)
	if err != nil {
		return err
	}
	// An event's legs for one partition lie in one block, so that a source
	// offset is either behind the mark as the block begins, or not applied.
	var taken taking
	if taken, p.fate = p.seen.begin(&b.Span, putBack); p.fate.Refused != nil {
		for b.Skip(&p.leg) {
			p.fate.Passed++
		}
		return b.Err()
	}
	to := b.Span.From // how far the block could be read
	for i := int32(0); b.Next(&p.leg); i++ {
		to = max(to, p.leg.Source.Offset+1)
		if p.seen.repeats(&taken, &p.leg.Source) {
			p.fate.Repeated++
			continue
		}
		p.fate.Applied++
		place := Place{offset, i}
		p.out.reset()
		if p.leg.Role == event.RoleControl {
			if !p.controls.applied.Before(place) {
				continue
			}
			p.controls.applied = place
			p.out.Refused = p.controls.apply(p.engine, p.leg.Event.At, p.leg.Event.Control)
			then(&p.leg, &p.out)
			continue
		}
		s := p.state(p.leg.Entity)
		if !s.Applied.Before(place) {
			continue
		}
		s.Applied = place
		p.view.clock = max(p.view.clock, p.leg.Event.At)
		p.engine.apply(&p.view, s, &p.leg, &p.out)
		then(&p.leg, &p.out)
	}
	p.seen.endAt(b, to, taken)
	return b.Err()
}

// PassOver takes a block for taken that cannot be worked on, so that what follows it
// is no gap. It is for a block that was kept, to be put back once it can.
func (p *Partition) PassOver(block []byte) error {
	b, err := event.OpenBlock(block)
	if err != nil {
		return err
	}
	if taken, fate := p.seen.begin(&b.Span, false); fate.Refused == nil && !taken.loose {
		p.seen.end(&b.Span, taken)
	}
	return nil
}

// Fate says what became of the legs of the block that was applied last.
func (p *Partition) Fate() *Fate { return &p.fate }

// PaymentByName is a payment out of an account as cold storage knows it.
type PaymentByName struct {
	ID                    string
	At                    event.Instant
	Minor, Balance        int64 // before it, or [event.Unknown]
	Account, Bank, Holder string
	Shop                  bool
}

// AddPayments tells an account of payments that it did not remember by name, and
// follows the tainted money that went on with them. The outcome is reused; it is
// nil where the account is not at hand any more.
func (p *Partition) AddPayments(account event.Entity, payments []PaymentByName) *Outcome {
	s := p.Peek(account)
	if s == nil || len(payments) == 0 {
		return nil
	}
	p.out.reset()
	number := strings.TrimPrefix(string(account), event.PrefixAccount)
	named := map[uint64]bool{}
	for i := range payments {
		n := &payments[i]
		key := event.TransferKey(number, n.ID)
		named[key] = true
		s.spend(spent{key: key, at: n.At, minor: n.Minor, balance: n.Balance, id: n.ID, account: n.Account, bank: n.Bank,
			holder: n.Holder, shop: n.Shop})
	}
	s.dirty = true
	l := event.Leg{Role: event.RoleTaint, Entity: account}
	p.view.begin(s, &l)
	p.engine.follow(&p.view, &p.out, func(*taint) bool { return true }, func(key uint64) bool { return named[key] })
	s.traced().needsPayments = p.out.NeedsPayments
	return &p.out
}

// EndSearch says that an account's search for payments by name is over.
func (p *Partition) EndSearch(account event.Entity) {
	if s := p.Peek(account); s != nil && s.NeedsPayments() {
		s.traced().needsPayments, s.dirty = false, true
	}
}

// state makes the entity hot and returns its state.
func (p *Partition) state(e event.Entity) *State {
	if s, ok := p.hot.Get(e); ok {
		return s
	}
	s, ok := p.evicted[e]
	if ok {
		delete(p.evicted, e)
	} else {
		s = NewState(event.Entity(strings.Clone(string(e))))
	}
	p.hot.Add(s.Entity, s)
	return s
}

// Snapshot lists the states that have changed since they were last taken, hot
// and evicted, and takes them for written until Written says otherwise.
func (p *Partition) Snapshot() []*State {
	var out []*State
	before := p.view.clock.Add(-p.engine.Policy.Lateness)
	take := func(s *State) {
		s.expire(before)
		if s.dirty {
			s.dirty = false
			out = append(out, s)
		}
	}
	for _, s := range p.hot.Values() {
		take(s)
	}
	for _, s := range p.evicted {
		take(s)
	}
	return out
}

// Waiting is the number of evicted states that are kept until they are written.
func (p *Partition) Waiting() int { return len(p.evicted) }

// Written says what became of a snapshot: in cold storage, so that the states
// that are no longer hot can go, or not, so that they belong to the next one.
func (p *Partition) Written(states []*State, ok bool) {
	if !ok {
		for _, s := range states {
			s.dirty = true
		}
		return
	}
	for e, s := range p.evicted {
		if !s.dirty {
			delete(p.evicted, e)
		}
	}
}

// Marks is what must be kept beside the states to skip repeated legs, and to
// know the time that the partition has seen.
func (p *Partition) Marks() Marks { return Marks{p.view.clock, p.seen.marks(), p.seen.open} }

// SetMarks restores what Marks returned.
func (p *Partition) SetMarks(m Marks) {
	p.view.clock = m.Clock
	p.seen = chainOf(m.Seen, m.Open)
}

// Marks are kept with a checkpoint.
type Marks struct {
	Clock event.Instant `json:"clock"`
	Seen  []Mark        `json:"seen"`
	// Open says that the log's beginning was not there to be read: a source partition
	// may be met in the middle of an epoch. Otherwise it must begin with one.
	Open bool `json:"open,omitempty"`
}

// Controls returns the bytes of the partition's controls where they have
// changed since they were last taken, with their version; nil otherwise.
func (p *Partition) Controls() (version uint64, state []byte) {
	if !p.controls.dirty {
		return 0, nil
	}
	p.controls.dirty = false
	p.controls.version++
	return p.controls.version, p.controls.Append(nil)
}

// ControlsLost says that what Controls returned was not written.
func (p *Partition) ControlsLost() { p.controls.dirty = true }

// SetControls restores what Controls returned.
func (p *Partition) SetControls(state []byte) error { return p.controls.read(p.engine, state) }

// Decide takes a decision that did not come as a leg: where the partition's past cannot
// be read, what people decided is read from where they decided it.
func (p *Partition) Decide(at event.Instant, c *event.Control) error {
	return p.controls.apply(p.engine, at, c)
}

// Catalogue is the version in force.
func (p *Partition) Catalogue() string { return p.controls.program.Version }
