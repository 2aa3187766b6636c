package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

// Topics are the names of the service's topics.
type Topics struct {
	Telecom, Transfers, Reports, Watchlist string // what comes in
	Legs, Risk, Alerts, Stops, DeadLetters string // what the service writes
	Screenings                             string // what banks asked about is answered here
	Controls                               string // what people decide about scoring; one partition, so that it has one order
	Partitions                             int    // of every other topic that the service makes
	// KeepBytes bounds what is kept of a partition whose messages the service
	// has no more use for once they are in the books, beside the bound in days;
	// 0: days alone. It is for a disk that is not a center's.
	KeepBytes int64
}

// DefaultPartitions suits a machine of two cores; a city of millions wants 64.
const DefaultPartitions = 2

// TopicsWithPrefix names the topics; an empty prefix gives the names of the
// published contract.
func TopicsWithPrefix(prefix string) Topics {
	return Topics{
		Telecom: prefix + "telecom.events", Transfers: prefix + "bank.transfers",
		Reports: prefix + "victim.reports", Watchlist: prefix + "watchlist",
		Legs: prefix + "stopline.legs", Risk: prefix + "stopline.risk", Alerts: prefix + "stopline.alerts",
		Stops: prefix + "stopline.stops", DeadLetters: prefix + "stopline.dead-letters", Controls: prefix + "stopline.controls", Screenings: prefix + "stopline.screenings",
		Partitions: DefaultPartitions,
	}
}

// Sources lists the topics that ingest cuts into legs: those of the sources,
// and the two by which scoring and people tell scoring something. Their order is
// part of the legs' format: only append to it.
func (t Topics) Sources() []string {
	return []string{t.Transfers, t.Telecom, t.Reports, t.Watchlist, t.Risk, t.Controls}
}

const (
	day     = 24 * time.Hour
	keep    = "retention.ms"
	keepLog = "retention.bytes"
	segment = "segment.bytes"
	cleanup = "cleanup.policy"
	size    = "max.message.bytes"
)

// Configs describes every topic as the service wants it.
func (t Topics) Configs() []kafka.TopicConfig {
	days := func(n int) string { return strconv.FormatInt((time.Duration(n) * day).Milliseconds(), 10) }
	topic := func(name string, kv ...string) kafka.TopicConfig {
		c := kafka.TopicConfig{Topic: name, NumPartitions: t.Partitions, ReplicationFactor: 1}
		for i := 0; i < len(kv); i += 2 {
			c.ConfigEntries = append(c.ConfigEntries, kafka.ConfigEntry{ConfigName: kv[i], ConfigValue: kv[i+1]})
		}
		return c
	}
	// Sources take documents above the limit, so that these can be refused
	// with a reason; the dead letters take them with their headers.
	const large, larger = "8388608", "12582912"
	// passing is a topic that is read once, on the way into the books.
	passing := func(name string) kafka.TopicConfig {
		c := topic(name, keep, days(7), size, large)
		if t.KeepBytes > 0 { // whole segments go, so that they must be the smaller part
			c.ConfigEntries = append(c.ConfigEntries,
				kafka.ConfigEntry{ConfigName: keepLog, ConfigValue: strconv.FormatInt(t.KeepBytes, 10)},
				kafka.ConfigEntry{ConfigName: segment, ConfigValue: strconv.FormatInt(t.KeepBytes/4, 10)})
		}
		return c
	}
	controls := topic(t.Controls, keep, "-1", size, large)
	controls.NumPartitions = 1
	return []kafka.TopicConfig{
		controls,
		passing(t.Telecom),
		passing(t.Transfers),
		topic(t.Reports, keep, days(30), size, large),
		topic(t.Watchlist, cleanup, "compact", size, large),
		passing(t.Legs),
		topic(t.Risk, cleanup, "compact", size, large),
		topic(t.Alerts, keep, days(30), size, large),
		topic(t.Stops, keep, "-1", size, large),
		topic(t.Screenings, keep, strconv.FormatInt(time.Hour.Milliseconds(), 10)),
		topic(t.DeadLetters, keep, days(30), size, larger),
	}
}

// Ensure creates the topics that are missing, and checks the partitions of the
// service's own: an entity would lose its state, a case its order.
func (t Topics) Ensure(ctx context.Context, broker string) error {
	client := &kafka.Client{Addr: kafka.TCP(strings.Split(broker, ",")...), Timeout: 30 * time.Second}
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return fmt.Errorf("ask Kafka at %s for its topics: %w", broker, err)
	}
	have := map[string]int{}
	for _, topic := range meta.Topics {
		have[topic.Name] = len(topic.Partitions)
	}
	var missing []kafka.TopicConfig
	for _, c := range t.Configs() {
		n, ok := have[c.Topic]
		if !ok {
			missing = append(missing, c)
		} else if n != t.Partitions && slices.Contains([]string{t.Legs, t.Stops, t.Alerts, t.Risk, t.Screenings}, c.Topic) {
			return fmt.Errorf("topic %s has %d partitions and the configuration says %d: every account's history and every case's order lives in its partition, so start with --partitions %d, or with another --topic-prefix", c.Topic, n, t.Partitions, n)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	resp, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: missing})
	if err != nil {
		return fmt.Errorf("create topics at %s: %w", broker, err)
	}
	for name, err := range resp.Errors {
		if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
			return fmt.Errorf("create topic %s: %w", name, err)
		}
	}
	return nil
}
