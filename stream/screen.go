package stream

import (
	"context"
	"encoding/json"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"stopline.internal/scoring"
	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
)

// screenHeader marks a transfer whose legs are to be answered for.
const screenHeader = "stopline_screen"

// maxAsked bounds the screenings that wait, and maxAnswered the answers that are
// remembered for a bank that asks again.
const (
	maxAsked    = 50_000
	maxAnswered = 100_000
)

// Screener asks scoring about transfers: each goes the way of every other
// transfer, marked, and scoring writes what its legs led to on a topic of
// answers that every replica reads. So any replica can ask, and the same
// transfer asked twice is scored once.
type Screener struct {
	Deps

	mu       sync.Mutex
	asked    map[uint64]*asked
	answered *lru.Cache[uint64, *scoring.Verdict]
}

// NewScreener returns a screener that has asked nothing.
func NewScreener(d Deps) (*Screener, error) {
	if err := d.need("screening"); err != nil {
		return nil, err
	}
	answered, err := lru.New[uint64, *scoring.Verdict](maxAnswered)
	return &Screener{Deps: d, asked: map[uint64]*asked{}, answered: answered}, err
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

// Run reads the answers until ctx ends.
func (s *Screener) Run(ctx context.Context) error {
	return s.Cluster.Follow(ctx, kafka.Following{Topic: s.Topics.Screenings, Partitions: s.Topics.Partitions,
		From: kafka.LastOffset, Log: s.Log}, func(m *kafka.Message) error {
		var a answer
		if err := json.Unmarshal(m.Value, &a); err != nil {
			s.Log.Error("an answer of scoring cannot be read, and is passed over", "offset", m.Offset, "err", err)
			return nil
		}
		s.gather(&a)
		return nil
	})
}

// gather puts together the legs of a transfer, also of one that another replica asked
// about: it may be asked here again.
func (s *Screener) gather(a *answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.asked[a.Transfer]
	if q == nil {
		if s.answered.Contains(a.Transfer) || len(s.asked) >= maxAsked {
			return
		}
		q = newAsked(a.Legs)
		s.asked[a.Transfer] = q
	}
	q.got[a.Role] = true
	q.verdict.Merge(&a.Verdict)
	if len(q.got) >= q.want {
		delete(s.asked, a.Transfer)
		s.answered.Add(a.Transfer, &q.verdict)
		close(q.done)
	}
}

func newAsked(want int) *asked {
	return &asked{want: want, got: map[event.Role]bool{}, done: make(chan struct{})}
}

// Screen sends the document and waits until every leg of it is scored, or the
// context ends; it may still be answered then, for whoever asks again.
func (s *Screener) Screen(ctx context.Context, document []byte, e *event.Event) (*scoring.Verdict, error) {
	key := event.TransferKey(e.Transfer.Payer.Account, e.ID)
	s.mu.Lock()
	if v, ok := s.answered.Get(key); ok {
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
		err := s.Documents.Write(ctx, kafka.Message{Topic: s.Topics.Transfers, Key: []byte(e.Transfer.Payer.Account),
			Value: document, Headers: []kafka.Header{{Key: screenHeader, Value: []byte("1")}}})
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
