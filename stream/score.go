package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/bits-and-blooms/bloom/v3"
	"github.com/segmentio/kafka-go"

	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
)

// Score owns the entities of its legs partitions: it puts each leg into its
// entity's state and writes the alerts and stops that follow. From a leg to a
// stop there is only Kafka; ClickHouse holds the states that are not hot.
type Score struct {
	Brokers    string
	Group      string
	Topics     Topics
	Engine     *scoring.Engine
	Terms      law.Terms
	Producer   *Producer
	Warehouse  *warehouse.Warehouse
	Hot        int           // entities kept hot in each partition
	Checkpoint time.Duration // how much is scored again after a crash
	Clock      Clock
	Log        *slog.Logger
	Metrics    *Metrics
}

// Run works until ctx ends.
func (sc *Score) Run(ctx context.Context) error {
	return runGroup(ctx, sc.Log, sc.Metrics, "score", sc.Brokers, sc.Group, []string{sc.Topics.Legs}, sc.partition)
}

// coldTimeout bounds how long a batch waits for states that are not hot, and
// coldPause how long ClickHouse is left alone after it did not answer.
const (
	coldTimeout = 500 * time.Millisecond
	coldPause   = 2 * time.Second
	maxWaiting  = 200_000 // evicted states that may wait for ClickHouse
)

// worker scores one partition.
type worker struct {
	*Score
	claim     *claim
	part      *scoring.Partition
	known     *bloom.BloomFilter // entities that have a cold state
	unread    map[event.Entity]bool
	coldAgain time.Time // not before
	lastSaved time.Time
	saved     int64 // offset of the last checkpoint
	published int64 // legs before it were scored and published by an earlier claim
	out, log  []kafka.Message
	missing   []event.Entity
	saving    *saving // nil: none is on its way
	unnamed   map[event.Entity]*search
}

// search is an account whose payments are looked for in the books.
type search struct {
	next  time.Time // not before
	tries int
}

// partition restores the state of the last checkpoint and scores from there.
func (sc *Score) partition(ctx context.Context, c *claim) error {
	w := &worker{Score: sc, claim: c, part: scoring.NewPartition(sc.Engine, sc.Hot), unread: map[event.Entity]bool{}, unnamed: map[event.Entity]*search{}, lastSaved: time.Now(), published: c.offset}
	if err := w.restore(ctx); err != nil {
		return err
	}
	hot := sc.Metrics.Hot.WithLabelValues(strconv.Itoa(c.partition))
	next, whole := w.saved, true
	err := newReader(sc.Brokers, c.topic, c.partition, w.saved).batches(ctx, func(b batch) error {
		whole = false
		for i := range b.msgs {
			if err := w.block(ctx, &b.msgs[i]); err != nil {
				return err
			}
		}
		w.name(ctx)
		if err := w.publish(ctx); err != nil {
			return err
		}
		next, whole = b.next, true
		c.reached(next)
		hot.Set(float64(w.part.Len()))
		if err := w.checkpoint(ctx, next); err != nil {
			sc.Log.Warn("scoring goes on; the state is written later", "partition", c.partition, "err", err)
		}
		return nil
	})
	if ctx.Err() == nil || !whole {
		return err // states are ahead of what was published: they must not be written
	}
	// Leaving: what was scored is written, so that the next owner goes on at once.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = w.finish(true)
	w.save(last, next)
	if err = errors.Join(err, w.finish(true)); err != nil {
		sc.Log.Warn("leaving without a checkpoint; the next start scores the rest again", "partition", c.partition, "err", err)
	}
	return nil
}

// checkpoint begins and ends checkpoints as they are due, one at a time.
// Where evicted states pile up because ClickHouse does not take them, it slows
// scoring down instead of dropping any.
func (w *worker) checkpoint(ctx context.Context, offset int64) error {
	full := w.part.Waiting() > maxWaiting
	if err := w.finish(full); err != nil {
		if full {
			pause(ctx, time.Second)
		}
		return err
	}
	if w.saving == nil && (full || time.Since(w.lastSaved) > w.Checkpoint) {
		w.save(context.WithoutCancel(ctx), offset)
	}
	return nil
}

