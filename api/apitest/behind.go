package apitest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"stopline.internal/api/center"
	"stopline.internal/api/wire"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// Rules takes decisions about scoring into a rulebook at once.
type Rules struct {
	Book *scoring.Rulebook

	mu    sync.Mutex
	clock func() event.Instant
	fail  error
	taken []event.Control
}

// Fail makes decisions fail; nil: they are taken again.
func (r *Rules) Fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = err
}

// Taken lists the decisions that were written so far.
func (r *Rules) Taken() []event.Control {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]event.Control{}, r.taken...)
}

// Decide takes a decision.
func (r *Rules) Decide(_ context.Context, c event.Control) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return r.fail
	}
	r.taken = append(r.taken, c)
	r.Book.Apply(r.clock(), &c)
	return nil
}

// Intake takes documents from outside. A report becomes a case at once, with a stop
// for each of its payments.
type Intake struct {
	service *Service
	parser  *event.Parser

	mu      sync.Mutex
	fail    error
	watched map[string]string
	reports int
	taints  []*event.Taint
}

// Fail makes the intake refuse whatever comes; nil: it takes it again.
func (i *Intake) Fail(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fail = err
}

// Watched is the watchlist: the documents by entity.
func (i *Intake) Watched() map[string]string {
	i.mu.Lock()
	defer i.mu.Unlock()
	out := map[string]string{}
	for entity, doc := range i.watched {
		out[entity] = doc
	}
	return out
}

// Reports is how many reports have come.
func (i *Intake) Reports() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.reports
}

// Taints are the announcements of money to follow.
func (i *Intake) Taints() []*event.Taint {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]*event.Taint{}, i.taints...)
}

// Report takes a report.
func (i *Intake) Report(_ context.Context, _ string, document []byte) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fail != nil {
		return i.fail
	}
	i.reports++
	var e event.Event
	if err := i.parser.Parse(document, i.service.Now(), &e); err != nil {
		return err
	}
	return i.open(&e)
}

// open notes a report and asks for its stops.
func (i *Intake) open(e *event.Event) error {
	r, now, terms := e.Report, i.service.Now(), i.service.Ledger.Terms()
	caseID := event.CaseID(r.Transfers[0].PayerAccount)
	note := &ledger.ReportNote{ID: r.Source + ":" + e.ID, Source: r.Source, District: r.District, FraudType: r.FraudType,
		Stops: []string{}, Holder: r.Victim.Holder, Phone: r.Victim.Phone, Digest: r.Digest(), Currency: event.CNY}
	var stops []ledger.Entry
	for n := range r.Transfers {
		t := &r.Transfers[n]
		id := event.StopID(event.TransferKey(t.PayerAccount, t.ID), t.PayeeAccount)
		note.Stops = append(note.Stops, id)
		note.Minor += t.Amount.Minor
		note.Payments = append(note.Payments, ledger.Payment{Payer: t.PayerAccount, Payee: t.PayeeAccount,
			Minor: t.Amount.Minor, Currency: t.Amount.Currency, At: t.At, Stop: id})
		stops = append(stops, ledger.StopEntries(stop.Propose(terms, id, caseID, stop.Proposal{
			Account: stop.Account{Number: t.PayeeAccount, Bank: t.PayeeBank}, Minor: t.Amount.Minor,
			Currency: t.Amount.Currency, Transfer: stop.Transfer{ID: t.ID, Minor: t.Amount.Minor, At: t.At}, Hop: 1,
			FraudType: r.FraudType, Payer: t.PayerAccount, ReportID: note.ID}, now, "report"))...)
	}
	noted := ledger.Entry{ID: event.DerivedID("evt", note.ID), CaseID: caseID, At: now, By: "report", Report: note}
	return i.service.Log.Fold(partition(caseID), append([]ledger.Entry{noted}, stops...)...)
}

// Watch takes an entry of the watchlist; nil removes it.
func (i *Intake) Watch(_ context.Context, entity string, document []byte) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fail != nil {
		return i.fail
	}
	if i.watched == nil {
		i.watched = map[string]string{}
	}
	if delete(i.watched, entity); document != nil {
		i.watched[entity] = string(document)
	}
	return nil
}

// Taint takes announcements of money to follow.
func (i *Intake) Taint(_ context.Context, taints ...*event.Taint) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fail != nil {
		return i.fail
	}
	i.taints = append(i.taints, taints...)
	return nil
}

// Screener answers every question alike.
type Screener struct {
	mu    sync.Mutex
	v     scoring.Verdict
	lag   time.Duration
	fail  error
	asked []string
}

// Say is the answer from now on, after a time, or the failure.
func (s *Screener) Say(v scoring.Verdict, lag time.Duration, fail error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.v, s.lag, s.fail = v, lag, fail
}

// Asked are the documents that were asked about.
func (s *Screener) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.asked...)
}

// Screen answers.
func (s *Screener) Screen(ctx context.Context, document []byte, _ *event.Event) (*scoring.Verdict, error) {
	s.mu.Lock()
	s.asked = append(s.asked, string(document))
	v, lag, fail := s.v, s.lag, s.fail
	s.mu.Unlock()
	select {
	case <-time.After(lag):
		return &v, fail
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Watcher hears alerts as they happen.
type Watcher struct {
	mu   sync.Mutex
	docs [][]byte
	more chan struct{}
}

// Tell lets an alert happen.
func (w *Watcher) Tell(document []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.docs = append(w.docs, document)
	if w.more != nil {
		close(w.more)
		w.more = nil
	}
}

// After lists the alerts after the first n.
func (w *Watcher) After(n int) (docs [][]byte, seen int, more <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.more == nil {
		w.more = make(chan struct{})
	}
	if n >= 0 {
		docs = append(docs, w.docs[min(n, len(w.docs)):]...)
	}
	return docs, len(w.docs), w.more
}

// DeadLetters are refused documents.
type DeadLetters struct {
	mu       sync.Mutex
	list     []wire.DeadLetter
	fail     error
	replayed []string
}

// Keep adds a refused document.
func (d *DeadLetters) Keep(l wire.DeadLetter) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = append([]wire.DeadLetter{l}, d.list...)
}

// Fail makes reading and replaying fail; nil: they work again.
func (d *DeadLetters) Fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = err
}

// Replayed are the places that were sent in again.
func (d *DeadLetters) Replayed() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string{}, d.replayed...)
}

// Newest lists them.
func (d *DeadLetters) Newest(_ context.Context, limit int) ([]wire.DeadLetter, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.list[:min(limit, len(d.list))], d.fail
}

// Replay notes the place, if there is one.
func (d *DeadLetters) Replay(_ context.Context, partition int, offset int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.list {
		if d.list[i].Partition == partition && d.list[i].Offset == offset {
			d.replayed = append(d.replayed, fmt.Sprintf("%d-%d", partition, offset))
			return d.fail
		}
	}
	return errors.Join(d.fail, center.ErrGone)
}

// Backtest answers every question alike.
type Backtest struct {
	mu     sync.Mutex
	answer wire.Backtest
	fail   error
	during func()
}

// Say is the answer from now on, or the failure; during runs before it is given.
func (b *Backtest) Say(answer wire.Backtest, fail error, during func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer, b.fail, b.during = answer, fail, during
}

func (b *Backtest) run(_ context.Context, _, _ event.Instant, _, _ *scoring.Catalogue) (*wire.Backtest, error) {
	b.mu.Lock()
	answer, fail, during := b.answer, b.fail, b.during
	b.mu.Unlock()
	if during != nil {
		during()
	}
	return &answer, fail
}
