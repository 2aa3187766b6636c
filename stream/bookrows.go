package stream

import (
	"encoding/json"
	"fmt"
	"math"

	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
)

// bookRows makes rows of the books out of the records of one partition, in their
// order: the same ones whoever reads it, and however often.
type bookRows struct {
	*Deps
	fold *ledger.Ledger // of a partition of the ledger's log: what it ignores is not in the books
	from int64          // offset before which records are only folded
	// again is set where somebody has said before what is wrong with a record.
	again bool
}

// BookTopics are the topics that the books are made of.
func (t Topics) BookTopics() []string { return []string{t.DeadLetters, t.Legs, t.Alerts, t.Stops} }

// newBookRows begins at the partition's beginning where that has to be folded.
func newBookRows(d *Deps, topic string, terms law.Terms, from int64) (b *bookRows, begin int64) {
	b = &bookRows{Deps: d, from: from}
	if topic == d.Topics.Stops {
		b.fold = ledger.New(terms)
		return b, kafka.FirstOffset
	}
	return b, from
}

// add puts the rows of a record; an error is [hopeless].
func (b *bookRows) add(rows *warehouse.Rows, m *kafka.Message) error {
	switch m.Topic {
	case b.Topics.Legs:
		return b.legs(rows, m)
	case b.Topics.Alerts:
		return b.alert(rows, m)
	case b.Topics.DeadLetters:
		b.conflict(rows, m)
	default:
		return b.entry(rows, m)
	}
	return nil
}

func (b *bookRows) legs(rows *warehouse.Rows, m *kafka.Message) error {
	block, err := event.OpenBlock(m.Value)
	if err != nil {
		return hopeless(fmt.Errorf("legs: %w", err))
	}
	var l event.Leg
	for i := 0; block.Next(&l); i++ {
		rows.Leg(&l, m.Offset, i)
	}
	return hopeless(block.Err())
}

func (b *bookRows) alert(rows *warehouse.Rows, m *kafka.Message) error {
	var a scoring.Alert
	if err := json.Unmarshal(m.Value, &a); err != nil {
		return hopeless(fmt.Errorf("an alert: %w", err))
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
	rows.Alert(row)
	return nil
}

// anyTransfer reads documents that were accepted once: of whatever age, from 1970
// for two centuries.
var anyTransfer = event.Parser{Numbers: event.NewNumbers("CN"),
	Limits: event.Limits{Bytes: math.MaxInt, String: math.MaxInt, List: math.MaxInt, Ahead: ever}}

// conflict takes a repeat of a transfer that scoring refused; no other dead letter
// is of the books.
func (b *bookRows) conflict(rows *warehouse.Rows, m *kafka.Message) {
	l := deadLetterOf(m)
	if l.Reason != string(event.ReasonConflict) {
		return
	}
	var e event.Event
	if err := anyTransfer.Parse(l.Document, 0, &e); err != nil || e.Kind != event.KindTransfer {
		b.Log.Error("a dead letter of a transfer cannot be read, and is passed over", "partition", m.Partition,
			"offset", m.Offset, "err", err)
		return
	}
	rows.Conflict(warehouse.Conflict{ID: e.ID, At: e.At, Transfer: e.Transfer, Source: l.Source})
}

func (b *bookRows) entry(rows *warehouse.Rows, m *kafka.Message) error {
	var e ledger.Entry
	if err := json.Unmarshal(m.Value, &e); err != nil {
		return hopeless(fmt.Errorf("an entry of the ledger's log: %w", err))
	}
	res := b.fold.Apply(&e)
	if m.Offset < b.from {
		return nil
	}
	if res.Why.Code == ledger.CodeReportDiffers && !b.again {
		b.Metrics.Conflicts.Inc()
		b.Log.Warn("a report came again under its id and says something else: what differs is not in the books; "+
			"send it under an id of its own",
			"report", e.Report.ID, "case", e.CaseID, "partition", m.Partition, "offset", m.Offset)
	}
	if !res.Accepted {
		return nil
	}
	rows.Entry(&e, &res, m.Value, m.Offset)
	if res.Stop != nil && e.Delivery == nil {
		rows.Fact(res.Stop, b.fold.FirstOfCase(res.Stop.ID))
	}
	if e.Progress != nil {
		rows.Dirty(b.fold.BegunAt(e.CaseID))
	}
	return nil
}
