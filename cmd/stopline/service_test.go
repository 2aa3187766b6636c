package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"stopline.internal/stream/kafka"

	"stopline.internal/api/access"
	"stopline.internal/cmd/stopline/city"
	"stopline.internal/scoring"
	"stopline.internal/store/embedded"
	"stopline.internal/store/ledger/law"
	"stopline.internal/stream"
	"stopline.internal/stream/event"
	"stopline.internal/stream/event/words"
)

func TestMain(m *testing.M) {
	embedded.RunChild()
	os.Exit(m.Run())
}

// harness is a whole service on embedded servers of its own.
type harness struct {
	*service
	t   testing.TB
	ids *access.Identities
}

func newHarness(t testing.TB) *harness {
	t.Helper()
	return harnessOn(t, Servers{Data: t.TempDir(), Partitions: 2}, 10_000)
}

// harnessOn runs the service on the servers, with so many hot entities in
// each partition.
func harnessOn(t testing.TB, s Servers, hot int) *harness {
	t.Helper()
	log := warnings()
	in, err := s.open(context.WithoutCancel(t.Context()), log)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := access.LocalIdentities(filepath.Join(s.Data, "keys.json"), city.BankCodes)
	if err != nil {
		t.Fatal(err)
	}
	svc, err := start(t.Context(), in, plan{tuning: Tuning{Hot: hot, Checkpoint: 200 * time.Millisecond,
		Country: "CN"}, roles: allRoles, clock: wallClock,
		limits: event.DefaultLimits, terms: law.Default, policy: scoring.DefaultPolicy, listen: "127.0.0.1:0",
		identities: ids,
		center:     Center{Center: "贵阳市反诈中心", Numbering: "筑反诈止"}}, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		svc.stop()
		in.close(log)
	})
	h := &harness{svc, t, ids}
	why := ""
	defer func() {
		if t.Failed() {
			t.Log("what was not ready: ", why)
		}
	}()
	h.waitFor("ready", func() bool {
		status, doc := h.call("", http.MethodGet, "/readyz", "")
		why = fmt.Sprint(doc["detail"])
		return status == http.StatusOK
	})
	return h
}

// waitFor waits for something that has to happen.
func (h *harness) waitFor(what string, ok func() bool) {
	h.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	h.t.Fatalf("after 30 seconds: not %s", what)
}

// call sends a request with a key and returns the answer.
func (h *harness) call(key, method, path, body string, headers ...string) (int, map[string]any) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	var doc map[string]any
	_ = json.Unmarshal(b, &doc) // some answers are no documents
	if resp.StatusCode >= 400 && resp.Header.Get("Content-Type") != "application/problem+json" {
		h.t.Errorf("%s %s answered %d as %s, not as a problem document: %s", method, path, resp.StatusCode,
			resp.Header.Get("Content-Type"), b)
	}
	if strings.HasPrefix(path, "/v1/") && path != "/v1/openapi.json" &&
		!h.named(method, path, strconv.Itoa(resp.StatusCode)) {
		h.t.Errorf("%s %s answered %d, which the API document does not name", method, path, resp.StatusCode)
	}
	return resp.StatusCode, doc
}

func (h *harness) send(topic string, docs ...string) {
	h.t.Helper()
	var msgs []kafka.Message
	for i, d := range docs {
		msgs = append(msgs, kafka.Message{Topic: topic, Key: fmt.Append(nil, i), Value: []byte(d)})
	}
	if err := h.documents.Write(h.t.Context(), msgs...); err != nil {
		h.t.Fatal(err)
	}
}

// sendOrdered sends documents by one partition, so that they keep their order.
func (h *harness) sendOrdered(topic string, docs ...string) {
	h.t.Helper()
	msgs := make([]kafka.Message, len(docs))
	for i, d := range docs {
		msgs[i] = kafka.Message{Topic: topic, Key: []byte("one"), Value: []byte(d)}
	}
	if err := h.documents.Write(h.t.Context(), msgs...); err != nil {
		h.t.Fatal(err)
	}
}

func minutesAgo(m int) string {
	return wallClock().Add(-time.Duration(m) * time.Minute).String()
}

