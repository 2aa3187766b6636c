package backtest

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"stopline.internal/cmd/stopline/city"
	"stopline.internal/scoring"
	"stopline.internal/stream/event"
)

// world is what outlives a crash: the log of legs, the notes' topic, the cold
// states, and what was published. Scoring runs over it as the service does,
// with its clocks and its luck drawn from a seed.
type world struct {
	t      *testing.T
	rng    *rand.Rand
	engine *scoring.Engine
	parts  int
	hot    int
	log    [][][]byte // blocks, by partition
	notes  []scoring.Note
	cold   []map[event.Entity][]byte
	marks  []scoring.Marks
	offset []int64 // of the checkpoint
	alerts map[string]string
}

// outcome scores events and returns the alerts, as they are published. crash is
// how likely a partition loses its memory after a block; late is how many
// batches a note may wait.
func outcome(t *testing.T, seed uint64, events []event.Event, parts, hot int, crash float64, late int) []string {
	t.Helper()
	catalogue, err := scoring.ParseCatalogue("catalogue.yaml", scoring.DefaultCatalogue)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 1)),
		engine: scoring.NewEngine(catalogue, scoring.DefaultPolicy, parts), parts: parts, hot: hot,
		log: make([][][]byte, parts), cold: make([]map[event.Entity][]byte, parts), marks: make([]scoring.Marks, parts),
		offset: make([]int64, parts), alerts: map[string]string{}}
	memory := make([]*scoring.Partition, parts)
	next := make([]int64, parts) // to score
	for p := range parts {
		w.cold[p] = map[event.Entity][]byte{}
		memory[p] = w.restore(p)
	}
	noteOffset := int64(0)
	for done := 0; done < len(events) || len(w.notes) > 0; {
		n := min(len(events), done+1+w.rng.IntN(300))
		w.append(events[done:n], int64(done))
		done = n
		if late == 0 || w.rng.IntN(late) == 0 || done == len(events) {
			w.deliver(&noteOffset)
		}
		for p := range parts {
			if done < len(events) && w.rng.IntN(3) == 0 && crash > 0 {
				continue // this partition is behind
			}
			for next[p] < int64(len(w.log[p])) {
				w.score(memory[p], p, next[p])
				next[p]++
				if w.rng.Float64() < crash {
					memory[p] = w.restore(p)
					next[p] = w.offset[p]
				} else if w.rng.IntN(4) == 0 {
					w.checkpoint(memory[p], p, next[p])
				}
			}
		}
	}
	return slices.Sorted(maps.Values(w.alerts))
}

func (w *world) restore(p int) *scoring.Partition {
	part := scoring.NewPartition(w.engine, w.hot)
	part.SetMarks(w.marks[p])
	return part
}

// append cuts events into legs, a block for each partition.
func (w *world) append(events []event.Event, from int64) {
	blocks := make([][]byte, w.parts)
	for i := range events {
		payload := event.AppendEvent(nil, &events[i])
		for _, t := range events[i].Touched(nil) {
			p := event.PartitionOf([]byte(t.Entity()), w.parts)
			if blocks[p] == nil {
				blocks[p] = event.BeginBlock(nil)
			}
			blocks[p] = event.AppendLeg(blocks[p], t, event.Source{Offset: from + int64(i) + 1}, payload)
		}
	}
	for p, b := range blocks {
		if b != nil {
			w.log[p] = append(w.log[p], b)
		}
	}
}

// deliver makes legs of the notes that were published, in any order.
func (w *world) deliver(offset *int64) {
	w.rng.Shuffle(len(w.notes), func(i, j int) { w.notes[i], w.notes[j] = w.notes[j], w.notes[i] })
	for _, n := range w.notes {
		*offset++
		e := event.Event{Kind: event.KindRisk, ID: event.RiskID(&n.Risk), At: n.At, Risk: n.Risk}
		p := event.PartitionOf([]byte(n.Risk.Entity), w.parts)
		w.log[p] = append(w.log[p], event.AppendLeg(event.BeginBlock(nil),
			event.Touch{Role: event.RoleRisk, Name: string(n.Risk.Entity)}, event.Source{Topic: 4, Offset: *offset},
			event.AppendEvent(nil, &e)))
	}
	w.notes = w.notes[:0]
}

