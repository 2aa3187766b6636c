package scoring

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"stopline.internal/stream/event"
)

// covering is a block of source topic 1 with one leg for each offset that it covers.
func covering(s event.Span) []byte {
	s.Topic, s.Partition = 1, 3
	b := event.BeginSpan(nil, s)
	for o := s.From; o < s.To; o++ {
		e := event.Event{Kind: event.KindSIM, ID: "S", SIM: event.SIM{Number: "+861", Change: "port"}}
		b = event.AppendLeg(b, event.Touch{Role: event.RoleSIM, Prefix: event.PrefixNumber, Name: "+861"},
			event.Source{Topic: 1, Partition: 3, Offset: o}, event.AppendEvent(nil, &e))
	}
	return b
}

// taker takes blocks and keeps the source offsets of the legs that were applied.
type taker struct {
	part   *Partition
	offset int64
	took   []int64
}

func newTaker(e *Engine) *taker {
	return &taker{part: NewPartition(e, 10)}
}

func chainEngine(t *testing.T) *Engine {
	t.Helper()
	c, err := ParseCatalogue("catalogue.yaml", DefaultCatalogue)
	if err != nil {
		t.Fatal(err)
	}
	return NewEngine(c, DefaultPolicy, 1)
}

func (k *taker) take(t interface{ Fatal(...any) }, block []byte) *Fate {
	k.offset++
	err := k.part.Apply(k.offset, block, func(l *event.Leg, _ *Outcome) { k.took = append(k.took, l.Source.Offset) })
	if err != nil {
		t.Fatal(err)
	}
	return k.part.Fate()
}

// What a block is worth by what was taken before it.
func TestChain(t *testing.T) {
	e := chainEngine(t)
	k := newTaker(e)
	for i, c := range []struct {
		epoch, from, to, back     int64
		applied, repeated, passed int
		refused                   error
	}{
		{1, 7, 9, 0, 0, 0, 2, ErrGap},        // one that is not its epoch's first may have overtaken it
		{1, 10, 12, 0, 2, 0, 0, nil},         // which begins anywhere
		{1, 12, 15, 0, 3, 0, 0, nil},         // it continues
		{1, 12, 15, 0, 0, 3, 0, nil},         // it came twice
		{1, 16, 18, 0, 0, 0, 2, ErrGap},      // one between is missing
		{1, 15, 16, 0, 1, 0, 0, nil},         // it comes late: what followed is not forgotten, it was refused
		{1, 18, 19, 0, 0, 0, 1, ErrGap},      // and is missing now
		{2, 17, 19, 0, 0, 0, 2, ErrGap},      // a new reader does not make a hole good
		{1, 16, 17, 0, 1, 0, 0, nil},         // which had no say either: the old one still counts
		{2, 14, 19, 0, 2, 3, 0, nil},         // who begins before what was taken brings what is new
		{1, 17, 25, 0, 0, 0, 8, ErrReplaced}, // who has been replaced is not heard
		{3, 5, 7, 3, 2, 0, 0, nil},           // the source was made anew
		{3, 7, 9, 3, 2, 0, 0, nil},           // all its blocks say so
		{3, 5, 7, 3, 0, 2, 0, nil},
		{2, 19, 20, 0, 0, 0, 1, ErrReplaced},
		{4, 12, 13, 3, 0, 0, 1, ErrGap}, // that it was made anew before is known
		{4, 8, 10, 3, 1, 1, 0, nil},
		{6, 2, 3, 5, 1, 0, 0, nil}, // it was made anew again, and nothing came of that at first
	} {
		f := k.take(t, covering(event.Span{Epoch: c.epoch, From: c.from, To: c.to, Back: c.back, First: i == 1}))
		if f.Applied != c.applied || f.Repeated != c.repeated || f.Passed != c.passed || !errors.Is(f.Refused, c.refused) {
			t.Errorf("block %d: %+v", i, f)
		}
		again := newTaker(e)
		again.part.SetMarks(k.part.Marks())
		if !slices.Equal(again.part.Marks().Seen, k.part.Marks().Seen) {
			t.Errorf("block %d: the marks %v are read back as %v", i, k.part.Marks(), again.part.Marks())
		}
		k.part.SetMarks(again.part.Marks())
	}
	// Where the beginning of the log is gone, a source is met wherever it is.
	open := newTaker(e)
	open.part.SetMarks(Marks{Open: true})
	if f := open.take(t, covering(event.Span{Epoch: 4, From: 7, To: 9})); f.Applied != 2 || !open.part.Marks().Open {
		t.Errorf("behind a log that begins late: %+v", f)
	}
}

