package stream

import (
	"context"
	"crypto/rand"

	"stopline.internal/scoring"
	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
)

// Rules reads what people have decided about scoring and appends to it. Every
// replica that scores or serves has one.
type Rules struct {
	Deps
	book  *scoring.Rulebook
	echo  kafka.Echo[struct{}] // by control id
	ready chan struct{}
}

// NewRules returns rules that fold into a rulebook.
func NewRules(d Deps, book *scoring.Rulebook) (*Rules, error) {
	if err := d.need("the rules", part{"rulebook", book == nil}); err != nil {
		return nil, err
	}
	return &Rules{Deps: d, book: book, ready: make(chan struct{})}, nil
}

// Ready is closed once the topic has been read to where it ended at the start.
func (r *Rules) Ready() <-chan struct{} { return r.ready }

// Run folds the controls until ctx ends.
func (r *Rules) Run(ctx context.Context) error {
	return r.Cluster.Follow(ctx, kafka.Following{Topic: r.Topics.Controls, Partitions: 1, From: kafka.FirstOffset,
		Log: r.Log, CaughtUp: func() { close(r.ready) }}, r.fold)
}

func (r *Rules) fold(m *kafka.Message) error {
	var e event.Event
	if err := event.ParseInner(m.Value, &e); err != nil || e.Kind != event.KindControl {
		r.Log.Error("a control cannot be read, and is passed over", "offset", m.Offset, "err", err)
		return nil
	}
	r.book.Apply(e.At, e.Control)
	r.Metrics.Brakes.Set(float64(len(r.book.Brakes())))
	r.echo.Seen(e.ID, struct{}{})
	return nil
}

// Decide appends a decision and waits until it has come back. Partitions follow
// it within moments, each at one place of its log.
func (r *Rules) Decide(ctx context.Context, c event.Control) error {
	id := "ctl_" + rand.Text()
	doc := event.Encode(event.ControlDocument(id, r.Clock(), &c))
	_, err := r.echo.Await(ctx, id, func(ctx context.Context) error {
		return r.Documents.Write(ctx, kafka.Message{Topic: r.Topics.Controls, Key: []byte(event.ControlEntity), Value: doc})
	})
	return err
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
	if now, ok := r.book.Current(); ok && (now.Version == c.Version || by == BuiltIn && now.By != BuiltIn) {
		return nil
	}
	r.Log.Info("publishing the catalogue", "version", c.Version, "patterns", len(c.Patterns), "by", by)
	return r.Decide(ctx, event.Control{What: event.ControlCatalogue, Text: c.Text, By: by,
		Reason: "the process was started with it"})
}
