package stream

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/segmentio/kafka-go"

	"stopline.internal/scoring"
	"stopline.internal/stream/event"
)

// Rules reads what people have decided about scoring and appends to it. Every
// replica that scores or serves has one.
type Rules struct {
	Brokers  string
	Topics   Topics
	Book     *scoring.Rulebook
	Producer *Producer
	Clock    Clock
	Log      *slog.Logger
	Metrics  *Metrics

	mu      sync.Mutex
	waiting map[string]chan struct{} // by control id
	ready   chan struct{}
	start   sync.Once
}

func (r *Rules) init() {
	r.start.Do(func() { r.waiting, r.ready = map[string]chan struct{}{}, make(chan struct{}) })
}

// Ready is closed once the topic has been read to where it ended at the start.
func (r *Rules) Ready() <-chan struct{} {
	r.init()
	return r.ready
}

// Run folds the controls until ctx ends.
func (r *Rules) Run(ctx context.Context) error {
	r.init()
	return Follow(ctx, r.Brokers, r.Topics.Controls, 1, r.Log, func(m *kafka.Message) error {
		var e event.Event
		if err := event.ParseInner(m.Value, &e); err != nil || e.Kind != event.KindControl {
			r.Log.Error("a control cannot be read, and is passed over", "offset", m.Offset, "err", err)
			return nil
		}
		r.Book.Apply(e.At, e.Control)
		r.Metrics.Brakes.Set(float64(len(r.Book.Brakes())))
		r.mu.Lock()
		ch := r.waiting[e.ID]
		delete(r.waiting, e.ID)
		r.mu.Unlock()
		if ch != nil {
			close(ch)
		}
		return nil
	}, func() { close(r.ready) })
}

// Decide appends a decision and waits until it has come back. Partitions follow
// it within moments, each at one place of its log.
func (r *Rules) Decide(ctx context.Context, c event.Control) error {
	r.init()
	ctx, cancel := context.WithTimeout(ctx, appendTimeout)
	defer cancel()
	id := "ctl_" + rand.Text()
	doc := mustJSON(event.ControlDocument(id, r.Clock(), &c))
	ch := make(chan struct{})
	r.mu.Lock()
	r.waiting[id] = ch
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.waiting, id)
		r.mu.Unlock()
	}()
	if err := r.Producer.Write(ctx, kafka.Message{Topic: r.Topics.Controls, Key: []byte(event.ControlEntity), Value: doc}); err != nil {
		return err
	}
	select {
	case <-ch:
		return nil
	case <-ctx.Done():
		return ErrNotSeen
	}
}

// BuiltIn is who publishes the catalogue that comes with the program.
const BuiltIn = "built-in"

// Publish publishes the catalogue that the process was started with, when it is
// not the one in force. The one that comes with the program gives way to any
// that a person has published.
func (r *Rules) Publish(ctx context.Context, c *scoring.Catalogue, by string) error {
	select {
	case <-r.Ready():
	case <-ctx.Done():
		return nil
	}
	if now, ok := r.Book.Current(); ok && (now.Version == c.Version || by == BuiltIn && now.By != BuiltIn) {
		return nil
	}
	r.Log.Info("publishing the catalogue", "version", c.Version, "patterns", len(c.Patterns), "by", by)
	return r.Decide(ctx, event.Control{What: event.ControlCatalogue, Text: c.Text, By: by, Reason: "the process was started with it"})
}

// Watch publishes a catalogue file whenever it changes and can be used, until
// ctx ends. One that cannot is named with everything that is wrong in it, and
// what was in force stays.
func (r *Rules) Watch(ctx context.Context, file string) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch %s: %w", file, err)
	}
	defer func() { _ = w.Close() }()
	if err := w.Add(filepath.Dir(file)); err != nil { // editors put another file in its place
		return fmt.Errorf("watch %s: %w", file, err)
	}
	settle := time.NewTimer(time.Hour)
	defer settle.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-w.Events:
			if filepath.Clean(e.Name) == filepath.Clean(file) && !e.Has(fsnotify.Chmod) {
				settle.Reset(200 * time.Millisecond) // until it is written whole
			}
		case err := <-w.Errors:
			r.Log.Warn("watching the catalogue", "file", file, "err", err)
		case <-settle.C:
			text, err := os.ReadFile(file)
			if err != nil {
				r.Log.Error("the catalogue cannot be read; what was in force stays", "file", file, "err", err)
				continue
			}
			c, err := scoring.ParseCatalogue(file, text)
			if err != nil {
				r.Log.Error("the catalogue cannot be used; what was in force stays", "err", err)
				continue
			}
			if err := r.Publish(ctx, c, filepath.Base(file)); err != nil {
				r.Log.Error("the catalogue could not be published", "file", file, "err", err)
			}
		}
	}
}
