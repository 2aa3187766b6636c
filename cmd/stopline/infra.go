package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"

	"stopline.internal/store/embedded"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream"
	"stopline.internal/stream/broker"
	"stopline.internal/stream/kafka"
)

// Servers say where Kafka and ClickHouse are: inside the binary unless told
// otherwise.
type Servers struct {
	Data string `help:"Directory of the scoring states and of the embedded servers' data. It belongs to one process at a time." default:"./data" type:"path"`
	Reaching
	KafkaPort int `help:"Port of the embedded Kafka; 0 takes a free one." default:"0"`
	ClickHouse
	ClickhousePort     int   `help:"Native port of the embedded ClickHouse; 0 takes a free one." default:"0"`
	ClickhouseHTTPPort int   `help:"HTTP port of the embedded ClickHouse; 0 takes a free one." default:"0"`
	keepBytes          int64 // of what is read once in Kafka; 0: as long as its days
	Partitions         int   `help:"Partitions of the topics that are made. An account's history lives in its partition: it cannot be changed later." default:"2"`
}

// infra are the servers that a command works with, and how to leave them.
type infra struct {
	kafka      string // the brokers' addresses, for people
	cluster    *kafka.Cluster
	clickhouse string
	topics     stream.Topics
	options    warehouse.Options
	data       string // directory of the process: scoring keeps its states there
	closers    []func() error
	engineDone <-chan struct{}
}

// open starts the embedded servers that are needed, and makes the topics.
func (s *Servers) open(ctx context.Context, log *slog.Logger) (*infra, error) {
	in := &infra{clickhouse: s.Clickhouse, data: s.Data, topics: stream.TopicsWithPrefix(s.TopicPrefix)}
	in.topics.Partitions, in.topics.KeepBytes = s.Partitions, s.keepBytes
	err := s.checkFormat()
	if err == nil {
		err = s.openKafka(ctx, in, log)
	}
	if err == nil {
		err = s.openClickHouse(ctx, in, log)
	}
	if err != nil {
		in.close(log)
		return nil, err
	}
	return in, nil
}

func (s *Servers) openKafka(ctx context.Context, in *infra, log *slog.Logger) error {
	config, err := s.config()
	if err != nil {
		return err
	}
	if len(config.Brokers) == 0 {
		b, err := broker.Start(ctx, filepath.Join(s.Data, "kafka"), s.KafkaPort)
		if err != nil {
			return err
		}
		config.Brokers = []string{b.Addr()}
		in.closers = append(in.closers, b.Close)
		log.Info("embedded Kafka listens", "addr", b.Addr())
	}
	if in.cluster, err = kafka.New(config); err != nil {
		return err
	}
	in.kafka = in.cluster.String()
	in.closers = append(in.closers, func() error { in.cluster.Close(); return nil })
	return in.topics.Ensure(ctx, in.cluster)
}

func (s *Servers) openClickHouse(ctx context.Context, in *infra, log *slog.Logger) (err error) {
	if in.clickhouse != "" {
		in.options, err = s.options()
		return err
	}
	if err := s.checkFormat(); err != nil {
		return err
	}
	e, err := embedded.Start(ctx, embedded.Options{Dir: filepath.Join(s.Data, "clickhouse"), Port: s.ClickhousePort,
		HTTPPort: s.ClickhouseHTTPPort, Log: log})
	if err != nil {
		return err
	}
	in.clickhouse = e.Addr()
	in.options = warehouse.Options{Addrs: []string{e.Addr()}, Database: s.ClickhouseDatabase, Embedded: true}
	in.engineDone = e.Done()
	in.closers = append(in.closers, e.Close)
	log.Info("embedded ClickHouse listens", "addr", in.clickhouse, "http", e.HTTPAddr())
	return nil
}

func (in *infra) close(log *slog.Logger) {
	for _, c := range slices.Backward(in.closers) {
		if err := c(); err != nil {
			log.Error("closing", "err", err)
		}
	}
}

// engineEnds waits for the end of the embedded ClickHouse.
func (in *infra) engineEnds(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-in.engineDone:
		return errors.New("it keeps ending by itself; its last words are in the log; what was acknowledged is kept")
	}
}
