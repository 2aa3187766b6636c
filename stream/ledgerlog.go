package stream

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"time"

	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/casework"
	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
)

// LedgerLog folds the log of stops into a ledger, and appends to it. Every
// replica that serves or dispatches has one; none of them leads.
type LedgerLog struct {
	Deps
	ledger *ledger.Ledger
	echo   kafka.Echo[ledger.Result] // by event id
	behind atomic.Int64              // partitions not yet read to their end
	ready  chan struct{}
}

// NewLedgerLog returns a log that folds into l.
func NewLedgerLog(d Deps, l *ledger.Ledger) (*LedgerLog, error) {
	if err := d.need("the ledger's log", part{"ledger", l == nil}); err != nil {
		return nil, err
	}
	log := &LedgerLog{Deps: d, ledger: l, ready: make(chan struct{})}
	log.behind.Store(int64(d.Topics.Partitions))
	return log, nil
}

// Run folds the log until ctx ends.
func (l *LedgerLog) Run(ctx context.Context) error {
	return l.Cluster.Follow(ctx, kafka.Following{Topic: l.Topics.Stops, Partitions: l.Topics.Partitions,
		From: kafka.FirstOffset, Log: l.Log, CaughtUp: func() {
			if l.behind.Add(-1) == 0 {
				close(l.ready)
			}
		}}, l.fold)
}

// Ready is closed once the log has been read to where it ended at the start.
func (l *LedgerLog) Ready() <-chan struct{} { return l.ready }

func (l *LedgerLog) fold(m *kafka.Message) error {
	var e ledger.Entry
	if err := json.Unmarshal(m.Value, &e); err != nil {
		l.Log.Error("an entry of the ledger's log cannot be read, and is passed over", "partition", m.Partition, "offset",
			m.Offset, "err", err)
		return nil
	}
	e.Place = step.Place{Partition: m.Partition, Offset: m.Offset}
	res := l.ledger.Apply(&e)
	if res.Accepted && e.State != "" && l.behind.Load() == 0 { // what is new, not what the log tells again
		l.Metrics.Stops.WithLabelValues(e.State).Inc()
	}
	l.echo.Seen(e.ID, res)
	return nil
}

// Append writes one event and waits until the fold has judged it.
func (l *LedgerLog) Append(ctx context.Context, e ledger.Entry) (ledger.Result, error) {
	return l.echo.Await(ctx, e.ID, func(ctx context.Context) error { return l.Write(ctx, e) })
}

// Write appends events without waiting for the fold.
func (l *LedgerLog) Write(ctx context.Context, events ...ledger.Entry) error {
	msgs := make([]kafka.Message, len(events))
	for i := range events {
		msgs[i] = ledgerMessage(l.Topics, &events[i])
	}
	return l.Documents.Write(ctx, msgs...)
}

// ledgerMessage is the record of an event: a case's lie in one partition.
func ledgerMessage(t Topics, e *ledger.Entry) kafka.Message {
	return kafka.Message{Topic: t.Stops, Key: []byte(e.CaseID), Value: event.Encode(e)}
}

// dueEvery is how often the deadlines are looked at.
const dueEvery = 250 * time.Millisecond

// Deadlines appends the events of the deadlines that pass, until ctx ends.
func (l *LedgerLog) Deadlines(ctx context.Context) error {
	select {
	case <-l.ready:
	case <-ctx.Done():
		return nil
	}
	tick := time.NewTicker(dueEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if due := l.ledger.Due(l.Clock()); len(due) > 0 {
			if err := l.Write(ctx, due...); err != nil && ctx.Err() == nil {
				l.Log.Error("deadlines could not be written; trying again", "stops", len(due), "err", err)
			}
			l.freed(ctx, due)
		}
	}
}

// freed tells accounts that nothing is held there any more.
func (l *LedgerLog) freed(ctx context.Context, due []ledger.Entry) {
	var msgs []kafka.Message
	for i := range due {
		s := l.ledger.Stop(due[i].StopID)
		if due[i].State != string(stop.Expired) || s == nil {
			continue
		}
		if t := casework.Freed(s, due[i].At); t != nil {
			msgs = append(msgs, TaintMessage(l.Topics, t))
		}
	}
	if err := l.Documents.Write(ctx, msgs...); err != nil && ctx.Err() == nil {
		l.Log.Error("accounts could not be told that a hold has ended", "stops", len(msgs), "err", err)
	}
}
