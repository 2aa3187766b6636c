package warehouse

import (
	"fmt"
	"testing"

	"stopline.internal/stream/event"
)

// What it costs that rows are on the disk when they are acknowledged: a batch of the
// sink, of transfers, with and without.
//
//	go test -run '^$' -bench BenchmarkFlush -benchtime 20x ./store/warehouse
func BenchmarkFlush(b *testing.B) {
	w, err := Open(b.Context(), Options{Addrs: []string{engine.Addr()}, Database: "benchmarkflush", Embedded: true})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	for _, on := range []int{1, 0} {
		if err := w.conn.Exec(b.Context(), fmt.Sprintf("ALTER TABLE transfers_rows MODIFY SETTING fsync_after_insert = %d, "+
			"fsync_part_directory = %d, min_rows_to_fsync_after_merge = %d", on, on, on)); err != nil {
			b.Fatal(err)
		}
		for _, rows := range []int{1000, 20_000, 100_000} {
			b.Run(fmt.Sprintf("fsync=%d/rows=%d", on, rows), func(b *testing.B) {
				id := 0
				for b.Loop() {
					books := w.NewBooks()
					for range rows {
						id++
						books.Leg(&event.Leg{Role: event.RoleDebit, Event: event.Event{Kind: event.KindTransfer,
							ID: fmt.Sprint(rows, "-", id), At: noon, Transfer: event.Transfer{
								Payer:  event.Party{Account: fmt.Sprint("6222", id*7919%4_000_003), Bank: "ICBK"},
								Payee:  event.Party{Account: fmt.Sprint("6217", id*104_729%4_000_003), Bank: "PCBC"},
								Amount: event.Money{Minor: int64(id), Currency: event.CNY}, Channel: "mobile",
								Status: event.StatusInitiated}}}, int64(id), 0)
					}
					if _, err := books.Flush(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/flush")
			})
		}
	}
	if err := w.conn.Exec(b.Context(), "ALTER TABLE transfers_rows MODIFY SETTING fsync_after_insert = 1, "+
		"fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1"); err != nil {
		b.Fatal(err)
	}
}
