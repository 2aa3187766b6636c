package stream

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/segmentio/kafka-go"

	"stopline.internal/scoring"
	"stopline.internal/stream/event"
)

// screenHeader marks a transfer whose legs are to be answered for.
const screenHeader = "stopline_screen"

// maxAsked bounds the screenings that wait, and maxKnown the answers that are
// remembered for a bank that asks again.
const (
	maxAsked = 50_000
	maxKnown = 100_000
)

// Screener asks scoring about transfers: each goes the way of every other
// transfer, marked, and scoring writes what its legs led to on a topic of
// answers that every replica reads. So any replica can ask, and the same
// transfer asked twice is scored once.
type Screener struct {
	Brokers  string
	Topics   Topics
	Producer *Producer
	Log      *slog.Logger

	mu    sync.Mutex
	asked map[uint64]*asked
	known *lru.Cache[uint64, *scoring.Verdict]
	start sync.Once
}

// asked is a screening whose legs are on their way.
type asked struct {
	want    int
	got     map[event.Role]bool
	verdict scoring.Verdict
	done    chan struct{}
}

// answer is what one leg led to.
type answer struct {
	Transfer uint64          `json:"transfer"`
	Legs     int             `json:"legs"`
	Role     event.Role      `json:"role"`
	Verdict  scoring.Verdict `json:"verdict"`
}

func (s *Screener) init() {
	s.start.Do(func() {
		s.asked = map[uint64]*asked{}
		s.known, _ = lru.New[uint64, *scoring.Verdict](maxKnown) // the size is above zero
	})
}

// Run reads the answers until ctx ends.
func (s *Screener) Run(ctx context.Context) error {
	s.init()
	return followFrom(ctx, kafka.LastOffset, s.Brokers, s.Topics.Screenings, s.Topics.Partitions, s.Log, func(m *kafka.Message) error {
		var a answer
		if err := json.Unmarshal(m.Value, &a); err != nil {
			s.Log.Error("an answer of scoring cannot be read, and is passed over", "offset", m.Offset, "err", err)
			return nil
		}
		s.take(&a)
		return nil
	}, nil)
}

// take gathers the legs of a transfer, also of one that another replica asked
// about: it may be asked here again.
func (s *Screener) take(a *answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.asked[a.Transfer]
	if q == nil {
		if s.known.Contains(a.Transfer) || len(s.asked) >= maxAsked {
			return
		}
		q = newAsked(a.Legs)
		s.asked[a.Transfer] = q
	}
	q.got[a.Role] = true
	q.verdict.Merge(&a.Verdict)
	if len(q.got) >= q.want {
		delete(s.asked, a.Transfer)
		s.known.Add(a.Transfer, &q.verdict)
		close(q.done)
	}
}

func newAsked(want int) *asked {
	return &asked{want: want, got: map[event.Role]bool{}, done: make(chan struct{})}
}

// Screen sends the document and waits until every leg of it is scored, or the
// context ends; it may still be answered then, for whoever asks again.
func (s *Screener) Screen(ctx context.Context, document []byte, e *event.Event) (*scoring.Verdict, error) {
	s.init()
	key := event.TransferKey(e.Transfer.Payer.Account, e.ID)
	s.mu.Lock()
	if v, ok := s.known.Get(key); ok {
		s.mu.Unlock()
		return v, nil
	}
	q := s.asked[key]
	fresh := q == nil
	if fresh {
		if len(s.asked) >= maxAsked { // the oldest are long past their deadline
			clear(s.asked)
		}
		q = newAsked(scoring.LegsOf(e))
		s.asked[key] = q
	}
	s.mu.Unlock()
	if fresh {
		err := s.Producer.Write(ctx, kafka.Message{Topic: s.Topics.Transfers, Key: []byte(e.Transfer.Payer.Account), Value: document, Headers: []kafka.Header{{Key: screenHeader, Value: []byte("1")}}})
		if err != nil {
			s.mu.Lock()
			delete(s.asked, key)
			s.mu.Unlock()
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, err
		}
	}
	select {
	case <-q.done:
		return &q.verdict, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// screened says whether somebody waits for what a message's legs lead to.
func screened(m *kafka.Message) bool {
	for i := range m.Headers {
		if m.Headers[i].Key == screenHeader {
			return true
		}
	}
	return false
}