// restore reads the checkpoint, the states that changed last, and the names
// of all the others.
func (w *worker) restore(ctx context.Context) error {
	p := w.claim.partition
	cp, err := w.Warehouse.LoadCheckpoint(ctx, p)
	if err != nil {
		return err
	}
	w.saved = cp.Offset
	if len(cp.Marks) > 0 {
		var marks scoring.Marks
		if err := json.Unmarshal(cp.Marks, &marks); err != nil {
			return fmt.Errorf("checkpoint of partition %d: %w", p, err)
		}
		w.part.SetMarks(marks)
	}
	if err := w.restoreControls(ctx); err != nil {
		return err
	}
	w.known = bloom.NewWithEstimates(uint(max(4*w.Hot, 1_000_000)), 0.01)
	if err := w.Warehouse.Entities(ctx, p, func(name string) { w.known.AddString(name) }); err != nil {
		return err
	}
	rows, err := w.Warehouse.RecentStates(ctx, p, min(w.Hot, 200_000))
	if err != nil {
		return err
	}
	for i := len(rows) - 1; i >= 0; i-- { // the newest last, so that it is the hottest
		if rows[i].Entity == event.ControlEntity {
			continue
		}
		s, err := scoring.ReadState(rows[i].Entity, rows[i].State)
		if err != nil {
			return err
		}
		w.part.Put(s)
		w.ask(s)
	}
	return nil
}

// ask begins the search for an account's payments by name.
func (w *worker) ask(s *scoring.State) {
	if s.Asks() && w.unnamed[s.Entity] == nil && len(w.unnamed) < maxUnnamed {
		w.unnamed[s.Entity] = &search{}
	}
}

// restoreControls reads what people had decided by the last checkpoint.
func (w *worker) restoreControls(ctx context.Context) error {
	rows, err := w.Warehouse.LoadStates(ctx, w.claim.partition, []event.Entity{event.ControlEntity})
	if err != nil || len(rows) == 0 {
		return err
	}
	if err := w.part.SetControls(rows[0].State); err != nil {
		return fmt.Errorf("partition %d: %w", w.claim.partition, err)
	}
	return nil
}

// block brings the states of a block's entities to hand and applies its legs.
func (w *worker) block(ctx context.Context, m *kafka.Message) error {
	var err error
	if w.missing, err = w.part.Missing(m.Value, w.missing[:0]); err != nil {
		return fmt.Errorf("legs at %s/%d:%d: %w", m.Topic, m.Partition, m.Offset, err)
	}
	w.fetch(ctx)
	if ctx.Err() != nil {
		// The partition goes to another: what could not be read is its to read, and
		// nothing that was scored without it may be published.
		return context.Cause(ctx)
	}
	n := 0
	// Where the checkpoint is behind what was committed (its states could not be
	// read by this version, or ClickHouse was made anew), the legs between rebuild
	// the states, and ask no bank again for what is long past.
	again := m.Offset < w.published
	err = w.part.Apply(m.Offset, m.Value, func(l *event.Leg, out *scoring.Outcome) {
		n++
		if again {
			return
		}
		w.outcome(out)
		if out.Unnamed {
			w.ask(w.part.Peek(l.Entity))
		}
		if l.Event.Kind == event.KindTransfer && l.Event.Transfer.Screened {
			w.screened(l, out)
		}
		switch l.Role {
		case event.RoleReport:
			w.report(l)
		case event.RoleControl:
			if out.Refused != nil {
				w.Log.Error("a control is passed over", "partition", w.claim.partition, "err", out.Refused)
			} else if l.Event.Control.What == event.ControlCatalogue {
				w.Log.Info("the catalogue in force", "partition", w.claim.partition, "version", w.part.Catalogue())
			}
		}
	})
	if err != nil {
		return fmt.Errorf("legs at %s/%d:%d: %w", m.Topic, m.Partition, m.Offset, err)
	}
	w.Metrics.Legs.Add(float64(n))
	return nil
}

