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

// Payment is one out of an account, by name.
type Payment struct {
	ID                    string
	At                    event.Instant
	Minor, Balance        int64 // before it, or [event.Unknown]
	Account, Bank, Holder string
	Shop                  bool
}

// Payments lists what went out of each of some accounts since a moment, in
// yuan, the last 64 of each.
func (w *Warehouse) Payments(ctx context.Context, accounts []string, from event.Instant) (map[string][]Payment, error) {
	rows, err := w.conn.Query(ctx, `SELECT payer_account, id, toUnixTimestamp64Milli(at), amount, payer_balance, payee_account, payee_bank, payee_holder, channel = 'pos'
		FROM transfers FINAL WHERE payer_account IN ({accounts:Array(String)}) AND at >= `+fromT+` AND currency = 'CNY' AND status < 3
		ORDER BY at DESC, id DESC LIMIT 64 BY payer_account`,
		clickhouse.Named("accounts", accounts), clickhouse.Named("from", int64(from)))
	if err != nil {
		return nil, fmt.Errorf("read accounts' payments: %w", err)
	}
	defer func() { _ = rows.Close() }()
	out := map[string][]Payment{}
	for rows.Next() {
		var payer string
		var p Payment
		var at int64
		var shop uint8
		if err := rows.Scan(&payer, &p.ID, &at, &p.Minor, &p.Balance, &p.Account, &p.Bank, &p.Holder, &shop); err != nil {
			return nil, fmt.Errorf("read accounts' payments: %w", err)
		}
		p.At, p.Shop = event.Instant(at), shop == 1
		out[payer] = append(out[payer], p)
	}
	return out, rows.Err()
}
