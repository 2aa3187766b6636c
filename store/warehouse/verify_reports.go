package warehouse

import (
	"context"
	"fmt"
	"time"

	"stopline.internal/store/ledger"
	"stopline.internal/stream/event"
)

// verifyReports compares each report's row with the ledger's.
func (w *Warehouse) verifyReports(ctx context.Context, reports []ledger.ReportNote, v *Verification) error {
	want := map[string]*ledger.ReportNote{}
	for i := range reports {
		want[reportName(reports[i].ID, reports[i].CaseID)] = &reports[i]
	}
	rows, err := w.conn.Query(ctx, `SELECT report_id, case_id, toString(toDate(at)), source, district, fraud_type,
		amount, currency, repeats FROM reports_rows FINAL`)
	if err != nil {
		return fmt.Errorf("read the books' reports: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, caseID, on, source, district, kind, currency string
		var amount int64
		var repeats uint8
		if err := rows.Scan(&id, &caseID, &on, &source, &district, &kind, &amount, &currency, &repeats); err != nil {
			return fmt.Errorf("read the books' reports: %w", err)
		}
		name := reportName(id, caseID)
		r := want[name]
		if r == nil {
			v.add(Difference{What: "report", ID: name, Field: "row", Books: "there", Ledger: "not there"})
			continue
		}
		delete(want, name)
		v.Reports++
		v.row("report", name, field{"day", on, dayOf(r.At)}, field{"source", source, r.Source},
			field{"district", district, r.District}, field{"fraud_type", kind, r.FraudType}, field{"amount", amount, r.Minor},
			field{"currency", currency, r.Currency}, field{"repeats", repeats, bit(r.Repeats())})
	}
	absent(v, "report", want)
	return rows.Err()
}

func reportName(id, caseID string) string { return id + " of " + caseID }

// verifyPayments compares what victims reported, payment by payment.
func (w *Warehouse) verifyPayments(ctx context.Context, reports []ledger.ReportNote, v *Verification) error {
	want := map[string]*loss{}
	for i := range reports {
		for _, k := range reports[i].Brought {
			want[lossName(reports[i].ID, reports[i].CaseID, k.Position)] = &loss{&reports[i], k}
		}
	}
	rows, err := w.conn.Query(ctx, `SELECT report_id, case_id, position, toString(day), paid_at, district, fraud_type,
		payer, payee, amount, currency, stop_id FROM reported_payments_rows FINAL`)
	if err != nil {
		return fmt.Errorf("read the books' reported payments: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, caseID, on, district, kind, payer, payee, currency, stop string
		var position uint16
		var amount int64
		var paidAt time.Time
		if err := rows.Scan(&id, &caseID, &position, &on, &paidAt, &district, &kind, &payer, &payee, &amount,
			&currency, &stop); err != nil {
			return fmt.Errorf("read the books' reported payments: %w", err)
		}
		name := lossName(id, caseID, int(position))
		k := want[name]
		if k == nil {
			v.add(Difference{What: "payment", ID: name, Field: "row", Books: "there", Ledger: "not there"})
			continue
		}
		delete(want, name)
		v.Payments++
		c := lossColumns(k)
		v.row("payment", name, field{"day", on, c[3]}, field{"paid_at", event.InstantOf(paidAt), k.Loss.At},
			field{"district", district, c[5]}, field{"fraud_type", kind, c[6]}, field{"payer", payer, c[7]},
			field{"payee", payee, c[8]}, field{"amount", amount, c[9]}, field{"currency", currency, c[10]},
			field{"stop_id", stop, c[11]})
	}
	absent(v, "payment", want)
	return rows.Err()
}

func lossName(id, caseID string, position int) string {
	return fmt.Sprintf("%d of report %s", position, reportName(id, caseID))
}

// verifyReportDays compares the sums of what victims reported.
func (w *Warehouse) verifyReportDays(ctx context.Context, reports []ledger.ReportNote, v *Verification) error {
	sums := map[dayKey]*reportSum{}
	for i := range reports {
		sumReport(sums, &reports[i])
	}
	rows, err := w.conn.Query(ctx, `SELECT dim, key, toString(day), currency, reports, reports_repeated, amount_reported
		FROM reports_by_rows FINAL`)
	if err != nil {
		return fmt.Errorf("read the statistics of reports: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var k dayKey
		var b reportSum
		if err := rows.Scan(&k.dim, &k.key, &k.day, &k.currency, &b.reports, &b.repeated, &b.amount); err != nil {
			return fmt.Errorf("read the statistics of reports: %w", err)
		}
		k.dim = "reports " + k.dim
		day(v, sums, k, b)
	}
	undone(v, sums)
	return rows.Err()
}

// sumReport adds a report to every statistic that it counts in: itself in its own
// currency, what it brought in the currency of each payment.
func sumReport(sums map[dayKey]*reportSum, r *ledger.ReportNote) {
	for _, d := range [][2]string{{"total", ""}, {"district", r.District}, {"fraud_type", r.FraudType}} {
		of := func(currency event.Currency) *reportSum {
			k := dayKey{"reports " + d[0], d[1], dayOf(r.At), string(currency)}
			if sums[k] == nil {
				sums[k] = &reportSum{}
			}
			return sums[k]
		}
		if r.Repeats() {
			of(r.Currency).repeated++
		} else {
			of(r.Currency).reports++
		}
		for _, k := range r.Brought {
			of(k.Currency).amount += k.Minor
		}
	}
}
