package warehouse

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"

	"stopline/stream/event"
)

// Movement is a transfer into an account (above zero) or out of it.
type Movement struct {
	ID    string
	At    event.Instant
	Minor int64
	Other string // the other account; empty for cash
}

// Movements lists what moved on an account since a moment, by time, at most
// limit of them; what was taken back is left out.
func (w *Warehouse) Movements(ctx context.Context, account string, from event.Instant, currency event.Currency, limit int) ([]Movement, error) {
	rows, err := w.conn.Query(ctx, `SELECT id, toUnixTimestamp64Milli(at), if(payee_account = {account:String}, amount, -amount), if(payee_account = {account:String}, payer_account, payee_account)
		FROM transfers FINAL WHERE (payer_account = {account:String} OR payee_account = {account:String}) AND at >= `+fromT+` AND currency = {currency:String} AND status < 3
		ORDER BY at, id LIMIT {limit:UInt32}`,
		clickhouse.Named("account", account), clickhouse.Named("from", int64(from)), clickhouse.Named("currency", string(currency)), clickhouse.Named("limit", limit))
	if err != nil {
		return nil, fmt.Errorf("read an account's movements: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Movement
	for rows.Next() {
		var m Movement
		var at int64
		if err := rows.Scan(&m.ID, &at, &m.Minor, &m.Other); err != nil {
			return nil, fmt.Errorf("read an account's movements: %w", err)
		}
		m.At = event.Instant(at)
		out = append(out, m)
	}
	return out, rows.Err()
}
