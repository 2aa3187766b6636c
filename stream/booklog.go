package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stopline.internal/store/ledger/law"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
	"stopline.internal/stream/retry"
)

// BookLog reads again what Kafka keeps of the topics that the books are made of: to
// make the books again, or to compare them. It belongs to no group, and commits
// nothing.
type BookLog struct {
	Deps
	warehouse *warehouse.Warehouse
	terms     law.Terms
}

// NewBookLog returns the log of the books, which folds the ledger's part by the
// terms.
func NewBookLog(d Deps, w *warehouse.Warehouse, t law.Terms) (*BookLog, error) {
	if err := d.need("the log of the books", part{"warehouse", w == nil}); err != nil {
		return nil, err
	}
	return &BookLog{d, w, t}, nil
}

// retelling writes the log into books, partition after partition.
type retelling struct {
	*BookLog
	books      *warehouse.Books
	partitions []*toldPartition
	report     func(read, of int64) // how far it is, in records
	read, all  int64
	whole      [3]event.Instant // by source: what Kafka has is whole from the day after this; 0: all of it
}

// toldPartition is one partition of a retelling.
type toldPartition struct {
	topic     string
	partition int
	rows      *bookRows
	next      int64
	begun     bool
}

// retell begins with nothing read.
func (b *BookLog) retell(ctx context.Context, books *warehouse.Books, report func(read, of int64)) (*retelling, error) {
	r := &retelling{BookLog: b, books: books, report: report}
	for _, topic := range b.Topics.BookTopics() {
		partitions, err := b.Cluster.Partitions(ctx, topic)
		if err != nil {
			return nil, err
		}
		if len(partitions) == 0 {
			return nil, fmt.Errorf("there is no topic %s at %s: is --topic-prefix right?", topic, b.Cluster)
		}
		for _, p := range partitions {
			rows, _ := newBookRows(&b.Deps, topic, b.terms, 0)
			rows.again = true
			r.partitions = append(r.partitions, &toldPartition{topic: topic, partition: p, rows: rows,
				next: kafka.FirstOffset})
		}
	}
	return r, nil
}

// to reads every partition up to an offset, or to its end where that is below 0,
// and writes the rows.
func (r *retelling) to(ctx context.Context, end func(topic string, partition int) (int64, error)) error {
	for _, p := range r.partitions {
		until, err := end(p.topic, p.partition)
		if err == nil {
			err = r.partitionTo(ctx, p, until)
		}
		if err != nil {
			return err
		}
	}
	return r.flush(ctx)
}

func (r *retelling) flush(ctx context.Context) error {
	_, err := r.books.Flush(ctx)
	return err
}

// patienceForRecords is how long a partition may bring nothing before its end: a
// record that a transaction took back, or nothing more than a marker.
const patienceForRecords = 5 * time.Second