func transferDoc(id, payer, payee, amount string) string {
	return fmt.Sprintf(`{"kind":"transfer","id":"%s","at":"%s","payer":{"account":"%s","bank":"ICBK","phone":"13800138000","holder":"甲"},"payee":{"account":"%s","bank":"PCBC","holder":"乙"},"amount":"%s","currency":"CNY","channel":"mobile","status":"initiated","payer_balance":"50012.30","district":"520103"}`,
		id, minutesAgo(1), payer, payee, amount)
}

// From a call and a transfer on Kafka to a stop at the bank, its answer, the
// next hop, the statistics and the books: the main job.
func TestMainJob(t *testing.T) {
	h := newHarness(t)
	analyst, pcbc, aboc, icbk, police := h.ids.Local(access.Analyst, ""), h.ids.Local(access.Bank,
		"PCBC"), h.ids.Local(access.Bank, "ABOC"), h.ids.Local(access.Bank, "ICBK"), h.ids.Local(access.Police, "")
	h.send(h.infra.topics.Telecom, fmt.Sprintf(`{"kind":"call","id":"c1","at":"%s","phase":"started","caller":{"number":"+85281234567"},"callee":{"number":"13800138000"}}`, minutesAgo(26)))
	h.waitFor("the call scored", func() bool { return counter(h.metrics.Legs) >= 2 })
	h.send(h.infra.topics.Transfers, transferDoc("t1", "6222020200112233445", "6217000010098765432", "49800.00"))

	// The bank's long poll answers as soon as the stop is there.
	status, page := h.call(pcbc, http.MethodGet, "/v1/bank/stops?wait=30s", "")
	stops, _ := page["stops"].([]any)
	if status != http.StatusOK || len(stops) != 1 {
		t.Fatalf("the bank's poll: %d %v", status, page)
	}
	stop := stops[0].(map[string]any)
	id := stop["id"].(string)
	for field, want := range map[string]any{"state": "requested", "amount": "49800.00", "currency": "CNY",
		"hold_hours": 48.0, "hop": 1.0, "version": 2.0} {
		if stop[field] != want {
			t.Errorf("%s is %v, want %v", field, stop[field], want)
		}
	}
	if acct := stop["account"].(map[string]any); acct["number"] != "6217000010098765432" || acct["bank"] != "PCBC" ||
		acct["holder"] != "乙" {
		t.Errorf("account %v", acct)
	}

	// Another bank does not see it, and cannot answer it.
	if status, _ := h.call(icbk, http.MethodPost, "/v1/bank/stops/"+id+"/outcome",
		`{"result":"missed"}`); status != http.StatusNotFound {
		t.Errorf("another bank's answer: %d, want 404", status)
	}
	if status, doc := h.call(pcbc, http.MethodPost, "/v1/bank/stops/"+id+"/acknowledgement",
		`{}`); status != http.StatusOK || doc["state"] != "acknowledged" {
		t.Errorf("acknowledgement: %d %v", status, doc)
	}
	outcome := fmt.Sprintf(`{"result":"partial","effective_at":"%s","held_amount":"30000.00","balance":"30000.00","onward":[{"id":"CCB-9","to_account":"6228480000012345678","to_bank":"ABOC","amount":"19800.00","at":"%s"}]}`, minutesAgo(0), minutesAgo(0))
	for range 2 { // the same answer again is the same answer
		if status, doc := h.call(pcbc, http.MethodPost, "/v1/bank/stops/"+id+"/outcome",
			outcome); status != http.StatusOK || doc["state"] != "partial" {
			t.Fatalf("outcome: %d %v", status, doc)
		}
	}
	if status, _ := h.call(pcbc, http.MethodPost, "/v1/bank/stops/"+id+"/outcome",
		`{"result":"missed"}`); status != http.StatusConflict {
		t.Errorf("another answer: %d, want 409", status)
	}

	// The money that went on has its own stop, at its own bank.
	_, page = h.call(aboc, http.MethodGet, "/v1/bank/stops?wait=10s", "")
	next := page["stops"].([]any)[0].(map[string]any)
	if next["amount"] != "19800.00" || next["hop"] != 2.0 || next["case_id"] != stop["case_id"] {
		t.Errorf("the next hop: %v", next)
	}

	// The books say the same, exactly, once the warehouse has written them.
	from, to := time.Now().In(event.Zone).AddDate(0, 0, -1).Format(time.DateOnly), time.Now().In(event.Zone).AddDate(0,
		0, 2).Format(time.DateOnly)
	h.waitFor("the statistics hold both stops", func() bool {
		_, doc := h.call(police, http.MethodGet, "/v1/statistics/recovery?from="+from+"&to="+to+"&by=bank", "")
		total, _ := doc["total"].(map[string]any)
		return total["stops_requested"] == 2.0 && total["amount_requested"] == "69600.00" &&
			total["amount_held"] == "30000.00" && total["stops_partial"] == 1.0
	})
	h.waitFor("the alert is in the books", func() bool {
		_, doc := h.call(analyst, http.MethodGet, "/v1/alerts?action=stop", "")
		alerts, _ := doc["alerts"].([]any)
		return len(alerts) == 1 && alerts[0].(map[string]any)["stop_id"] == id
	})

	// Decisions: the version that was decided on, and the law's order.
	supervisor := h.ids.Local(access.Supervisor, "")
	if status, _ := h.call(supervisor, http.MethodPost, "/v1/stops/"+id+"/release", `{}`, "If-Match",
		`"1"`); status != http.StatusPreconditionFailed {
		t.Errorf("a decision on an old version: %d, want 412", status)
	}
	if status, _ := h.call(supervisor, http.MethodPost, "/v1/stops/"+id+"/approval",
		`{}`); status != http.StatusUnprocessableEntity {
		t.Errorf("approval of a hold: %d, want 422", status)
	}
	if status, doc := h.call(supervisor, http.MethodPost, "/v1/stops/"+id+"/release",
		`{"reason":"innocent"}`); status != http.StatusOK || doc["state"] != "released" {
		t.Errorf("release: %d %v", status, doc)
	}
	if status, doc := h.call(police, http.MethodGet, "/v1/stops/"+id, ""); status != http.StatusOK ||
		doc["account"].(map[string]any)["holder"] != "乙" && doc["account"].(map[string]any)["holder"] != "*" ||
		len(doc["timeline"].([]any)) != 5 {
		t.Errorf("the timeline: %d %v", status, doc)
	}
}

