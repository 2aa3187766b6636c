package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"stopline.internal/scoring"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/state"
	"stopline.internal/stream/casework"
	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
)

// Score owns the entities of its legs partitions: it puts each leg into its
// entity's state and writes the alerts and stops that follow. From a leg to a
// stop there is only Kafka; states that are not hot lie in a store on this machine,
// of which ClickHouse has a copy for the others.
type Score struct {
	Deps
	Scoring
	quarantine *quarantine
	patience   patience
}

// Scoring is what a scoring loop works with, beside what every loop does.
type Scoring struct {
	Group      string // id of the consumer group
	Engine     *scoring.Engine
	Terms      law.Terms
	States     States
	Hot        int           // entities kept hot in each partition
	Data       string        // directory of the process, in which the partitions' stores lie
	Cache      *state.Cache  // of those stores; nil: a small one for each
	Checkpoint time.Duration // how much is scored again after a crash
	Remote     time.Duration // how often the remote checkpoint is written: how much is where this machine is lost
}

// NewScore returns a loop of the consumer group.
func NewScore(d Deps, s Scoring) (*Score, error) {
	err := d.need("scoring", part{"group", s.Group == ""}, part{"engine", s.Engine == nil},
		part{"states", s.States == nil}, part{"hot", s.Hot <= 0}, part{"data", s.Data == ""},
		part{"checkpoint", s.Checkpoint <= 0}, part{"remote checkpoint", s.Remote <= 0})
	if err != nil {
		return nil, err
	}
	return &Score{d, s, d.newQuarantine("score"), usualPatience}, nil
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
	label    string // of the partition in metrics
	part     *scoring.Partition
	past     *past
	search   *paymentSearch
	saver    *checkpointer
	chain    *chainWatch
	remote   *remoteKeeper
	running  sync.WaitGroup // what goes on beside scoring
	reached  int64          // everything before it has been scored and published
	replayed int64          // legs before it were scored and published by an earlier claim
	late     int64          // those before it were, without their past
	isLate   bool           // the block at hand lies before that
	effects  casework.Effects
	answers  []kafka.Message // to screenings; and what was refused
	out      []kafka.Message
	missing  []event.Entity

	provisional bool
	probeAfter  time.Duration
	back        chan struct{} // closed once the past can be read; nil: it is here
}

// newWorker opens the partition's store and begins with nothing at hand.
func (sc *Score) newWorker(c *kafka.Claim) (*worker, error) {
	prefix := sc.Topics.Prefix()
	store, err := state.Open(state.Options{Dir: state.Dir(sc.Data, prefix, c.Partition), Cache: sc.Cache, Log: sc.Log,
		Identity: state.Identity{Prefix: prefix, Partitions: sc.Topics.Partitions, Partition: c.Partition,
			Encoding: scoring.StateVersion}})
	if err != nil {
		return nil, err
	}
	w := &worker{Score: sc, claim: c, label: strconv.Itoa(c.Partition), part: scoring.NewPartition(sc.Engine, sc.Hot),
		replayed: c.Offset}
	w.past = &past{worker: w, store: store}
	w.search = &paymentSearch{worker: w, wanted: map[event.Entity]*tries{}}
	w.chain = &chainWatch{worker: w, gaps: map[string]bool{}}
	w.saver = &checkpointer{worker: w, lastBegun: time.Now()}
	w.remote = &remoteKeeper{worker: w, reached: make(chan int64, 1), leave: make(chan struct{})}
	return w, nil
}

// background does f beside scoring, until it returns; the worker waits for it.
func (w *worker) background(ctx context.Context, f func(context.Context)) {
	w.running.Go(func() { f(ctx) })
}

// partition scores a partition from the nearest checkpoint on; again from there
// each time that a past can be read which had to be done without.
func (sc *Score) partition(ctx context.Context, c *kafka.Claim) error {
	defer sc.Metrics.Provisional.DeleteLabelValues(strconv.Itoa(c.Partition))
	late, probe := int64(0), sc.patience.firstTry
	for {
		w, err := sc.newWorker(c)
		if err != nil {
			return err
		}
		w.late, w.probeAfter = late, probe
		err = w.work(ctx)
		if closing := w.past.store.Close(); !errors.Is(err, errPastIsBack) {
			return errors.Join(err, closing)
		}
		sc.Log.Warn("ClickHouse answers again: what was scored without the past is scored with it, and marked late",
			"partition", c.Partition, "from", w.saver.saved, "to", w.reached)
		late, probe = max(late, w.reached), min(2*probe, sc.patience.lastTry)
	}
}

