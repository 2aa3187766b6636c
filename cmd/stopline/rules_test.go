package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stopline.internal/stream/kafka"

	"stopline.internal/api/access"
	"stopline.internal/cmd/stopline/city"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger/law"
	"stopline.internal/stream/event"
)

// alerts are those that were published, each once, as their bytes.
func (h *harness) alerts() map[string]scoring.Alert {
	h.t.Helper()
	out := map[string]scoring.Alert{}
	if err := eachAlert(h.t.Context(), h.infra, func(a *scoring.Alert) { out[a.ID] = *a }); err != nil {
		h.t.Fatal(err)
	}
	return out
}

// put sends YAML.
func (h *harness) put(key, method, path, yaml string, headers ...string) (int, map[string]any) {
	return h.call(key, method, path, yaml, append(headers, "Content-Type", "application/yaml")...)
}

// A catalogue is published while events flow: every event is scored, by the one
// or the other, and each alert says by which. Versions can be read back; a bad
// one is refused with every line that is wrong.
func TestPublishPatterns(t *testing.T) {
	h := newHarness(t)
	analyst, supervisor, admin := h.ids.Local(access.Analyst, ""), h.ids.Local(access.Supervisor,
		""), h.ids.Local(access.Admin, "")
	h.call(analyst, http.MethodPut, "/v1/watchlist/acct:62170009", `{"risk":"confirmed","reason":"case 1"}`)
	var first map[string]any
	h.waitFor("the built-in catalogue is published", func() bool {
		status, doc := h.call(analyst, http.MethodGet, "/v1/patterns", "")
		first = doc
		return status == http.StatusOK
	})
	// two are the catalogue's, one in each partition
	h.waitFor("the entry is known", func() bool { return counter(h.metrics.Legs) >= 2+1 })
	old := first["version"].(string)
	if first["by"] != "built-in" || len(first["patterns"].([]any)) < 30 {
		t.Errorf("the catalogue in force: by %v, %d patterns", first["by"], len(first["patterns"].([]any)))
	}
	changed := strings.Replace(string(scoring.DefaultCatalogue), "weight: 0.9", "weight: 0.95", 1)
	for _, key := range []string{analyst, supervisor} {
		if status, _ := h.put(key, http.MethodPut, "/v1/patterns", changed); status != http.StatusForbidden {
			t.Errorf("one person publishes: %d, want 403", status)
		}
	}
	bad := strings.Replace(strings.Replace(changed, "watch.risk", "watch.rosk", 1), "weight: 0.7", "weight: 7", 1)
	status, doc := h.put(analyst, http.MethodPost, "/v1/patterns/proposals", bad)
	if text := fmt.Sprint(doc["errors"]); status != http.StatusUnprocessableEntity ||
		!strings.Contains(text, "did you mean watch.risk") || !strings.Contains(text, "weight: 7") ||
		!strings.Contains(text, "catalogue.yaml:") {
		t.Errorf("a bad catalogue: %d %v", status, doc)
	}
	if status, _ := h.put(admin, http.MethodPut, "/v1/patterns", changed, "If-Match",
		`"123"`); status != http.StatusPreconditionFailed {
		t.Errorf("a change of another version: %d, want 412", status)
	}
	if status, doc := h.put(analyst, http.MethodPost, "/v1/patterns/check", changed); status != http.StatusOK ||
		doc["version"] == old {
		t.Errorf("check: %d %v", status, doc)
	}

	const n = 400
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range n {
			h.send(h.infra.topics.Transfers, transferDoc(fmt.Sprint("t", i), fmt.Sprint("6222", i), "62170009", "10.00"))
		}
	}()
	time.Sleep(150 * time.Millisecond)
	if status, doc = h.put(supervisor, http.MethodPost, "/v1/patterns/proposals?reason=surer", changed, "If-Match",
		`"`+old+`"`); status != http.StatusOK || doc["proposed_by"] != "supervisor" {
		t.Fatalf("propose: %d %v", status, doc)
	}
	proposal := "/v1/patterns/proposals/" + doc["version"].(string)
	for _, c := range []struct {
		key, path string
		status    int
	}{{supervisor, proposal + "/approval", 403}, {analyst, proposal + "/approval", 403}, {admin,
		"/v1/patterns/proposals/none/approval", 404}} {
		if status, doc := h.call(c.key, http.MethodPost, c.path, ""); status != c.status {
			t.Errorf("%s: %d, want %d: %v", c.path, status, c.status, doc)
		}
	}
	if list := h.ok(analyst, http.MethodGet, "/v1/patterns/proposals", "")["proposals"].([]any); len(list) != 1 {
		t.Errorf("%d proposals wait, want 1", len(list))
	}
	status, doc = h.call(admin, http.MethodPost, proposal+"/approval", "")
	if status != http.StatusOK || doc["version"] == old || doc["reason"] != "surer" {
		t.Fatalf("publish: %d %v", status, doc)
	}
	next := doc["version"].(string)
	if doc["by"] != "supervisor, admin" {
		t.Errorf("published by %v, want both", doc["by"])
	}
	if list := h.ok(analyst, http.MethodGet, "/v1/patterns/proposals", "")["proposals"].([]any); len(list) != 0 {
		t.Errorf("%d proposals wait after the approval", len(list))
	}
	<-done
	byVersion := map[string]int{}
	h.waitFor("every payment has its alert", func() bool {
		clear(byVersion)
		for _, a := range h.alerts() {
			if a.Transfer != nil {
				byVersion[a.Catalogue]++
				if want := map[string]int{old: 900, next: 950}[a.Catalogue]; a.Score != want {
					t.Fatalf("catalogue %s scored %d, want %d", a.Catalogue, a.Score, want)
				}
			}
		}
		return byVersion[old]+byVersion[next] == n
	})
	if byVersion[old] == 0 || byVersion[next] == 0 {
		t.Errorf("alerts by version %v: both should have some", byVersion)
	}
	if status, doc := h.call(analyst, http.MethodGet, "/v1/patterns/versions/"+old, ""); status != http.StatusOK ||
		doc["text"] != string(scoring.DefaultCatalogue) {
		t.Errorf("the old version: %d", status)
	}
	if _, doc := h.call(analyst, http.MethodGet, "/v1/patterns/versions", ""); len(doc["versions"].([]any)) != 2 {
		t.Errorf("versions: %v", doc)
	}
	// One that changes what is not in force any more has to be proposed anew; it
	// can be taken back.
	stale := strings.Replace(changed, "weight: 0.7", "weight: 0.75", 1)
	h.put(analyst, http.MethodPost, "/v1/patterns/proposals", stale)
	if status, doc := h.put(admin, http.MethodPut, "/v1/patterns",
		strings.Replace(changed, "weight: 0.95", "weight: 0.951", 1)); status != http.StatusOK {
		t.Fatalf("an admin alone: %d %v", status, doc)
	}
	waiting := h.ok(analyst, http.MethodGet, "/v1/patterns/proposals",
		"")["proposals"].([]any)[0].(map[string]any)["version"].(string)
	if status, _ := h.call(supervisor, http.MethodPost, "/v1/patterns/proposals/"+waiting+"/approval",
		""); status != http.StatusPreconditionFailed {
		t.Errorf("a stale proposal: %d, want 412", status)
	}
	if status, _ := h.call(analyst, http.MethodDelete, "/v1/patterns/proposals/"+waiting,
		""); status != http.StatusNoContent {
		t.Errorf("taken back: %d", status)
	}
}

