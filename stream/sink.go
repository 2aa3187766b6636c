package stream

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
	"stopline.internal/stream/retry"
)

// Sink writes the books: transfers and calls from the legs, alerts, and every
// version of every stop. While ClickHouse is away it waits, and nothing else
// does.
type Sink struct {
	Deps
	groupID   string
	warehouse *warehouse.Warehouse
	terms     law.Terms
}

// NewSink returns a loop of the consumer group with that id. It folds the
// ledger's log by the terms.
func NewSink(d Deps, groupID string, w *warehouse.Warehouse, t law.Terms) (*Sink, error) {
	if err := d.need("the sink", part{"group", groupID == ""}, part{"warehouse", w == nil}); err != nil {
		return nil, err
	}
	return &Sink{d, groupID, w, t}, nil
}

// A batch is written at this many rows, or after this time.
const (
	flushRows = 20_000
	flushAge  = time.Second
)

// flushPauses are those between two tries to write a batch.
var flushPauses = retry.Pauses{First: 200 * time.Millisecond, Most: 10 * time.Second}

// Run works until ctx ends.
func (s *Sink) Run(ctx context.Context) error {
	return s.Cluster.Run(ctx, s.group(s.groupID, "warehouse", s.Topics.Legs, s.Topics.Alerts, s.Topics.Stops), s.partition)
}

func (s *Sink) partition(ctx context.Context, c *kafka.Claim) error {
	books := s.warehouse.NewBooks()
	var fold *ledger.Ledger
	from, unwritten, anew := c.Offset, c.Offset, false
	if c.Topic == s.Topics.Stops { // what the fold ignores must not be in the books: it is told from the beginning
		fold, from = ledger.New(s.terms), kafka.FirstOffset
		written, err := s.warehouse.Written(ctx, c.Partition)
		if err != nil {
			return err
		}
		if anew = !written; anew { // a ClickHouse made anew, or books of an older form
			unwritten = 0
		}
	}
	next := c.Offset
	err := c.Reader(from).Batches(ctx, func(b kafka.Batch) error {
		for i := range b.Messages {
			if err := s.add(books, fold, &b.Messages[i], unwritten); err != nil {
				return err
			}
		}
		next = max(next, b.Next)
		if books.Rows() < flushRows && books.Age(time.Now()) < flushAge && books.Rows() > 0 {
			return nil
		}
		if err := s.flush(ctx, books, c, next); err != nil || !anew || b.Next < c.Offset {
			return err
		}
		anew = false // all that was read before is written again
		return s.warehouse.SetWritten(ctx, c.Partition)
	})
	if ctx.Err() == nil {
		return err
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return s.flush(last, books, c, next)
}

// flush writes the rows and then commits. It tries until it works: slower, and
// complete.
func (s *Sink) flush(ctx context.Context, books *warehouse.Books, c *kafka.Claim, offset int64) error {
	err := flushPauses.Do(ctx, func() error {
		done, err := books.Flush(ctx)
		for table, n := range done {
			s.Metrics.Rows.WithLabelValues(table).Add(float64(n))
		}
		return err
	}, func(err error) {
		s.Log.Error("ClickHouse did not take a batch; trying again", "topic", c.Topic, "partition", c.Partition, "rows",
			books.Rows(), "err", err)
	})
	if err != nil {
		return err
	}
	c.Reached(offset)
	return c.Commit(offset, false)
}

// add puts a message's rows into the books; those of the ledger's log once the
// fold has accepted them, from the first offset on that is not written yet.
func (s *Sink) add(books *warehouse.Books, fold *ledger.Ledger, m *kafka.Message, unwritten int64) error {
	switch m.Topic {
	case s.Topics.Legs:
		b, err := event.OpenBlock(m.Value)
		if err != nil {
			return fmt.Errorf("legs at %d of partition %d: %w", m.Offset, m.Partition, err)
		}
		var l event.Leg
		for b.Next(&l) {
			books.Leg(&l)
		}
		return b.Err()
	case s.Topics.Alerts:
		var a scoring.Alert
		if err := json.Unmarshal(m.Value, &a); err != nil {
			s.Log.Error("an alert cannot be read, and is passed over", "partition", m.Partition, "offset", m.Offset, "err", err)
			return nil
		}
		row := warehouse.AlertRow{ID: a.ID, Entity: string(a.Entity), Action: a.Action.String(), FraudType: a.FraudType,
			StopID: a.StopID, CaseID: a.CaseID, District: a.District, At: a.At, Score: a.Score, Document: m.Value}
		row.Catalogue = a.Catalogue
		if t := a.Transfer; t != nil && t.Payee.Account != "" {
			row.SubjectStop = event.StopID(event.TransferKey(t.Payer.Account, t.ID), t.Payee.Account)
		}
		for _, h := range a.Hits {
			row.Patterns = append(row.Patterns, h.Pattern)
		}
		books.Alert(row)
		return nil
	default:
		var e ledger.Entry
		if err := json.Unmarshal(m.Value, &e); err != nil {
			s.Log.Error("an entry of the ledger's log cannot be read, and is passed over", "partition", m.Partition,
				"offset", m.Offset, "err", err)
			return nil
		}
		res := fold.Apply(&e)
		if res.Why.Code == ledger.CodeReportDiffers && m.Offset >= unwritten {
			s.Metrics.Conflicts.Inc()
			s.Log.Warn("a report came again under its id and says something else: what differs is not in the books; "+
				"send it under an id of its own",
				"report", e.Report.ID, "case", e.CaseID, "partition", m.Partition, "offset", m.Offset)
		}
		if res.Accepted && m.Offset >= unwritten {
			books.Entry(&e, &res, m.Value, m.Offset)
			if res.Stop != nil && e.Delivery == nil {
				books.Fact(res.Stop, fold.FirstOfCase(res.Stop.ID))
			}
			if e.Progress != nil {
				books.Dirty(fold.BegunAt(e.CaseID))
			}
		}
		return nil
	}
}
