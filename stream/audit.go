package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"stopline.internal/scoring"
	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
)

// Audit compares the sources with the log of legs, and says where every record of a
// source is: applied, refused with a dead letter, of no concern to any account,
// waiting, or missing. It reads the logs and trusts nobody's counters.
type Audit struct {
	Deps
	parser *event.Parser
	group  string // ingest's
}

// ever is longer than any document's time may lie ahead.
const ever = 200 * 365 * day

// NewAudit returns an audit. Whatever bounds of time the parser has, it reads documents
// of any: what was right when it came is right. The group is the one that ingest
// commits in.
func NewAudit(d Deps, p *event.Parser, group string) (*Audit, error) {
	if err := d.need("the audit", part{"parser", p == nil}, part{"group", group == ""}); err != nil {
		return nil, err
	}
	anyTime := *p
	anyTime.Limits.Past, anyTime.Limits.Ahead = 0, ever
	return &Audit{d, &anyTime, group}, nil
}

// Account is where the records of one source partition are, by number. Read is the
// sum of what follows it.
type Account struct {
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Read      int64  `json:"read"`
	Applied   int64  `json:"applied"`  // each leg of it, once
	Refused   int64  `json:"refused"`  // a dead letter says why
	Nobodys   int64  `json:"nobodys"`  // such as a proposal that nothing follows from yet
	Waiting   int64  `json:"waiting"`  // ingest has not committed it yet
	Expired   int64  `json:"expired"`  // its legs are older than what the log keeps
	Missing   int64  `json:"missing"`  // a leg of it is nowhere
	Doubled   int64  `json:"doubled"`  // a leg of it was taken twice
	First     int64  `json:"first"`    // offset of the first that is missing or doubled; -1: none
	Repeated  int64  `json:"repeated"` // legs that came again and were passed over
	Replaced  int64  `json:"replaced"` // legs of somebody who had been replaced, passed over
	Gap       int64  `json:"gap"`      // legs passed over because others before them were missing then
}

// Sound says whether nothing is missing and nothing was taken twice.
func (a *Account) Sound() bool { return a.Missing == 0 && a.Doubled == 0 }

// sourced is what the log of legs says of one source partition.
type sourced struct {
	account Account
	taken   []uint16 // by source offset less base: the legs that were taken
	base    int64
	known   int64 // offsets before it may have legs that have expired
	// committed is asked for before the legs are read: what is committed has been
	// written by then.
	committed int64
	epoch     epoch // of the commit: since the log was made anew, what older ones took of it is void
}

// audited is the work of one [Audit.Run].
type audited struct {
	*Audit
	mu      sync.Mutex
	sources map[event.Source]*sourced // by topic and partition, offset 0
	letters map[string]bool           // places of dead letters
}

// Run reads everything once and returns an account for each source partition, in
// the order of the sources. Progress, if any, is told what is being read.
func (a *Audit) Run(ctx context.Context, progress func(string)) ([]Account, error) {
	w := &audited{Audit: a, sources: map[event.Source]*sourced{}, letters: map[string]bool{}}
	counts, err := a.Cluster.Topics(ctx)
	if err != nil {
		return nil, err
	}
	for i, topic := range a.Topics.Sources() {
		for p := range counts[topic] {
			s, err := w.source(ctx, topic, p)
			if err != nil {
				return nil, err
			}
			w.sources[event.Source{Topic: uint8(i), Partition: int32(p)}] = s
		}
	}
	progress("the dead letters")
	if err := w.deadLetters(ctx, counts[a.Topics.DeadLetters]); err != nil {
		return nil, err
	}
	progress("the legs")
	for p := range counts[a.Topics.Legs] {
		if err := w.legs(ctx, p); err != nil {
			return nil, err
		}
	}
	var out []Account
	for _, at := range slices.SortedFunc(maps.Keys(w.sources), func(a, b event.Source) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	}) {
		s := w.sources[at]
		progress(fmt.Sprintf("%s/%d", s.account.Topic, s.account.Partition))
		if err := w.records(ctx, s); err != nil {
			return nil, err
		}
		out = append(out, s.account)
	}
	return out, nil
}

