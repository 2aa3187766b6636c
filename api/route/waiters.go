package route

import (
	"net/http"
	"sync"

	"stopline.internal/api/wire"
)

// maxWaiters bounds the polls and streams of one bank or person that wait at a
// time.
const maxWaiters = 64

// Waiters counts the polls and streams that wait. Its zero value counts none.
type Waiters struct {
	mu sync.Mutex
	of map[string]int
}

// Enter takes one of somebody's places to wait, until leave is called. An error
// says that all are taken.
func (w *Waiters) Enter(who string) (leave func(), err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.of[who] >= maxWaiters {
		return nil, wire.NewProblem(http.StatusTooManyRequests, "request.many-polls", "limit", maxWaiters)
	}
	if w.of == nil {
		w.of = map[string]int{}
	}
	w.of[who]++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.of[who]--
	}, nil
}
