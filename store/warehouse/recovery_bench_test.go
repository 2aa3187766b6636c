package warehouse

import (
	"os"
	"strconv"
	"testing"
	"time"

	"stopline.internal/stream/event"
)

// BenchmarkRecoveries20M reads a year's recovery statistics over 20 million
// stops and what became of them (STOPLINE_BENCH_STOPS sets another number; the
// rows are made by the engine first, which takes a minute). It prints how long the
// computation of one day took as well: what a second of changes costs.
func BenchmarkRecoveries20M(b *testing.B) {
	stops := 20_000_000
	if n, err := strconv.Atoi(os.Getenv("STOPLINE_BENCH_STOPS")); err == nil {
		stops = n
	}
	ctx := b.Context()
	w, err := Open(ctx, Options{Addrs: []string{engine.Addr()}, Database: "recoveries20m"})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	have, err := w.Count(ctx, "stops")
	if err != nil {
		b.Fatal(err)
	}
	const chunk = 2_000_000
	if have < uint64(stops) {
		began := time.Now()
		for at := 0; at < stops; at += chunk {
			err := w.conn.Exec(ctx, `INSERT INTO stops_rows SELECT concat('stp_', toString(number)), 5, toDate('2026-01-01') + number % 365, toDateTime64('2026-01-01 12:00:00', 3, 'Asia/Shanghai') + toIntervalDay(number % 365),
			concat('cas_', toString(intDiv(number, 3))), number % 3 = 0, arrayElement(['ICBK','PCBC','ABOC','BKCH','COMM','PSBC'], 1 + cityHash64(number) % 6), toString(520100 + cityHash64(number, 1) % 90),
			arrayElement(['task-rebate','impersonated-authority','account-takeover','loan-advance-fee','investment-romance','impersonated-service','impersonated-acquaintance'], 1 + cityHash64(number, 2) % 7), '', 1 + cityHash64(number, 3) % 6, 'CNY',
			arrayElement(['held','partial','missed','frozen','returned','released','expired'], 1 + cityHash64(number, 4) % 7), arrayElement(['held','partial','missed'], 1 + cityHash64(number, 4) % 3),
			100000 + number % 9000000, number % 90000, number % 80000, number % 70000, number % 50000, number % 10000, 0, 0,
			proposed_at - 60, proposed_at + cityHash64(number, 5) % 4000, proposed_at + 4100, proposed_at + 4200
			FROM (SELECT number, toDateTime64('2026-01-01 12:00:00', 3, 'Asia/Shanghai') + toIntervalDay(number % 365) AS proposed_at FROM numbers(`+strconv.Itoa(at)+`, `+strconv.Itoa(min(chunk, stops-at))+`))`)
			if err != nil {
				b.Fatal(err)
			}
		}
		b.Logf("%d stops made in %s", stops, time.Since(began).Round(time.Second))
		began = time.Now()
		var days []string
		for d := range 365 {
			days = append(days, time.Date(2026, 1, 1+d, 0, 0, 0, 0, time.UTC).Format(time.DateOnly))
		}
		for i := 0; i < len(days); i += 30 {
			if err := w.Recompute(ctx, days[i:min(i+30, len(days))]); err != nil {
				b.Fatal(err)
			}
		}
		b.Logf("a year reckoned in %s", time.Since(began).Round(time.Second))
	}
	began := time.Now()
	if err := w.Recompute(ctx, []string{"2026-06-01"}); err != nil {
		b.Fatal(err)
	}
	b.Logf("one day reckoned in %s", time.Since(began).Round(time.Millisecond))
	from, to := time.Date(2026, 1, 1, 0, 0, 0, 0, event.Zone), time.Date(2027, 1, 1, 0, 0, 0, 0, event.Zone)
	for _, by := range []string{"month", "district", "fraud_type", "bank", "hop"} {
		b.Run(by, func(b *testing.B) {
			for b.Loop() {
				rows, err := w.Recoveries(ctx, event.InstantOf(from), event.InstantOf(to), by, event.CNY)
				if err != nil {
					b.Fatal(err)
				}
				if n := rows[len(rows)-1].Proposed; n != uint64(stops) {
					b.Fatalf("%d stops, want %d", n, stops)
				}
			}
		})
	}
	b.Run("a month's report", func(b *testing.B) {
		for b.Loop() {
			if _, err := w.Report(ctx, event.InstantOf(from), event.InstantOf(from.AddDate(0, 1, 0)),
				[]string{"day", "district", "fraud_type", "bank", "hop"}, event.CNY); err != nil {
				b.Fatal(err)
			}
		}
	})
}