// work restores the nearest checkpoint and scores from there.
func (w *worker) work(ctx context.Context) error {
	hot := w.Metrics.Hot.WithLabelValues(w.label)
	w.Metrics.Provisional.WithLabelValues(w.label).Set(0)
	scoring, stop := context.WithCancel(ctx)
	keeping, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer w.running.Wait()
	defer abandon()
	defer stop()
	next, err := w.restore(scoring)
	if err != nil {
		return err
	}
	kept := make(chan struct{})
	w.background(keeping, func(ctx context.Context) { w.remote.run(ctx); close(kept) })
	if _, has := w.past.store.Checkpoint(); has {
		w.background(scoring, w.copyRest)
	}
	whole := true
	err = w.claim.Reader(next).Batches(ctx, func(b kafka.Batch) error {
		whole = false
		if err := w.batch(scoring, next, b.Messages); err != nil {
			return err
		}
		next, whole = b.Next, true
		w.reached = next
		w.claim.Reached(next)
		hot.Set(float64(w.part.Len()))
		if w.pastIsBack() {
			return errPastIsBack
		}
		if err := errors.Join(w.saver.tick(ctx, next), w.remote.commit()); err != nil {
			w.Log.Warn("scoring goes on; the state is written later", "partition", w.claim.Partition, "err", err)
		}
		return nil
	})
	if ctx.Err() == nil || !whole { // then states are ahead of what was published: they must not be written
		return errors.Join(err, w.saver.finish(true))
	}
	w.leave(next, kept)
	return nil
}

// batch scores what a fetch brought and publishes what follows. Next is the offset
// that everything was scored before.
func (w *worker) batch(ctx context.Context, next int64, msgs []kafka.Message) error {
	if err := w.prepare(ctx, msgs); errors.Is(err, errAway) {
		if err := w.saver.whole(next); err != nil {
			w.Log.Warn("what was scored with the past is scored again", "partition", w.claim.Partition, "err", err)
		}
		w.beProvisional(ctx, err)
		err = w.prepare(ctx, msgs)
		if err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	for i := range msgs {
		stubborn := w.quarantine.stubborn(&msgs[i])
		if err := w.quarantine.pass(ctx, &msgs[i], func() error { return w.block(&msgs[i]) }); err != nil {
			return err
		}
		if stubborn {
			_ = w.part.PassOver(msgs[i].Value) // one that cannot be opened covers nothing
		}
	}
	return w.publish(ctx)
}

// prepare brings to hand the states of a batch's entities, and of accounts whose
// payments were found. Where it fails nothing has been scored.
func (w *worker) prepare(ctx context.Context, msgs []kafka.Message) error {
	w.missing = w.missing[:0]
	for i := range msgs {
		// What is wrong with a block is for [worker.block] to say.
		w.missing, _ = w.part.Missing(msgs[i].Value, w.missing)
	}
	if err := w.past.fetch(ctx, w.missing); err != nil {
		return err
	}
	return w.search.look(ctx)
}

// leave writes what was scored, so that the next owner goes on at once.
func (w *worker) leave(offset int64, kept <-chan struct{}) {
	var err error
	if !w.provisional {
		err = w.saver.whole(offset)
	}
	close(w.remote.leave)
	select {
	case <-kept:
		err = errors.Join(err, w.remote.commit())
	case <-time.After(w.patience.leave):
		err = errors.Join(err, errors.New("ClickHouse did not take the last checkpoint in time"))
	}
	if err != nil {
		w.Log.Warn("leaving without a remote checkpoint; another replica would score the rest again",
			"partition", w.claim.Partition, "err", err)
	}
}

// block applies a block's legs, whose entities are at hand.
func (w *worker) block(m *kafka.Message) error {
	n := 0
	// Where the checkpoint is behind what was committed (its states could not be
	// read by this version, or they were lost everywhere), the legs between rebuild
	// the states, and ask no bank again for what is long past.
	replayed := m.Offset < w.replayed
	w.isLate = m.Offset < w.late
	apply := w.part.Apply
	if isPutBack(m) {
		apply = w.part.ApplyLoose
	}
	err := apply(m.Offset, m.Value, func(l *event.Leg, out *scoring.Outcome) {
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
		out.Alerts[i].Provisional, out.Alerts[i].Late = w.provisional, w.isLate
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
	if w.provisional { // what only casts suspicion, or would bind others, waits for the past
		out.Notes, out.Ends, out.Trips = out.Notes[:0], out.Ends[:0], out.Trips[:0]
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
