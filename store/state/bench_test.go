package state

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"stopline.internal/stream/event"
)

// names are so many entities.
func names(n int) []event.Entity {
	out := make([]event.Entity, n)
	for i := range out {
		out[i] = event.Entity(fmt.Sprintf("acct:62220%012d", i*7919))
	}
	return out
}

// filled is a store of so many states of 396 bytes, the size of the usual one.
func filled(b *testing.B, n int, cache int64) (*Store, []event.Entity) {
	b.Helper()
	c := NewCache(cache)
	b.Cleanup(c.Close)
	s := opened(b, Options{Dir: b.TempDir(), Identity: ours, Cache: c})
	all := names(n)
	rng := rand.New(rand.NewPCG(1, 2))
	state := make([]byte, 396)
	for chunk := range slices.Chunk(all, 50_000) {
		batch := s.Begin(Checkpoint{Offset: 1})
		for _, e := range chunk {
			for i := range state {
				state[i] = byte(rng.Uint32() & 0x3f) // three quarters of it are noise
			}
			if err := batch.Put(Row{e, 1, state}); err != nil {
				b.Fatal(err)
			}
		}
		if err := batch.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.db.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := s.db.Compact(b.Context(), []byte{0}, keyEnd, true); err != nil {
		b.Fatal(err)
	}
	return s, all
}

// BenchmarkRead looks up the missing entities of a block, 500 at once, of a million.
func BenchmarkRead(b *testing.B) {
	for name, cache := range map[string]int64{"cached": 1 << 30, "cold": 16 << 20} {
		b.Run(name, func(b *testing.B) {
			s, all := filled(b, 1_000_000, cache)
			rng := rand.New(rand.NewPCG(3, 4))
			block := make([]event.Entity, 500)
			n := 0
			for b.Loop() {
				for i := range block {
					block[i] = all[rng.IntN(len(all))]
				}
				if err := s.Read(block, func(Row) error { n++; return nil }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "states/s")
		})
	}
}

// BenchmarkReadNew looks up entities that have no state, 500 at once.
func BenchmarkReadNew(b *testing.B) {
	s, _ := filled(b, 1_000_000, 64<<20)
	block := make([]event.Entity, 500)
	n := 0
	for b.Loop() {
		for i := range block {
			n++
			block[i] = event.Entity(fmt.Sprint("acct:new", n))
		}
		if err := s.Read(block, func(Row) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "entities/s")
}

// BenchmarkWrite writes checkpoints of 20,000 states, synced, over a million.
func BenchmarkWrite(b *testing.B) {
	s, all := filled(b, 1_000_000, 64<<20)
	rng := rand.New(rand.NewPCG(5, 6))
	state := make([]byte, 396)
	n, offset := 0, int64(1)
	for b.Loop() {
		offset++
		batch := s.Begin(Checkpoint{Offset: offset})
		for range 20_000 {
			n++
			state[rng.IntN(len(state))]++
			if err := batch.Put(Row{all[rng.IntN(len(all))], uint64(offset), state}); err != nil {
				b.Fatal(err)
			}
		}
		if err := batch.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "states/s")
}

// BenchmarkChanges lists 20,000 states that have changed, of a million.
func BenchmarkChanges(b *testing.B) {
	s, all := filled(b, 1_000_000, 64<<20)
	states := map[string]string{}
	for _, e := range all[:20_000] {
		states[string(e)] = strings.Repeat("x", 396)
	}
	s.write(b, 2, states)
	for b.Loop() {
		v, err := s.View()
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		if err := v.Each(1, func(Row) error { n++; return nil }); err != nil || n != 20_000 {
			b.Fatal(n, err)
		}
		if err := v.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
