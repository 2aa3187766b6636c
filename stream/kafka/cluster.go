package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

// Message is a record of a topic.
type Message = kafka.Message

// Header is one of a message's headers.
type Header = kafka.Header

// Where to begin in a partition, beside a plain offset.
const (
	FirstOffset = kafka.FirstOffset // the oldest message that is kept
	LastOffset  = kafka.LastOffset  // behind the newest
)

// How long a question to the cluster may take: one about what is there, and one
// that changes it.
const (
	askTime    = 10 * time.Second
	changeTime = 30 * time.Second
)

// Config says how to reach a cluster.
type Config struct {
	Brokers []string // host:port; any of them is asked for the others
}

// Cluster is a Kafka cluster. It is safe for many goroutines.
type Cluster struct {
	brokers   []string
	transport *kafka.Transport
}

// New returns a cluster; it dials when it is first used.
func New(c Config) (*Cluster, error) {
	if len(c.Brokers) == 0 || slices.Contains(c.Brokers, "") {
		return nil, fmt.Errorf("kafka: brokers %q: each needs to be host:port", c.Brokers)
	}
	return &Cluster{brokers: slices.Clone(c.Brokers), transport: &kafka.Transport{DialTimeout: dialTime}}, nil
}

// Close closes the connections that nobody uses. Readers, producers and groups
// are closed by whoever made them.
func (c *Cluster) Close() { c.transport.CloseIdleConnections() }

// String names the brokers, for errors and logs.
func (c *Cluster) String() string { return strings.Join(c.brokers, ",") }

func (c *Cluster) client(timeout time.Duration) *kafka.Client {
	return &kafka.Client{Addr: kafka.TCP(c.brokers...), Timeout: timeout, Transport: c.transport}
}

// Topic describes a topic as it is to be made. It has one replica.
type Topic struct {
	Name       string
	Partitions int
	Config     map[string]string // Kafka's own names, such as retention.ms
}

// Topics is the number of partitions of every topic of the cluster.
func (c *Cluster) Topics(ctx context.Context) (map[string]int, error) {
	meta, err := c.client(changeTime).Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return nil, fmt.Errorf("ask Kafka at %s for its topics: %w", c, err)
	}
	have := map[string]int{}
	for _, t := range meta.Topics {
		have[t.Name] = len(t.Partitions)
	}
	return have, nil
}

// Partitions lists the partitions of a topic; none where there is no such topic.
// To dial one that is not there takes as long as Kafka is given to elect a leader
// for it: ask first.
func (c *Cluster) Partitions(ctx context.Context, topic string) ([]int, error) {
	meta, err := c.client(askTime).Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, fmt.Errorf("ask Kafka at %s for the partitions of %s: %w", c, topic, err)
	}
	var out []int
	for _, t := range meta.Topics {
		for _, p := range t.Partitions {
			out = append(out, p.ID)
		}
	}
	return out, nil
}

// Create makes topics. One that is there already stays as it is.
func (c *Cluster) Create(ctx context.Context, topics ...Topic) error {
	if len(topics) == 0 {
		return nil
	}
	ask := &kafka.CreateTopicsRequest{}
	for _, t := range topics {
		config := kafka.TopicConfig{Topic: t.Name, NumPartitions: t.Partitions, ReplicationFactor: 1}
		for name, value := range t.Config {
			config.ConfigEntries = append(config.ConfigEntries, kafka.ConfigEntry{ConfigName: name, ConfigValue: value})
		}
		ask.Topics = append(ask.Topics, config)
	}
	resp, err := c.client(changeTime).CreateTopics(ctx, ask)
	if err != nil {
		return fmt.Errorf("create topics at %s: %w", c, err)
	}
	for name, err := range resp.Errors {
		if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
			return fmt.Errorf("create topic %s: %w", name, err)
		}
	}
	return nil
}

// Delete removes topics and what they hold.
func (c *Cluster) Delete(ctx context.Context, topics ...string) error {
	_, err := c.client(changeTime).DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: topics})
	return err
}

// Ends asks where partitions end: the offset behind the last message of each, by
// topic and partition. With an error it still returns those that were told.
func (c *Cluster) Ends(ctx context.Context, of map[string][]int) (map[string]map[int]int64, error) {
	ask := &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{}}
	n := 0
	for topic, partitions := range of {
		for _, p := range partitions {
			ask.Topics[topic] = append(ask.Topics[topic], kafka.LastOffsetOf(p))
			n++
		}
	}
	out := map[string]map[int]int64{}
	if n == 0 {
		return out, nil
	}
	resp, err := c.client(endsTime).ListOffsets(ctx, ask)
	if err != nil {
		return out, fmt.Errorf("ask Kafka for the ends of %d partitions: %w", n, err)
	}
	var failed []error
	for topic, partitions := range resp.Topics {
		out[topic] = map[int]int64{}
		for _, p := range partitions {
			if p.Error != nil {
				failed = append(failed, fmt.Errorf("%s/%d: %w", topic, p.Partition, p.Error))
				continue
			}
			out[topic][p.Partition] = p.LastOffset
		}
	}
	return out, errors.Join(failed...)
}

// endsTime bounds the question for the ends: it is asked each second.
const endsTime = 5 * time.Second

// Committed asks for what a group has committed of a topic: the offset of the
// next message by partition, below 0 where there is none.
func (c *Cluster) Committed(ctx context.Context, group, topic string, partitions ...int) (map[int]int64, error) {
	resp, err := c.client(askTime).OffsetFetch(ctx,
		&kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: partitions}})
	if err == nil {
		err = resp.Error
	}
	if err != nil {
		return nil, fmt.Errorf("ask Kafka what %s has committed of %s: %w", group, topic, err)
	}
	out := map[int]int64{}
	for _, p := range resp.Topics[topic] {
		out[p.Partition] = p.CommittedOffset
	}
	return out, nil
}
