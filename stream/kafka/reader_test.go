package kafka

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"
)

// A broker that takes connections and says nothing is given up, so that the next
// one is asked and the log says why nothing is read.
func TestSilentBrokerIsGivenUp(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 4*dialTime)
	defer cancel()
	c, err := New(Config{Brokers: []string{l.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	r := c.NewReader("stops", 0, 0)
	begun := time.Now()
	msgs, err := r.Read(ctx, nil)
	var slow net.Error
	if !errors.As(err, &slow) || !slow.Timeout() || ctx.Err() != nil || len(msgs) > 0 {
		t.Errorf("read: %d messages, %v", len(msgs), err)
	}
	if took := time.Since(begun); took < dialTime {
		t.Errorf("given up after %v", took)
	}
}
