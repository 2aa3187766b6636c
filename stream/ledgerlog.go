package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
)

// LedgerLog folds the log of stops into a ledger, and appends to it. Every
// replica that serves or dispatches has one; none of them leads.
type LedgerLog struct {
	Brokers  string
	Topics   Topics
	Ledger   *ledger.Ledger
	Producer *Producer
	Clock    Clock
	Log      *slog.Logger
	Metrics  *Metrics

	mu      sync.Mutex
	waiting map[string]chan ledger.Result // by event id
	behind  atomic.Int64                  // partitions not yet read to their end
	ready   chan struct{}
	start   sync.Once
}

// ErrNotSeen is the error of an event that was written and did not come back
// in time. It may still be accepted.
var ErrNotSeen = errors.New("the log did not confirm the change in time; read the stop again to see whether it was made")

// appendTimeout bounds the wait for an event to come back.
const appendTimeout = 10 * time.Second

func (l *LedgerLog) init() {
	l.start.Do(func() {
		l.waiting = map[string]chan ledger.Result{}
		l.ready = make(chan struct{})
		l.behind.Store(int64(l.Topics.Partitions))
	})
}

// Run folds the log until ctx ends.
func (l *LedgerLog) Run(ctx context.Context) error {
	l.init()
	return Follow(ctx, l.Brokers, l.Topics.Stops, l.Topics.Partitions, l.Log, l.fold, func() {
		if l.behind.Add(-1) == 0 {
			close(l.ready)
		}
	})
}

// Ready is closed once the log has been read to where it ended at the start.
func (l *LedgerLog) Ready() <-chan struct{} {
	l.init()
	return l.ready
}

func (l *LedgerLog) fold(m *kafka.Message) error {
	var e ledger.Entry
	if err := json.Unmarshal(m.Value, &e); err != nil {
		l.Log.Error("an entry of the ledger's log cannot be read, and is passed over", "partition", m.Partition, "offset", m.Offset, "err", err)
		return nil
	}
	e.Place = step.Place{Partition: m.Partition, Offset: m.Offset}
	res := l.Ledger.Apply(&e)
	if res.Accepted && e.State != "" && l.behind.Load() == 0 { // what is new, not what the log tells again
		l.Metrics.Stops.WithLabelValues(e.State).Inc()
	}
	l.mu.Lock()
	ch := l.waiting[e.ID]
	delete(l.waiting, e.ID)
	l.mu.Unlock()
	if ch != nil {
		ch <- res
	}
	return nil
}

// Append writes one event and waits until the fold has judged it.
func (l *LedgerLog) Append(ctx context.Context, e ledger.Entry) (ledger.Result, error) {
	l.init()
	ctx, cancel := context.WithTimeout(ctx, appendTimeout)
	defer cancel()
	ch := make(chan ledger.Result, 1)
	l.mu.Lock()
	l.waiting[e.ID] = ch
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.waiting, e.ID)
		l.mu.Unlock()
	}()
	if err := l.Write(ctx, e); err != nil {
		return ledger.Result{}, err
	}
	select {
	case res := <-ch:
		return res, nil
	case <-ctx.Done():
		return ledger.Result{}, ErrNotSeen
	}
}

// Write appends events without waiting for the fold.
func (l *LedgerLog) Write(ctx context.Context, events ...ledger.Entry) error {
	msgs := make([]kafka.Message, len(events))
	for i := range events {
		msgs[i] = kafka.Message{Topic: l.Topics.Stops, Key: []byte(events[i].CaseID), Value: mustJSON(&events[i])}
	}
	return l.Producer.Write(ctx, msgs...)
}

// Deadlines appends the events of the deadlines that pass, until ctx ends.
func (l *LedgerLog) Deadlines(ctx context.Context) error {
	select {
	case <-l.Ready():
	case <-ctx.Done():
		return nil
	}
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if due := l.Ledger.Due(l.Clock()); len(due) > 0 {
			if err := l.Write(ctx, due...); err != nil && ctx.Err() == nil {
				l.Log.Error("deadlines could not be written; trying again", "stops", len(due), "err", err)
			}
			l.freed(ctx, due)
		}
	}
}

// freed tells accounts that nothing is held there any more: what goes on from
// now on is followed.
func (l *LedgerLog) freed(ctx context.Context, due []ledger.Entry) {
	var msgs []kafka.Message
	for i := range due {
		s := l.Ledger.Stop(due[i].StopID)
		if due[i].State != string(stop.Expired) || s == nil {
			continue
		}
		if t := s.HeldTaint(); t != nil {
			t.Minor, t.At = 0, due[i].At
			msgs = append(msgs, TaintMessage(l.Topics, t))
		}
	}
	if err := l.Producer.Write(ctx, msgs...); err != nil && ctx.Err() == nil {
		l.Log.Error("accounts could not be told that a hold has ended", "stops", len(msgs), "err", err)
	}
}

// Follow reads every partition of a topic from its beginning, outside of
// any group, and calls f for each message; caughtUp, if any, once for each
// partition when its end of that moment is reached.
func Follow(ctx context.Context, brokers, topic string, partitions int, log *slog.Logger, f func(*kafka.Message) error, caughtUp func()) error {
	return followFrom(ctx, kafka.FirstOffset, brokers, topic, partitions, log, f, caughtUp)
}

func followFrom(ctx context.Context, from int64, brokers, topic string, partitions int, log *slog.Logger, f func(*kafka.Message) error, caughtUp func()) error {
	var g errgroup.Group
	for p := range partitions {
		g.Go(func() error {
			r := newReader(brokers, topic, p, from)
			defer r.close()
			var msgs []kafka.Message
			there := false
			for ctx.Err() == nil {
				err := waits{200 * time.Millisecond, 5 * time.Second}.retry(ctx, func() (err error) {
					msgs, err = r.read(ctx, msgs[:0])
					return err
				}, func(err error) {
					log.Warn("reading failed; trying again", "topic", topic, "partition", p, "err", err)
				})
				if err != nil {
					return nil // ctx has ended
				}
				for i := range msgs {
					if err := f(&msgs[i]); err != nil {
						return fmt.Errorf("%s/%d:%d: %w", topic, p, msgs[i].Offset, err)
					}
				}
				if !there && r.offset >= r.high {
					if there = true; caughtUp != nil {
						caughtUp()
					}
				}
			}
			return nil
		})
	}
	return g.Wait()
}
