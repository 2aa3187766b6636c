package center_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"stopline.internal/api"
	"stopline.internal/api/access"
	"stopline.internal/api/apitest"
	"stopline.internal/api/center"
	"stopline.internal/api/sse"
	"stopline.internal/scoring"
	"stopline.internal/scoring/pattern"
	"stopline.internal/store/warehouse"
)

// tell lets an alert happen: the watcher hears it and the books have it.
func tell(t *testing.T, s *apitest.Service, a scoring.Alert) {
	t.Helper()
	doc, err := json.Marshal(&a)
	if err != nil {
		t.Fatal(err)
	}
	s.Books.Write(a)
	s.Watcher.Tell(doc)
}

// What waits for a decision comes first, then what a bank was asked, then reviews: of
// payments before others; what is held comes last. Each is counted under its tab.
func TestQueueOrder(t *testing.T) {
	s, _, body := proposed(t) // asked: the report's stop
	s.Ask(s.Key(access.Analyst), "POST", "/v1/stops", body("", "")).Want(200)
	s.Hold(s.Request(1), "held", "5000.00")
	tell(t, s, alert("alt_1", pattern.Review, s.Now()))
	number := alert("alt_2", pattern.Review, s.Now())
	number.Transfer = nil
	tell(t, s, number)
	tell(t, s, alert("alt_3", pattern.Warn, s.Now())) // nobody need look
	q := s.Ask(s.Key(access.Analyst), "GET", "/v1/queue", "").Want(200, "items.#", "5", "counts.all", "5",
		"counts.decide", "1",
		"counts.asked", "1", "counts.review", "2", "counts.hold", "1", "counts.mine", "0",
		"items.0.state", "proposed", "items.0.proposed_by", "analyst", "items.0.amount", "7000.00",
		"items.1.state", "requested", "items.1.why_en", "reported by the victim", "items.1.holder", "张三",
		"items.2.id", "alt_1", "items.2.payee_holder", "李四", "items.2.amount", "8000.00", "items.2.stop_id", "",
		"items.2.why_en", "authority-call-then-transfer", "items.2.seen_en.#", "1",
		"items.3.id", "alt_2", "items.3.amount", "", "items.4.state", "held", "items.4.held_amount", "5000.00")
	if q.Get("next") != "" {
		t.Error("there is another page")
	}
	first := s.Ask(s.Key(access.Analyst), "GET", "/v1/queue?limit=2", "").Want(200, "items.#", "2", "counts.all", "5")
	s.Ask(s.Key(access.Analyst), "GET", "/v1/queue?limit=2&after="+first.Get("next"), "").Want(200, "items.#", "2",
		"items.0.id", "alt_1", "items.1.id", "alt_2")
	s.Ask(s.Key(access.Analyst), "GET", "/v1/queue?show=hold", "").Want(200, "items.#", "1", "items.0.state", "held")
	for _, cursor := range []string{"x", "1_2_3", "9_1_1_1_x", "-1_1_1_1_x", "1_a_1_1_x"} {
		s.Ask(s.Key(access.Analyst), "GET", "/v1/queue?after="+cursor, "").Want(422, "errors.0.code", "field.cursor")
	}
	s.Ask(s.Key(access.Police), "GET", "/v1/queue", "").Want(403)
}