func (w *world) score(part *scoring.Partition, p int, offset int64) {
	missing, err := part.Missing(w.log[p][offset], nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range missing {
		if b, ok := w.cold[p][e]; ok {
			s, err := scoring.ReadState(e, b)
			if err != nil {
				w.t.Fatal(err)
			}
			part.Put(s)
		}
	}
	err = part.Apply(offset, w.log[p][offset], func(_ *event.Leg, out *scoring.Outcome) {
		for i := range out.Alerts {
			doc, err := json.Marshal(&out.Alerts[i])
			if err != nil {
				w.t.Fatal(err)
			}
			id := out.Alerts[i].ID
			if was, known := w.alerts[id]; known && was != string(doc) {
				w.t.Fatalf("alert %s came out in two ways:\n%s\n%s", id, was, doc)
			}
			w.alerts[id] = string(doc)
		}
		for _, n := range out.Notes {
			w.notes = append(w.notes, scoring.Note{At: n.At, Risk: cloned(n.Risk)})
		}
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func cloned(r event.Risk) event.Risk {
	for _, s := range []*event.Entity{&r.Entity, &r.Origin, &r.From} {
		*s = event.Entity(strings.Clone(string(*s)))
	}
	r.Why, r.Cause = strings.Clone(r.Why), strings.Clone(r.Cause)
	return r
}

// checkpoint writes states and then the offset; sometimes it dies in between.
func (w *world) checkpoint(part *scoring.Partition, p int, next int64) {
	states := part.Snapshot()
	for _, s := range states {
		w.cold[p][s.Entity] = scoring.AppendState(nil, s)
	}
	part.Written(states, true)
	if w.rng.IntN(3) > 0 {
		w.offset[p], w.marks[p] = next, part.Marks()
	}
}

// lifeOf is what a small city sends, past and present.
func lifeOf(t *testing.T, seed uint64) []event.Event {
	t.Helper()
	start := event.InstantOf(time.Date(2026, 11, 2, 8, 0, 0, 0, event.Zone))
	c := city.New(city.Config{Seed: seed, Start: start, Rate: 0.5, People: 1200, Frauds: 6})
	docs := append(c.History(), c.Advance(start.Add(6*time.Hour))...)
	limits := event.DefaultLimits
	limits.Past = 0
	parser := &event.Parser{Limits: limits, Numbers: event.NewNumbers("CN")}
	events := make([]event.Event, 0, len(docs))
	for i := range docs {
		var e event.Event
		if err := parser.Parse(docs[i].JSON, start.Add(24*time.Hour), &e); err != nil {
			t.Fatal(err)
		}
		if e.Kind != event.KindReport {
			events = append(events, e)
		}
	}
	return events
}

// What happens to be in memory, crashes, and the order in which notes arrive
// change nothing: not an alert, not a byte of one.
func TestSimScoringIsExact(t *testing.T) {
	const seed = 11
	events := lifeOf(t, seed)
	want := outcome(t, seed, events, 2, 1<<20, 0, 0)
	if len(want) < 100 {
		t.Fatalf("%d alerts prove nothing", len(want))
	}
	for _, c := range []struct {
		name  string
		hot   int
		crash float64
		late  int
	}{
		{"notes come late", 1 << 20, 0, 40},
		{"one entity in a hundred is hot", 40, 0, 0},
		{"one entity is hot", 1, 0, 3},
		{"crashes", 1 << 20, 0.02, 0},
		{"crashes, little memory, late notes", 40, 0.02, 40},
	} {
		t.Run(c.name, func(t *testing.T) {
			for s := uint64(1); s <= 3; s++ {
				got := outcome(t, s, events, 2, c.hot, c.crash, c.late)
				compare(t, s, want, got)
			}
		})
	}
	t.Logf("%d events, %d alerts", len(events), len(want))
}

func compare(t *testing.T, seed uint64, want, got []string) {
	t.Helper()
	shown := 0
	for _, a := range want {
		if _, ok := slices.BinarySearch(got, a); !ok && shown < 5 {
			shown++
			t.Errorf("seed %d: lost %s", seed, a)
		}
	}
	for _, a := range got {
		if _, ok := slices.BinarySearch(want, a); !ok && shown < 10 {
			shown++
			t.Errorf("seed %d: not in the quiet run: %s", seed, a)
		}
	}
}
