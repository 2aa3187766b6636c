package warehouse

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"stopline.internal/stream/event"
)

// schema is what the database has, a line for each table, column and index.
func schema(t *testing.T, w *Warehouse) []string {
	t.Helper()
	var out []string
	rows, err := w.conn.Query(t.Context(), `
		SELECT 'table', name, as_select != '' ? as_select : engine_full FROM system.tables WHERE database = currentDatabase()
			AND name NOT LIKE 'goose%'
		UNION ALL SELECT 'column', table || '.' || name, type || ' ' || comment FROM system.columns
			WHERE database = currentDatabase() AND table NOT LIKE 'goose%'
		UNION ALL SELECT 'index', table || '.' || name, expr || ' ' || type_full || ' ' || toString(granularity)
			FROM system.data_skipping_indices WHERE database = currentDatabase()
		ORDER BY ALL`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var what, name, is string
		if err := rows.Scan(&what, &name, &is); err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %s %s", what, name, is))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// Each migration can be taken back, and leaves what was there before it.
func TestMigrationsGoBack(t *testing.T) {
	w := open(t)
	p, done, err := provider(Options{Addrs: []string{engine.Addr()}, Database: strings.ToLower(t.Name()), Embedded: true})
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	newest, err := p.GetDBVersion(t.Context())
	if err != nil || newest < 8 {
		t.Fatalf("version %d, %v", newest, err)
	}
	upTo := map[int64][]string{}
	if _, err := p.DownTo(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	for v := int64(1); v <= newest; v++ {
		if _, err := p.UpTo(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		upTo[v] = schema(t, w)
	}
	for v := newest - 1; v > 0; v-- {
		if _, err := p.DownTo(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		is := map[string]bool{}
		for _, line := range schema(t, w) {
			is[line] = true
		}
		for _, line := range upTo[v] {
			if !is[line] {
				t.Errorf("taken back to %d it lacks: %s", v, line)
			}
			delete(is, line)
		}
		for line := range is {
			t.Errorf("taken back to %d it still has: %s", v, line)
		}
	}
}

// An index that is added to a table with rows in it serves them only once it is
// materialised.
func TestIndexesAreMaterialised(t *testing.T) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		text, err := fs.ReadFile(migrations, f)
		if err != nil {
			t.Fatal(err)
		}
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		all.WriteString(up)
	}
	added := regexp.MustCompile(`ALTER TABLE (\w+) ADD INDEX (\w+)`).FindAllStringSubmatch(all.String(), -1)
	if len(added) < 7 {
		t.Fatalf("%d indexes", len(added))
	}
	for _, m := range added {
		if !strings.Contains(all.String(), "ALTER TABLE "+m[1]+" MATERIALIZE INDEX "+m[2]+";") {
			t.Errorf("%s of %s is never materialised", m[2], m[1])
		}
	}
}

// What a claim and a case page ask for reads a few granules, and not the table.
func TestLookupsReadNoWholeTable(t *testing.T) {
	w := open(t)
	b := w.NewBooks()
	for i := range 100_000 {
		b.Alert(AlertRow{ID: fmt.Sprintf("alt_%06d", i), Entity: "acct:1", Action: "review",
			CaseID: fmt.Sprintf("cas_%06d", i),
			At:     noon + event.Instant(i), Document: []byte("{}")})
	}
	if _, err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, query := range map[string]string{
		"an alert":        "SELECT any(document) FROM alerts_rows WHERE id = 'alt_050000'",
		"a case's alerts": "SELECT document FROM alerts_rows FINAL WHERE case_id IN ('cas_050000')",
	} {
		rows, err := w.conn.Query(t.Context(), "EXPLAIN indexes = 1 "+query)
		if err != nil {
			t.Fatal(err)
		}
		var plan strings.Builder
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			plan.WriteString(line + "\n")
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		// FINAL then adds the granules whose keys meet those, which are few.
		skip := regexp.MustCompile(`Name: alert_(?:id|case)[^G]*bloom_filter GRANULARITY 1\s+Parts: \d+/\d+\s+Granules: (\d+)/(\d+)`)
		if m := skip.FindStringSubmatch(plan.String()); m == nil || m[1] != "1" || m[2] == "1" {
			t.Errorf("%s is not looked up by an index:\n%s", name, plan.String())
		}
	}
}
