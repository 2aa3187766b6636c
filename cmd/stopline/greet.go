package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"stopline.internal/api/access"
	"stopline.internal/stream/event"
)

// ownBank is the code of a bank that no one simulates: it is for whoever tries
// the service as a bank's engineer (docs/banks.md).
const ownBank = "TEST"

// greet says where everything is: a link that signs in for each role, and lines
// to paste.
func (d *demo) greet(in *infra) {
	out := func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	u := d.service.url
	out("\nconsole %s/    API %s/docs    Kafka %s    ClickHouse %s", u, u, in.kafka, in.clickhouse)
	out("\nThis city is simulated: %.0f seconds of it pass in one of yours. Open a link to look at it as", d.saved.Speed)
	for _, role := range []access.Role{access.Supervisor, access.Analyst, access.Police, access.Admin} {
		key := d.ids.Local(role, "")
		out("  %-11s %s/#key=%s    key %s", role, u, key, key)
	}
	out("All keys, those of the banks too, are in %s. Lines to paste:\n", filepath.Join(d.cmd.Data, "keys.json"))
	d.examples(out)
	out("")
}

// examples are lines that can be pasted, for each role.
func (d *demo) examples(out func(format string, args ...any)) {
	curl := func(role access.Role, bank, what, line string) {
		out("  %-34s curl -sH 'Authorization: Bearer %s' %s", what, d.ids.Local(role, bank), line)
	}
	u, now := d.service.url, d.clock.now()
	day := func(i event.Instant) string { return i.Time().Format(time.DateOnly) }
	curl(access.Analyst, "", "analyst: newest alerts", "'"+u+"/v1/alerts?limit=3'")
	curl(access.Analyst, "", "hotline: a victim's report",
		fmt.Sprintf(`-H 'Content-Type: application/json' -d '{"id":"try-1","at":"%s","source":"96110","victim":{"phone":"13800000001"},"transfers":[{"payer_account":"6222000000000000001","payee_account":"6217000000000000009","payee_bank":"TEST","amount":"1234.56","currency":"CNY","at":"%s"}]}' '%s/v1/reports'`, now, now, u))
	curl(access.Supervisor, "", "supervisor: what waits for a person", "'"+u+"/v1/duties?limit=5'")
	curl(access.Police, "", "police: newest cases, their amounts", "'"+u+"/v1/cases?limit=2'")
	curl(access.Analyst, "", "analyst: how patterns turned out", "'"+u+"/v1/patterns/statistics'")
	curl(access.Bank, ownBank, "bank TEST: its stops, long poll", "'"+u+"/v1/bank/stops?wait=30s'")
	curl(access.Police, "", "police: recovered funds",
		fmt.Sprintf("'%s/v1/statistics/recovery?from=%s&to=%s&by=fraud_type'", u, day(now), day(now.Add(365*24*time.Hour))))
	curl(access.Admin, "", "admin: held stops", "'"+u+"/v1/stops?state=held&limit=3'")
}
