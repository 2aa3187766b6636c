package kafka

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// watched is what the members of a test's group do: who has which partition, and
// how often a partition was begun.
type watched struct {
	mu    sync.Mutex
	has   map[int]string
	begun map[int]int
	twice []string
}

// member runs a member of the group until the function that it returns is called.
func (w *watched) member(t *testing.T, c *Cluster, name string) (leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Run(ctx, Group{ID: "g", Topics: []string{"t"}, Log: silent, Progress: unheard{}},
			func(ctx context.Context, cl *Claim) error {
				w.mu.Lock()
				if other := w.has[cl.Partition]; other != "" {
					w.twice = append(w.twice, fmt.Sprint(cl.Partition, other, name))
				}
				w.has[cl.Partition] = name
				w.begun[cl.Partition]++
				w.mu.Unlock()
				<-ctx.Done()
				w.mu.Lock()
				delete(w.has, cl.Partition)
				w.mu.Unlock()
				return nil
			})
	}()
	return sync.OnceFunc(func() {
		cancel()
		<-done
	})
}

// settled waits until the members have so many partitions each.
func (w *watched) settled(t *testing.T, want ...int) {
	t.Helper()
	var counts []int
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		w.mu.Lock()
		by := map[string]int{}
		for _, m := range w.has {
			by[m]++
		}
		w.mu.Unlock()
		counts = counts[:0]
		for _, n := range by {
			counts = append(counts, n)
		}
		if slices.Sort(counts); slices.Equal(counts, want) {
			return
		}
	}
	t.Fatalf("the members have %v partitions, want %v", counts, want)
}

// Members come and go, and a topic grows: what stays with a member goes on without
// a pause, what is new is read without a restart, and nothing is ever read by two.
func TestMembersKeepWhatIsTheirs(t *testing.T) {
	c := cluster(t)
	w := &watched{has: map[int]string{}, begun: map[int]int{}}
	leaveA := w.member(t, c, "a")
	defer leaveA()
	w.settled(t, 2)
	leaveB := w.member(t, c, "b")
	defer leaveB()
	w.settled(t, 1, 1)
	admin := kadm.NewClient(foreign(t, c))
	if resp, err := admin.UpdatePartitions(t.Context(), 6, "t"); err != nil || resp.Error() != nil {
		t.Fatal(err, resp.Error())
	}
	w.settled(t, 3, 3)
	leaveB()
	w.settled(t, 6)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.twice) > 0 {
		t.Errorf("worked on by two: %v", w.twice)
	}
	moved, again := 0, 0
	for _, n := range w.begun {
		moved += n - 1
		if n > 2 {
			again++
		}
	}
	// One moved when b came, and b's three when it left.
	if moved != 4 || again > 1 {
		t.Errorf("partitions were begun %v times", w.begun)
	}
}
