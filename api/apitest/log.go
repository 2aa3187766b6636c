package apitest

import (
	"context"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"stopline.internal/api/access"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// Partitions are those of the ledger's log.
const Partitions = 3

// Log is the ledger's log: what is appended is folded at once.
type Log struct {
	mu     sync.Mutex
	ledger *ledger.Ledger
	offset [Partitions]int64
	events []ledger.Entry
	fail   error
	lag    time.Duration
	first  func(ledger.Entry) []ledger.Entry
}

// Fail makes the log refuse whatever is written; nil: it takes it again.
func (l *Log) Fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail = err
}

// Slow makes the log take so long for each event that somebody waits for.
func (l *Log) Slow(lag time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lag = lag
}

// Overtake lets somebody else write before each event that somebody waits for: what
// f returns is folded first. Nil: nobody does.
func (l *Log) Overtake(f func(ledger.Entry) []ledger.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.first = f
}

// Entries are all that were written, accepted or not.
func (l *Log) Entries() []ledger.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]ledger.Entry{}, l.events...)
}

// Append is as a handler's: it folds, after whatever overtakes it.
func (l *Log) Append(ctx context.Context, e ledger.Entry) (ledger.Result, error) {
	l.mu.Lock()
	lag := l.lag
	l.mu.Unlock()
	select {
	case <-time.After(lag):
	case <-ctx.Done():
		return ledger.Result{}, ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return ledger.Result{}, l.fail
	}
	if l.first != nil {
		for _, o := range l.first(e) {
			l.apply(partition(o.CaseID), o)
		}
	}
	return l.apply(partition(e.CaseID), e), nil
}

// Write appends entries, as [route.Log] has it: what the fold says of them is lost.
func (l *Log) Write(_ context.Context, events ...ledger.Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return l.fail
	}
	for _, e := range events {
		l.apply(partition(e.CaseID), e)
	}
	return nil
}

// Fold writes events to a partition as another process would; an error names the
// first that the fold refuses.
func (l *Log) Fold(partition int, events ...ledger.Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range events {
		if r := l.apply(partition, e); !r.Accepted {
			return fmt.Errorf("%+v: %w", e, r.Why)
		}
	}
	return nil
}

func (l *Log) apply(partition int, e ledger.Entry) ledger.Result {
	e.Place = step.Place{Partition: partition, Offset: l.offset[partition]}
	l.offset[partition]++
	l.events = append(l.events, e)
	return l.ledger.Apply(&e)
}

func partition(caseID string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(caseID)) // a hash takes everything
	return int(h.Sum32() % Partitions)
}

// Fold writes events to a partition of the log as another process would.
func (s *Service) Fold(partition int, events ...ledger.Entry) {
	s.t.Helper()
	if err := s.Log.Fold(partition, events...); err != nil {
		s.t.Fatal(err)
	}
}

// Request asks PCBC to hold 5,000.00 on an account of its own: the stop stp_n of the
// case cas_n.
func (s *Service) Request(n int) string {
	s.t.Helper()
	id := fmt.Sprint("stp_", n)
	s.Fold(n%Partitions, ledger.StopEntries(stop.Propose(s.Ledger.Terms(), id, fmt.Sprint("cas_", n), stop.Proposal{
		Account: stop.Account{Number: fmt.Sprint("6217", n), Bank: "PCBC"}, Minor: 500_000, Currency: event.CNY,
		Transfer: stop.Transfer{ID: fmt.Sprint("t", n), Minor: 500_000, At: s.Now()}, Hop: 1,
		FraudType: "task-rebate"}, s.Now(), "scoring"))...)
	return id
}

// TakeBack ends a stop that the bank has not answered yet.
func (s *Service) TakeBack(n int) string {
	s.t.Helper()
	st := s.Ledger.Stop(fmt.Sprint("stp_", n))
	s.Fold(n%Partitions, ledger.StopEntry(stop.Lift(st, st.Left(), "", "innocent", s.Now(), string(access.Supervisor))))
	return st.ID
}
