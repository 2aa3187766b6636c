package stream

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"stopline.internal/stream/kafka"
)

// Topics are the names of the service's topics.
type Topics struct {
	Telecom, Transfers, Reports, Watchlist string // what comes in
	Legs, Risk, Alerts, Stops, DeadLetters string // what the service writes
	Screenings                             string // what banks asked about is answered here
	Quarantine                             string // what a loop could not work on
	// what people decide about scoring; one partition, so that it has one order
	Controls   string
	Partitions int // of every other topic that the service makes
	// KeepBytes bounds what is kept of a partition whose messages the service
	// has no more use for once they are in the books, beside the bound in days;
	// 0: days alone. It is for a disk that is not a center's.
	KeepBytes int64
}

// legs is the name of the legs' topic in the published contract.
const legs = "stopline.legs"

// defaultPartitions suits a machine of two cores; a city of millions wants 64.
const defaultPartitions = 2

// TopicsWithPrefix names the topics; an empty prefix gives the names of the
// published contract.
func TopicsWithPrefix(prefix string) Topics {
	return Topics{
		Telecom: prefix + "telecom.events", Transfers: prefix + "bank.transfers",
		Reports: prefix + "victim.reports", Watchlist: prefix + "watchlist",
		Legs: prefix + legs, Risk: prefix + "stopline.risk", Alerts: prefix + "stopline.alerts",
		Stops: prefix + "stopline.stops", DeadLetters: prefix + "stopline.dead-letters",
		Controls: prefix + "stopline.controls", Screenings: prefix + "stopline.screenings",
		Quarantine: prefix + "stopline.quarantine",
		Partitions: defaultPartitions,
	}
}

// Prefix is what stands before the names of the published contract.
func (t Topics) Prefix() string { return strings.TrimSuffix(t.Legs, legs) }

// Sources lists the topics that ingest cuts into legs: those of the sources,
// and the two by which scoring and people tell scoring something. Their order is
// part of the legs' format: only append to it.
func (t Topics) Sources() []string {
	return []string{t.Transfers, t.Telecom, t.Reports, t.Watchlist, t.Risk, t.Controls}
}

// How long documents are kept, and how large a record may be.
const (
	keptDays        = 7  // what is read once, on the way into the books
	keptDocuments   = 30 // days, of reports, alerts and dead letters
	keptScreenings  = time.Hour
	day             = 24 * time.Hour
	maxSourceRecord = 8 << 20 // bytes: above the limit of a document, so that it can be refused with a reason
	maxDeadLetter   = 12 << 20
)

// Configs describes every topic as the service wants it.
func (t Topics) Configs() []kafka.Topic {
	kept := func(name string, d time.Duration) kafka.Topic {
		return kafka.Topic{Name: name, Partitions: t.Partitions, Config: map[string]string{
			"retention.ms": strconv.FormatInt(d.Milliseconds(), 10), "max.message.bytes": strconv.Itoa(maxSourceRecord)}}
	}
	forEver := func(name string) kafka.Topic {
		c := kept(name, 0)
		c.Config["retention.ms"] = "-1"
		return c
	}
	compacted := func(name string) kafka.Topic {
		c := kept(name, 0)
		delete(c.Config, "retention.ms")
		c.Config["cleanup.policy"] = "compact"
		return c
	}
	passing := func(name string) kafka.Topic { // read once, on the way into the books
		c := kept(name, keptDays*day)
		if t.KeepBytes > 0 { // whole segments go, so that they must be the smaller part
			c.Config["retention.bytes"] = strconv.FormatInt(t.KeepBytes, 10)
			c.Config["segment.bytes"] = strconv.FormatInt(t.KeepBytes/4, 10)
		}
		return c
	}
	controls := forEver(t.Controls)
	controls.Partitions = 1
	screenings := kept(t.Screenings, keptScreenings)
	delete(screenings.Config, "max.message.bytes")
	deadLetters := kept(t.DeadLetters, keptDocuments*day)
	deadLetters.Config["max.message.bytes"] = strconv.Itoa(maxDeadLetter) // a document with its headers
	return []kafka.Topic{
		controls,
		passing(t.Telecom), passing(t.Transfers),
		kept(t.Reports, keptDocuments*day), compacted(t.Watchlist),
		passing(t.Legs), compacted(t.Risk), kept(t.Alerts, keptDocuments*day), forEver(t.Stops),
		screenings, deadLetters, kept(t.Quarantine, keptDocuments*day),
	}
}

// Ensure creates the topics that are missing, and checks the partitions of the
// service's own: an entity would lose its state, a case its order.
func (t Topics) Ensure(ctx context.Context, c *kafka.Cluster) error {
	have, err := c.Topics(ctx)
	if err != nil {
		return err
	}
	fixed := []string{t.Legs, t.Stops, t.Alerts, t.Risk, t.Screenings}
	var missing []kafka.Topic
	for _, want := range t.Configs() {
		n, ok := have[want.Name]
		if !ok {
			missing = append(missing, want)
		} else if n != t.Partitions && slices.Contains(fixed, want.Name) {
			return fmt.Errorf("topic %s has %d partitions and the configuration says %d: every account's history and "+
				"every case's order lives in its partition, so start with --partitions %d, or with another --topic-prefix",
				want.Name, n, t.Partitions, n)
		}
	}
	return c.Create(ctx, missing...)
}

// Roles lists the roles of a process, for [Topics.Access].
var Roles = []string{"ingest", "score", "dispatch", "warehouse", "api"}

// Access is what a process with a role may do in Kafka, and nothing beside it. The
// prefix is that of its groups.
func (t Topics) Access(role, groups string) kafka.Access {
	group := groups + role
	switch role {
	case "ingest":
		return kafka.Access{Read: t.Sources(), Write: []string{t.Legs, t.DeadLetters}, Groups: []string{group}}
	case "score":
		return kafka.Access{Read: []string{t.Legs, t.Controls}, Groups: []string{group},
			Write: []string{t.Legs, t.Stops, t.Alerts, t.Risk, t.Controls, t.Screenings, t.Quarantine, t.DeadLetters}}
	case "dispatch":
		return kafka.Access{Read: []string{t.Stops}, Write: []string{t.Stops, t.Risk}, Groups: []string{group}}
	case "warehouse":
		return kafka.Access{Read: t.BookTopics(), Write: []string{t.Quarantine}, Groups: []string{group}}
	case "api":
		return kafka.Access{Read: []string{t.Stops, t.Alerts, t.Controls, t.Screenings, t.DeadLetters},
			Write: []string{t.Stops, t.Risk, t.Controls, t.Telecom, t.Transfers, t.Reports, t.Watchlist}}
	}
	return kafka.Access{}
}

// CheckKept says which topics are kept so that losing one broker loses what was
// acknowledged, or stops everything: each needs two replicas at least, of which two
// must have a message.
func (t Topics) CheckKept(ctx context.Context, c *kafka.Cluster) (unsafe []string, err error) {
	var names []string
	for _, want := range t.Configs() {
		names = append(names, want.Name)
	}
	kept, err := c.Kept(ctx, names...)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		k, there := kept[name]
		switch {
		case !there:
			unsafe = append(unsafe, name+" is not there: \"stopline topics\" makes it")
		case k.Replicas < 2:
			unsafe = append(unsafe, name+" has one replica: a broker that is lost takes it along; move it to three "+
				"(kafka-reassign-partitions.sh)")
		case k.MinInSync < 2:
			unsafe = append(unsafe, name+" has min.insync.replicas 1: what one broker has counts as written; set it to 2 "+
				"(kafka-configs.sh)")
		}
	}
	return unsafe, nil
}
