package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	kafkago "github.com/segmentio/kafka-go"
)

// Kept is how safely a topic is kept.
type Kept struct {
	Partitions int
	Replicas   int // of the partition that has the fewest
	MinInSync  int // replicas that must have a message before it counts as written
}

// Kept asks how safely topics are kept. One that is not there is left out.
func (c *Cluster) Kept(ctx context.Context, topics ...string) (map[string]Kept, error) {
	meta, err := c.client(askTime).Metadata(ctx, &kafkago.MetadataRequest{Topics: topics})
	if err != nil {
		return nil, fmt.Errorf("ask Kafka at %s for its topics: %w", c, err)
	}
	out := map[string]Kept{}
	ask := &kafkago.DescribeConfigsRequest{}
	for _, t := range meta.Topics {
		if t.Error != nil || len(t.Partitions) == 0 {
			continue
		}
		k := Kept{Partitions: len(t.Partitions), Replicas: len(t.Partitions[0].Replicas)}
		for _, p := range t.Partitions {
			k.Replicas = min(k.Replicas, len(p.Replicas))
		}
		out[t.Name] = k
		ask.Resources = append(ask.Resources, kafkago.DescribeConfigRequestResource{ResourceType: kafkago.ResourceTypeTopic,
			ResourceName: t.Name, ConfigNames: []string{minInSync}})
	}
	if len(out) == 0 {
		return out, nil
	}
	resp, err := c.client(askTime).DescribeConfigs(ctx, ask)
	if err != nil {
		return nil, fmt.Errorf("ask Kafka at %s how topics are kept: %w", c, err)
	}
	for _, r := range resp.Resources {
		if r.Error != nil {
			return nil, fmt.Errorf("ask Kafka how %s is kept: %w", r.ResourceName, r.Error)
		}
		for _, e := range r.ConfigEntries {
			if e.ConfigName == minInSync {
				k := out[r.ResourceName]
				k.MinInSync, _ = strconv.Atoi(e.ConfigValue)
				out[r.ResourceName] = k
			}
		}
	}
	return out, nil
}

const minInSync = "min.insync.replicas"

// Access is what a principal may do. One that may write a topic may ask how it is
// divided, too; a group is one that it may be a member of.
type Access struct {
	Read, Write []string // topics
	Groups      []string
}

// Operations lists the access as Kafka's access lists have it: the operation, the
// kind of thing and its name.
func (a Access) Operations() (out [][3]string) {
	for _, t := range a.Read {
		out = append(out, [3]string{"Read", "topic", t})
	}
	for _, t := range a.Write {
		out = append(out, [3]string{"Write", "topic", t})
	}
	for _, g := range a.Groups {
		out = append(out, [3]string{"Read", "group", g})
	}
	return out
}

// Grant allows a principal, such as User:stopline-score, what it may do, from every
// host. What it may do already stays.
func (c *Cluster) Grant(ctx context.Context, principal string, a Access) error {
	ask := &kafkago.CreateACLsRequest{}
	add := func(kind kafkago.ResourceType, names []string, op kafkago.ACLOperationType) {
		for _, n := range names {
			ask.ACLs = append(ask.ACLs, kafkago.ACLEntry{ResourceType: kind, ResourceName: n,
				ResourcePatternType: kafkago.PatternTypeLiteral, Principal: principal, Host: "*", Operation: op,
				PermissionType: kafkago.ACLPermissionTypeAllow})
		}
	}
	add(kafkago.ResourceTypeTopic, a.Read, kafkago.ACLOperationTypeRead)
	add(kafkago.ResourceTypeTopic, a.Write, kafkago.ACLOperationTypeWrite)
	add(kafkago.ResourceTypeGroup, a.Groups, kafkago.ACLOperationTypeRead)
	resp, err := c.client(changeTime).CreateACLs(ctx, ask)
	if err == nil {
		err = errors.Join(resp.Errors...)
	}
	if err != nil {
		return fmt.Errorf("grant %s what it needs: %w", principal, err)
	}
	return nil
}
