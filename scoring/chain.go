package scoring

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"stopline.internal/stream/event"
)

// origin is a partition of a source topic.
type origin struct {
	topic     uint8
	partition int32
}

// covered is how far a source partition has been taken, and in which epoch.
type covered struct {
	epoch int64
	to    int64 // the offset behind the last that was taken
}

// Chain is how far each source partition has been taken into a partition of legs. The
// zero value has taken nothing, and begins at the beginning of the log.
type Chain struct {
	at map[origin]covered
	// of the block at hand, where it is outside of any chain; a map that is used again
	loose map[origin]covered
	// open says that the log's beginning was not there to be read, so that a source
	// partition may be met in the middle of an epoch.
	open bool
}

// Why a block is refused.
var (
	// ErrReplaced refuses what somebody wrote who reads the source partition no
	// longer: a batch that a failed one was overtaken by, a replica that slept.
	ErrReplaced = errors.New("whoever wrote it has been replaced as the reader of its source")
	// ErrGap refuses what does not join what was taken: legs between are missing,
	// and nothing of the source is taken until they are written again.
	ErrGap = errors.New("legs between it and what was taken are missing")
)

// Fate is what became of a block's legs, by number.
type Fate struct {
	Span     event.Span
	Applied  int
	Repeated int   // taken before
	Passed   int   // of a block that is refused
	Refused  error // why: [ErrReplaced] or [ErrGap]; nil for a block that was taken
}

// taking is what a block's legs are held against.
type taking struct {
	before int64 // legs before this offset were taken
	loose  bool
	// putBack says that a person has put the block back from quarantine, where it had
	// not been taken: nothing of it repeats, and no mark moves.
	putBack bool
}

// begin says what to do with a block. One that was put back is taken as it is.
func (c *Chain) begin(s *event.Span, putBack bool) (taking, Fate) {
	fate := Fate{Span: *s}
	if putBack {
		return taking{putBack: true}, fate
	}
	if s.Epoch == 0 { // outside of any chain: each leg for itself
		if c.loose == nil {
			c.loose = map[origin]covered{}
		}
		clear(c.loose)
		return taking{loose: true}, fate
	}
	at, known := c.at[origin{s.Topic, s.Partition}]
	switch {
	case !known && !s.First && !c.open:
		fate.Refused = fmt.Errorf("%w: it begins at %d, and of its source nothing was taken", ErrGap, s.From)
	case !known:
		return taking{before: s.From}, fate
	case s.Epoch < at.epoch:
		fate.Refused = fmt.Errorf("%w: it is of epoch %d, and %d has begun", ErrReplaced, s.Epoch, at.epoch)
	case at.epoch < s.Back: // what was taken was of a log that is gone
		return taking{before: s.From}, fate
	case s.From > at.to:
		fate.Refused = fmt.Errorf("%w: it begins at %d, and what was taken ends at %d", ErrGap, s.From, at.to)
	}
	return taking{before: at.to}, fate
}

// repeats says whether a leg was taken before its block began.
func (c *Chain) repeats(t *taking, s *event.Source) bool {
	if !t.loose {
		return !t.putBack && s.Offset < t.before
	}
	o := origin{s.Topic, s.Partition}
	if at, ok := c.at[o]; ok && s.Offset < at.to {
		return true
	}
	c.loose[o] = covered{to: max(c.loose[o].to, s.Offset+1)}
	return false
}

// endAt notes that a block was taken as far as it could be read: what lies behind
// damage is missing, and can be written again.
func (c *Chain) endAt(b *event.Block, to int64, t taking) {
	if b.Failed() {
		b.Span.To = min(to, b.Span.To)
	}
	c.end(&b.Span, t)
}

// end notes that a block was taken.
func (c *Chain) end(s *event.Span, t taking) {
	if t.putBack {
		return
	}
	if c.at == nil {
		c.at = map[origin]covered{}
	}
	if t.loose {
		for o, at := range c.loose {
			c.at[o] = covered{c.at[o].epoch, at.to}
		}
		return
	}
	o := origin{s.Topic, s.Partition}
	at := c.at[o]
	if at.epoch < s.Back {
		at.to = s.From
	}
	c.at[o] = covered{max(at.epoch, s.Epoch), max(at.to, s.To)}
}

// Mark is how far a source partition has been taken.
type Mark struct {
	Topic     uint8 `json:"t"`
	Partition int32 `json:"p"`
	Offset    int64 `json:"o"` // the last offset that was taken
	Epoch     int64 `json:"e,omitempty"`
}

// Open says that the log's beginning is not there to be read, so that a source
// partition may be met in the middle of an epoch.
func (c *Chain) Open() { c.open = true }

// Follow takes a block as a [Partition] does, without scoring it, and calls then for
// the block's span and the source of each leg that is taken.
func (c *Chain) Follow(block []byte, putBack bool, then func(event.Span, event.Source)) (Fate, error) {
	b, err := event.OpenBlock(block)
	if err != nil {
		return Fate{}, err
	}
	t, fate := c.begin(&b.Span, putBack)
	var l event.Leg
	to := b.Span.From
	for b.Next(&l) {
		to = max(to, l.Source.Offset+1)
		switch {
		case fate.Refused != nil:
			fate.Passed++
		case c.repeats(&t, &l.Source):
			fate.Repeated++
		default:
			fate.Applied++
			then(b.Span, l.Source)
		}
	}
	if fate.Refused == nil {
		c.endAt(b, to, t)
	}
	return fate, b.Err()
}

func (c *Chain) marks() []Mark {
	out := make([]Mark, 0, len(c.at))
	for o, at := range c.at {
		out = append(out, Mark{o.topic, o.partition, at.to - 1, at.epoch})
	}
	slices.SortFunc(out, func(a, b Mark) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return out
}

func chainOf(marks []Mark, open bool) Chain {
	c := Chain{at: make(map[origin]covered, len(marks)), open: open}
	for _, m := range marks {
		c.at[origin{m.Topic, m.Partition}] = covered{m.Epoch, m.Offset + 1}
	}
	return c
}
