package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"stopline.internal/stream/kafka/records"
)

// Message is a record of a topic.
type Message struct {
	Topic     string
	Partition int
	Offset    int64
	Time      time.Time
	Key       []byte
	Value     []byte
	Headers   []Header
	// Unreadable is set where the record, or everything from Offset to Last, cannot
	// be read; Value then holds the beginning of it, as it came.
	Unreadable *Unreadable
}

// Header is one of a message's headers.
type Header = records.Header

// Unreadable says why something cannot be read.
type Unreadable struct {
	Why  error // wraps [records.ErrTooLarge], [records.ErrDamaged] or [records.ErrFormat]
	Last int64 // the offset up to which nothing can be read
	Size int64 // in bytes, of which Value holds the first
}

// Where to begin in a partition, beside a plain offset.
const (
	FirstOffset = kafkago.FirstOffset // the oldest message that is kept
	LastOffset  = kafkago.LastOffset  // behind the newest
)

// How long a question to the cluster may take: one about what is there, and one
// that changes it.
const (
	askTime    = 10 * time.Second
	changeTime = 30 * time.Second
)

// Cluster is a Kafka cluster. It is safe for many goroutines.
type Cluster struct {
	brokers     []string
	addr        net.Addr
	transport   *kafkago.Transport
	replication int
	compression kafkago.Compression

	mu        sync.Mutex
	refreshed time.Time
}

// metadataTime is how long is believed what the cluster has told of itself.
const metadataTime = 2 * time.Second

// New returns a cluster; it dials when it is first used.
func New(c Config) (*Cluster, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	tls, err := c.TLS.config()
	if err != nil {
		return nil, err
	}
	mechanism, err := c.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	codec, _ := c.codec() // check has seen it
	replication := -1     // the brokers' default
	if c.Replication > 0 {
		replication = c.Replication
	}
	return &Cluster{brokers: slices.Clone(c.Brokers), addr: kafkago.TCP(c.Brokers...), replication: replication,
		compression: codec, transport: &kafkago.Transport{Dial: c.Dial, DialTimeout: dialTime, MetadataTTL: metadataTime,
			TLS:  tls,
			SASL: mechanism, ClientID: "stopline"}}, nil
}

// refreshEvery bounds how often the cluster is asked for its leaders out of turn.
const refreshEvery = 250 * time.Millisecond

// refresh forgets what the cluster has told of its leaders, after an error which
// says that they have changed. Connections that are in use are not disturbed.
func (c *Cluster) refresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.refreshed) >= refreshEvery {
		c.refreshed = time.Now()
		c.transport.CloseIdleConnections()
	}
}

// Close closes the connections that nobody uses. Readers, producers and groups
// are closed by whoever made them.
func (c *Cluster) Close() { c.transport.CloseIdleConnections() }

// String names the brokers, for errors and logs.
func (c *Cluster) String() string { return strings.Join(c.brokers, ",") }

func (c *Cluster) client(timeout time.Duration) *kafkago.Client {
	return &kafkago.Client{Addr: c.addr, Timeout: timeout, Transport: c.transport}
}

// Topic describes a topic as it is to be made.
type Topic struct {
	Name       string
	Partitions int
	Config     map[string]string // Kafka's own names, such as retention.ms
}

// Topics is the number of partitions of every topic of the cluster.
func (c *Cluster) Topics(ctx context.Context) (map[string]int, error) {
	meta, err := c.client(changeTime).Metadata(ctx, &kafkago.MetadataRequest{})
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
	meta, err := c.client(askTime).Metadata(ctx, &kafkago.MetadataRequest{Topics: []string{topic}})
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
	ask := &kafkago.CreateTopicsRequest{}
	for _, t := range topics {
		config := kafkago.TopicConfig{Topic: t.Name, NumPartitions: t.Partitions, ReplicationFactor: c.replication}
		if _, said := t.Config[minInSync]; !said && c.replication >= 3 { // one may be away
			config.ConfigEntries = append(config.ConfigEntries, kafkago.ConfigEntry{ConfigName: minInSync,
				ConfigValue: strconv.Itoa(c.replication - 1)})
		}
		for name, value := range t.Config {
			config.ConfigEntries = append(config.ConfigEntries, kafkago.ConfigEntry{ConfigName: name, ConfigValue: value})
		}
		ask.Topics = append(ask.Topics, config)
	}
	resp, err := c.client(changeTime).CreateTopics(ctx, ask)
	if err != nil {
		return fmt.Errorf("create topics at %s: %w", c, err)
	}
	for name, err := range resp.Errors {
		if err != nil && !errors.Is(err, kafkago.TopicAlreadyExists) {
			return fmt.Errorf("create topic %s: %w", name, err)
		}
	}
	return nil
}

