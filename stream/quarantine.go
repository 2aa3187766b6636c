package stream

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"sync"

	"stopline.internal/stream/kafka"
)

// quarantine keeps a loop going past a record that it cannot work on: a bounded copy
// of it, its place, its hash and the reason go to a topic, and the loop goes on.
type quarantine struct {
	*Deps
	loop   string
	mu     sync.Mutex
	failed map[string]int // by place, how often the loop failed on the record
}

func (d *Deps) newQuarantine(loop string) *quarantine {
	return &quarantine{Deps: d, loop: loop, failed: map[string]int{}}
}

// The bounds of what is kept: bytes of a record, of the reason, and records that a
// loop remembers having failed on.
const (
	maxKept   = 64 << 10
	maxReason = 500
	maxFailed = 1000
	tooOften  = 2 // a record that failed as often is not tried again
)

// hopelessError is the error of a record that nothing can be made of, however often
// it is tried.
type hopelessError struct{ error }

func (h hopelessError) Unwrap() error { return h.error }

// hopeless marks an error that trying again does not mend.
func hopeless(err error) error {
	if err == nil {
		return nil
	}
	return hopelessError{err}
}

// pass works on a record by f. One that cannot be read, or of which nothing can be
// made, is kept and passed over at once; one that f fails on twice, with an error
// or a panic, is passed over when it comes the third time, before f has touched
// anything. Any other error is returned.
func (q *quarantine) pass(ctx context.Context, m *kafka.Message, f func() error) error {
	if m.Unreadable != nil {
		return q.keep(ctx, m, codeUnreadable, m.Unreadable.Why)
	}
	if q.stubborn(m) {
		return q.keep(ctx, m, codeFailed, fmt.Errorf("it failed %d times", tooOften))
	}
	err := safely(f)
	var h hopelessError
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case errors.As(err, &h):
		return q.keep(ctx, m, codeUnreadable, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.failed) >= maxFailed {
		clear(q.failed)
	}
	q.failed[at(m)]++
	return err
}

// Why a record is kept: nothing can be made of it, or a loop failed on it.
const (
	codeUnreadable = "unreadable"
	codeFailed     = "failed"
)

// stubborn says whether the loop has failed on the record too often.
func (q *quarantine) stubborn(m *kafka.Message) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.failed) > 0 && q.failed[at(m)] >= tooOften
}

func at(m *kafka.Message) string { return fmt.Sprintf("%s/%d:%d", m.Topic, m.Partition, m.Offset) }