// A victim's report opens a case with its stops, with or without the
// transfer's id, and is the same report when it is sent again.
func TestReport(t *testing.T) {
	h := newHarness(t)
	analyst := h.ids.Local(access.Analyst, "")
	h.send(h.infra.topics.Transfers, transferDoc("t1", "62220001", "62170001", "800.00"),
		transferDoc("t2", "62220001", "62170002", "900.00"))
	h.waitFor("scored", func() bool { return counter(h.metrics.Legs) >= 6 })
	report := fmt.Sprintf(`{"id":"110-1","at":"%s","source":"110","fraud_type":"task-rebate","victim":{"phone":"13800138000"},"transfers":[
		{"id":"t1","payer_account":"62220001","payee_account":"62170001","payee_bank":"PCBC","amount":800.00,"currency":"CNY","at":"%s"},
		{"payer_account":"62220001","payee_account":"62170002","payee_bank":"PCBC","amount":"900.00","currency":"CNY","at":"%s"}]}`, minutesAgo(0), minutesAgo(1), minutesAgo(3))
	var first map[string]any
	for range 2 {
		status, doc := h.call(analyst, http.MethodPost, "/v1/reports", report)
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, doc)
		}
		stops := doc["stops"].([]any)
		if len(stops) != 2 || len(doc["reports"].([]any)) != 1 {
			t.Fatalf("the case has %d stops and %d reports, want 2 and 1: %v", len(stops), len(doc["reports"].([]any)), doc)
		}
		first = stops[1].(map[string]any)
	}
	if want := event.StopID(event.TransferKey("62220001", "t2"), "62170002"); first["id"] != want {
		t.Errorf("the second payment was told without its id; its stop is %v, want that of the transfer, %s", first["id"],
			want)
	}

	// Under the same id something else is not taken, and says so; written otherwise
	// it is the same. On Kafka the first one stands as well, and the other is reported.
	other := strings.Replace(report, `"900.00"`, `"901.00"`, 1)
	if doc := h.refused(http.StatusConflict, analyst, http.MethodPost, "/v1/reports",
		other); !strings.Contains(fmt.Sprint(doc["detail"]), "110:110-1") ||
		!strings.Contains(fmt.Sprint(doc["detail"]), "another id") {
		t.Errorf("%v", doc)
	}
	h.ok(analyst, http.MethodPost, "/v1/reports", strings.Replace(report, "800.00", `"800"`, 1))
	kafka := func(doc string) string { return strings.Replace(doc, "{", `{"kind":"report","reporter":"x",`, 1) }
	h.send(h.infra.topics.Reports, kafka(report), kafka(other))
	h.waitFor("the conflict is counted, once", func() bool { return counter(h.metrics.Conflicts) == 1 })
	if page := h.text("", "/metrics"); !strings.Contains(page,
		`stopline_unknown_fields_total{field="/reporter",kind="report"} 2`) {
		t.Error("/metrics does not count the field that nobody knows")
	}
	if c := h.ok(analyst, http.MethodGet, "/v1/cases/"+h.ok(analyst, http.MethodPost, "/v1/reports",
		report)["id"].(string), ""); len(c["reports"].([]any)) != 1 {
		t.Errorf("the case has %v", c["reports"])
	}
	for doc, pointer := range map[string]string{
		strings.Replace(report, `"victim":{"phone":"13800138000"}`, `"victim":{}`, 1):    "#/victim",
		`{"id":"x","at":"` + minutesAgo(0) + `","source":"110","victim":{"holder":"甲"}}`: "#/transfers",
		strings.Replace(report, `"fraud_type"`, `"fraudtype"`, 1):                        "#/fraudtype",
		strings.Replace(report, `"amount":"900.00"`, `"amount":"900.00","onward":[]`, 1): "#/transfers/1/onward",
	} {
		if answer := h.refused(http.StatusUnprocessableEntity, analyst, http.MethodPost, "/v1/reports",
			doc); !strings.Contains(fmt.Sprint(answer["errors"]), pointer) {
			t.Errorf("no error points at %s: %v", pointer, answer)
		}
	}
}

