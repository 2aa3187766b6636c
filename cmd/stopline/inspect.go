package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"stopline.internal/scoring"
	"stopline.internal/store/state"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream"
	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
)

type inspectCmd struct {
	Partition inspectPartitionCmd `cmd:"" help:"Say which legs partition owns an account or number, and how far it has been scored."`
	Leg       inspectLegCmd       `cmd:"" help:"Print the legs of one record of the legs' topic, a line each."`
	State     inspectStateCmd     `cmd:"" help:"Print what is remembered of an account or number."`
}

// Entity names an account or a telephone number.
type Entity struct {
	Entity string `arg:"" help:"acct:NUMBER, or tel:NUMBER in E.164." placeholder:"ENTITY"`
}

// partition is the legs partition that owns the entity.
func (e *Entity) partition(ctx context.Context, c *kafka.Cluster, t stream.Topics) (int, error) {
	if id := event.Entity(e.Entity); !id.IsAccount() && !id.IsNumber() {
		return 0, fmt.Errorf("%q is no entity: write %sNUMBER or %sNUMBER", e.Entity, event.PrefixAccount, event.PrefixNumber)
	}
	all, err := c.Partitions(ctx, t.Legs)
	if err != nil {
		return 0, err
	}
	if len(all) == 0 {
		return 0, fmt.Errorf("there is no topic %s at %s: is --topic-prefix right?", t.Legs, c)
	}
	return event.PartitionOf([]byte(e.Entity), len(all)), nil
}

type inspectPartitionCmd struct {
	Reaching
	Entity
}

// Run says where the entity's history lives.
func (c *inspectPartitionCmd) Run(ctx context.Context) error {
	cluster, topics, err := c.open()
	if err != nil {
		return err
	}
	defer cluster.Close()
	p, err := c.partition(ctx, cluster, topics)
	if err != nil {
		return err
	}
	ends, err := cluster.Ends(ctx, map[string][]int{topics.Legs: {p}})
	if err != nil {
		return err
	}
	committed, err := cluster.Committed(ctx, groupPrefix(topics)+roleScore, topics.Legs, p)
	if err != nil {
		return err
	}
	return printSummary(map[string]any{"entity": c.Entity.Entity, "topic": topics.Legs, "partition": p,
		"committed": max(0, committed[p].Offset), "end": ends[topics.Legs][p]})
}

type inspectLegCmd struct {
	Reaching
	Partition int   `arg:"" help:"Partition of the legs' topic." placeholder:"PARTITION"`
	Offset    int64 `arg:"" help:"Of the record." placeholder:"OFFSET"`
}

// shownLeg is a leg for people.
type shownLeg struct {
	Index  int             `json:"index"` // in its block
	Role   string          `json:"role"`
	Entity event.Entity    `json:"entity"`
	From   string          `json:"from"` // source topic/partition:offset
	Kind   string          `json:"kind"`
	ID     string          `json:"id"`
	At     event.Instant   `json:"at"`
	Event  json.RawMessage `json:"event"`
}

// Run prints the block.
func (c *inspectLegCmd) Run(ctx context.Context) error {
	cluster, topics, err := c.open()
	if err != nil {
		return err
	}
	defer cluster.Close()
	r := cluster.NewReader(topics.Legs, c.Partition, kafka.FirstOffset)
	first, end, err := r.Span(ctx)
	if err != nil {
		return err
	}
	if c.Offset < first || c.Offset >= end {
		return fmt.Errorf("partition %d holds records from %d to %d", c.Partition, first, end-1)
	}
	m, there, err := r.At(ctx, c.Offset)
	if err != nil {
		return err
	}
	if !there {
		return fmt.Errorf("there is no record at %d of partition %d", c.Offset, c.Partition)
	}
	return printLegs(topics, m.Value)
}

// printLegs writes a line of JSON for each leg of a block.
func printLegs(topics stream.Topics, block []byte) error {
	b, err := event.OpenBlock(block)
	if err != nil {
		return err
	}
	sources, out := topics.Sources(), json.NewEncoder(os.Stdout)
	var l event.Leg
	for i := 0; b.Next(&l); i++ {
		source := "?"
		if int(l.Source.Topic) < len(sources) {
			source = sources[l.Source.Topic]
		}
		payload, err := json.Marshal(l.Event.Part())
		if err != nil {
			return err
		}
		err = out.Encode(shownLeg{Index: i, Role: l.Role.String(), Entity: l.Entity,
			From: fmt.Sprintf("%s/%d:%d", source, l.Source.Partition, l.Source.Offset),
			Kind: l.Event.Kind.String(), ID: l.Event.ID, At: l.Event.At, Event: payload})
		if err != nil {
			return err
		}
	}
	return b.Err()
}

type inspectStateCmd struct {
	Reaching
	Entity
	ClickHouse
	Data string `help:"The --data of the process that scored it and has ended." type:"existingdir" placeholder:"DIR"`
}

// Run prints the state: from the store that scored it where that can be opened, else from ClickHouse.
func (c *inspectStateCmd) Run(ctx context.Context) error {
	if c.Data == "" && c.Clickhouse == "" {
		return errors.New("name the service's --clickhouse, or the --data of a process that has ended")
	}
	cluster, topics, err := c.open()
	if err != nil {
		return err
	}
	defer cluster.Close()
	p, err := c.partition(ctx, cluster, topics)
	if err != nil {
		return err
	}
	var bytes []byte
	if c.Data != "" {
		bytes, err = c.local(ctx, cluster, topics, p)
	}
	if c.Clickhouse != "" && (bytes == nil || err != nil) {
		if err != nil {
			fmt.Fprintln(os.Stderr, "from ClickHouse:", err)
		}
		bytes, err = c.remote(ctx, p)
	}
	if err != nil {
		return err
	}
	if bytes == nil {
		return fmt.Errorf("nothing is remembered of %s in partition %d: no checkpoint has it", c.Entity.Entity, p)
	}
	s, err := scoring.ReadState(event.Entity(c.Entity.Entity), bytes)
	if err != nil {
		return err
	}
	return printSummary(s.Describe())
}

// local reads the state from the store beside the scorer; nil where there is none.
func (c *inspectStateCmd) local(ctx context.Context, cluster *kafka.Cluster, topics stream.Topics, p int) (bytes []byte,
	err error) {
	all, err := cluster.Partitions(ctx, topics.Legs)
	if err != nil {
		return nil, err
	}
	store, err := state.Open(state.Options{Dir: state.Dir(c.Data, c.TopicPrefix, p), ReadOnly: true,
		Identity: state.Identity{Prefix: c.TopicPrefix, Partitions: len(all), Partition: p,
			Encoding: scoring.StateVersion}})
	if err != nil {
		return nil, err
	}
	err = store.Read([]event.Entity{event.Entity(c.Entity.Entity)}, func(r state.Row) error {
		bytes = slices.Clone(r.State)
		return nil
	})
	return bytes, errors.Join(err, store.Close())
}

// remote reads it from ClickHouse; nil where there is none.
func (c *inspectStateCmd) remote(ctx context.Context, p int) ([]byte, error) {
	o, err := c.looking()
	if err != nil {
		return nil, err
	}
	w, err := warehouse.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	rows, err := w.LoadStates(ctx, p, []event.Entity{event.Entity(c.Entity.Entity)})
	if err = errors.Join(err, w.Close()); err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0].State, nil
}