// fetch looks up the missing entities that have a cold state, all at once.
// While ClickHouse is away they are scored on what comes in; the past is added
// when it can be read.
func (w *worker) fetch(parent context.Context) {
	ask := w.missing[:0]
	for _, e := range w.missing {
		if w.known.TestString(string(e)) {
			ask = append(ask, e)
		}
	}
	for e := range w.unread {
		if len(ask) > 1000 {
			break
		}
		ask = append(ask, e)
	}
	if len(ask) == 0 {
		return
	}
	if time.Now().Before(w.coldAgain) {
		w.incomplete(ask)
		return
	}
	ctx, cancel := context.WithTimeout(parent, coldTimeout)
	defer cancel()
	rows, err := w.Warehouse.LoadStates(ctx, w.claim.partition, ask)
	if err != nil && parent.Err() != nil {
		return // see block
	}
	if err != nil {
		w.coldAgain = time.Now().Add(coldPause)
		w.Log.Warn("ClickHouse did not answer; scoring goes on with what is known", "partition", w.claim.partition, "entities", len(ask), "err", err)
		w.incomplete(ask)
		return
	}
	w.Metrics.Cold.WithLabelValues("found").Add(float64(len(rows)))
	w.Metrics.Cold.WithLabelValues("new").Add(float64(len(ask) - len(rows)))
	for _, r := range rows {
		past, err := scoring.ReadState(r.Entity, r.State)
		if err != nil {
			w.Log.Error("a state cannot be read; the entity begins anew", "err", err)
			continue
		}
		w.outcome(w.part.Merge(past))
		w.ask(past)
	}
	for _, e := range ask {
		if s := w.part.Peek(e); s != nil {
			s.Read()
		}
		delete(w.unread, e)
	}
}

// maxUnnamed bounds the accounts that are looked for at once, and maxSearches
// how often: the books are a second or two behind.
const (
	maxUnnamed  = 10_000
	maxSearches = 8
)

// name looks in the books for payments by which tainted money had gone on before
// the account's partition knew that it was tainted. While ClickHouse is away the
// banks' answers tell, and the books when they are back.
func (w *worker) name(ctx context.Context) {
	now := time.Now()
	var ask []string
	for e, s := range w.unnamed {
		if now.After(s.next) && len(ask) < 500 {
			ask = append(ask, strings.TrimPrefix(string(e), event.PrefixAccount))
			s.next = now.Add(time.Second)
		}
	}
	if len(ask) == 0 || now.Before(w.coldAgain) {
		return
	}
	asking, cancel := context.WithTimeout(ctx, coldTimeout)
	defer cancel()
	found, err := w.Warehouse.Payments(asking, ask, w.Clock().Add(-traceBack))
	if err != nil && ctx.Err() != nil {
		return // the partition goes to another
	}
	if err != nil {
		w.coldAgain = now.Add(coldPause)
		w.Log.Warn("ClickHouse did not answer; trails go on with what is known", "partition", w.claim.partition, "accounts", len(ask), "err", err)
		return
	}
	for _, account := range ask {
		e, list := event.Entity(event.PrefixAccount+account), found[account]
		if s := w.unnamed[e]; s != nil {
			if s.tries++; s.tries == maxSearches {
				delete(w.unnamed, e)
				w.part.Unasked(e)
			}
		}
		named := make([]scoring.Named, len(list))
		for i := range list {
			named[i] = scoring.Named(list[i])
		}
		if out := w.part.Name(e, named); out != nil {
			w.outcome(out)
			if !out.Unnamed {
				delete(w.unnamed, e)
			}
		}
	}
}

// traceBack is how far back payments are looked for.
const traceBack = 7 * 24 * time.Hour

// incomplete notes that the entities have a past which could not be read.
func (w *worker) incomplete(entities []event.Entity) {
	w.Metrics.Cold.WithLabelValues("unavailable").Add(float64(len(entities)))
	for _, e := range entities {
		if !w.part.Has(e) {
			s := scoring.NewState(e)
			s.MarkUnread()
			w.part.Put(s)
			w.unread[e] = true
		}
	}
}

