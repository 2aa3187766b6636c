package warehouse

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"stopline.internal/stream/event"
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
func (w *Warehouse) Movements(ctx context.Context, account string, from event.Instant, currency event.Currency,
	limit int) ([]Movement, error) {
	rows, err := w.conn.Query(ctx, `SELECT id, toUnixTimestamp64Milli(at), if(payee_account = {account:String}, amount, -amount), if(payee_account = {account:String}, payer_account, payee_account)
		FROM transfers WHERE (payer_account = {account:String} OR payee_account = {account:String}) AND at >= `+fromT+` AND currency = {currency:String} AND status < 3
		ORDER BY at, id LIMIT {limit:UInt32}`,
		clickhouse.Named("account", account), clickhouse.Named("from", int64(from)),
		clickhouse.Named("currency", string(currency)), clickhouse.Named("limit", limit))
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
		FROM transfers WHERE payer_account IN ({accounts:Array(String)}) AND at >= `+fromT+` AND currency = 'CNY' AND status < 3
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

// Call is one that a number took.
type Call struct {
	ID      string
	At      event.Instant
	Caller  string
	Seconds int64
	Foreign bool
	Spoofed bool
}

// Calls lists the calls that a number took in [from, to), at most 200.
func (w *Warehouse) Calls(ctx context.Context, callee string, from, to event.Instant) ([]Call, error) {
	rows, err := w.conn.Query(ctx, `SELECT id, toUnixTimestamp64Milli(at), caller, seconds, foreign_caller, spoofed FROM calls_rows FINAL WHERE callee = {callee:String} AND at >= `+fromT+` AND at < `+toT+` ORDER BY at, id LIMIT 200`,
		append(span(from, to), clickhouse.Named("callee", callee))...)
	if err != nil {
		return nil, fmt.Errorf("read a number's calls: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Call
	for rows.Next() {
		var c Call
		var at int64
		var foreign, spoofed uint8
		if err := rows.Scan(&c.ID, &at, &c.Caller, &c.Seconds, &foreign, &spoofed); err != nil {
			return nil, fmt.Errorf("read a number's calls: %w", err)
		}
		c.At, c.Foreign, c.Spoofed = event.Instant(at), foreign == 1, spoofed == 1
		out = append(out, c)
	}
	return out, rows.Err()
}

// CaseAlerts returns the documents of the alerts on cases, oldest first, at most
// 100.
func (w *Warehouse) CaseAlerts(ctx context.Context, cases []string) ([]string, error) {
	rows, err := w.conn.Query(ctx, `SELECT document FROM alerts_rows FINAL WHERE case_id IN ({cases:Array(String)}) ORDER BY at, id LIMIT 100`, clickhouse.Named("cases", cases))
	if err != nil {
		return nil, fmt.Errorf("read a case's alerts: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var d string
		if err := rows.Scan(&d); err != nil {
			return nil, fmt.Errorf("read a case's alerts: %w", err)
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// Found is a transfer that a search found.
type Found struct {
	ID, Payer, PayerHolder, Payee, PayeeHolder string
	At                                         event.Instant
	Minor                                      int64
	Currency                                   event.Currency
}

// searched are the columns that a search looks in. Each is asked for by itself:
// an index serves one condition, not one of six.
var searched = []string{"payer_account", "payee_account", "id", "payer_phone", "payer_holder", "payee_holder"}

// notRefused leaves the repeats out that scoring refused, as the view does. Who
// looks for a few rows by an index does without the view's FINAL.
const notRefused = "(payer_account, id, payee_account, amount, currency) NOT IN " +
	"(SELECT payer_account, id, payee_account, amount, currency FROM transfer_conflicts_rows)"

// Search finds transfers by account of either side, by id, by the payer's number
// or by a holder; the newest first, at most limit of each sort.
func (w *Warehouse) Search(ctx context.Context, q string, limit int) ([]Found, error) {
	each := make([]string, len(searched))
	for i, column := range searched {
		each[i] = "(SELECT id, payer_account, payer_holder, payee_account, payee_holder, at, amount, currency FROM " +
			"transfers_rows WHERE " + column + " = {q:String} AND " + notRefused + " ORDER BY at DESC LIMIT {limit:UInt32})"
	}
	rows, err := w.conn.Query(ctx, "SELECT id, payer_account, payer_holder, payee_account, payee_holder, "+
		"toUnixTimestamp64Milli(at), amount, currency FROM ("+strings.Join(each, " UNION ALL ")+
		") ORDER BY at DESC LIMIT 1 BY payer_account, id LIMIT {limit:UInt32}",
		clickhouse.Named("q", q), clickhouse.Named("limit", limit))
	if err != nil {
		return nil, fmt.Errorf("search the transfers: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Found
	for rows.Next() {
		var f Found
		var at int64
		var currency string
		if err := rows.Scan(&f.ID, &f.Payer, &f.PayerHolder, &f.Payee, &f.PayeeHolder, &at, &f.Minor, &currency); err != nil {
			return nil, fmt.Errorf("search the transfers: %w", err)
		}
		f.At, f.Currency = event.Instant(at), event.Currency(currency)
		out = append(out, f)
	}
	return out, rows.Err()
}
