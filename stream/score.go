package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"stopline.internal/scoring"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/casework"
	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
)

// States is where the states of entities are kept that are not hot, with the
// checkpoint that they belong to, and the payments of the books.
type States interface {
	LoadCheckpoint(ctx context.Context, partition int) (warehouse.Checkpoint, error)
	SaveCheckpoint(ctx context.Context, partition int, c warehouse.Checkpoint) error
	LoadStates(ctx context.Context, partition int, entities []event.Entity) ([]warehouse.StateRow, error)
	RecentStates(ctx context.Context, partition, limit int) ([]warehouse.StateRow, error)
	SaveStates(ctx context.Context, partition int, rows []warehouse.StateRow) error
	Entities(ctx context.Context, partition int, yield func(name string)) error
	Payments(ctx context.Context, accounts []string, from event.Instant) (map[string][]warehouse.Payment, error)
}

// Score owns the entities of its legs partitions: it puts each leg into its
// entity's state and writes the alerts and stops that follow. From a leg to a
// stop there is only Kafka; ClickHouse holds the states that are not hot.
type Score struct {
	Deps
	Scoring
	quarantine *quarantine
}

// Scoring is what a scoring loop works with, beside what every loop does.
type Scoring struct {
	Group      string // id of the consumer group
	Engine     *scoring.Engine
	Terms      law.Terms
	States     States
	Hot        int           // entities kept hot in each partition
	Checkpoint time.Duration // how much is scored again after a crash
}

// NewScore returns a loop of the consumer group.
func NewScore(d Deps, s Scoring) (*Score, error) {
	err := d.need("scoring", part{"group", s.Group == ""}, part{"engine", s.Engine == nil},
		part{"states", s.States == nil}, part{"hot", s.Hot <= 0}, part{"checkpoint", s.Checkpoint <= 0})
	if err != nil {
		return nil, err
	}
	return &Score{d, s, d.newQuarantine("score")}, nil
}

// Run works until ctx ends.
func (sc *Score) Run(ctx context.Context) error {
	return sc.Cluster.Run(ctx, sc.group(sc.Group, "score", sc.Topics.Legs), sc.partition)
}

// worker scores one partition: it takes blocks of legs, has the states of their
// entities at hand, applies them, publishes what follows, and writes checkpoints.
type worker struct {
	*Score
	claim    *kafka.Claim
	part     *scoring.Partition
	cold     *coldStates
	search   *paymentSearch
	saver    *checkpointer
	chain    *chainWatch
	replayed int64 // legs before it were scored and published by an earlier claim
	effects  casework.Effects
	answers  []kafka.Message // to screenings; and what was refused
	out      []kafka.Message
	missing  []event.Entity
}

// newWorker begins with nothing at hand.
func (sc *Score) newWorker(c *kafka.Claim) *worker {
	w := &worker{Score: sc, claim: c, part: scoring.NewPartition(sc.Engine, sc.Hot), replayed: c.Offset}
	away := &pauseOfStates{}
	w.cold = &coldStates{worker: w, away: away, unread: map[event.Entity]bool{}}
	w.search = &paymentSearch{worker: w, away: away, wanted: map[event.Entity]*tries{}}
	w.chain = &chainWatch{worker: w, gaps: map[string]bool{}}
	w.saver = &checkpointer{worker: w, away: away, lastBegun: time.Now()}
	return w
}

// partition restores the state of the last checkpoint and scores from there.
func (sc *Score) partition(ctx context.Context, c *kafka.Claim) error {
	w := sc.newWorker(c)
	if err := w.restore(ctx); err != nil {
		return err
	}
	hot := sc.Metrics.Hot.WithLabelValues(strconv.Itoa(c.Partition))
	next, whole := w.saver.saved, true
	err := c.Reader(next).Batches(ctx, func(b kafka.Batch) error {
		whole = false
		if err := w.batch(ctx, b.Messages); err != nil {
			return err
		}
		next, whole = b.Next, true
		c.Reached(next)
		hot.Set(float64(w.part.Len()))
		if err := w.saver.tick(ctx, next); err != nil {
			sc.Log.Warn("scoring goes on; the state is written later", "partition", c.Partition, "err", err)
		}
		return nil
	})
	if ctx.Err() == nil || !whole {
		return err // states are ahead of what was published: they must not be written
	}
	w.leave(ctx, next)
	return nil
}

// batch scores what a fetch brought and publishes what follows.
func (w *worker) batch(ctx context.Context, msgs []kafka.Message) error {
	for i := range msgs {
		stubborn := w.quarantine.stubborn(&msgs[i])
		if err := w.quarantine.pass(ctx, &msgs[i], func() error { return w.block(ctx, &msgs[i]) }); err != nil {
			return err
		}
		if stubborn {
			_ = w.part.PassOver(msgs[i].Value) // one that cannot be opened covers nothing
		}
	}
	w.search.look(ctx)
	return w.publish(ctx)
}