// A changed file is published; one that cannot be used changes nothing.
func TestPatternsFileIsWatched(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(string(scoring.DefaultCatalogue))
	in, err := (&Servers{Data: t.TempDir(), Partitions: 1}).open(context.WithoutCancel(t.Context()), warnings())
	if err != nil {
		t.Fatal(err)
	}
	s, err := start(t.Context(), in, plan{tuning: Tuning{Patterns: file, Hot: 100, Checkpoint: time.Second,
		Country: "CN"}, roles: []string{roleIngest, roleScore}, clock: wallClock,
		limits: event.DefaultLimits, terms: law.Default, policy: scoring.DefaultPolicy}, warnings())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(); in.close(warnings()) })
	h := &harness{service: s, t: t}
	now := func() string { p, _ := s.book.Current(); return p.Version }
	h.waitFor("the file is published", func() bool { return now() != "" })
	first := now()
	write("- id: nonsense\n")
	time.Sleep(600 * time.Millisecond)
	if now() != first {
		t.Error("a catalogue that cannot be used was published")
	}
	write(strings.Replace(string(scoring.DefaultCatalogue), "weight: 0.9", "weight: 0.95", 1))
	h.waitFor("the changed file is published", func() bool { return now() != first })
}

// Exceptions, entities known to be good and brakes, through the API and into
// the scores; and what people say of alerts, into the patterns' statistics.
func TestRulesAndOutcomes(t *testing.T) {
	h := newHarness(t)
	analyst, supervisor := h.ids.Local(access.Analyst, ""), h.ids.Local(access.Supervisor, "")
	h.waitFor("the built-in catalogue is published", func() bool { _, ok := h.book.Current(); return ok })
	for _, c := range []struct {
		key, method, path, body string
		status                  int
	}{
		{analyst, "PUT", "/v1/known-good/acct:62170001", `{"as":"utility","reason":"water works"}`, 403},
		{supervisor, "PUT", "/v1/known-good/62170001", `{"as":"utility","reason":"water works"}`, 422},
		{supervisor, "PUT", "/v1/known-good/acct:62170001", `{"as":"utility"}`, 422},
		{supervisor, "PUT", "/v1/known-good/acct:6217-0001", `{"as":"utility","reason":"water works"}`, 204},
		{supervisor, "PUT", "/v1/exceptions/acct:62170002/no-such-pattern",
			`{"reason":"r","until":"2100-01-01T00:00:00Z"}`, 422},
		{supervisor, "PUT", "/v1/exceptions/acct:62170002/watchlisted-payee",
			`{"reason":"r","until":"2001-01-01T00:00:00Z"}`, 422},
		{supervisor, "PUT", "/v1/exceptions/acct:62170002/suspected-payee",
			`{"reason":"looked at","until":"2100-01-01T00:00:00Z"}`, 204},
		{supervisor, "DELETE", "/v1/exceptions/acct:62170003/suspected-payee", ``, 404},
		{supervisor, "POST", "/v1/brakes/watchlisted-payee/release", ``, 404},
		{analyst, "POST", "/v1/alerts/alt_none/dismissal", `{"verdict":"confirmed"}`, 404},
		{analyst, "PATCH", "/v1/cases/cas_none", `{"outcome":"confirmed"}`, 404},
	} {
		if status, doc := h.call(c.key, c.method, c.path, c.body); status != c.status {
			t.Errorf("%s %s: %d, want %d: %v", c.method, c.path, status, c.status, doc)
		}
	}
	if _, doc := h.call(analyst, "GET", "/v1/known-good", ""); len(doc["items"].([]any)) != 1 {
		t.Errorf("known good: %v", doc)
	}
	for i := range 3 {
		h.call(analyst, http.MethodPut, fmt.Sprintf("/v1/watchlist/acct:6217000%d", i+1), `{"risk":"suspected"}`)
	}
	h.waitFor("controls and entries are known", func() bool { return counter(h.metrics.Legs) >= 3+3*2 })
	for i := range 3 {
		h.send(h.infra.topics.Transfers, transferDoc(fmt.Sprint("t", i), "6222", fmt.Sprint("6217000", i+1), "800.00"))
	}
	of := map[string]scoring.Alert{}
	h.waitFor("scored", func() bool {
		for _, a := range h.alerts() {
			of[a.Transfer.Payee.Account] = a
		}
		return of["62170003"].ID != "" && of["62170001"].ID != ""
	})
	if a := of["62170001"]; a.Action.String() != "warn" || a.Override == "" {
		t.Errorf("into a known-good account: %s, override %q", a.Action, a.Override)
	}
	if a, alerted := of["62170002"]; alerted {
		t.Errorf("an excepted account raised %+v", a)
	}
	if a := of["62170003"]; a.Action.String() != "review" {
		t.Errorf("into a suspected account: %s", a.Action)
	}

	// Two alerts are judged: one by an analyst, one by a victim's report.
	h.waitFor("the alerts are in the books", func() bool {
		_, doc := h.call(analyst, http.MethodGet, "/v1/alerts", "")
		return len(doc["alerts"].([]any)) == 2
	})
	if status, doc := h.call(analyst, "POST", "/v1/alerts/"+of["62170001"].ID+"/dismissal",
		`{"verdict":"false-alarm","reason":"a water bill"}`); status != http.StatusNoContent {
		t.Fatalf("dismissal: %d %v", status, doc)
	}
	report := fmt.Sprintf(`{"id":"110-9","at":"%s","source":"110","victim":{"phone":"13800138000"},"transfers":[{"id":"t2","payer_account":"6222","payee_account":"62170003","payee_bank":"PCBC","amount":"800.00","currency":"CNY","at":"%s"}]}`, minutesAgo(0), minutesAgo(1))
	if status, doc := h.call(analyst, "POST", "/v1/reports", report); status != http.StatusOK {
		t.Fatalf("report: %d %v", status, doc)
	}
	statistic := func() map[string]any {
		_, doc := h.call(analyst, http.MethodGet, "/v1/patterns/statistics", "")
		list, _ := doc["patterns"].([]any)
		for _, p := range list {
			if p := p.(map[string]any); p["pattern"] == "suspected-payee" {
				return p
			}
		}
		return nil
	}
	h.waitFor("both outcomes are counted", func() bool {
		p := statistic()
		return p != nil && p["alerts"] == 2.0 && p["confirmed"] == 1.0 && p["false_alarms"] == 1.0 && p["precision"] == 0.5
	})
	// A person's word on the alert is stronger than the report, and the last one counts.
	h.call(analyst, "POST", "/v1/alerts/"+of["62170003"].ID+"/dismissal", `{"verdict":"false-alarm"}`)
	h.waitFor("the analyst's verdict counts", func() bool { return statistic()["precision"] == 0.0 })
	h.call(analyst, "POST", "/v1/alerts/"+of["62170003"].ID+"/dismissal", `{"verdict":"confirmed"}`)
	h.waitFor("the last verdict counts", func() bool { return statistic()["precision"] == 0.5 })
	// A case's outcome is for the alerts that nobody judged by themselves.
	h.call(analyst, http.MethodPatch, "/v1/cases/"+of["62170003"].CaseID, `{"outcome":"unfounded"}`)
	time.Sleep(1500 * time.Millisecond)
	if p := statistic(); p["precision"] != 0.5 {
		t.Errorf("the case's outcome came before the alert's: %v", p)
	}
}

