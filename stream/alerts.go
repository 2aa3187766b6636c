package stream

import (
	"context"
	"sync"

	"stopline.internal/stream/kafka"
)

// Alerts follows the topic of alerts, for people who watch them as they happen.
type Alerts struct {
	Deps

	mu      sync.Mutex
	recent  [][]byte // the last ones, oldest first
	seen    int      // in all
	changed chan struct{}
}

// maxRecent bounds what a watcher that is slow can still be told.
const maxRecent = 1000

// NewAlerts returns a follower that has seen nothing.
func NewAlerts(d Deps) (*Alerts, error) {
	if err := d.need("the follower of alerts"); err != nil {
		return nil, err
	}
	return &Alerts{Deps: d, changed: make(chan struct{})}, nil
}

// Run follows the alerts from now on, until ctx ends.
func (a *Alerts) Run(ctx context.Context) error {
	return a.Cluster.Follow(ctx, kafka.Following{Topic: a.Topics.Alerts, Partitions: a.Topics.Partitions,
		From: kafka.LastOffset, Log: a.Log}, func(m *kafka.Message) error {
		a.add(m.Value)
		return nil
	})
}

func (a *Alerts) add(document []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.recent) == maxRecent {
		a.recent = append(a.recent[:0:0], a.recent[maxRecent/10:]...)
	}
	a.recent = append(a.recent, document)
	a.seen++
	close(a.changed)
	a.changed = make(chan struct{})
}

// After lists the alerts after the first n that this process has seen, the number
// seen now, and a channel that is closed when there is more. With n below 0 it
// begins now.
func (a *Alerts) After(n int) (docs [][]byte, seen int, more <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n >= 0 {
		docs = append(docs, a.recent[max(0, len(a.recent)-(a.seen-n)):]...)
	}
	return docs, a.seen, a.changed
}
