package backtest

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"stopline.internal/scoring"
	"stopline.internal/scoring/pattern"
	"stopline.internal/stream/event"
)

// Source gives events in their order to yield, with the fraud that each is part
// of, empty for none. The event belongs to the source.
type Source func(ctx context.Context, yield func(e *event.Event, fraud string) error) error

// Finding is an alert, as far as it is compared with what is known.
type Finding struct {
	ID       string
	Entity   event.Entity
	Transfer string // id; empty when the alert points at none
	Payer    string
	Payee    string
	Action   pattern.Action
	Shadow   bool
	Patterns []string
	At       event.Instant // of the payment
	Seen     event.Instant // of the event that completed the pattern
}

const (
	shards   = 8    // partitions; fixed, so that the machine's cores do not show in the result
	perRound = 4000 // events that are scored before notes between partitions are delivered
)

// Result is what a run found.
type Result struct {
	Findings [][]Finding // of each catalogue, by time
	Truth    *Truth
	Events   int64
	Legs     int64
	From, To event.Instant // of the events
	Seconds  float64
}

// Run scores a source with each of the catalogues. Labels that the events carry
// (victims' reports among them) are added to truth.
func Run(ctx context.Context, src Source, truth *Truth, policy scoring.Policy,
	catalogues ...*scoring.Catalogue) (*Result, error) {
	began := time.Now()
	r := &runner{truth: truth, result: &Result{Truth: truth}}
	for _, c := range catalogues {
		b := &bench{}
		engine := scoring.NewEngine(c, policy, 1)
		for range shards {
			b.parts = append(b.parts, &part{Partition: scoring.NewPartition(engine, 1<<30)})
		}
		r.benches = append(r.benches, b)
	}
	rounds := make(chan *round, 2)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(rounds)
		return r.read(ctx, src, rounds)
	})
	g.Go(func() error {
		for rd := range rounds {
			if err := r.score(rd); err != nil {
				return err
			}
		}
		for r.pending() { // what the last round tells goes on until nobody has more to tell
			if err := r.score(&round{}); err != nil {
				return err
			}
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for _, b := range r.benches {
		var all []Finding
		seen := map[string]bool{}
		for _, p := range b.parts {
			for _, f := range p.findings {
				if !seen[f.ID] {
					seen[f.ID] = true
					all = append(all, f)
				}
			}
		}
		slices.SortFunc(all, func(a, b Finding) int { return cmp.Or(cmp.Compare(a.Seen, b.Seen), cmp.Compare(a.ID, b.ID)) })
		r.result.Findings = append(r.result.Findings, all)
	}
	r.result.Seconds = time.Since(began).Seconds()
	return r.result, nil
}

// round is some events, cut into a block of legs for each partition.
type round struct{ blocks [shards][]byte }

type runner struct {
	truth   *Truth
	result  *Result
	benches []*bench
	offset  int64
}

// bench is one catalogue's engine, in partitions.
type bench struct {
	parts []*part
	notes []scoring.Note
}

type part struct {
	*scoring.Partition
	findings []Finding
	notes    []scoring.Note
}

// read cuts events into legs, as ingest does.
func (r *runner) read(ctx context.Context, src Source, rounds chan<- *round) error {
	rd, n := &round{}, 0
	var usual [shards]int // bytes of a block
	var payload, name []byte
	var touched []event.Touch
	err := src(ctx, func(e *event.Event, fraud string) error {
		r.truth.Event(e, fraud)
		if r.result.From == 0 || e.At < r.result.From {
			r.result.From = e.At
		}
		r.result.To = max(r.result.To, e.At)
		payload = event.AppendEvent(payload[:0], e)
		touched = e.Touched(touched[:0])
		for _, t := range touched {
			name = append(append(name[:0], t.Prefix...), t.Name...)
			p := event.PartitionOf(name, shards)
			b := &rd.blocks[p]
			if *b == nil {
				*b = event.BeginBlock(make([]byte, 0, usual[p]))
			}
			*b = event.AppendLeg(*b, t, event.Source{Offset: r.result.Events}, payload)
			usual[p] = max(usual[p], len(*b))
		}
		r.result.Events++
		r.result.Legs += int64(len(touched))
		if n++; n == perRound {
			select {
			case rounds <- rd:
			case <-ctx.Done():
				return ctx.Err()
			}
			rd, n = &round{}, 0
		}
		return nil
	})
	if err == nil && n > 0 {
		select {
		case rounds <- rd:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return err
}

func (r *runner) pending() bool {
	return slices.ContainsFunc(r.benches, func(b *bench) bool { return len(b.notes) > 0 })
}

// noteTopic is the source of notes among the legs, apart from the events'.
const noteTopic = 4

// score delivers the notes of the round before, and then the round.
func (r *runner) score(rd *round) error {
	r.offset += 2
	type job struct {
		part         *part
		notes, block []byte
	}
	var jobs []job
	for _, b := range r.benches {
		notes := b.deliver(r.offset)
		for i, p := range b.parts {
			jobs = append(jobs, job{p, notes[i], rd.blocks[i]})
		}
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, j := range jobs {
		g.Go(func() error {
			for i, block := range [][]byte{j.notes, j.block} {
				if block == nil {
					continue
				}
				if err := j.part.Apply(r.offset+int64(i), block, j.part.found); err != nil {
					return fmt.Errorf("score: %w", err)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, b := range r.benches {
		for _, p := range b.parts {
			b.notes = append(b.notes, p.notes...)
			p.notes = p.notes[:0]
		}
	}
	return nil
}

// deliver makes legs of the notes, in an order of their own.
func (b *bench) deliver(offset int64) (blocks [shards][]byte) {
	slices.SortFunc(b.notes, func(x, y scoring.Note) int {
		return cmp.Or(cmp.Compare(x.At, y.At), cmp.Compare(x.Risk.Entity, y.Risk.Entity),
			cmp.Compare(x.Risk.Cause, y.Risk.Cause), cmp.Compare(x.Risk.Origin, y.Risk.Origin),
			cmp.Compare(x.Risk.Hop, y.Risk.Hop))
	})
	for i := range b.notes {
		n := &b.notes[i]
		e := event.Event{Kind: event.KindRisk, ID: event.RiskID(&n.Risk), At: n.At, Risk: n.Risk}
		at := &blocks[event.PartitionOf([]byte(n.Risk.Entity), shards)]
		if *at == nil {
			*at = event.BeginBlock(nil)
		}
		*at = event.AppendLeg(*at, event.Touch{Role: event.RoleRisk, Name: string(n.Risk.Entity)},
			event.Source{Topic: noteTopic, Offset: offset}, event.AppendEvent(nil, &e))
	}
	b.notes = b.notes[:0]
	return blocks
}

// FindingOf is an alert as a finding, that was completed at a moment.
func FindingOf(a *scoring.Alert, seen event.Instant) Finding {
	f := Finding{ID: a.ID, Entity: a.Entity, Action: a.Action, Shadow: a.Shadow, At: a.At, Seen: max(a.At, seen)}
	if a.Transfer != nil {
		f.Transfer, f.Payer, f.Payee = a.Transfer.ID, a.Transfer.Payer.Account, a.Transfer.Payee.Account
	}
	if a.Trail != nil && (a.Trail.Why == event.WhyReceived || a.Trail.Why == event.WhyPaid) { // the transfer that ties
		f.Transfer = a.Trail.Cause
	}
	for _, h := range a.Hits {
		f.Patterns = append(f.Patterns, h.Pattern)
	}
	return f
}

// found keeps what a leg led to.
func (p *part) found(l *event.Leg, out *scoring.Outcome) {
	for i := range out.Alerts {
		seen := l.Event.At
		if l.Event.Kind == event.KindCall && l.Event.Call.Ended { // a call is reported when it has ended
			seen = seen.Add(time.Duration(l.Event.Call.Seconds) * time.Second)
		}
		f := FindingOf(&out.Alerts[i], seen)
		p.findings = append(p.findings, f)
	}
	p.notes = append(p.notes, out.Notes...)
}