func (r *retelling) partitionTo(ctx context.Context, p *toldPartition, until int64) error {
	reader := r.Cluster.NewReader(p.topic, p.partition, p.next)
	first, end, err := reader.Span(ctx)
	if err != nil {
		return err
	}
	if until < 0 || until > end {
		until = end
	}
	r.all += max(0, until-max(first, p.next))
	if first == end && first > 0 { // all of it has been dropped
		r.incomplete(p.topic, r.Clock())
	}
	var msgs []kafka.Message
	for brought := time.Now(); reader.Offset() < until; {
		if msgs, err = reader.Read(ctx, msgs[:0]); err != nil {
			return err
		}
		if len(msgs) > 0 {
			brought = time.Now()
		} else if time.Since(brought) > patienceForRecords {
			break
		}
		for i := range msgs {
			if msgs[i].Offset >= until {
				continue
			}
			if err := r.record(ctx, p, &msgs[i]); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	p.next = max(p.next, until)
	return nil
}

func (r *retelling) record(ctx context.Context, p *toldPartition, m *kafka.Message) error {
	batch := &warehouse.Rows{Since: r.books.Since}
	var h hopelessError
	if err := p.rows.add(batch, m); err != nil && !errors.As(err, &h) { // what nothing can be made of is in quarantine
		return err
	}
	if !p.begun {
		p.begun = true
		if m.Offset > 0 { // Kafka has dropped what was before it
			r.incomplete(p.topic, max(event.InstantOf(m.Time), batch.Newest()))
		}
	}
	r.books.Add(batch)
	p.next = m.Offset + 1
	r.read++
	if r.report != nil && r.read%reportEvery == 0 {
		r.report(r.read, r.all)
	}
	if r.books.Len() < writeRows && r.books.Bytes() < writeBytes {
		return nil
	}
	return r.flush(ctx)
}

// reportEvery is after how many records progress is told.
const reportEvery = 1000

// incomplete notes that a partition lacks what was before a moment: when its first
// record was written, or when what that tells of happened if a simulated clock is
// ahead of Kafka's.
func (r *retelling) incomplete(topic string, at event.Instant) {
	if topic == r.Topics.DeadLetters {
		return // what a letter refuses is in the books for good
	}
	s := r.source(topic)
	r.whole[s] = max(r.whole[s], at)
}

func (r *retelling) source(topic string) warehouse.Source {
	switch topic {
	case r.Topics.Legs:
		return warehouse.FromLegs
	case r.Topics.Alerts:
		return warehouse.FromAlerts
	}
	return warehouse.FromLedger
}

// wholeFrom is the first day by source that Kafka has whole; empty: every day is.
func (r *retelling) wholeFrom() (from [3]string) {
	for s, at := range r.whole {
		if at != 0 {
			from[s] = warehouse.Day(at.Add(day))
		}
	}
	return from
}

// Rebuilt is what a rebuild did.
type Rebuilt struct {
	Records int64    `json:"records"` // of the log that were read
	From    string   `json:"from,omitempty"`
	Whole   []string `json:"whole_from,omitempty"` // by source: before that day Kafka has dropped something
}

// Rebuild writes into the books what Kafka keeps of a day and those after it (0: of
// every day), up to the log's ends of this moment. The service may be running. With
// exactly, rows of whole days that the log does not have are removed. It tells report
// how far it is.
func (b *BookLog) Rebuild(ctx context.Context, from event.Instant, exactly bool,
	report func(read, of int64)) (*Rebuilt, error) {
	began, err := b.warehouse.Now(ctx)
	if err != nil {
		return nil, err
	}
	books := b.warehouse.NewBooks()
	books.Since = from
	r, err := b.retell(ctx, books, report)
	if err != nil {
		return nil, err
	}
	if err := r.to(ctx, func(string, int) (int64, error) { return -1, nil }); err != nil {
		return nil, err
	}
	out := &Rebuilt{Records: r.read}
	whole := r.wholeFrom()
	for s := range whole {
		if whole[s] != "" {
			out.Whole = append(out.Whole, fmt.Sprintf("%s %s", warehouse.Source(s), whole[s]))
		}
		if from != 0 {
			out.From = warehouse.Day(from)
			whole[s] = max(whole[s], out.From)
		} else if whole[s] == "" {
			whole[s] = "1970-01-01"
		}
	}
	if exactly {
		err = b.warehouse.Strike(ctx, whole, began)
	}
	return out, err
}

// LogCheck is a comparison of the books with the log.
type LogCheck struct {
	Days    int                       // of tables, that were compared
	Whole   [3]string                 // by source: the first day that was; empty: every day
	Differ  []warehouse.DayDifference // that stayed
	Pending int                       // that came and went: what the books were about to learn
}

// betweenLooks is how long the books have to learn what they lack.
const betweenLooks = time.Second

// Verify counts every table of the books by day against the log. The books are
// compared with as much of the log as they say that they have. What differs is looked
// at again until patience has run out: a day that lacks the same twice in a row is a
// difference.
func (b *BookLog) Verify(ctx context.Context, patience time.Duration) (_ *LogCheck, err error) {
	second, err := b.warehouse.NewCopy(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, second.Drop(ctx)) }()
	r, err := b.retell(ctx, second.Books(), nil)
	if err != nil {
		return nil, err
	}
	kept, err := b.keptFrom(ctx)
	if err != nil {
		return nil, err
	}
	var before map[lack]bool
	for began := time.Now(); ; {
		if err := r.to(ctx, b.reached(ctx)); err != nil {
			return nil, err
		}
		out := &LogCheck{Whole: r.wholeFrom()}
		differ, days, err := second.Compare(ctx, out.Whole)
		if err != nil {
			return nil, err
		}
		out.Days = days
		now, again := map[lack]bool{}, false
		for _, d := range differ {
			if d.Day < kept[d.Table] {
				continue
			}
			l := lackOf(&d)
			if now[l] = true; before[l] {
				out.Differ = append(out.Differ, d)
			} else {
				out.Pending++
				again = true
			}
		}
		if !again || before != nil && time.Since(began) > patience {
			return out, nil
		}
		before = now
		retry.Pause(ctx, betweenLooks)
	}
}

// lack is how much a day of a table has too few or too many, whatever comes in
// meanwhile.
type lack struct {
	table, day string
	rows       int64
	minor      int64
}

func lackOf(d *warehouse.DayDifference) lack {
	return lack{d.Table, d.Day, int64(d.Log.Rows) - int64(d.Books.Rows), d.Log.Minor - d.Books.Minor}
}

// reached is how far the books say that they have a partition.
func (b *BookLog) reached(ctx context.Context) func(string, int) (int64, error) {
	return func(topic string, partition int) (int64, error) {
		next, written, err := b.warehouse.Offset(ctx, topic, partition)
		if err == nil && !written {
			return 0, nil
		}
		return max(0, next), err
	}
}

// keptFrom is the first day of each table that is kept for some days only, with a
// day to spare.
func (b *BookLog) keptFrom(ctx context.Context) (map[string]string, error) {
	kept, err := b.warehouse.Kept(ctx)
	out := map[string]string{}
	for _, k := range kept {
		if k.Days > 0 {
			out[k.Table] = warehouse.Day(event.InstantOf(time.Now()).Add(-time.Duration(k.Days-1) * day))
		}
	}
	return out, err
}
