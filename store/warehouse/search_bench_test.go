package warehouse

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkSearch10M looks transfers up among ten million, the way an analyst
// types: by either account, by id, by number, by name, and for what is not there.
// The limit of the console is 300 ms.
func BenchmarkSearch10M(b *testing.B) {
	const transfers, chunk = 10_000_000, 1_000_000
	ctx := b.Context()
	w, err := Open(ctx, Options{Addrs: []string{engine.Addr()}, Database: "search10m"})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	have, err := w.Count(ctx, "transfers")
	if err != nil {
		b.Fatal(err)
	}
	if have < transfers {
		began := time.Now()
		for at := 0; at < transfers; at += chunk {
			// Four million accounts; two million names and numbers; hashes, so that
			// nothing lies in the order in which it is asked for.
			if err := w.conn.Exec(ctx, fmt.Sprintf(`INSERT INTO transfers_rows SELECT concat('T', toString(number)), toDateTime64('2026-01-01 00:00:00', 3, 'Asia/Shanghai') + toIntervalSecond(number),
				toString(6222020000000000000 + cityHash64(number) %% 4000000), 'ICBK', concat('holder', toString(cityHash64(number, 1) %% 2000000)), toString(13800000000 + cityHash64(number, 2) %% 2000000),
				toString(6217000000000000000 + cityHash64(number, 3) %% 4000000), 'PCBC', concat('holder', toString(cityHash64(number, 4) %% 2000000)), 100 + number %% 9000000, 'CNY', 'mobile', 2, -1, -1, '', '', '520103', 0
				FROM numbers(%d, %d)`, at, chunk)); err != nil {
				b.Fatal(err)
			}
		}
		b.Logf("%d transfers made in %s", transfers, time.Since(began).Round(time.Second))
	}
	var payer, payee, id, phone, holder string
	if err := w.conn.QueryRow(ctx, "SELECT payer_account, payee_account, id, payer_phone, payee_holder FROM "+
		"transfers_rows "+
		"WHERE id = 'T7654321'").Scan(&payer, &payee, &id, &phone, &holder); err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name, q string
		there   bool
	}{{"payer's account", payer, true}, {"payee's account", payee, true}, {"transfer", id, true}, {"number", phone,
		true}, {"holder", holder, true}, {"nothing", "6217999999999999999", false}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				found, err := w.Search(ctx, c.q, 50)
				if err != nil || (len(found) > 0) != c.there {
					b.Fatalf("%q: found %d, %v", c.q, len(found), err)
				}
			}
		})
	}
}