// The legs partitions move between two replicas while events flow, and back:
// the alerts are those of one that was left alone, byte for byte.
func TestReplicasShareTheScoring(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	began := event.InstantOf(time.Now().Add(-6 * time.Hour))
	c := city.New(city.Config{Seed: 4, Start: began, Rate: 0.6, People: 1500, Frauds: 6})
	docs := c.Advance(began.Add(5 * time.Hour))
	run := func(moves bool) map[string]string {
		in, err := (&Servers{Data: t.TempDir(), Partitions: 4}).open(context.WithoutCancel(t.Context()), warnings())
		if err != nil {
			t.Fatal(err)
		}
		defer in.close(warnings())
		replica := func() *service {
			s, err := start(t.Context(), in, plan{tuning: Tuning{Hot: 100, Checkpoint: 200 * time.Millisecond,
				Country: "CN"}, roles: []string{roleIngest, roleScore}, clock: wallClock,
				limits: event.DefaultLimits, terms: law.Default, policy: scoring.DefaultPolicy,
				states: t.TempDir()}, warnings()) // each on a machine of its own
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		services := []*service{replica()}
		h := &harness{service: services[0], t: t}
		h.waitFor("the group is joined", func() bool { return counter(services[0].metrics.Legs) > 0 }) // of the catalogue
		for i := 0; i < len(docs); i += 400 {
			var msgs []kafka.Message
			for _, d := range docs[i:min(i+400, len(docs))] {
				msgs = append(msgs, kafka.Message{Topic: in.topics.Transfers, Key: []byte("one order"), Value: d.JSON})
			}
			if err := services[0].documents.Write(t.Context(), msgs...); err != nil {
				t.Fatal(err)
			}
			time.Sleep(60 * time.Millisecond)
			switch quarter := len(docs) / 4; {
			case moves && len(services) == 1 && i >= quarter && i < 2*quarter:
				services = append(services, replica()) // half of the partitions move
				time.Sleep(time.Second)
			case moves && len(services) == 2 && i >= 2*quarter:
				services[0].stop() // and now all of the others
				services = services[1:]
				moves = false
			}
		}
		last := services[len(services)-1]
		if err := waitQuiet(t.Context(), in, last); err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		if err := eachAlert(t.Context(), in, func(a *scoring.Alert) {
			a.Provisional, a.Late = false, false // where ClickHouse was slow while states were copied
			doc, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			if was, known := out[a.ID]; known && was != string(doc) {
				t.Errorf("alert %s came out in two ways:\n%s\n%s", a.ID, was, doc)
			}
			out[a.ID] = string(doc)
		}); err != nil {
			t.Fatal(err)
		}
		for _, s := range services {
			s.stop()
		}
		return out
	}
	want, got := run(false), run(true)
	if len(want) < 100 {
		t.Fatalf("%d alerts prove nothing", len(want))
	}
	if !maps.Equal(want, got) {
		for _, id := range slices.Sorted(maps.Keys(want)) {
			if want[id] != got[id] {
				t.Errorf("alone:\n%s\nmoved:\n%s", want[id], got[id])
			}
		}
		for id := range got {
			if want[id] == "" {
				t.Errorf("only when moved: %s", got[id])
			}
		}
	}
	t.Logf("%d events, %d alerts in both", len(docs), len(want))
}

// waitQuiet waits until nothing more is scored, by anybody.
func waitQuiet(ctx context.Context, in *infra, s *service) error {
	group := groupPrefix(in.topics) + roleScore
	quiet := 0
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		parts := make([]int, in.topics.Partitions)
		for p := range parts {
			parts[p] = p
		}
		committed, err := in.cluster.Committed(ctx, group, in.topics.Legs, parts...)
		if err != nil {
			return err
		}
		ends, err := in.cluster.Ends(ctx, map[string][]int{in.topics.Legs: parts})
		if err != nil {
			return err
		}
		behind := false
		for p, end := range ends[in.topics.Legs] {
			behind = behind || committed[p].Offset != end
		}
		if quiet++; behind {
			quiet = 0
		}
		if quiet == 15 {
			return nil
		}
	}
	return fmt.Errorf("the replicas are not done after a minute; legs scored by the last: %d", counter(s.metrics.Legs))
}