// An alert is taken by one, handed up with a reason, judged once, and then leaves the
// queue for good.
func TestWorkOnAlerts(t *testing.T) {
	s := apitest.Start(t)
	tell(t, s, alert("alt_1", pattern.Review, s.Now()))
	ask := func(role access.Role, what, body string) *apitest.Answer {
		return s.Ask(s.Key(role), "POST", "/v1/alerts/alt_1/"+what, body)
	}
	ask(access.Analyst, "claim", `{}`).Want(200, "state", "claimed", "by", "analyst", "until",
		s.Now().Add(10*time.Minute).String())
	ask(access.Supervisor, "claim", `{}`).Want(409, "code", "task.taken", "values.by", "analyst")
	s.Ask(s.Key(access.Analyst), "GET", "/v1/queue?show=mine", "").Want(200, "items.#", "1", "counts.mine", "1",
		"items.0.task.by", "analyst")
	s.Ask(s.Key(access.Supervisor), "GET", "/v1/queue?show=mine", "").Want(200, "items.#", "0")
	ask(access.Analyst, "unclaim", `{}`).Want(200, "state", "open")
	ask(access.Analyst, "escalation", `{"reason":" "}`).Want(422, "errors.0.code", "field.why")
	ask(access.Analyst, "escalation", `{"reason":"too large for me"}`).Want(200, "state", "escalated", "reason",
		"too large for me")
	s.Ask(s.Key(access.Supervisor), "GET", "/v1/queue?show=escalated", "").Want(200, "items.#", "1", "counts.escalated",
		"1")
	ask(access.Supervisor, "dismissal", `{"verdict":"confirmed"}`).Want(422, "code", "alert.confirmed", "values.alert",
		"alt_1")
	before := len(s.Log.Entries())
	ask(access.Supervisor, "dismissal", `{"verdict":"false-alarm","reason":"her son"}`).Want(204)
	if events := s.Log.Entries()[before:]; len(events) != 2 || events[0].Reason != "false-alarm" ||
		events[1].Verdict == nil || events[1].Verdict.AlertID != "alt_1" || events[1].Reason != "her son" {
		t.Errorf("%+v", events)
	}
	ask(access.Analyst, "claim", `{}`).Want(409, "code", "task.dismissed")
	s.Ask(s.Key(access.Analyst), "GET", "/v1/queue", "").Want(200, "items.#", "0")
	s.Ask(s.Key(access.Analyst), "POST", "/v1/alerts/alt_9/claim", `{}`).Want(404, "code", "not-found.book-alert")
	s.Ask(s.Key(access.Analyst), "POST", "/v1/alerts/"+s.Request(1)+"/dismissal", `{"verdict":"useful"}`).Want(404,
		"code", "not-found.stop-alert")
	s.Ask(s.Key(access.Analyst), "POST", "/v1/alerts/stp_1/claim", `{}`).Want(200, "state", "claimed")
}

// A payer who confirms the fraud is a victim who reports: the payment is stopped, and
// the alert is confirmed. An alert without a payment has nothing to stop.
func TestAlertAsReport(t *testing.T) {
	s := apitest.Start(t)
	tell(t, s, alert("alt_1", pattern.Review, s.Now()))
	number := alert("alt_2", pattern.Review, s.Now())
	number.Transfer = nil
	tell(t, s, number)
	c := s.Ask(s.Key(access.Analyst), "POST", "/v1/alerts/alt_1/report", `{"reason":"reached by telephone"}`).Want(200,
		"reports.0.id", "96110:alt_1", "stops.0.account.number", "62170009", "stops.0.amount", "8000.00")
	events := s.Log.Entries()
	if last := events[len(events)-1]; last.Verdict == nil || last.Verdict.Verdict != "confirmed" ||
		last.CaseID != c.Get("id") {
		t.Errorf("%+v", last)
	}
	s.Ask(s.Key(access.Analyst), "POST", "/v1/alerts/alt_2/report", `{}`).Want(422, "code", "alert.no-payment",
		"values.entity", "tel:+8613800138000")
	s.Ask(s.Key(access.Analyst), "POST", "/v1/alerts/alt_9/report", `{}`).Want(404)
}

// Alerts are read out of the books, in pages that begin behind the last one's time.
func TestListAlerts(t *testing.T) {
	s := apitest.Start(t)
	for n, action := range []pattern.Action{pattern.Warn, pattern.Review, pattern.Stop} {
		s.Books.Write(alert("alt_"+string(rune('a'+n)), action, s.Now().Add(time.Duration(n)*time.Second)))
	}
	first := s.Ask(s.Key(access.Analyst), "GET", "/v1/alerts?limit=2", "").Want(200, "alerts.#", "2", "alerts.0.id",
		"alt_c")
	s.Ask(s.Key(access.Analyst), "GET", "/v1/alerts?limit=2&after="+first.Get("next"), "").Want(200, "alerts.#", "1",
		"alerts.0.id", "alt_a", "next", "")
	s.Ask(s.Key(access.Analyst), "GET", "/v1/alerts?action=stop", "").Want(200, "alerts.#", "1")
	s.Ask(s.Key(access.Analyst), "GET", "/v1/alerts?after=soon", "").Want(422, "code", "request.page")
	s.Ask(s.Key(access.Analyst), "GET", "/v1/alerts/alt_b", "").Want(200, "score", "870", "transfer.amount", "8000.00")
	s.Ask(s.Key(access.Analyst), "GET", "/v1/alerts/alt_z", "").Want(404, "code", "not-found.alert")
	s.Books.Fail(errors.New("no ClickHouse"))
	for _, path := range []string{"/v1/alerts", "/v1/alerts/alt_b", "/v1/queue"} {
		s.Ask(s.Key(access.Analyst), "GET", path, "").Want(503, "code", "unavailable.books")
	}
	s.Ask(s.Key(access.Analyst), "POST", "/v1/alerts/alt_b/claim", `{}`).Want(503)
}

