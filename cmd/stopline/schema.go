package main

import (
	"context"
	"errors"
	"time"

	"stopline.internal/store/warehouse"
	"stopline.internal/stream/retry"
)

// migratePauses are those between two tries to bring the schema up to date.
var migratePauses = retry.Pauses{First: 500 * time.Millisecond, Most: 3 * time.Second}

// schemaIn is how long a start waits for it. Then the roles begin: what needs ClickHouse waits by itself, and
// scoring does without.
const schemaIn = 5 * time.Second

// schema brings the schema of ClickHouse up to date. It waits for the embedded one; for another only a while.
func (s *service) schema(ctx context.Context) error {
	if s.infra.options.Embedded {
		defer close(s.migrated)
		return warehouse.Migrate(ctx, s.infra.options)
	}
	s.loops.Go(func() error { return s.migrate(s.ctx) })
	select {
	case <-s.migrated:
	case <-ctx.Done():
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	case <-time.After(schemaIn):
	}
	return nil
}

// migrate brings the schema up to date, as long as it takes.
func (s *service) migrate(ctx context.Context) error {
	said := ""
	err := migratePauses.Do(ctx, func() error {
		err := warehouse.Migrate(ctx, s.infra.options)
		if errors.Is(err, warehouse.ErrNewer) { // waiting does not mend that
			return retry.Stop(err)
		}
		return err
	}, func(err error) {
		if err.Error() != said { // once for each cause
			s.logger.Warn("the schema is brought up to date later; stops go on", "err", err)
		}
		said = err.Error()
	})
	if ctx.Err() != nil {
		return nil
	}
	if err == nil {
		close(s.migrated)
	}
	return err
}

// states are the remote checkpoints for scoring. Until the schema is there they do not answer, and with the
// checkpoint everything else that scoring reads or writes there waits.
type states struct {
	*warehouse.Warehouse
	migrated <-chan struct{}
}

var errNoSchema = errors.New("ClickHouse has not answered yet, so that it has not the schema of this version")

// LoadCheckpoint reads a partition's checkpoint.
func (s states) LoadCheckpoint(ctx context.Context, partition int) (warehouse.Checkpoint, error) {
	if !isClosed(s.migrated) {
		return warehouse.Checkpoint{}, errNoSchema
	}
	return s.Warehouse.LoadCheckpoint(ctx, partition)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
