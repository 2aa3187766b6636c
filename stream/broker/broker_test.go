package broker

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// What was acknowledged is there after the broker was closed and opened again.
func TestLogSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b, err := Start(ctx, dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	client := &kafka.Client{Addr: kafka.TCP(b.Addr())}
	if _, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: "t",
		NumPartitions: 1, ReplicationFactor: 1}}}); err != nil {
		t.Fatal(err)
	}
	w := &kafka.Writer{Addr: kafka.TCP(b.Addr()), Topic: "t", RequiredAcks: kafka.RequireAll,
		BatchTimeout: time.Millisecond}
	for i := range 10 {
		if err := w.WriteMessages(ctx, kafka.Message{Value: fmt.Append(nil, i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(ctx, dir, 0); err == nil || !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("a second broker on the directory: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b, err = Start(ctx, dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{b.Addr()}, Topic: "t", MaxWait: 50 * time.Millisecond})
	defer func() { _ = r.Close() }()
	for i := range 10 {
		m, err := r.ReadMessage(ctx)
		if err != nil || string(m.Value) != fmt.Sprint(i) {
			t.Fatalf("message %d: %q, %v", i, m.Value, err)
		}
	}
}

func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, err = Start(t.Context(), t.TempDir(), l.Addr().(*net.TCPAddr).Port)
	if err == nil || !strings.Contains(err.Error(), "--kafka-port") {
		t.Errorf("want an error that says what to do, got %v", err)
	}
}