// Delete removes topics and what they hold.
func (c *Cluster) Delete(ctx context.Context, topics ...string) error {
	_, err := c.client(changeTime).DeleteTopics(ctx, &kafkago.DeleteTopicsRequest{Topics: topics})
	return err
}

// Ends asks where partitions end: the offset behind the last message of each, by
// topic and partition. With an error it still returns those that were told.
func (c *Cluster) Ends(ctx context.Context, of map[string][]int) (map[string]map[int]int64, error) {
	ask := &kafkago.ListOffsetsRequest{IsolationLevel: kafkago.ReadCommitted, Topics: map[string][]kafkago.OffsetRequest{}}
	n := 0
	for topic, partitions := range of {
		for _, p := range partitions {
			ask.Topics[topic] = append(ask.Topics[topic], kafkago.LastOffsetOf(p))
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

// Committed is what a group has noted of a partition.
type Committed struct {
	Offset int64  // of the next message; below 0 where there is none
	Note   string // what was noted with it
}

// Committed asks for what a group has committed of a topic's partitions.
func (c *Cluster) Committed(ctx context.Context, group, topic string, partitions ...int) (map[int]Committed, error) {
	all, err := c.CommittedOf(ctx, group, map[string][]int{topic: partitions})
	return all[topic], err
}

// CommittedOf asks for what a group has committed of partitions, by topic.
func (c *Cluster) CommittedOf(ctx context.Context, group string, of map[string][]int) (map[string]map[int]Committed,
	error) {
	out := map[string]map[int]Committed{}
	for topic, partitions := range of {
		if out[topic] = map[int]Committed{}; len(partitions) == 0 {
			delete(of, topic)
		}
	}
	if len(of) == 0 {
		return out, nil
	}
	resp, err := c.client(askTime).OffsetFetch(ctx, &kafkago.OffsetFetchRequest{GroupID: group, Topics: of})
	if err == nil && !errors.Is(resp.Error, kafkago.GroupIdNotFound) {
		err = resp.Error
	}
	if err != nil {
		return nil, fmt.Errorf("ask Kafka what %s has committed: %w", group, err)
	}
	for topic, partitions := range resp.Topics {
		for _, p := range partitions {
			if errors.Is(p.Error, kafkago.GroupIdNotFound) { // nobody has joined it yet
				p.CommittedOffset, p.Error = -1, nil
			}
			err = errors.Join(err, p.Error)
			out[topic][p.Partition] = Committed{p.CommittedOffset, p.Metadata}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("ask Kafka what %s has committed: %w", group, err)
	}
	return out, nil
}

// Rewind commits an offset of a partition for a group that nobody is a member of: the
// next one reads from there. It fails while there are members.
func (c *Cluster) Rewind(ctx context.Context, group, topic string, partition int, offset int64, note string) error {
	resp, err := c.client(askTime).OffsetCommit(ctx, &kafkago.OffsetCommitRequest{GroupID: group, GenerationID: -1,
		Topics: map[string][]kafkago.OffsetCommit{topic: {{Partition: partition, Offset: offset, Metadata: note}}}})
	if err == nil {
		for _, p := range resp.Topics[topic] {
			err = errors.Join(err, p.Error)
		}
	}
	if err != nil {
		return fmt.Errorf("set %s back to %d of %s/%d (stop every process that has the role first): %w", group, offset, topic,
			partition, err)
	}
	return nil
}
