package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"

	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
)

// epoch is what ingest commits with an offset of a source partition, for whoever
// reads on: who has begun to read it how often, what was written of it to each
// partition of legs, and by what the log is known again.
type epoch struct {
	Number int64 `json:"e"`
	// Back is the epoch in which the source's log was last found cut or made anew, and
	// BackAt from where on it was read again then.
	Back   int64 `json:"b,omitempty"`
	BackAt int64 `json:"a,omitempty"`
	// Unwritten is by how much what was written to each partition of legs ends before
	// the committed offset: a partition that was written nothing for long is far behind.
	Unwritten []int64    `json:"u,omitempty"`
	Known     []landmark `json:"k,omitempty"` // the oldest first
}

// landmark is a record by which a log is known again.
type landmark struct {
	Offset int64  `json:"o"`
	Sum    uint32 `json:"s"`
}

// maxLandmarks bounds them: the newest, and older ones that lie ever further apart.
const maxLandmarks = 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func landmarkOf(m *kafka.Message) landmark {
	sum := crc32.Checksum(m.Key, castagnoli)
	return landmark{m.Offset, crc32.Update(sum^uint32(m.Time.UnixMilli()), castagnoli, m.Value)}
}

// know adds a landmark, and forgets the one that is needed least.
func (e *epoch) know(l landmark) {
	if n := len(e.Known); n > 0 && e.Known[n-1].Offset >= l.Offset {
		return
	}
	e.Known = append(e.Known, l)
	if len(e.Known) <= maxLandmarks {
		return
	}
	least, at := 0.0, 0
	for i := 1; i < len(e.Known)-1; i++ {
		// How far apart its neighbours would be, as a share of how far back they lie.
		far := float64(e.Known[i+1].Offset-e.Known[i-1].Offset) / float64(l.Offset-e.Known[i-1].Offset)
		if at == 0 || far < least {
			least, at = far, i
		}
	}
	e.Known = append(e.Known[:at:at], e.Known[at+1:]...)
}

// readEpoch reads the note of a commit; one that is missing or not ours begins anew.
func readEpoch(note string, legs int) epoch {
	var e epoch
	if json.Unmarshal([]byte(note), &e) != nil || e.Number < 0 || e.Back > e.Number {
		return epoch{}
	}
	if len(e.Unwritten) != legs {
		e.Unwritten = nil
	}
	return e
}

// beginEpoch begins to read a source partition: from the committed offset, or, where
// the log behind it is not the one that was read, from where it can be told apart.
// Once it returns nobody who read the partition before can commit any more, and
// what they write is refused.
//
// Where nothing is noted, the epoch is named by the time, which is above every number
// before it. Where nothing is committed either, marks from before are void: Kafka
// forgets what was committed of a topic that is deleted, and a topic of that name is
// another one.
func beginEpoch(ctx context.Context, c *kafka.Claim, legs int, now event.Instant, log *slog.Logger) (epoch, int64,
	error) {
	e := readEpoch(c.Note, legs)
	if e.Number == 0 {
		e.Number = int64(now)
	}
	e.Number++
	from, back, err := sameLog(ctx, c, &e)
	if err != nil {
		return e, 0, err
	}
	if c.Offset < 0 {
		e.Back, e.BackAt = e.Number, from
	}
	if back {
		log.Error("the log of a source is not the one that was read: it was cut, or the topic was made anew; reading on "+
			"from where they part", "topic", c.Topic, "partition", c.Partition, "read", c.Offset, "from", from)
		e.Back, e.BackAt, e.Unwritten = e.Number, from, nil
		for len(e.Known) > 0 && e.Known[len(e.Known)-1].Offset >= from {
			e.Known = e.Known[:len(e.Known)-1]
		}
	}
	if c.Offset >= 0 && !back { // what has expired unread was not written
		for i := range e.Unwritten {
			e.Unwritten[i] += from - c.Offset
		}
	}
	return e, from, c.Begin(ctx, from, string(event.Encode(&e)))
}

// sameLog finds the offset to read on from: the committed one, or where that log is
// gone behind the newest landmark that is still there. Back says that it is the
// latter.
func sameLog(ctx context.Context, c *kafka.Claim, e *epoch) (from int64, back bool, err error) {
	r := c.Reader(c.Offset)
	first, end, err := r.Span(ctx)
	var lost *kafka.LostError
	if errors.As(err, &lost) {
		back = true
		r = c.Reader(kafka.FirstOffset)
		first, end, err = r.Span(ctx)
	}
	if err != nil {
		return 0, false, err
	}
	for i := len(e.Known) - 1; i >= 0; i-- {
		l := e.Known[i]
		if l.Offset < first {
			break // it has expired, as the older ones have
		}
		if l.Offset >= end {
			continue
		}
		m, there, err := r.At(ctx, l.Offset)
		if err != nil {
			return 0, false, err
		}
		switch {
		case !there: // it was compacted away
		case landmarkOf(&m) != l:
			back = true
		case back:
			return l.Offset + 1, true, nil
		default:
			return max(c.Offset, first), false, nil
		}
	}
	if back {
		return first, true, nil
	}
	return max(c.Offset, first), false, nil // FirstOffset is below 0
}

// Rewind has ingest read a source partition again from an offset on, and returns what
// was committed before. Nobody may be reading it. Marks tell what has been taken from
// what is missing.
func Rewind(ctx context.Context, d Deps, group, topic string, partition int, offset int64) (int64, error) {
	at, err := d.Cluster.Committed(ctx, group, topic, partition)
	if err != nil {
		return 0, err
	}
	first, _, err := d.Cluster.NewReader(topic, partition, kafka.FirstOffset).Span(ctx)
	if err != nil {
		return 0, err
	}
	now := at[partition]
	if offset < first || offset > now.Offset {
		return 0, fmt.Errorf("%s/%d is kept from %d on, and was read to %d: give an offset between them", topic, partition,
			first, now.Offset)
	}
	e := readEpoch(now.Note, d.Topics.Partitions)
	e.Unwritten = nil
	return now.Offset, d.Cluster.Rewind(ctx, group, topic, partition, offset, string(event.Encode(&e)))
}
