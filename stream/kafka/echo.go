package kafka

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrNotSeen is the error of a message that was written and did not come back in
// time. It may still be read, by everybody.
var ErrNotSeen = errors.New("the log did not confirm the change in time; " +
	"read the stop again to see whether it was made")

// echoTime bounds the wait for a message to come back.
const echoTime = 10 * time.Second

// Echo waits until what was written has been read back, by id. R is what the
// reader made of it. The zero value is ready, and safe for many goroutines.
type Echo[R any] struct {
	mu      sync.Mutex
	waiting map[string][]chan R
}

// Await calls write and waits until [Echo.Seen] is notified of the id. Two that wait
// for one id are both answered. It fails with write's error, or with [ErrNotSeen].
func (e *Echo[R]) Await(ctx context.Context, id string, write func(context.Context) error) (R, error) {
	var none R
	ctx, cancel := context.WithTimeout(ctx, echoTime)
	defer cancel()
	ch := make(chan R, 1)
	e.mu.Lock()
	if e.waiting == nil {
		e.waiting = map[string][]chan R{}
	}
	e.waiting[id] = append(e.waiting[id], ch)
	e.mu.Unlock()
	defer e.leave(id, ch)
	if err := write(ctx); err != nil {
		return none, err
	}
	select {
	case r := <-ch:
		return r, nil
	case <-ctx.Done():
		return none, ErrNotSeen
	}
}

// Seen answers those who wait for an id; mostly nobody does.
func (e *Echo[R]) Seen(id string, r R) {
	e.mu.Lock()
	list := e.waiting[id]
	delete(e.waiting, id)
	e.mu.Unlock()
	for _, ch := range list {
		ch <- r // it has room for one, and is told once
	}
}

// leave forgets one that waits no longer.
func (e *Echo[R]) leave(id string, ch chan R) {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := e.waiting[id]
	for i := range list {
		if list[i] == ch {
			list = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	if len(list) == 0 {
		delete(e.waiting, id)
		return
	}
	e.waiting[id] = list
}