// Rubbish goes to the dead letters with its reason and its bytes, and disturbs
// nothing else.
func TestBadInput(t *testing.T) {
	h := newHarness(t)
	good := transferDoc("good", "62220001", "62170001", "800.00")
	bad := map[string]string{
		string(event.ReasonNotJSON):         good[:50],
		string(event.ReasonBadAmount) + "1": strings.Replace(good, "800.00", "-5.00", 1),
		string(event.ReasonBadAmount) + "2": strings.Replace(good, "800.00", "12345678901234567890", 1),
		string(event.ReasonBadAmount) + "3": strings.Replace(good, "800.00", "8.001", 1),
		string(event.ReasonUnknownCurrency): strings.Replace(good, `"CNY"`, `"ABC"`, 1),
		string(event.ReasonTooOld):          strings.Replace(good, minutesAgo(1)[:4], "1970", 1),
		string(event.ReasonTooFarAhead):     fmt.Sprintf(`{"kind":"sim","id":"s","at":"%s","number":"13800138000","change":"swapped"}`, wallClock().Add(24*time.Hour)),
		string(event.ReasonTooLarge):        strings.Replace(good, "甲", strings.Repeat("x", 2<<20), 1),
		string(event.ReasonUnknownKind):     strings.Replace(good, `"transfer"`, `"transfor"`, 1),
		string(event.ReasonNotUTF8):         strings.Replace(good, "甲", "\xff", 1),
		string(event.ReasonWrongTopic):      `{"kind":"watch","entity":"acct:1","risk":"confirmed"}`,
	}
	for _, doc := range bad {
		h.send(h.infra.topics.Transfers, good, doc, good)
	}
	h.waitFor("all read", func() bool {
		return total(h.metrics.DeadLetters) == int64(len(bad)) &&
			counter(h.metrics.Legs) >= 3
	})

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	found := make(chan kafka.Message, 100)
	go func() {
		_ = h.infra.cluster.Follow(ctx, kafka.Following{Topic: h.infra.topics.DeadLetters,
			Partitions: h.infra.topics.Partitions,
			From:       kafka.FirstOffset, Log: warnings()}, func(m *kafka.Message) error {
			found <- *m
			return nil
		})
	}()
	for range bad {
		select {
		case m := <-found:
			headers := map[string]string{}
			for _, k := range m.Headers {
				headers[k.Key] = string(k.Value)
			}
			matched := false
			for reason, doc := range bad {
				size, _ := strconv.Atoi(headers["stopline_size"]) // of what is too large to be kept whole
				if bytes.Equal(m.Value, []byte(doc)) || size == len(doc) && bytes.HasPrefix([]byte(doc), m.Value) {
					matched = strings.HasPrefix(reason, headers["stopline_reason"]) && headers["stopline_reason"] != ""
				}
			}
			var problems []stream.DeadLetterProblem
			if err := json.Unmarshal([]byte(headers["stopline_problems"]), &problems); err != nil || len(problems) == 0 ||
				!strings.HasPrefix(problems[0].Code, headers["stopline_reason"]) || !words.Known(problems[0].Code) {
				t.Errorf("%s: the problems %s, %v", headers["stopline_reason"], headers["stopline_problems"], err)
			}
			if !matched || headers["stopline_topic"] != h.infra.topics.Transfers || headers["stopline_error"] == "" {
				t.Errorf("a dead letter of %d bytes with %v", len(m.Value), headers)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("not every dead letter came")
		}
	}
	h.waitFor("the good one is in the books, once", func() bool {
		n, err := h.warehouse.Count(t.Context(), "transfers")
		return err == nil && n == 1
	})

	// They can be looked at, and sent in again.
	k := h.keys()
	if status, _ := h.call(k.analyst, http.MethodGet, "/v1/dead-letters", ""); status != http.StatusForbidden {
		t.Errorf("an analyst sees raw documents: %d", status)
	}
	items := h.ok(k.supervisor, http.MethodGet, "/v1/dead-letters", "")["items"].([]any)
	if len(items) != len(bad) {
		t.Fatalf("%d dead letters are shown, want %d", len(items), len(bad))
	}
	one := items[0].(map[string]any)
	if one["error"] == "" || one["topic"] != h.infra.topics.Transfers || one["document"] == "" ||
		one["bytes"].(float64) < 50 {
		t.Errorf("a dead letter is shown as %.500v", one)
	}
	if some := h.ok(k.supervisor, http.MethodGet, "/v1/dead-letters?limit=3", "")["items"].([]any); len(some) != 3 {
		t.Errorf("%d, want the newest 3", len(some))
	}
	for _, i := range items { // one of those that are kept whole
		if other := i.(map[string]any); other["bytes"].(float64) < 1<<15 {
			one = other
		}
	}
	place := fmt.Sprintf("/v1/dead-letters/%v/%v/replay", one["partition"], one["offset"])
	if status, doc := h.call(k.supervisor, http.MethodPost, place, ""); status != http.StatusNoContent {
		t.Fatalf("%d %v", status, doc)
	}
	h.waitFor("it is refused again, since nothing has changed",
		func() bool { return total(h.metrics.DeadLetters) == int64(len(bad))+1 })
	for _, none := range []string{"/v1/dead-letters/0/999999/replay", "/v1/dead-letters/999/0/replay"} {
		if status, doc := h.call(k.supervisor, http.MethodPost, none, ""); status != http.StatusNotFound {
			t.Errorf("%s: %d %v", none, status, doc)
		}
	}
}

// The API says who may do what, and names the fields that are wrong.
func TestAPIRefusals(t *testing.T) {
	h := newHarness(t)
	analyst, bank := h.ids.Local(access.Analyst, ""), h.ids.Local(access.Bank, "ICBK")
	for _, c := range []struct {
		key, method, path, body string
		status                  int
		pointer                 string
	}{
		{"", "GET", "/v1/stops", "", 401, ""},
		{"sl_wrong", "GET", "/v1/stops", "", 401, ""},
		{bank, "GET", "/v1/stops", "", 403, ""},
		{analyst, "GET", "/v1/bank/stops", "", 403, ""},
		{analyst, "POST", "/v1/stops/stp_x/approval", "{}", 403, ""},
		{analyst, "GET", "/v1/stops/stp_x", "", 404, ""},
		{bank, "POST", "/v1/bank/stops/stp_x/outcome", `{"result":"held"}`, 404, ""},
		{bank, "POST", "/v1/bank/stops/stp_x/outcome", `{"result":"eaten"}`, 422, "#/result"},
		{bank, "GET", "/v1/bank/stops?wait=2h", "", 422, ""},
		{analyst, "GET", "/v1/nothing", "", 404, ""},
		{analyst, "PATCH", "/v1/stops", "", 405, ""},
		{analyst, "POST", "/v1/reports", `{"id":"1"`, 422, ""},
		{analyst, "POST", "/v1/reports", `{"id":"1","at":"2020-01-01T00:00:00Z","source":"110","victim":{},"transfers":[{"payer_account":"1","payee_account":"2","payee_bank":"B","amount":"-5","currency":"CNY","at":"2020-01-01T00:00:00Z"}]}`, 422, "#/transfers/0/amount"},
		{analyst, "POST", "/v1/reports", strings.Repeat("x", 2<<20), 413, ""},
		{analyst, "GET", "/v1/statistics/recovery?from=2026-11-01&to=2026-10-01", "", 422, ""},
		{analyst, "GET", "/v1/statistics/recovery?from=2026-11-01&to=2026-12-01&by=colour", "", 422, ""},
		{analyst, "PUT", "/v1/watchlist/nonsense", `{"risk":"confirmed"}`, 422, "#/entity"},
	} {
		status, doc := h.call(c.key, c.method, c.path, c.body)
		if status != c.status {
			t.Errorf("%s %s: %d, want %d: %v", c.method, c.path, status, c.status, doc)
		}
		if text := fmt.Sprint(doc["errors"]); c.pointer != "" && !strings.Contains(text, c.pointer) {
			t.Errorf("%s %s: no error points at %s: %s", c.method, c.path, c.pointer, text)
		}
	}
	for _, path := range []string{"/", "/docs", "/v1/openapi.json", "/healthz", "/metrics", "/app.js", "/words.js",
		"/queue.js", "/cases.js", "/patterns.js", "/statistics.js", "/operations.js", "/console.css"} {
		if status, _ := h.call("", http.MethodGet, path, ""); status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
	}
}

// A watched account is stopped at, and a stop for a large amount waits for a
// supervisor.
func TestWatchlistAndApproval(t *testing.T) {
	h := newHarness(t)
	analyst, supervisor, pcbc := h.ids.Local(access.Analyst, ""), h.ids.Local(access.Supervisor,
		""), h.ids.Local(access.Bank, "PCBC")
	if status, doc := h.call(analyst, http.MethodPut, "/v1/watchlist/acct:62170009",
		`{"risk":"confirmed","reason":"case 1"}`); status != http.StatusNoContent {
		t.Fatalf("%d %v", status, doc)
	}
	// two are the catalogue's, one in each partition
	h.waitFor("the entry is known", func() bool { return counter(h.metrics.Legs) >= 2+1 })
	h.send(h.infra.topics.Transfers, transferDoc("big", "62220001", "62170009", "800000.00"))
	var id string
	h.waitFor("proposed", func() bool {
		_, doc := h.call(supervisor, http.MethodGet, "/v1/stops?state=proposed", "")
		stops, _ := doc["stops"].([]any)
		if len(stops) == 1 {
			id = stops[0].(map[string]any)["id"].(string)
		}
		return id != ""
	})
	if _, page := h.call(pcbc, http.MethodGet, "/v1/bank/stops", ""); len(page["stops"].([]any)) != 0 {
		t.Error("the bank sees a stop that nobody approved")
	}
	var approved any
	for range 2 { // with the same Idempotency-Key it is the same approval
		doc := h.ok(supervisor, http.MethodPost, "/v1/stops/"+id+"/approval", `{"reason":"seen"}`, "Idempotency-Key",
			"approve-"+id)
		if doc["state"] != "requested" || approved != nil && fmt.Sprint(doc) != approved {
			t.Fatalf("%v, want %v", doc, approved)
		}
		approved = fmt.Sprint(doc)
	}
	h.refused(http.StatusUnprocessableEntity, supervisor, http.MethodPost, "/v1/stops/"+id+"/approval",
		`{"reason":"seen"}`)
	if status, doc := h.call(supervisor, http.MethodPost, "/v1/stops/"+id+"/approval", `{"reason":"other"}`,
		"Idempotency-Key", "approve-"+id); status != http.StatusUnprocessableEntity {
		t.Errorf("another request with the key: %d %v", status, doc)
	}
	if _, page := h.call(pcbc, http.MethodGet, "/v1/bank/stops?wait=5s", ""); len(page["stops"].([]any)) != 1 {
		t.Error("the approved stop did not reach the bank")
	}
}

// While ClickHouse is away, stops go on as if it were there: the past of an account that is
// not hot lies on this machine. When ClickHouse is back, the books are completed.
func TestClickHouseAway(t *testing.T) {
	dir := t.TempDir()
	options := embedded.Options{Dir: dir, Port: freePort(t), HTTPPort: freePort(t)}
	engine, err := embedded.Start(context.WithoutCancel(t.Context()), options)
	if err != nil {
		t.Fatal(err)
	}
	h := harnessOn(t, Servers{Data: t.TempDir(), Partitions: 1,
		ClickHouse: ClickHouse{Clickhouse: engine.Addr(), ClickhouseUser: "default"}}, 4)
	// The victim is known, and then pushed out of the hot set by others.
	h.send(h.infra.topics.Transfers, transferDoc("t0", "62220001", "62170001", "10.00"))
	for i := range 20 {
		h.send(h.infra.topics.Transfers, strings.Replace(transferDoc(fmt.Sprint("o", i), fmt.Sprint("6333", i), "6444",
			"10.00"), "13800138000", fmt.Sprint("138001390", 10+i), 1))
	}
	h.waitFor("the victim's state written and let go", func() bool {
		rows, err := h.warehouse.LoadStates(t.Context(), 0, []event.Entity{"tel:+8613800138000", "tel:+8613800139029"})
		return err == nil && len(rows) == 2
	})
	time.Sleep(time.Second) // the checkpoint that wrote it ends, and lets go of what is not hot
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
	h.send(h.infra.topics.Telecom, fmt.Sprintf(`{"kind":"call","id":"c1","at":"%s","phase":"started","caller":{"number":"+85281234567"},"callee":{"number":"13800138000"}}`, minutesAgo(26)))
	h.waitFor("the call scored", func() bool { return counter(h.metrics.Legs) >= 65 })
	h.send(h.infra.topics.Transfers, transferDoc("t1", "62220001", "62170009", "49800.00"))
	_, page := h.call(h.ids.Local(access.Bank, "PCBC"), http.MethodGet, "/v1/bank/stops?wait=20s", "")
	if stops, _ := page["stops"].([]any); len(stops) != 1 {
		t.Fatalf("without ClickHouse the bank sees %v", page)
	}
	if status, _ := h.call("", http.MethodGet, "/readyz", ""); status != http.StatusServiceUnavailable {
		t.Errorf("readyz answers %d while ClickHouse is away", status)
	}
	if engine, err = embedded.Start(context.WithoutCancel(t.Context()), options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	h.waitFor("the books complete", func() bool {
		_, doc := h.call(h.ids.Local(access.Analyst, ""), http.MethodGet, "/v1/alerts?action=stop", "")
		alerts, _ := doc["alerts"].([]any)
		return len(alerts) == 1 && alerts[0].(map[string]any)["provisional"] == nil
	})
}

// text reads a page.
func (h *harness) text(key, path string, headers ...string) string {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.url+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		h.t.Fatalf("%s: %d %s", path, resp.StatusCode, b)
	}
	return string(b)
}

func writeFile(path, text string) error { return os.WriteFile(path, []byte(text), 0o600) }
