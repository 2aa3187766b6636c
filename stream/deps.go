package stream

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"strings"

	"stopline.internal/stream/casework"
	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
)

// Clock tells the service's time. In the simulated city it is the city's.
type Clock func() event.Instant

// Deps are what every loop works with. None of them may be nil.
type Deps struct {
	Cluster   *kafka.Cluster
	Topics    Topics
	Documents *kafka.Producer // of [NewDocuments]
	Clock     Clock
	Log       *slog.Logger
	Metrics   *Metrics
}

// part is one thing that a loop needs.
type part struct {
	name    string
	missing bool
}

// need fails where something is missing that the loop works with: at the start,
// and not in the first message.
func (d *Deps) need(loop string, others ...part) error {
	var missing []string
	for _, p := range append([]part{{"cluster", d.Cluster == nil}, {"topics", d.Topics.Partitions == 0},
		{"documents", d.Documents == nil}, {"clock", d.Clock == nil}, {"log", d.Log == nil},
		{"metrics", d.Metrics == nil}}, others...) {
		if p.missing {
			missing = append(missing, p.name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%s cannot be made without: %s", loop, strings.Join(missing, ", "))
	}
	return nil
}

// group is a consumer group of a loop, whose lag is measured; of one without a
// name, which reads nothing by its claims, it is not.
func (d *Deps) group(id, loop string, topics ...string) kafka.Group {
	return kafka.Group{ID: id, Topics: topics, Log: d.Log, Progress: &loopProgress{&d.Metrics.progress, loop}}
}

// The most that one record of a topic may hold, in bytes: the broker's bound, less
// what a record has beside its value.
const (
	maxDocuments = 12 << 20 // as much as the dead letters take
	maxBlocks    = 7 << 20  // the legs' topic takes 8 MB at once
)

// NewDocuments returns the producer of documents: a topic is divided by the key, as
// every client divides it.
func NewDocuments(c *kafka.Cluster) *kafka.Producer {
	return c.NewProducer(kafka.ProducerConfig{Messages: 1000, Bytes: maxDocuments})
}

// newBlocks returns the producer of legs: a block's key names its partition. It gives
// up within a second or two: a new epoch begins sooner than that, and what is late by
// then is refused.
func newBlocks(c *kafka.Cluster, batch int64) *kafka.Producer {
	return c.NewProducer(kafka.ProducerConfig{Messages: 64, Bytes: batch, Attempts: 5,
		Partition: func(key []byte, n int) int {
			return int(binary.BigEndian.Uint32(key)) % n
		}})
}

// partitionKey is the key of a block for a legs partition.
func partitionKey(p int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(p)) }

// message is the record of a document on a topic.
func message(topic string, d casework.Document) kafka.Message {
	return kafka.Message{Topic: topic, Key: []byte(d.Key), Value: d.Value}
}

// TaintMessage is the record that tells an account of a stop's money.
func TaintMessage(topics Topics, t *event.Taint) kafka.Message {
	return message(topics.Risk, casework.TaintDocument(t))
}