// leave writes what was scored, so that the next owner goes on at once.
func (w *worker) leave(ctx context.Context, offset int64) {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := w.saver.finish(true)
	w.saver.begin(last, offset)
	if err = errors.Join(err, w.saver.finish(true)); err != nil {
		w.Log.Warn("leaving without a checkpoint; the next start scores the rest again", "partition", w.claim.Partition,
			"err", err)
	}
}

// block brings the states of a block's entities to hand and applies its legs.
func (w *worker) block(ctx context.Context, m *kafka.Message) error {
	var err error
	if w.missing, err = w.part.Missing(m.Value, w.missing[:0]); err != nil {
		return hopeless(fmt.Errorf("legs at %s/%d:%d: %w", m.Topic, m.Partition, m.Offset, err))
	}
	w.cold.fetch(ctx, w.missing)
	if ctx.Err() != nil {
		// The partition goes to another: what could not be read is its to read, and
		// nothing that was scored without it may be published.
		return context.Cause(ctx)
	}
	n := 0
	// Where the checkpoint is behind what was committed (its states could not be
	// read by this version, or ClickHouse was made anew), the legs between rebuild
	// the states, and ask no bank again for what is long past.
	replayed := m.Offset < w.replayed
	apply := w.part.Apply
	if isPutBack(m) {
		apply = w.part.ApplyLoose
	}
	err = apply(m.Offset, m.Value, func(l *event.Leg, out *scoring.Outcome) {
		n++
		if !replayed {
			w.scored(l, out)
		}
	})
	w.Metrics.Legs.Add(float64(n))
	if err != nil {
		return hopeless(fmt.Errorf("legs at %s/%d:%d: %w", m.Topic, m.Partition, m.Offset, err))
	}
	w.chain.note(m, w.part.Fate())
	return nil
}

// scored notes what a leg led to.
func (w *worker) scored(l *event.Leg, out *scoring.Outcome) {
	w.outcome(out)
	if out.NeedsPayments {
		w.search.want(w.part.Peek(l.Entity))
	}
	if l.Event.Kind == event.KindTransfer && l.Event.Transfer.Screened {
		w.answer(l, out)
	}
	if out.Conflict {
		w.Metrics.DeadLetters.WithLabelValues(string(event.ReasonConflict)).Inc()
		w.answers = append(w.answers, conflictLetter(w.Topics, l, w.Clock()))
	}
	switch l.Role {
	case event.RoleReport:
		w.effects.Report(&w.Terms, l, w.part.Peek(l.Entity), w.Clock())
	case event.RoleControl:
		if out.Refused != nil {
			w.Log.Error("a control is passed over", "partition", w.claim.Partition, "err", out.Refused)
		} else if l.Event.Control.What == event.ControlCatalogue {
			w.Log.Info("the catalogue in force", "partition", w.claim.Partition, "version", w.part.Catalogue())
		}
	}
}

// outcome notes what an entity's state led to, and counts it.
func (w *worker) outcome(out *scoring.Outcome) {
	if out.Empty() {
		return
	}
	for i := range out.Alerts {
		w.Metrics.Alerts.WithLabelValues(out.Alerts[i].Action.String()).Inc()
	}
	if n := len(out.Notes); n > 0 {
		w.Metrics.Notes.Add(float64(n))
	}
	for _, t := range out.Trips {
		w.Log.Error("a brake fell: automatic stops go to review until a person lifts it", "pattern", t.Pattern,
			"partition", w.claim.Partition, "stops", t.Stops, "amount", event.Money{Minor: t.Minor, Currency: event.CNY}.Text(),
			"lift", "POST /v1/brakes/"+t.Pattern+"/release")
	}
	w.effects.Outcome(&w.Terms, out, w.claim.Partition, w.Clock())
}

// answer answers for one leg of a transfer that somebody waits for.
func (w *worker) answer(l *event.Leg, out *scoring.Outcome) {
	a := answer{Transfer: event.TransferKey(l.Event.Transfer.Payer.Account, l.Event.ID),
		Legs: scoring.LegsOf(&l.Event), Role: l.Role}
	a.Verdict.Add(l.Event.ID, out.Alerts)
	w.answers = append(w.answers, kafka.Message{Topic: w.Topics.Screenings, Key: []byte(l.Event.ID),
		Value: event.Encode(&a)})
}

// publish writes what the batch caused: stops first, they are the most urgent.
func (w *worker) publish(ctx context.Context) error {
	f := &w.effects
	w.out = w.out[:0]
	for i := range f.Entries {
		w.out = append(w.out, ledgerMessage(w.Topics, &f.Entries[i]))
	}
	if err := w.Documents.Write(ctx, w.out...); err != nil {
		return err
	}
	w.out = append(w.out[:0], w.answers...)
	for _, of := range []struct {
		topic string
		docs  []casework.Document
	}{{w.Topics.Alerts, f.Alerts}, {w.Topics.Risk, f.Risk}, {w.Topics.Controls, f.Controls}} {
		for i := range of.docs {
			w.out = append(w.out, message(of.topic, of.docs[i]))
		}
	}
	if err := w.Documents.Write(ctx, w.out...); err != nil {
		return err
	}
	f.Reset()
	w.answers = w.answers[:0]
	return nil
}
