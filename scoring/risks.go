package scoring

import (
	"sync"

	"stopline/stream/event"
)

// Risks is what every replica knows of entities that it does not own: the
// watchlist, and accounts that were stopped. It is read on the hot path and
// written when stopline.risk is.
type Risks struct {
	mu sync.RWMutex
	m  map[uint64]risk
}

type risk struct {
	level string
	until event.Instant
}

// NewRisks returns an empty table.
func NewRisks() *Risks { return &Risks{m: map[uint64]risk{}} }

// Set notes an entity's risk until a moment (0: for ever); an empty level
// takes it away.
func (r *Risks) Set(e event.Entity, level string, until event.Instant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if level == "" {
		delete(r.m, event.Hash(string(e)))
		return
	}
	r.m[event.Hash(string(e))] = risk{level, until}
}

// Get is the entity's risk at a moment; the entity's name comes in two parts,
// so that asking costs no memory.
func (r *Risks) Get(prefix, name string, now event.Instant) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.m) == 0 {
		return ""
	}
	var buf [64]byte
	key := append(append(buf[:0], prefix...), name...)
	k, ok := r.m[event.HashBytes(key)]
	if !ok || k.until != 0 && k.until < now {
		return ""
	}
	return k.level
}