// outcome takes what a leg led to: alerts and their stops, notes for other
// entities, brakes that fell.
func (w *worker) outcome(out *scoring.Outcome) {
	for i := range out.Alerts {
		w.alert(&out.Alerts[i])
	}
	for i := range out.Notes {
		n := &out.Notes[i]
		w.out = append(w.out, kafka.Message{Topic: w.Topics.Risk, Key: []byte(n.Risk.Entity), Value: mustJSON(event.RiskDocument(n.At, &n.Risk))})
	}
	w.Metrics.Notes.Add(float64(len(out.Notes)))
	for i := range out.Hops {
		t := &out.Hops[i]
		w.propose(ledger.StopEntries(stop.Propose(w.Terms, t.StopID, t.CaseID, stop.Proposal{
			Account: stop.Account{Number: t.Account, Bank: t.Bank, Holder: t.Holder}, Minor: t.Minor, Currency: event.CNY,
			Transfer: stop.Transfer{ID: t.Transfer, Minor: t.Whole, At: t.At}, Hop: t.Hop, FraudType: t.Type, District: t.District, Pattern: t.Pattern,
			Parent: t.Parent, Via: stop.ViaTransfer, Text: "money of stop " + t.Parent + " went on to this account",
		}, w.Clock(), "trail")))
	}
	for i := range out.Ends {
		t := &out.Ends[i]
		w.propose([]ledger.Entry{ledger.LeafEntry(t.CaseID, &stop.Leaf{ID: t.StopID, Parent: t.Parent, Account: stop.Account{Number: t.Account, Bank: t.Bank, Holder: t.Holder},
			Minor: t.Minor, Transfer: stop.Transfer{ID: t.Transfer, Minor: t.Whole, At: t.At}, Hop: t.Hop, Why: t.Why}, w.Clock())})
	}
	for i := range out.Taints {
		w.taint(&out.Taints[i])
	}
	for _, t := range out.Trips {
		asked := event.Money{Minor: t.Minor, Currency: event.CNY}.Text()
		w.Log.Error("a brake fell: automatic stops go to review until a person lifts it", "pattern", t.Pattern, "partition", w.claim.partition,
			"stops", t.Stops, "amount", asked, "lift", "POST /v1/brakes/"+t.Pattern+"/release")
		c := &event.Control{What: event.ControlTrip, Pattern: t.Pattern, By: "scoring",
			Reason: fmt.Sprintf("partition %d had asked for %d stops of %s within the hour",
				w.claim.partition, t.Stops, asked)}
		id := event.DerivedID("ctl", t.Pattern, t.At.String(), strconv.Itoa(w.claim.partition))
		w.out = append(w.out, kafka.Message{Topic: w.Topics.Controls, Key: []byte(event.ControlEntity), Value: mustJSON(event.ControlDocument(id, t.At, c))})
	}
}

// screened answers for one leg of a transfer that somebody waits for.
func (w *worker) screened(l *event.Leg, out *scoring.Outcome) {
	a := answer{Transfer: event.TransferKey(l.Event.Transfer.Payer.Account, l.Event.ID), Legs: scoring.LegsOf(&l.Event), Role: l.Role}
	a.Verdict.Add(l.Event.ID, out.Alerts)
	w.out = append(w.out, kafka.Message{Topic: w.Topics.Screenings, Key: []byte(l.Event.ID), Value: mustJSON(&a)})
}

// alert publishes an alert and, where it asks for one, the stop.
func (w *worker) alert(a *scoring.Alert) {
	w.Metrics.Alerts.WithLabelValues(a.Action.String()).Inc()
	w.out = append(w.out, kafka.Message{Topic: w.Topics.Alerts, Key: []byte(a.Entity), Value: mustJSON(a)})
	if a.StopID == "" {
		return
	}
	t := a.Transfer
	w.propose(ledger.StopEntries(stop.Propose(w.Terms, a.StopID, a.CaseID, stop.Proposal{
		Account: stop.Account{Number: t.Payee.Account, Bank: t.Payee.Bank, Holder: t.Payee.Holder},
		Minor:   t.Minor(), Currency: t.Currency, Transfer: stop.Transfer{ID: t.ID, Minor: t.Minor(), At: t.At},
		Hop: 1, FraudType: a.FraudType, District: a.District, Pattern: a.Hits[0].Pattern, AlertID: a.ID, Payer: t.Payer.Account,
		Text:        fmt.Sprintf("%s, score %d", a.FraudType, a.Score),
		Explanation: &stop.Explanation{Catalogue: a.Catalogue, Score: a.Score, At: a.At, Event: a.Event.Kind + ":" + a.Event.ID, Hits: mustJSON(a.Hits)},
	}, w.Clock(), "scoring")))
}