// source begins the account of a source partition.
func (w *audited) source(ctx context.Context, topic string, partition int) (*sourced, error) {
	first, end, err := w.Cluster.NewReader(topic, partition, kafka.FirstOffset).Span(ctx)
	if err != nil {
		return nil, err
	}
	committed, err := w.Cluster.Committed(ctx, w.group, topic, partition)
	if err != nil {
		return nil, err
	}
	return &sourced{account: Account{Topic: topic, Partition: partition, First: -1}, base: first,
		taken: make([]uint16, end-first), committed: committed[partition].Offset,
		epoch: readEpoch(committed[partition].Note, w.Topics.Partitions)}, nil
}

// deadLetters notes whose places have a dead letter.
func (w *audited) deadLetters(ctx context.Context, partitions int) error {
	return w.Cluster.ReadAll(ctx, w.Topics.DeadLetters, partitions, w.Log, func(m *kafka.Message) error {
		from := deadLetterOf(m).Source
		w.mu.Lock()
		defer w.mu.Unlock()
		w.letters[from] = true
		return nil
	})
}

// legs follows one partition of legs as scoring does.
func (w *audited) legs(ctx context.Context, partition int) error {
	r := w.Cluster.NewReader(w.Topics.Legs, partition, kafka.FirstOffset)
	first, end, err := r.Span(ctx)
	if err != nil {
		return err
	}
	var chain scoring.Chain
	if first > 0 {
		chain.Open()
	}
	met := map[*sourced]bool{}
	for r.Offset() < end {
		msgs, err := r.Read(ctx, nil)
		if err != nil {
			return err
		}
		for i := range msgs {
			if msgs[i].Unreadable != nil {
				continue
			}
			fate, err := chain.Follow(msgs[i].Value, isPutBack(&msgs[i]), w.took)
			if err != nil {
				continue // it is in quarantine, and its source's records are missing
			}
			s := w.sources[event.Source{Topic: fate.Span.Topic, Partition: fate.Span.Partition}]
			if s == nil || fate.Span.Epoch == 0 {
				continue
			}
			if first > 0 && !met[s] {
				met[s], s.known = true, max(s.known, fate.Span.From)
			}
			s.account.Repeated += int64(fate.Repeated)
			if fate.Refused == nil {
				continue
			}
			if errors.Is(fate.Refused, scoring.ErrGap) {
				s.account.Gap += int64(fate.Passed)
			} else {
				s.account.Replaced += int64(fate.Passed)
			}
		}
	}
	return nil
}

// took notes a leg that scoring takes.
func (w *audited) took(in event.Span, at event.Source) {
	s := w.sources[event.Source{Topic: at.Topic, Partition: at.Partition}]
	if s == nil || in.Back < s.epoch.Back && at.Offset >= s.epoch.BackAt {
		return
	}
	if i := at.Offset - s.base; i >= 0 && i < int64(len(s.taken)) {
		s.taken[i]++
	}
}

// records asks of each record of a source partition where it is.
func (w *audited) records(ctx context.Context, s *sourced) error {
	a := &s.account
	r := w.Cluster.NewReader(a.Topic, a.Partition, s.base)
	end := s.base + int64(len(s.taken))
	for r.Offset() < end {
		msgs, err := r.Read(ctx, nil)
		if err != nil {
			return err
		}
		for i := range msgs {
			if m := &msgs[i]; m.Offset < end {
				w.record(s, m)
			}
		}
	}
	return nil
}

// record finds one record.
func (w *audited) record(s *sourced, m *kafka.Message) {
	a := &s.account
	a.Read++
	if m.Offset >= s.committed {
		a.Waiting++
		return
	}
	taken, want := int(s.taken[m.Offset-s.base]), w.legsOf(m)
	switch {
	case taken == 0 && w.letters[at(m)]:
		a.Refused++
		return
	case taken == want && want == 0:
		a.Nobodys++
		return
	case taken == want:
		a.Applied++
		return
	case m.Offset < s.known:
		a.Expired++
		return
	case taken > want:
		a.Doubled++
	default:
		a.Missing++
	}
	if a.First < 0 {
		a.First = m.Offset
	}
}

// legsOf is how many legs a record is cut into.
func (w *audited) legsOf(m *kafka.Message) int {
	var e event.Event
	in := Ingest{Deps: w.Deps, parser: w.parser}
	if err := safely(func() error { return in.parse(m, w.Clock(), &e) }); err != nil {
		return 1 // it must have a dead letter
	}
	switch {
	case e.Kind == event.KindControl && e.Control.What == event.ControlProposal:
		return 0
	case e.Kind == event.KindControl:
		return w.Topics.Partitions
	}
	return len(e.Touched(nil))
}
