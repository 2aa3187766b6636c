package scoring

import (
	"cmp"
	"slices"
	"sync"

	"stopline.internal/stream/event"
)

// Rulebook folds the decisions of people about scoring, for those who want to
// read them: catalogues with their versions, exceptions, entities known to be
// good, brakes. Partitions have their own, at their own place in the log: see
// [Controls]. It is safe for many goroutines.
type Rulebook struct {
	mu         sync.RWMutex
	catalogues []Published // oldest first
	exceptions map[exception]Decision
	known      map[event.Entity]Decision
	brakes     map[string]Decision
	proposals  []Proposal // oldest first
}

// maxProposals bounds the catalogues that wait for approval: the oldest gives way.
const maxProposals = 20

// Proposal is a catalogue that one person wants and another has to approve.
type Proposal struct {
	Published
	Base string // the version in force when it was made
}

// maxVersions bounds the catalogues that are kept for reading.
const maxVersions = 500

// Published is a version of the catalogue.
type Published struct {
	Version  string
	Text     string
	At       event.Instant
	By       string
	Reason   string
	Patterns int
	Unusable string // why this program cannot follow it; empty: it can
}

// Decision is one exception, known-good entity, or fallen brake.
type Decision struct {
	Entity  event.Entity
	Pattern string
	As      string
	Until   event.Instant
	At      event.Instant
	By      string
	Reason  string
}

// NewRulebook returns an empty one.
func NewRulebook() *Rulebook {
	return &Rulebook{exceptions: map[exception]Decision{}, known: map[event.Entity]Decision{},
		brakes: map[string]Decision{}}
}

// Apply folds one decision.
func (b *Rulebook) Apply(at event.Instant, c *event.Control) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := Decision{c.Entity, c.Pattern, c.As, c.Until, at, c.By, c.Reason}
	switch c.What {
	case event.ControlProposal:
		p := newPublished(at, c)
		if b.settle(p.Version); !c.Removed && p.Unusable == "" {
			b.proposals = append(b.proposals, Proposal{p, c.Pattern})
		}
		if len(b.proposals) > maxProposals {
			b.proposals = slices.Delete(b.proposals, 0, 1)
		}
	case event.ControlCatalogue:
		p := newPublished(at, c)
		b.settle(p.Version)
		if b.catalogues = append(b.catalogues, p); len(b.catalogues) > maxVersions {
			b.catalogues = slices.Delete(b.catalogues, 0, 1)
		}
	case event.ControlKnown:
		if delete(b.known, c.Entity); !c.Removed {
			b.known[c.Entity] = d
		}
	case event.ControlException:
		x := exception{c.Entity, c.Pattern}
		if delete(b.exceptions, x); !c.Removed {
			b.exceptions[x] = d
		}
	case event.ControlTrip:
		if _, tripped := b.brakes[c.Pattern]; !tripped {
			b.brakes[c.Pattern] = d
		}
	case event.ControlLift:
		if delete(b.brakes, c.Pattern); c.Pattern == Service {
			clear(b.brakes)
		}
	}
}

func newPublished(at event.Instant, c *event.Control) Published {
	p := Published{Text: c.Text, At: at, By: c.By, Reason: c.Reason}
	if cat, err := ParseCatalogue("the published catalogue", []byte(c.Text)); err != nil {
		p.Unusable = err.Error()
	} else {
		p.Version, p.Patterns = cat.Version, len(cat.Patterns)
	}
	return p
}

// settle ends the proposal of a version.
func (b *Rulebook) settle(version string) {
	b.proposals = slices.DeleteFunc(b.proposals, func(p Proposal) bool { return p.Version == version })
}

// Proposals lists the catalogues that wait for approval, oldest first.
func (b *Rulebook) Proposals() []Proposal {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return slices.Clone(b.proposals)
}

// Proposal finds one by its version; false when none waits.
func (b *Rulebook) Proposal(version string) (Proposal, bool) {
	for _, p := range b.Proposals() {
		if p.Version == version {
			return p, true
		}
	}
	return Proposal{}, false
}

// Current is the catalogue that was published last and can be followed; false
// before the first.
func (b *Rulebook) Current() (Published, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, p := range slices.Backward(b.catalogues) {
		if p.Unusable == "" {
			return p, true
		}
	}
	return Published{}, false
}

// Versions lists the catalogues, newest first.
func (b *Rulebook) Versions() []Published {
	b.mu.RLock()
	defer b.mu.RUnlock()
	out := slices.Clone(b.catalogues)
	slices.Reverse(out)
	return out
}

// Version finds a catalogue by its version; false when there is none.
func (b *Rulebook) Version(v string) (Published, bool) {
	for _, p := range b.Versions() {
		if p.Version == v {
			return p, true
		}
	}
	return Published{}, false
}

// Exceptions lists the exceptions, by entity and pattern.
func (b *Rulebook) Exceptions() []Decision { return sorted(b, b.exceptions) }

// Known lists the entities that are known to be good.
func (b *Rulebook) Known() []Decision { return sorted(b, b.known) }

// Brakes lists the brakes that have fallen and that nobody has lifted.
func (b *Rulebook) Brakes() []Decision { return sorted(b, b.brakes) }

// Full says whether no more exceptions and known-good entities are taken.
func (b *Rulebook) Full() bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return len(b.exceptions)+len(b.known) >= MaxControls
}

func sorted[K comparable](b *Rulebook, m map[K]Decision) []Decision {
	b.mu.RLock()
	defer b.mu.RUnlock()
	out := make([]Decision, 0, len(m))
	for _, d := range m {
		out = append(out, d)
	}
	slices.SortFunc(out, func(x, y Decision) int {
		return cmp.Or(cmp.Compare(x.Entity, y.Entity), cmp.Compare(x.Pattern, y.Pattern))
	})
	return out
}
