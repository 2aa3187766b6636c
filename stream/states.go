package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"stopline.internal/scoring"
	"stopline.internal/store/state"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
)

// States is the remote checkpoint: the states of entities and the place that they belong to, as every
// replica can read them, and the payments of the books.
type States interface {
	LoadCheckpoint(ctx context.Context, partition int) (warehouse.Checkpoint, error)
	SaveCheckpoint(ctx context.Context, partition int, c warehouse.Checkpoint) error
	LoadStates(ctx context.Context, partition int, entities []event.Entity) ([]warehouse.StateRow, error)
	StatesAfter(ctx context.Context, partition int, after event.Entity, limit int) ([]warehouse.StateRow, error)
	SaveStates(ctx context.Context, partition int, rows []warehouse.StateRow) error
	Payments(ctx context.Context, accounts []string, from event.Instant) (map[string][]warehouse.Payment, error)
}

// patience is how long a scorer waits for ClickHouse.
type patience struct {
	answer    time.Duration // for anything that scoring waits for; then it is away
	firstTry  time.Duration // before a provisional worker asks whether it is back,
	lastTry   time.Duration // and the longest of these pauses
	leave     time.Duration // for the last checkpoint of a partition that is left
	payments  time.Duration // before the books are asked again for payments, at first,
	lastsUpTo time.Duration // and the longest of these pauses
}

var usualPatience = patience{answer: time.Second, firstTry: time.Second, lastTry: 30 * time.Second,
	leave: 5 * time.Second, payments: time.Second, lastsUpTo: 10 * time.Minute}

// errAway says that a past is needed which cannot be read now.
var errAway = errors.New("the remote checkpoint does not answer, and the states are not all here")

// past is where an entity is found that is not hot: in the store beside the scorer, and in the remote
// checkpoint while the store is not a whole copy of it.
type past struct {
	*worker
	store *state.Store
}

// fetch brings the states of missing entities to hand. It fails with [errAway] where one may have a past
// that cannot be read; then nothing has been scored without it.
func (p *past) fetch(ctx context.Context, missing []event.Entity) error {
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	missing = slices.Compact(missing)
	local := 0
	err := p.store.Read(missing, func(r state.Row) error {
		local++
		p.put(r.Entity, r.State)
		return nil
	})
	if err != nil {
		return err
	}
	p.count("local", local)
	copied := p.store.Copied()
	elsewhere := missing[:0]
	for _, e := range missing {
		if !p.part.Has(e) && !copied.Covers(e) {
			elsewhere = append(elsewhere, e)
		}
	}
	remote := 0
	switch {
	case len(elsewhere) == 0:
	case p.provisional:
		p.count("unavailable", len(elsewhere))
	default:
		if remote, err = p.ask(ctx, elsewhere); err != nil {
			return err
		}
		p.count("remote", remote)
	}
	p.count("new", len(missing)-local-remote)
	return nil
}

// ask reads states from the remote checkpoint.
func (p *past) ask(ctx context.Context, entities []event.Entity) (found int, err error) {
	asking, cancel := context.WithTimeout(ctx, p.patience.answer)
	defer cancel()
	rows, err := p.States.LoadStates(asking, p.claim.Partition, entities)
	if ctx.Err() != nil {
		return 0, context.Cause(ctx) // the partition goes to another
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errAway, err)
	}
	for i := range rows {
		p.put(rows[i].Entity, rows[i].State)
	}
	return len(rows), nil
}

// put makes an entity hot.
func (p *past) put(e event.Entity, bytes []byte) {
	s, err := scoring.ReadState(e, bytes)
	if err != nil {
		p.Log.Error("a state cannot be read; the entity begins anew", "err", err)
		return
	}
	p.part.Put(s)
	p.search.want(s)
}

func (p *past) count(where string, n int) {
	if n > 0 {
		p.Metrics.Cold.WithLabelValues(where).Add(float64(n))
	}
}