// Search reads what people type: an amount, the last digits, a bank, a number.
func TestSearch(t *testing.T) {
	s := apitest.Start(t)
	c := s.Report("r1", "62220001", "62170001", "5000.00")
	id := c.Get("stops.0.id")
	s.Books.Finds = map[string][]warehouse.Found{
		"+8613800138000": {{ID: "t-r1", Payer: "62220001", PayerHolder: "张三", Payee: "62170001", PayeeHolder: "李四",
			At:    s.Now(),
			Minor: 5_000_00, Currency: "CNY"}},
		"李四": {{ID: "other", Payer: "1", Payee: "2", PayeeHolder: "李四", Minor: 1, Currency: "CNY"}}}
	for _, c := range []struct{ text, stops, cases, transfers string }{
		{"¥5,000.00", "1", "1", "0"}, {"5000元", "1", "1", "0"}, {"0001", "1", "0", "0"}, {" 62170001 ", "1", "0", "0"},
		{"建设银行", "1", "0", "0"}, {"pcbc", "1", "0", "0"}, {"13800138000", "0", "1", "1"}, {"李四", "0", "0", "1"},
		{"nothing", "0", "0", "0"}, {id, "1", "0", "0"},
	} {
		s.Ask(s.Key(access.Police), "POST", "/v1/search", `{"q":"`+c.text+`"}`).Want(200, "stops.#", c.stops, "cases.#",
			c.cases,
			"transfers.#", c.transfers)
	}
	s.Ask(s.Key(access.Police), "POST", "/v1/search", `{"q":"13800138000"}`).Want(200, "transfers.0.case_id", c.Get("id"),
		"transfers.0.payer_holder", "张*", "transfers.0.amount", "5000.00")
	s.Books.Fail(errors.New("no ClickHouse"))
	s.Ask(s.Key(access.Police), "POST", "/v1/search", `{"q":"x"}`).Want(503)
}

// The live stream tells the time, then alerts, stops and the work on them as they
// happen, to whoever works at the center.
func TestLive(t *testing.T) {
	s := apitest.Start(t, func(d *api.Dependencies) {
		d.Simulation = &center.Simulation{Speed: 300, Pace: func() float64 { return 120 }}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/v1/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Key(access.Analyst))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.Header.Get("Content-Type") != sse.ContentType || resp.Header.Get("X-Accel-Buffering") != "no" {
		t.Errorf("%v", resp.Header)
	}
	stream := sse.NewReader(resp.Body, 1<<20)
	next := func(name string, says ...string) {
		t.Helper()
		e, err := stream.Next()
		for err == nil && e.Name == "alive" {
			e, err = stream.Next()
		}
		if err != nil || e.Name != name {
			t.Fatalf("%q %s %v, want %s", e.Name, e.Data, err, name)
		}
		for _, text := range says {
			if !strings.Contains(e.Data, text) {
				t.Errorf("%s: %s does not say %s", name, e.Data, text)
			}
		}
	}
	next("hello", `"at":"2026-11-23T12:00:00.000+08:00"`, `"pace":120`)
	tell(t, s, alert("alt_0", pattern.Warn, s.Now())) // nobody need look
	tell(t, s, alert("alt_1", pattern.Review, s.Now()))
	next("alert", `"id":"alt_1"`, `"amount":"8000.00"`)
	s.Request(1)
	next("stop", `"id":"stp_1"`, `"state":"requested"`) // as it is now, for each of two changes
	next("stop", `"id":"stp_1"`)
	s.Ask(s.Key(access.Analyst), "POST", "/v1/alerts/alt_1/claim", `{}`).Want(200)
	next("work", `"alert_id":"alt_1"`, `"by":"analyst"`)
	s.Ask(s.Bank("PCBC"), "GET", "/v1/live", "").Want(403)
}