// taint tells an account of money that came into it, by way of its partition.
func (w *worker) taint(t *event.Taint) {
	w.out = append(w.out, TaintMessage(w.Topics, t))
}

// TaintMessage is the record that tells an account of a stop's money.
func TaintMessage(topics Topics, t *event.Taint) kafka.Message {
	return kafka.Message{Topic: topics.Risk, Key: []byte(t.Entity()), Value: mustJSON(event.TaintDocument(t))}
}

// report opens or joins the victim's case, with a stop for each payment that
// was made from this account.
func (w *worker) report(l *event.Leg) {
	r := l.Event.Report
	caseID := event.CaseID(string(l.Entity))
	if len(r.Transfers) > 0 {
		caseID = event.CaseID(r.Transfers[0].PayerAccount)
	}
	state := w.part.Peek(l.Entity)
	note := &ledger.ReportNote{ID: r.Source + ":" + l.Event.ID, Source: r.Source, District: r.District, FraudType: r.FraudType, Stops: []string{},
		Holder: r.Victim.Holder, Phone: r.Victim.Phone, Callers: r.Callers, Digest: r.Digest()}
	for i := range r.Transfers {
		t := &r.Transfers[i]
		if note.Currency == "" {
			note.Currency = t.Amount.Currency
		}
		if t.Amount.Currency == note.Currency {
			note.Minor += t.Amount.Minor
		}
		payment := ledger.Payment{Payer: t.PayerAccount, Payee: t.PayeeAccount, Minor: t.Amount.Minor,
			Currency: t.Amount.Currency, At: t.At}
		if event.PrefixAccount+t.PayerAccount != string(l.Entity) {
			if t.ID != "" { // that account's own leg sees to the stop
				payment.Stop = event.StopID(event.TransferKey(t.PayerAccount, t.ID), t.PayeeAccount)
			}
			note.Payments = append(note.Payments, payment)
			continue
		}
		key := event.TransferKey(t.PayerAccount, t.ID)
		if t.ID == "" {
			var found bool
			if key, found = state.FindDebit(t.PayeeAccount, t.Amount.Minor, t.At); !found {
				key = event.TransferKey(t.PayerAccount, ledger.UnseenTransfer(note.ID, i))
			}
		}
		payment.Stop = event.StopID(key, t.PayeeAccount)
		note.Stops, note.Payments = append(note.Stops, payment.Stop), append(note.Payments, payment)
		p := stop.Proposal{
			Account: stop.Account{Number: t.PayeeAccount, Bank: t.PayeeBank},
			Minor:   t.Amount.Minor, Currency: t.Amount.Currency, Transfer: stop.Transfer{ID: t.ID, Minor: t.Amount.Minor, At: t.At},
			Hop: 1, FraudType: r.FraudType, District: r.District, ReportID: note.ID, Payer: t.PayerAccount,
			Text: "reported by the victim to " + r.Source, Doubt: w.doubt(state, t, l.Event.At),
		}
		w.propose(ledger.StopEntries(stop.Propose(w.Terms, payment.Stop, caseID, p, w.Clock(), "report")))
		if t.Amount.Currency == event.CNY && p.Doubt == "" {
			w.taint(&event.Taint{Account: t.PayeeAccount, Bank: t.PayeeBank, CaseID: caseID, StopID: payment.Stop, Payer: t.PayerAccount, Transfer: t.ID, Key: key, At: t.At,
				Minor: t.Amount.Minor, Whole: t.Amount.Minor, Hop: 1, Type: r.FraudType, District: r.District})
		}
	}
	w.propose([]ledger.Entry{{ID: event.DerivedID("evt", caseID, note.ID), CaseID: caseID, At: l.Event.At, By: "report", Report: note}})
}

