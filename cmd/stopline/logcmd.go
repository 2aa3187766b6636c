package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"stopline.internal/stream"
	"stopline.internal/stream/event"
)

type verifyCmd struct {
	Log verifyLogCmd `cmd:"" help:"${verify_log}"`
}

type logCmd struct {
	Rewind rewindCmd `cmd:"" help:"${log_rewind}"`
}

type quarantineCmd struct {
	List    quarantineListCmd    `cmd:"" help:"List the records that a loop could not work on and passed over."`
	PutBack quarantinePutBackCmd `cmd:"" name:"put-back" help:"${put_back}"`
}

// deps is what a command needs that reads the logs of a service and runs no loop.
func (r *Reaching) deps(ctx context.Context, log *slog.Logger) (stream.Deps, func(), error) {
	cluster, topics, err := r.open()
	if err != nil {
		return stream.Deps{}, nil, err
	}
	parts, err := cluster.Partitions(ctx, topics.Legs)
	if err == nil && len(parts) == 0 {
		err = fmt.Errorf("there is no topic %s at %s: is --topic-prefix right?", topics.Legs, cluster)
	}
	if err != nil {
		cluster.Close()
		return stream.Deps{}, nil, err
	}
	topics.Partitions = len(parts)
	documents := stream.NewDocuments(cluster)
	return stream.Deps{Cluster: cluster, Topics: topics, Documents: documents, Clock: wallClock, Log: log,
			Metrics: stream.NewMetrics(prometheus.NewRegistry())}, func() {
			_ = documents.Close()
			cluster.Close()
		}, nil
}

type verifyLogCmd struct {
	Reaching
	Country string `help:"Country of telephone numbers without a country code, as the service has it." default:"CN"`
}

// Run prints an account for each source partition; it fails where a record is missing
// or was taken twice.
func (c *verifyLogCmd) Run(ctx context.Context) error {
	deps, leave, err := c.deps(ctx, warnings())
	if err != nil {
		return err
	}
	defer leave()
	a, err := stream.NewAudit(deps, &event.Parser{Limits: event.DefaultLimits, Numbers: event.NewNumbers(c.Country),
		Banks: event.BuiltInBanks()}, groupPrefix(deps.Topics)+roleIngest)
	if err != nil {
		return err
	}
	accounts, err := a.Run(ctx, func(what string) { fmt.Fprintln(os.Stderr, "reading", what) })
	if err != nil {
		return err
	}
	var all stream.Account
	fmt.Fprintf(os.Stderr, "%-28s %10s %10s %8s %8s %8s %8s %8s %8s\n", "source", "read", "applied", "refused", "nobody's",
		"waiting", "expired", "missing", "doubled")
	var wrong []string
	for i := range accounts {
		s := &accounts[i]
		name := s.Topic + "/" + strconv.Itoa(s.Partition)
		fmt.Fprintf(os.Stderr, "%-28s %10d %10d %8d %8d %8d %8d %8d %8d\n", name, s.Read, s.Applied, s.Refused, s.Nobodys,
			s.Waiting, s.Expired, s.Missing, s.Doubled)
		all.Read, all.Missing, all.Doubled = all.Read+s.Read, all.Missing+s.Missing, all.Doubled+s.Doubled
		if !s.Sound() {
			wrong = append(wrong, fmt.Sprintf("%s from offset %d", name, s.First))
		}
	}
	if err := printSummary(map[string]any{"read": all.Read, "missing": all.Missing, "doubled": all.Doubled,
		"sources": accounts}); err != nil {
		return err
	}
	if len(wrong) > 0 {
		return fmt.Errorf("legs are missing or doubled: %s; what is missing is written again by \"stopline log rewind "+
			"TOPIC/PARTITION OFFSET\"", strings.Join(wrong, ", "))
	}
	return nil
}

type rewindCmd struct {
	Reaching
	Source string `arg:"" help:"TOPIC/PARTITION of the source." placeholder:"TOPIC/PARTITION"`
	Offset int64  `arg:"" help:"To read again from." placeholder:"OFFSET"`
}

// Run sets ingest's commit back. Marks tell what was taken before from what was not.
func (c *rewindCmd) Run(ctx context.Context) error {
	deps, leave, err := c.deps(ctx, warnings())
	if err != nil {
		return err
	}
	defer leave()
	topic, p, ok := strings.Cut(c.Source, "/")
	partition, err := strconv.Atoi(p)
	if !ok || err != nil {
		return fmt.Errorf("%q is no source partition: write TOPIC/PARTITION, as \"stopline verify log\" does", c.Source)
	}
	from, err := stream.Rewind(ctx, deps, groupPrefix(deps.Topics)+roleIngest, topic, partition, c.Offset)
	if err != nil {
		return err
	}
	return printSummary(map[string]any{"source": c.Source, "committed": from, "now": c.Offset})
}

// quarantined reads what is in quarantine.
func (r *Reaching) quarantined(ctx context.Context) (*stream.Quarantined, []stream.Kept, func(), error) {
	deps, leave, err := r.deps(ctx, warnings())
	if err != nil {
		return nil, nil, nil, err
	}
	q, err := stream.NewQuarantined(deps)
	if err == nil {
		var kept []stream.Kept
		if kept, err = q.List(ctx); err == nil {
			return q, kept, leave, nil
		}
	}
	leave()
	return nil, nil, nil, err
}

type quarantineListCmd struct{ Reaching }

// Run prints the records in quarantine, a line each.
func (c *quarantineListCmd) Run(ctx context.Context) error {
	_, kept, leave, err := c.quarantined(ctx)
	if err != nil {
		return err
	}
	defer leave()
	for i := range kept {
		k := &kept[i]
		fmt.Printf("%d/%d\t%s\t%s/%d:%d\t%s\t%d bytes\t%s\t%q\n", k.Partition, k.Offset, k.When, k.Topic, k.Place, k.At,
			k.Loop, k.Size, k.Sum[:min(12, len(k.Sum))], k.Reason)
	}
	return printSummary(map[string]any{"quarantined": len(kept)})
}

type quarantinePutBackCmd struct {
	Reaching
	Place string `arg:"" help:"${put_back_place}" placeholder:"PARTITION/OFFSET"`
}

// Run puts one record back.
func (c *quarantinePutBackCmd) Run(ctx context.Context) error {
	q, kept, leave, err := c.quarantined(ctx)
	if err != nil {
		return err
	}
	defer leave()
	for i := range kept {
		if fmt.Sprintf("%d/%d", kept[i].Partition, kept[i].Offset) != c.Place {
			continue
		}
		if err := q.PutBack(ctx, kept[i]); err != nil {
			if errors.Is(err, stream.ErrGone) {
				return fmt.Errorf("%s/%d:%d: %w; what is left of it is its beginning in the quarantine", kept[i].Topic,
					kept[i].Place, kept[i].At, err)
			}
			return err
		}
		return printSummary(map[string]any{"put_back": fmt.Sprintf("%s/%d:%d", kept[i].Topic, kept[i].Place, kept[i].At)})
	}
	return fmt.Errorf("nothing is in quarantine at %s: \"stopline quarantine list\" prints the places", c.Place)
}
