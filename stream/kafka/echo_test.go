package kafka

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Whoever waits for an id is answered, two of them as well, and nobody else; then
// nothing is kept.
func TestEcho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e Echo[int]
		written := 0
		write := func(context.Context) error { written++; return nil }
		got := make(chan int, 3)
		wait := func(id string) {
			go func() {
				n, err := e.Await(t.Context(), id, write)
				if err != nil {
					t.Error(err)
				}
				got <- n
			}()
			synctest.Wait()
		}
		wait("a")
		wait("a")
		wait("b")
		e.Seen("c", 3)
		e.Seen("a", 1)
		if x, y := <-got, <-got; x != 1 || y != 1 {
			t.Errorf("answered %d and %d", x, y)
		}
		e.Seen("b", 2)
		if x := <-got; x != 2 || written != 3 {
			t.Errorf("answered %d after %d writes", x, written)
		}
		if len(e.waiting) != 0 {
			t.Errorf("%d are kept", len(e.waiting))
		}
	})
}

// What does not come back in time may still be read; what could not be written is
// said as it is. One that gives up takes nobody along.
func TestEchoGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e Echo[int]
		lost := errors.New("lost")
		if _, err := e.Await(t.Context(), "a", func(context.Context) error { return lost }); !errors.Is(err, lost) {
			t.Errorf("%v", err)
		}
		patient := make(chan int, 1)
		begun := time.Now()
		go func() {
			time.Sleep(echoTime / 2)
			n, err := e.Await(t.Context(), "a", func(context.Context) error { return nil })
			if err != nil {
				t.Error(err)
			}
			patient <- n
		}()
		_, err := e.Await(t.Context(), "a", func(context.Context) error { return nil })
		if !errors.Is(err, ErrNotSeen) || time.Since(begun) != echoTime {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
		e.Seen("a", 7)
		if n := <-patient; n != 7 {
			t.Errorf("the other was answered %d", n)
		}
	})
}