// doubt says why a person must look at a reported payment before any account
// is stopped for it; empty for the usual report.
func (w *worker) doubt(reporter *scoring.State, t *event.ReportedTransfer, at event.Instant) string {
	switch {
	case t.Amount.Currency == event.CNY && t.Amount.Minor < w.Terms.Tiny:
		return stop.DoubtTiny
	case reporter.Reports(at) >= w.Terms.Reporter:
		return stop.DoubtRepeated
	case reporter.ReceivedFrom(t.PayeeAccount) >= t.Amount.Minor:
		return stop.DoubtCircular
	}
	return ""
}

func (w *worker) propose(events []ledger.Entry) {
	for i := range events {
		w.log = append(w.log, kafka.Message{Topic: w.Topics.Stops, Key: []byte(events[i].CaseID), Value: mustJSON(&events[i])})
	}
}

// publish writes what the batch caused: stops first, they are what hurries.
func (w *worker) publish(ctx context.Context) error {
	if err := w.Producer.Write(ctx, w.log...); err != nil {
		return err
	}
	if err := w.Producer.Write(ctx, w.out...); err != nil {
		return err
	}
	w.log, w.out = w.log[:0], w.out[:0]
	return nil
}

// saving is a checkpoint on its way to ClickHouse.
type saving struct {
	states   []*scoring.State
	controls bool // are among what is written
	offset   int64
	whole    bool // nothing is left out, so that the offset can be committed
	done     chan error
}

// save begins a checkpoint: the states are encoded here, and written while
// scoring goes on.
func (w *worker) save(ctx context.Context, offset int64) {
	w.lastSaved = time.Now()
	sv := &saving{states: w.part.Snapshot(), offset: offset, whole: len(w.unread) == 0, done: make(chan error, 1)}
	if offset == w.saved && len(sv.states) == 0 {
		return
	}
	rows := make([]warehouse.StateRow, len(sv.states))
	for i, s := range sv.states {
		rows[i] = warehouse.StateRow{Entity: s.Entity, Version: s.Applied.Version(), State: scoring.AppendState(nil, s)}
		w.known.AddString(string(s.Entity))
	}
	version, controls := w.part.Controls()
	if sv.controls = controls != nil; sv.controls {
		rows = append(rows, warehouse.StateRow{Entity: event.ControlEntity, Version: version, State: controls})
	}
	checkpoint := warehouse.Checkpoint{Offset: offset, Marks: mustJSON(w.part.Marks())}
	w.saving = sv
	go func() {
		const chunk = 50_000
		for len(rows) > 0 {
			n := min(chunk, len(rows))
			if err := w.Warehouse.SaveStates(ctx, w.claim.partition, rows[:n]); err != nil {
				sv.done <- err
				return
			}
			rows = rows[n:]
		}
		var err error
		if sv.whole {
			err = w.Warehouse.SaveCheckpoint(ctx, w.claim.partition, checkpoint)
		}
		sv.done <- err
	}()
}

// finish ends a checkpoint that is written, and commits. With wait it waits for
// one that is on its way.
func (w *worker) finish(wait bool) error {
	if w.saving == nil {
		return nil
	}
	var err error
	if wait {
		err = <-w.saving.done
	} else {
		select {
		case err = <-w.saving.done:
		default:
			return nil
		}
	}
	sv := w.saving
	w.saving = nil
	w.part.Written(sv.states, err == nil)
	if err != nil {
		if sv.controls {
			w.part.ControlsLost()
		}
		w.coldAgain = time.Now().Add(coldPause)
		return fmt.Errorf("write the scoring state: %w", err)
	}
	if !sv.whole {
		return nil // legs of unread entities must be read again after a crash
	}
	w.saved = sv.offset
	w.Metrics.Checkpoints.Inc()
	return w.claim.commit(sv.offset, true)
}
