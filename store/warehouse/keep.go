package warehouse

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// keepable are the tables that may be kept for some days only: what sources
// reported and what scoring found. What the ledger accepted is the record.
var keepable = []string{"transfers", "transfer_conflicts", "calls", "messages", "sims", "alerts"}

// Kept is for how many days a table of the books is kept.
type Kept struct {
	Table string `json:"table"`
	Days  int    `json:"days"` // 0: for ever
}

// ttl finds the days in a table's definition, where they are kept.
var ttl = regexp.MustCompile(`TTL toDateTime\(at\) \+ toIntervalDay\((\d+)\)`)

// Kept tells it of each table that may be kept for some days only.
func (w *Warehouse) Kept(ctx context.Context) ([]Kept, error) {
	var out []Kept
	for _, table := range keepable {
		var engine string
		if err := w.conn.QueryRow(ctx, "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = "+
			"{table:String}", clickhouse.Named("table", rowsOf(table))).Scan(&engine); err != nil {
			return nil, fmt.Errorf("read how long %s are kept: %w", table, err)
		}
		k := Kept{Table: table}
		if m := ttl.FindStringSubmatch(engine); m != nil {
			k.Days, _ = strconv.Atoi(m[1]) // digits, that ClickHouse wrote
		}
		out = append(out, k)
	}
	return out, nil
}

// Keep keeps a table for some days from now on; 0: for ever. ClickHouse itself
// drops a month once all of it is older.
func (w *Warehouse) Keep(ctx context.Context, table string, days int) error {
	if !slices.Contains(keepable, table) {
		return fmt.Errorf("%q cannot be kept for some days only: %s can", table, strings.Join(keepable, ", "))
	}
	change := fmt.Sprintf("MODIFY TTL toDateTime(at) + toIntervalDay(%d)", days)
	if days == 0 {
		kept, err := w.Kept(ctx)
		if err != nil || kept[slices.Index(keepable, table)].Days == 0 {
			return err
		}
		change = "REMOVE TTL"
	}
	if err := w.conn.Exec(ctx, "ALTER TABLE "+rowsOf(table)+" "+change); err != nil {
		return fmt.Errorf("keep %s for %d days: %w", table, days, err)
	}
	return nil
}