// safely is f, with a panic as an error: a record that a bug trips over must not
// take the process with it again and again.
func safely(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

// keep writes what is known of a record, and counts it.
func (q *quarantine) keep(ctx context.Context, m *kafka.Message, code string, why error) error {
	reason := why.Error()
	sum, size := sha256.Sum256(m.Value), int64(len(m.Value))
	last := m.Offset
	if m.Unreadable != nil {
		size, last = m.Unreadable.Size, m.Unreadable.Last
	}
	h := func(k, v string) kafka.Header { return kafka.Header{Key: k, Value: []byte(v)} }
	err := q.Documents.Write(ctx, kafka.Message{Topic: q.Topics.Quarantine, Key: []byte(m.Topic),
		Value: m.Value[:min(len(m.Value), maxKept)], Headers: []kafka.Header{
			h("stopline_topic", m.Topic), h("stopline_partition", strconv.Itoa(m.Partition)),
			h("stopline_offset", strconv.FormatInt(m.Offset, 10)), h("stopline_last", strconv.FormatInt(last, 10)),
			h("stopline_loop", q.loop), h("stopline_code", code), h("stopline_reason", reason[:min(len(reason), maxReason)]),
			h("stopline_size", strconv.FormatInt(size, 10)), h("stopline_sha256", hex.EncodeToString(sum[:])),
			h("stopline_at", q.Clock().String())}})
	if err != nil {
		return err
	}
	q.Metrics.Quarantined.WithLabelValues(q.loop, m.Topic).Inc()
	q.Log.Error("a record cannot be worked on and is passed over; it is kept in quarantine: \"stopline quarantine list\"",
		"loop", q.loop, "topic", m.Topic, "partition", m.Partition, "offset", m.Offset, "err", why)
	return nil
}

// putBack marks a record that a person has put back from quarantine.
const putBack = "stopline_put_back"

// isPutBack says whether a record was put back from quarantine: a block of legs is
// then taken outside of its chain.
func isPutBack(m *kafka.Message) bool {
	for i := range m.Headers {
		if m.Headers[i].Key == putBack {
			return true
		}
	}
	return false
}

// Kept is a record in quarantine.
type Kept struct {
	Partition int    // of the quarantine
	Offset    int64  // in the quarantine
	Topic     string // that it was in, and where
	Place     int
	At, Last  int64
	Loop      string
	Code      string // unreadable, or failed
	Reason    string
	Size      int64
	Sum       string // SHA-256, hexadecimal
	When      string
	Beginning []byte // of the record, at most 64 KiB
}

// Quarantined reads the quarantine, and puts back from it.
type Quarantined struct{ Deps }

// NewQuarantined returns the quarantine of the topics.
func NewQuarantined(d Deps) (*Quarantined, error) {
	if err := d.need("the quarantine"); err != nil {
		return nil, err
	}
	return &Quarantined{d}, nil
}

// List lists what is in quarantine, the oldest of each partition first.
func (q *Quarantined) List(ctx context.Context) (out []Kept, err error) {
	partitions, err := q.Cluster.Partitions(ctx, q.Topics.Quarantine)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	err = q.Cluster.ReadAll(ctx, q.Topics.Quarantine, len(partitions), q.Log, func(m *kafka.Message) error {
		mu.Lock()
		defer mu.Unlock()
		out = append(out, keptOf(m))
		return nil
	})
	return out, err
}

func keptOf(m *kafka.Message) Kept {
	k := Kept{Partition: m.Partition, Offset: m.Offset, Beginning: m.Value}
	number := func(v []byte) int64 { n, _ := strconv.ParseInt(string(v), 10, 64); return n }
	for _, h := range m.Headers {
		switch h.Key {
		case "stopline_topic":
			k.Topic = string(h.Value)
		case "stopline_partition":
			k.Place = int(number(h.Value))
		case "stopline_offset":
			k.At = number(h.Value)
		case "stopline_last":
			k.Last = number(h.Value)
		case "stopline_loop":
			k.Loop = string(h.Value)
		case "stopline_code":
			k.Code = string(h.Value)
		case "stopline_reason":
			k.Reason = string(h.Value)
		case "stopline_size":
			k.Size = number(h.Value)
		case "stopline_sha256":
			k.Sum = string(h.Value)
		case "stopline_at":
			k.When = string(h.Value)
		}
	}
	return k
}

// ErrGone says that a record in quarantine is not in its topic any more, or another
// record lies there.
var ErrGone = errors.New("the record is not in its topic any more")

// ErrRewind says that legs are not put back but written again: nothing of their source
// has been scored behind them.
var ErrRewind = errors.New("legs that could not be read are written again from their source: \"stopline verify log\" " +
	"says from where, \"stopline log rewind\" does it")

// PutBack reads a record from where it was and appends it to its topic again, to be
// worked on by what has been mended since. It fails with [ErrGone] where the topic
// has let go of it.
func (q *Quarantined) PutBack(ctx context.Context, k Kept) error {
	if k.Topic == q.Topics.Legs && k.Code != codeFailed {
		return ErrRewind
	}
	m, there, err := q.Cluster.NewReader(k.Topic, k.Place, kafka.FirstOffset).At(ctx, k.At)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(m.Value); !there || m.Unreadable != nil || hex.EncodeToString(sum[:]) != k.Sum {
		return ErrGone
	}
	m.Headers = append(m.Headers, kafka.Header{Key: putBack, Value: []byte("1")})
	if k.Topic == q.Topics.Legs {
		blocks := newBlocks(q.Cluster, maxBlocks)
		err := blocks.Write(ctx, kafka.Message{Topic: k.Topic, Key: partitionKey(k.Place), Value: m.Value,
			Headers: m.Headers})
		return errors.Join(err, blocks.Close())
	}
	return q.Documents.Write(ctx, kafka.Message{Topic: k.Topic, Key: m.Key, Value: m.Value, Headers: m.Headers})
}
