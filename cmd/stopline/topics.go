package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"stopline.internal/stream"
	"stopline.internal/stream/kafka"
)

type topicsCmd struct {
	Reaching
	Partitions int               `help:"Partitions of each topic that is made." default:"2"`
	Check      bool              `help:"${topics_check}"`
	ACLs       bool              `name:"acls" help:"Make nothing: print what each role needs, for Kafka's access lists."`
	Grant      map[string]string `help:"${topics_grant}" placeholder:"PRINCIPAL=ROLE"`
}

// Run makes the topics that are missing, or does what the flags say.
func (c *topicsCmd) Run(ctx context.Context) error {
	if c.ACLs {
		return c.printAccess()
	}
	cluster, topics, err := c.open()
	if err != nil {
		return err
	}
	defer cluster.Close()
	topics.Partitions = c.Partitions
	switch {
	case c.Check:
		return check(ctx, cluster, topics)
	case len(c.Grant) > 0:
		return c.grant(ctx, cluster, topics)
	}
	if err := topics.Ensure(ctx, cluster); err != nil {
		return err
	}
	for _, t := range topics.Configs() {
		fmt.Fprintf(os.Stderr, "%-32s %d partitions", t.Name, t.Partitions)
		for _, name := range slices.Sorted(maps.Keys(t.Config)) {
			fmt.Fprintf(os.Stderr, "  %s=%s", name, t.Config[name])
		}
		fmt.Fprintln(os.Stderr)
	}
	return printSummary(map[string]any{"topics": len(topics.Configs())})
}

// check fails where a topic is not kept safely.
func check(ctx context.Context, cluster *kafka.Cluster, topics stream.Topics) error {
	unsafe, err := topics.CheckKept(ctx, cluster)
	if err != nil {
		return err
	}
	for _, u := range unsafe {
		fmt.Fprintln(os.Stderr, u)
	}
	if err := printSummary(map[string]any{"topics": len(topics.Configs()), "unsafe": len(unsafe)}); err != nil {
		return err
	}
	if len(unsafe) > 0 {
		return fmt.Errorf("%d topics are not kept safely: what was acknowledged could be lost with one broker", len(unsafe))
	}
	return nil
}

// needed is what several roles need together.
func needed(topics stream.Topics, roles []string) (out kafka.Access, err error) {
	for _, role := range roles {
		if !slices.Contains(stream.Roles, role) {
			return out, fmt.Errorf("%q is no role: %s", role, strings.Join(stream.Roles, ", "))
		}
		a := topics.Access(role, groupPrefix(topics))
		out.Read, out.Write = append(out.Read, a.Read...), append(out.Write, a.Write...)
		out.Groups = append(out.Groups, a.Groups...)
	}
	for _, list := range []*[]string{&out.Read, &out.Write, &out.Groups} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return out, nil
}

// grant makes the access lists.
func (c *topicsCmd) grant(ctx context.Context, cluster *kafka.Cluster, topics stream.Topics) error {
	made := 0
	for _, principal := range slices.Sorted(maps.Keys(c.Grant)) {
		a, err := needed(topics, strings.Split(c.Grant[principal], "+"))
		if err != nil {
			return err
		}
		if err := cluster.Grant(ctx, principal, a); err != nil {
			return err
		}
		made += len(a.Operations())
	}
	return printSummary(map[string]any{"principals": len(c.Grant), "access_lists": made})
}

// printAccess prints what each role needs, a line each.
func (c *topicsCmd) printAccess() error {
	topics := stream.TopicsWithPrefix(c.TopicPrefix)
	for _, role := range stream.Roles {
		for _, op := range topics.Access(role, groupPrefix(topics)).Operations() {
			fmt.Printf("%s\t%s\t%s\t%s\n", role, op[0], op[1], op[2])
		}
	}
	return nil
}
