package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stopline.internal/stream/broker"
)

var silent = slog.New(slog.DiscardHandler)

// cluster is a broker of this test's own, with a topic "t" of two partitions.
func cluster(t *testing.T) *Cluster {
	t.Helper()
	b, err := broker.Start(t.Context(), t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	c, err := New(Config{Brokers: []string{b.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if err := c.Create(t.Context(), Topic{Name: "t", Partitions: 2,
		Config: map[string]string{"retention.ms": "-1"}}); err != nil {
		t.Fatal(err)
	}
	return c
}

// write appends messages; the first letter of a key names its partition.
func write(t *testing.T, c *Cluster, keys ...string) {
	t.Helper()
	p := c.NewProducer(ProducerConfig{Messages: 100, Bytes: 1 << 20,
		Partition: func(key []byte, n int) int { return int(key[0]-'0') % n }})
	defer func() { _ = p.Close() }()
	msgs := make([]Message, len(keys))
	for i, k := range keys {
		msgs[i] = Message{Topic: "t", Key: []byte(k), Value: []byte("v" + k)}
	}
	if err := p.Write(t.Context(), msgs...); err != nil {
		t.Fatal(err)
	}
}

func keysOf(msgs []Message) (out []string) {
	for i := range msgs {
		out = append(out, string(msgs[i].Key))
	}
	return out
}

// Brokers that are not there to be dialled are said at once.
func TestConfigIsChecked(t *testing.T) {
	for _, brokers := range [][]string{nil, {""}, {"a:1", ""}} {
		if _, err := New(Config{Brokers: brokers}); err == nil {
			t.Errorf("%q was taken", brokers)
		}
	}
}

// Topics are made once, and stay as they are when they are made again.
func TestTopics(t *testing.T) {
	c := cluster(t)
	if err := c.Create(t.Context(), Topic{Name: "t", Partitions: 5}, Topic{Name: "other", Partitions: 3}); err != nil {
		t.Fatal(err)
	}
	have, err := c.Topics(t.Context())
	if err != nil || have["t"] != 2 || have["other"] != 3 {
		t.Errorf("%v, %v", have, err)
	}
	parts, err := c.Partitions(t.Context(), "other")
	if slices.Sort(parts); err != nil || !slices.Equal(parts, []int{0, 1, 2}) {
		t.Errorf("%v, %v", parts, err)
	}
	if err := c.Delete(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	again, err := New(Config{Brokers: c.brokers}) // what a cluster has been told it believes for six seconds
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if have, err = again.Topics(t.Context()); err != nil || have["other"] != 0 || have["t"] != 2 {
		t.Errorf("after it was deleted: %v, %v", have, err)
	}
}

// A key's partition is the producer's to choose, and its messages stay in order.
func TestWriteAndRead(t *testing.T) {
	c := cluster(t)
	write(t, c, "0a", "1b", "0c", "1d", "0e")
	ends, err := c.Ends(t.Context(), map[string][]int{"t": {0, 1}})
	if want := map[int]int64{0: 3, 1: 2}; err != nil || !maps.Equal(ends["t"], want) {
		t.Errorf("ends %v, %v", ends, err)
	}
	r := c.NewReader("t", 0, FirstOffset)
	first, end, err := r.Span(t.Context())
	if err != nil || first != 0 || end != 3 || r.CaughtUp() {
		t.Errorf("from %d to %d, %v; caught up before anything was read: %v", first, end, err, r.CaughtUp())
	}
	msgs, err := r.Read(t.Context(), nil)
	if err != nil || !slices.Equal(keysOf(msgs), []string{"0a", "0c", "0e"}) || r.Offset() != 3 || !r.CaughtUp() {
		t.Errorf("read %v to %d, %v", keysOf(msgs), r.Offset(), err)
	}
	r.GoTo(1)
	if msgs, err = r.Read(t.Context(), msgs[:0]); err != nil || !slices.Equal(keysOf(msgs), []string{"0c", "0e"}) {
		t.Errorf("from 1 on: %v, %v", keysOf(msgs), err)
	}
	if msgs, err = r.Read(t.Context(), nil); err != nil || len(msgs) != 0 {
		t.Errorf("where there is nothing new: %v, %v", keysOf(msgs), err)
	}
	late := c.NewReader("t", 1, LastOffset)
	if _, _, err := late.Span(t.Context()); err != nil || late.Offset() != 2 {
		t.Errorf("behind the newest: %d, %v", late.Offset(), err)
	}
	write(t, c, "1f")
	if msgs, err = late.Read(t.Context(), nil); err != nil || !slices.Equal(keysOf(msgs), []string{"1f"}) {
		t.Errorf("what came after: %v, %v", keysOf(msgs), err)
	}
}

// An offset behind the partition's end is a topic made anew, and not a reason to
// begin somewhere else in silence.
func TestOffsetBehindTheEnd(t *testing.T) {
	c := cluster(t)
	write(t, c, "0a")
	r := c.NewReader("t", 0, 7)
	if _, err := r.Read(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "made anew") {
		t.Errorf("%v", err)
	}
}

// Batches are worked on in order; work that fails ends them with its error, and
// what follows is not worked on.
func TestBatches(t *testing.T) {
	c := cluster(t)
	write(t, c, "0a", "0b")
	broken := errors.New("broken")
	var seen []string
	err := c.NewReader("t", 0, FirstOffset).Batches(t.Context(), func(b Batch) error {
		if seen = append(seen, keysOf(b.Messages)...); len(seen) == 2 && b.Next != 2 {
			t.Errorf("it goes on from %d", b.Next)
		}
		if len(seen) == 2 {
			write(t, c, "0c")
			return broken
		}
		return nil
	})
	if !errors.Is(err, broken) || !slices.Equal(seen, []string{"0a", "0b"}) {
		t.Errorf("%v after %v", err, seen)
	}
}

// Following tells once of each partition that it is at its end, empty ones too,
// and goes on; an error of the reader's ends it.
func TestFollow(t *testing.T) {
	c := cluster(t)
	write(t, c, "0a", "0b")
	var mu sync.Mutex
	var seen []string
	caught := make(chan int, 10)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- c.Follow(ctx, Following{Topic: "t", Partitions: 2, From: FirstOffset, Log: silent, CaughtUp: func() {
			mu.Lock()
			defer mu.Unlock()
			caught <- len(seen)
		}}, func(m *Message) error {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, string(m.Key))
			return nil
		})
	}()
	if a, b := <-caught, <-caught; max(a, b) != 2 {
		t.Errorf("at the ends after %d and %d messages", a, b)
	}
	write(t, c, "1c")
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		mu.Lock()
		n := len(seen)
		mu.Unlock()
		if n == 3 {
			break
		}
	}
	cancel()
	if err := <-done; err != nil || !slices.Equal(seen, []string{"0a", "0b", "1c"}) {
		t.Errorf("%v, %v", seen, err)
	}
	if len(caught) > 0 {
		t.Error("told of an end again")
	}
	broken := errors.New("broken")
	err := c.Follow(t.Context(), Following{Topic: "t", Partitions: 2, From: FirstOffset, Log: silent},
		func(*Message) error { return broken })
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "t/") {
		t.Errorf("%v", err)
	}
}

// Reading all ends by itself, whatever is empty.
func TestReadAll(t *testing.T) {
	c := cluster(t)
	write(t, c, "1a", "1b", "1c")
	n := 0
	if err := c.ReadAll(t.Context(), "t", 2, silent, func(*Message) error { n++; return nil }); err != nil || n != 3 {
		t.Errorf("%d messages, %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.ReadAll(ctx, "t", 2, silent, func(*Message) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("a reading that was ended says %v", err)
	}
}

// progressed is progress that a test looks at.
type progressed struct {
	mu   sync.Mutex
	next map[int]int64
	left int
}

func (p *progressed) Reached(_ string, partition int, next int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next[partition] = next
}

func (p *progressed) Failing(string, int, error) {}
func (p *progressed) Left(string, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left++
}

// A group's work that fails begins again from its last commit; what was committed
// another member goes on from.
func TestGroup(t *testing.T) {
	c := cluster(t)
	write(t, c, "0a", "0b", "0c", "1d")
	p := &progressed{next: map[int]int64{}}
	g := Group{ID: "g", Topics: []string{"t"}, Log: silent, Progress: p}
	var mu sync.Mutex
	seen := map[int][]string{}
	failed := false
	run := func(until int) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		timer := time.AfterFunc(30*time.Second, cancel)
		defer timer.Stop()
		if err := c.Run(ctx, g, func(ctx context.Context, cl *Claim) error {
			return cl.Reader(cl.Offset).Batches(ctx, func(b Batch) error {
				mu.Lock()
				defer mu.Unlock()
				for i := range b.Messages {
					m := &b.Messages[i]
					seen[cl.Partition] = append(seen[cl.Partition], string(m.Key))
					if string(m.Key) == "0b" && !failed {
						failed = true
						return fmt.Errorf("broken at %d", m.Offset)
					}
					if err := cl.Commit(m.Offset+1, true); err != nil {
						return err
					}
				}
				cl.Reached(b.Next)
				if len(seen[0])+len(seen[1]) >= until {
					cancel()
				}
				return nil
			})
		}); err != nil {
			t.Error(err)
		}
	}
	run(5)
	if !slices.Equal(seen[0], []string{"0a", "0b", "0b", "0c"}) || !slices.Equal(seen[1], []string{"1d"}) {
		t.Errorf("%v, want the one that failed again, and no other", seen)
	}
	if committed, err := c.Committed(t.Context(), "g", "t", 0, 1); err != nil || committed[0].Offset != 3 ||
		committed[1].Offset != 1 {
		t.Errorf("committed %v, %v", committed, err)
	}
	if p.left != 2 || p.next[0] != 3 || p.next[1] != 1 {
		t.Errorf("left %d partitions at %v", p.left, p.next)
	}
	write(t, c, "0e")
	run(6)
	if !slices.Equal(seen[0], []string{"0a", "0b", "0b", "0c", "0e"}) {
		t.Errorf("the next member read %v", seen[0])
	}
}

// A commit waits for its time unless it must be now; the same offset again is none.
// While the group is divided anew it is left for later, and it fails once the
// partition is another's.
func TestCommitWaits(t *testing.T) {
	var commits []int64
	c := &Claim{Offset: 1, committed: time.Now(),
		commits: func(o int64, _ string) error { commits = append(commits, o); return nil }}
	for _, step := range []struct {
		offset int64
		force  bool
	}{{2, false}, {3, true}, {3, true}, {4, false}} {
		if err := c.Commit(step.offset, step.force); err != nil {
			t.Fatal(err)
		}
	}
	c.committed = time.Now().Add(-commitEvery)
	if err := c.Commit(5, false); err != nil || !slices.Equal(commits, []int64{3, 5}) || c.Offset != 5 {
		t.Errorf("%v, %v", commits, err)
	}
	if err := c.CommitNote(5, "n", true); err != nil || !slices.Equal(commits, []int64{3, 5, 5}) || c.Note != "n" {
		t.Errorf("the same with a note: %v, %v", commits, err)
	}
	c.commits = func(int64, string) error { return errors.New("divided anew") }
	if err := c.Commit(6, true); err != nil || c.Offset != 5 {
		t.Errorf("%v; it stands at %d", err, c.Offset)
	}
	c.commits = func(int64, string) error { return ErrNotOurs }
	if err := c.Commit(6, true); !errors.Is(err, ErrNotOurs) || c.Offset != 5 {
		t.Errorf("%v; it stands at %d", err, c.Offset)
	}
}