// Readers of a source come and go, their writes fail, are overtaken, come twice and
// come late: every offset that somebody has committed is taken, once and in order.
func TestChainLosesNothing(t *testing.T) {
	e := chainEngine(t)
	rapid.Check(t, func(t *rapid.T) {
		k := newTaker(e)
		wanted := map[int64]bool{}          // offsets of legs that somebody has committed
		committed, to := int64(0), int64(0) // and what the note of the commit says was written to this partition
		var late [][]byte
		for epoch := int64(1); epoch <= 6; epoch++ {
			at, from, first := committed, to, true
			for range rapid.IntRange(0, 5).Draw(t, "batches") {
				next := at + rapid.Int64Range(1, 4).Draw(t, "events")
				block := covering(event.Span{Epoch: epoch, From: from, To: next, First: first})
				switch rapid.SampledFrom([]string{"written", "twice", "failed", "overtaken", "empty"}).Draw(t, "fate") {
				case "twice":
					k.take(t, block)
					k.take(t, block)
				case "written":
					k.take(t, block)
				case "empty": // the batch holds nothing for this partition
					at = next
					committed = at
					continue
				case "failed": // and comes late, after its writer has begun again
					late = append(late, block)
					at = -1
				case "overtaken": // the next one was on its way already
					before := k.part.Marks()
					f := k.take(t, covering(event.Span{Epoch: epoch, From: next, To: next + 1}))
					if f.Applied > 0 && (len(before.Seen) == 0 || before.Seen[0].Offset+1 < next) {
						t.Fatalf("behind %v a block that overtook one was taken: %+v", before, f)
					}
					at = -1
				}
				if at < 0 {
					break
				}
				for o := at; o < next; o++ {
					wanted[o] = true
				}
				at, from, first = next, next, false
				committed, to = at, from
			}
			for _, b := range late {
				k.take(t, b)
			}
			late = nil
		}
		f := k.take(t, covering(event.Span{Epoch: 7, From: to, To: committed + 1, First: true}))
		if f.Refused != nil {
			t.Fatalf("the last reader is refused: %v", f.Refused)
		}
		seen := int64(-1)
		for _, o := range k.took {
			if o <= seen {
				t.Fatalf("%v: %d was taken after %d", k.took, o, seen)
			}
			seen = o
			delete(wanted, o)
		}
		if len(wanted) > 0 {
			t.Fatalf("%v were never taken, only %v", wanted, k.took)
		}
	})
}

// A block that cannot be worked on is passed over: what follows joins it, and once it
// is put back its legs are taken, whatever has come since. Of a damaged one what could
// be read counts, and the rest is missing.
func TestChainPassesOver(t *testing.T) {
	k := newTaker(chainEngine(t))
	k.take(t, covering(event.Span{Epoch: 1, From: 0, To: 2, First: true}))
	poison := covering(event.Span{Epoch: 1, From: 2, To: 4})
	if err := k.part.PassOver(poison); err != nil {
		t.Fatal(err)
	}
	if f := k.take(t, covering(event.Span{Epoch: 1, From: 4, To: 6})); f.Refused != nil || f.Applied != 2 {
		t.Errorf("behind what was passed over: %+v", f)
	}
	if err := k.part.ApplyLoose(100, poison, func(l *event.Leg,
		_ *Outcome) {
		k.took = append(k.took, l.Source.Offset)
	}); err != nil {
		t.Fatal(err)
	}
	if want := []int64{0, 1, 4, 5, 2, 3}; !slices.Equal(k.took, want) || k.part.Marks().Seen[0].Offset != 5 {
		t.Errorf("took %v, want %v; the mark is %v", k.took, want, k.part.Marks().Seen)
	}
	damaged := covering(event.Span{Epoch: 1, From: 6, To: 9})
	if err := k.part.Apply(101, damaged[:len(damaged)-2], func(*event.Leg, *Outcome) {}); err == nil {
		t.Fatal("a damaged block was taken for whole")
	}
	next := covering(event.Span{Epoch: 1, From: 9, To: 10})
	if f := k.take(t, next); !errors.Is(f.Refused, ErrGap) {
		t.Errorf("behind a damaged one: %+v", f)
	}
	// Who follows the log without scoring comes to the same.
	var c Chain
	c.Open()
	read := 0
	if f, err := c.Follow(damaged[:len(damaged)-2], false, func(event.Span, event.Source) { read++ }); err == nil ||
		f.Applied != 2 ||
		read != 2 {
		t.Errorf("a damaged block is followed as %+v, %v", f, err)
	}
	if f, err := c.Follow(next, false, func(event.Span, event.Source) {}); err != nil || !errors.Is(f.Refused, ErrGap) {
		t.Errorf("and what comes behind it as %+v, %v", f, err)
	}
	if f := k.take(t, covering(event.Span{Epoch: 2, From: 6, To: 10, First: true})); f.Applied != 2 || f.Repeated != 2 {
		t.Errorf("written again: %+v", f)
	}
}