// A ClickHouse that was made anew gets the states from the machine that has them. Where nobody has them
// they are rebuilt from the legs, and nothing that was published before is published again.
func TestStatesAreRebuiltInSilence(t *testing.T) {
	data := t.TempDir()
	run := func(send func(h *harness)) (alerts int) {
		in, err := (&Servers{Data: data, Partitions: 1}).open(context.WithoutCancel(t.Context()), warnings())
		if err != nil {
			t.Fatal(err)
		}
		defer in.close(warnings())
		s, err := start(t.Context(), in, plan{tuning: Tuning{Hot: 1000, Checkpoint: 200 * time.Millisecond,
			Country: "CN"}, roles: []string{roleIngest, roleScore}, clock: wallClock,
			limits: event.DefaultLimits, terms: law.Default, policy: scoring.DefaultPolicy}, warnings())
		if err != nil {
			t.Fatal(err)
		}
		defer s.stop()
		h := &harness{service: s, t: t}
		send(h)
		if err := waitQuiet(t.Context(), in, s); err != nil {
			t.Fatal(err)
		}
		return int(total(s.metrics.Alerts))
	}
	first := run(func(h *harness) {
		h.send(h.infra.topics.Telecom, fmt.Sprintf(`{"kind":"call","id":"c1","at":"%s","phase":"ended","caller":{"number":"+85281234567"},"callee":{"number":"13800138000"},"duration_s":1500}`, minutesAgo(40)))
		h.waitFor("the call scored", func() bool { return counter(h.metrics.Legs) >= 2 })
		h.send(h.infra.topics.Transfers, transferDoc("t1", "6222", "6217", "49800.00"))
		h.waitFor("the alert", func() bool { return total(h.metrics.Alerts) > 0 })
	})
	lose := func(what string) {
		t.Helper()
		if err := os.RemoveAll(filepath.Join(data, what)); err != nil {
			t.Fatal(err)
		}
	}
	lose("clickhouse")
	there := run(func(h *harness) {
		h.waitFor("ClickHouse has the states", func() bool {
			rows, err := h.warehouse.LoadStates(t.Context(), 0, []event.Entity{"tel:+8613800138000"})
			return err == nil && len(rows) == 1
		})
		if n := counter(h.metrics.Legs); n != 0 {
			t.Errorf("%d legs were scored again", n)
		}
	})
	lose("clickhouse")
	lose("states")
	again := run(func(h *harness) {
		h.waitFor("the legs are read again", func() bool { return counter(h.metrics.Legs) >= 5 })
	})
	if first == 0 || there != 0 || again != 0 {
		t.Errorf("%d alerts at first, %d with the states, and %d when they were rebuilt; want none", first, there, again)
	}
	// The states are there: the same payer knows the payee now.
	third := run(func(h *harness) {
		h.send(h.infra.topics.Transfers, transferDoc("t1", "6222", "6217", "49800.00"))
	})
	if third != 0 {
		t.Errorf("a payment that is known raised %d alerts", third)
	}
}
