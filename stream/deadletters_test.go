package stream

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"

	"stopline.internal/stream/broker"
)

// What is not there is not there, whichever way; what cannot be asked is
// something else.
func TestNoDeadLetter(t *testing.T) {
	b, err := broker.Start(t.Context(), t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := kafka.New(kafka.Config{Brokers: []string{b.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	topics := TopicsWithPrefix("")
	topics.Partitions = 2
	if err := topics.Ensure(t.Context(), cluster); err != nil {
		t.Fatal(err)
	}
	producer := NewDocuments(cluster)
	defer func() { _ = producer.Close() }()
	letter := func(value string) kafka.Message {
		return kafka.Message{Topic: topics.DeadLetters, Key: []byte("one"), Value: []byte(value),
			Headers: []kafka.Header{{Key: "stopline_topic", Value: []byte(topics.Reports)}}}
	}
	if err := producer.Write(t.Context(), letter("first"), letter("second")); err != nil {
		t.Fatal(err)
	}
	d, err := NewDeadLetters(Deps{Cluster: cluster, Topics: topics, Documents: producer,
		Log:   slog.New(slog.DiscardHandler),
		Clock: func() event.Instant { return 0 }, Metrics: NewMetrics(prometheus.NewRegistry())})
	if err != nil {
		t.Fatal(err)
	}
	found, err := d.Newest(t.Context(), 10)
	if err != nil || len(found) != 2 || found[0].Partition != found[1].Partition {
		t.Fatalf("%+v, %v", found, err)
	}
	there := found[0].Partition
	if err := d.Replay(t.Context(), there, 1); err != nil {
		t.Errorf("the second: %v", err)
	}
	for name, place := range map[string][2]int{"behind the end": {there, 2}, "far behind it": {there, 999_999},
		"an empty partition": {1 - there, 0}, "no partition": {99, 0}} {
		if err := d.Replay(t.Context(), place[0], int64(place[1])); !errors.Is(err, ErrNoDeadLetter) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Replay(t.Context(), there, 1); err == nil || errors.Is(err, ErrNoDeadLetter) {
		t.Errorf("while Kafka is away: %v, which says that the letter is gone", err)
	}
}
