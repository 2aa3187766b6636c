package stream

import (
	"context"
	"log/slog"
	"sync"

	"github.com/segmentio/kafka-go"
)

// Alerts follows the topic of alerts, for people who watch them as they happen.
type Alerts struct {
	Brokers string
	Topics  Topics
	Log     *slog.Logger

	mu      sync.Mutex
	recent  [][]byte // the last ones, oldest first
	seen    int      // in all
	changed chan struct{}
	start   sync.Once
}

// maxRecent bounds what a watcher that is slow can still be told.
const maxRecent = 1000

func (a *Alerts) init() { a.start.Do(func() { a.changed = make(chan struct{}) }) }

// Run follows the alerts from now on, until ctx ends.
func (a *Alerts) Run(ctx context.Context) error {
	a.init()
	return followFrom(ctx, kafka.LastOffset, a.Brokers, a.Topics.Alerts, a.Topics.Partitions, a.Log, func(m *kafka.Message) error {
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.recent) == maxRecent {
			a.recent = append(a.recent[:0:0], a.recent[maxRecent/10:]...)
		}
		a.recent = append(a.recent, m.Value)
		a.seen++
		close(a.changed)
		a.changed = make(chan struct{})
		return nil
	}, nil)
}

// After lists the alerts after the first n that this process has seen, the number
// seen now, and a channel that is closed when there is more. With n below 0 it
// begins now.
func (a *Alerts) After(n int) (docs [][]byte, seen int, more <-chan struct{}) {
	a.init()
	a.mu.Lock()
	defer a.mu.Unlock()
	if n >= 0 {
		docs = append(docs, a.recent[max(0, len(a.recent)-(a.seen-n)):]...)
	}
	return docs, a.seen, a.changed
}
