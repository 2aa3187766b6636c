package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"stopline.internal/api/access"
	"stopline.internal/api/sse"
	"stopline.internal/scoring"
	"stopline.internal/scoring/pattern"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
)

// The queue and the live stream: an alert arrives as it happens, is taken by one
// analyst and by no other, handed up, and leaves the queue when it is dismissed.
func TestQueueAndLive(t *testing.T) {
	h := newHarness(t)
	k := h.keys()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+"/v1/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+k.analyst)
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", resp, err)
	}
	defer func() { _ = resp.Body.Close() }()
	events := make(chan string, 100)
	go func() {
		stream := sse.NewReader(resp.Body, 1<<20)
		for e, err := stream.Next(); err == nil; e, err = stream.Next() {
			if e.Name != "" {
				events <- e.Name
			}
		}
	}()
	// Alerts and stops come out of two logs, in either order.
	came := map[string]int{}
	comes := func(want string) {
		t.Helper()
		for end := time.After(10 * time.Second); came[want] == 0; {
			select {
			case e := <-events:
				came[e]++
			case <-end:
				t.Fatalf("no event %s", want)
			}
		}
		came[want]--
	}
	comes("hello")
	h.send(h.infra.topics.Telecom, fmt.Sprintf(`{"kind":"call","id":"c1","at":"%s","phase":"started","caller":{"number":"+85281234567"},"callee":{"number":"13800138000"}}`, minutesAgo(26)))
	h.waitFor("the call scored", func() bool { return counter(h.metrics.Legs) >= 2+2 }) // two are the catalogue's
	h.send(h.infra.topics.Transfers, transferDoc("t1", "6222020200112233445", "6217000010098765432", "49800.00"))
	comes("stop")
	comes("alert")
	var items []any
	h.waitFor("it is in the queue", func() bool {
		items = h.ok(k.analyst, http.MethodGet, "/v1/queue", "")["items"].([]any)
		return len(items) >= 1
	})
	item := items[0].(map[string]any)
	if item["state"] != "requested" || item["amount"] != "49800.00" || item["why_zh"] == "" ||
		item["task"].(map[string]any)["state"] != "open" {
		t.Errorf("%v", item)
	}
	id := item["alert_id"].(string)
	if task := h.ok(k.analyst, http.MethodPost, "/v1/alerts/"+id+"/claim", `{}`); task["by"] != "analyst" ||
		task["until"] == nil {
		t.Errorf("%v", task)
	}
	comes("work")
	h.refused(409, k.supervisor, http.MethodPost, "/v1/alerts/"+id+"/claim", `{}`)
	h.ok(k.analyst, http.MethodPost, "/v1/alerts/"+id+"/claim", `{}`)
	h.ok(k.analyst, http.MethodPost, "/v1/alerts/"+id+"/escalation", `{"reason":"large"}`)
	h.ok(k.supervisor, http.MethodPost, "/v1/alerts/"+id+"/claim", `{}`)
	h.ok(k.supervisor, http.MethodPost, "/v1/alerts/"+id+"/unclaim", `{}`)
	if status, _ := h.call(k.analyst, http.MethodPost, "/v1/alerts/"+id+"/dismissal",
		`{"verdict":"useful"}`); status != http.StatusNoContent {
		t.Errorf("dismissal: %d", status)
	}
	for _, i := range h.ok(k.analyst, http.MethodGet, "/v1/queue", "")["items"].([]any) {
		if i.(map[string]any)["alert_id"] == id {
			t.Error("what was dismissed is still in the queue")
		}
	}
	h.refused(409, k.analyst, http.MethodPost, "/v1/alerts/"+id+"/claim", `{}`)
	h.refused(404, k.analyst, http.MethodPost, "/v1/alerts/alt_none/claim", `{}`)

	// A stop that no alert asked for waits for a person, first of all.
	h.ok(k.analyst, http.MethodPost, "/v1/reports", reportDoc("big", "3801", "1801", "600000.00", 5, ""))
	show := func(what string) (map[string]any, []any) {
		t.Helper()
		q := h.ok(k.analyst, http.MethodGet, "/v1/queue?show="+what, "")
		return q["counts"].(map[string]any), q["items"].([]any)
	}
	counts, decide := show("decide")
	if len(decide) != 1 || counts["decide"] != 1.0 {
		t.Fatalf("%v %v", counts, decide)
	}
	item = decide[0].(map[string]any)
	if item["state"] != "proposed" || item["proposed_by"] != "report" || item["why_zh"] != "被害人报案" ||
		item["alert_id"] != nil || item["id"] != item["stop_id"] {
		t.Errorf("%v", item)
	}
	if _, all := show("all"); all[0].(map[string]any)["id"] != item["id"] {
		t.Errorf("first of all is %v", all[0])
	}
	id = item["id"].(string)
	h.ok(k.analyst, http.MethodPost, "/v1/alerts/"+id+"/claim", `{}`)
	if counts, mine := show("mine"); len(mine) != 1 || counts["mine"] != 1.0 {
		t.Errorf("claimed: %v %v", counts, mine)
	}
	h.ok(k.supervisor, http.MethodPost, "/v1/stops/"+id+"/approval", `{}`)
	if counts, asked := show("asked"); len(asked) != 1 || counts["decide"] != 0.0 {
		t.Errorf("approved: %v %v", counts, asked)
	}
	h.ok(h.ids.Local(access.Bank, item["bank"].(string)), http.MethodPost, "/v1/bank/stops/"+id+"/outcome",
		fmt.Sprintf(`{"result":"held","effective_at":"%s","held_amount":"600000.00","balance":"600000.00"}`, minutesAgo(0)))
	if _, holds := show("hold"); len(holds) != 1 || holds[0].(map[string]any)["held_amount"] != "600000.00" ||
		holds[0].(map[string]any)["until"] == nil {
		t.Errorf("held: %v", holds)
	}
	h.refused(403, h.ids.Local(access.Bank, "PCBC"), http.MethodGet, "/v1/queue", "")
}

// openReviews puts alerts that nobody has judged into the books, with amounts from
// ¥first on, shuffled.
func openReviews(tb testing.TB, w *warehouse.Warehouse, n, first int) {
	tb.Helper()
	amounts := rand.New(rand.NewPCG(1, 2)).Perm(n)
	at := event.InstantOf(time.Now().Add(-time.Hour))
	books := w.NewBooks()
	for i, yuan := range amounts {
		a := scoring.Alert{ID: fmt.Sprintf("alt_%07d", i), At: at.Add(time.Duration(i) * time.Millisecond),
			Entity: "acct:1", Score: 450,
			Action: pattern.Review, FraudType: "task-rebate", Hits: []scoring.Hit{},
			Transfer: &scoring.TransferRef{ID: fmt.Sprint("t", i), At: at.Add(time.Duration(i) * time.Millisecond),
				Amount: fmt.Sprintf("%d.00", yuan+first), Currency: event.CNY,
				Payer: scoring.PartyRef{Account: "62221", Bank: "PCBC", Holder: "甲", Phone: "+8613800138000"},
				Payee: scoring.PartyRef{Account: "62172", Bank: "ICBK", Holder: "乙"}}}
		doc, err := json.Marshal(&a)
		if err != nil {
			tb.Fatal(err)
		}
		books.Alert(warehouse.AlertRow{ID: a.ID, Entity: "acct:1", Action: "review", FraudType: a.FraudType, At: a.At,
			Score: a.Score, Document: doc})
		if books.Len() == 20_000 || i == n-1 {
			if _, err := books.Flush(tb.Context()); err != nil {
				tb.Fatal(err)
			}
		}
	}
}

// Nothing that nobody judged falls out of the queue: of 30,000 open reviews each is
// on one page, the largest amount first, and the counts are true, while some are
// dismissed between the pages.
func TestQueueHoldsEverything(t *testing.T) {
	h := newHarness(t)
	k := h.keys()
	const n = 30_000
	openReviews(t, h.warehouse, n, 1)
	seen := map[string]bool{}
	last, after, dismissed := 1e18, "", 0
	for page := 0; ; page++ {
		began := time.Now()
		q := h.ok(k.analyst, http.MethodGet, "/v1/queue?show=review&limit=500&after="+after, "")
		took := time.Since(began)
		if count := q["counts"].(map[string]any)["review"]; count != float64(n-dismissed) {
			t.Fatalf("page %d counts %v open reviews, want %d", page, count, n-dismissed)
		}
		for _, i := range q["items"].([]any) {
			item := i.(map[string]any)
			id, amount := item["id"].(string), 0.0
			if _, err := fmt.Sscanf(item["amount"].(string), "%f", &amount); err != nil || amount > last || seen[id] {
				t.Fatalf("page %d: %s of %v after %v, seen before: %v", page, id, item["amount"], last, seen[id])
			}
			last, seen[id] = amount, true
		}
		if page%20 == 7 { // one that is on no page yet, and one that was
			for _, yuan := range []float64{last, last + 2} {
				for _, i := range h.ok(k.analyst, http.MethodGet,
					fmt.Sprintf("/v1/queue?show=review&limit=1&after=3_%d_0_0_", int64(yuan*100)), "")["items"].([]any) {
					id := i.(map[string]any)["id"].(string)
					if status, _ := h.call(k.analyst, http.MethodPost, "/v1/alerts/"+id+"/dismissal",
						`{"verdict":"false-alarm"}`); status != http.StatusNoContent {
						t.Fatalf("dismissal: %d", status)
					}
					dismissed++
					seen[id] = true
				}
			}
		}
		if page%20 == 0 {
			t.Logf("page %d: %s", page, took)
		}
		next, more := q["next"].(string)
		if !more {
			break
		}
		after = next
	}
	if len(seen) != n || dismissed == 0 {
		t.Errorf("%d of %d reviews were on a page or dismissed (%d)", len(seen), n, dismissed)
	}
	h.refused(422, k.analyst, http.MethodGet, "/v1/queue?after=x", "")
}

// What the payer confirms is stopped: the alert is taken as a report, whose stop
// takes its place in the queue. Dismissing it as confirmed, which stopped nothing,
// is refused; so is an escalation that does not say why.
func TestConfirmedIsStopped(t *testing.T) {
	h := newHarness(t)
	k := h.keys()
	openReviews(t, h.warehouse, 3, 1)
	first := func(show string) map[string]any {
		t.Helper()
		return h.ok(k.analyst, http.MethodGet, "/v1/queue?limit=1&show="+show, "")["items"].([]any)[0].(map[string]any)
	}
	item := first("review")
	if item["amount"] != "3.00" || item["holder"] != "甲" || item["phone"] != "+8613800138000" ||
		item["payee_holder"] != "乙" || item["bank"] != "ICBK" {
		t.Errorf("whom to telephone: %v", item)
	}
	alert := "/v1/alerts/" + item["id"].(string)
	h.refused(422, k.analyst, http.MethodPost, alert+"/dismissal", `{"verdict":"confirmed"}`)
	h.refused(422, k.analyst, http.MethodPost, alert+"/escalation", `{"reason":" "}`)
	made := h.ok(k.analyst, http.MethodPost, alert+"/report", `{"reason":"reached"}`)
	stop := made["stops"].([]any)[0].(map[string]any)
	if stop["amount"] != "3.00" || stop["account"].(map[string]any)["number"] != "62172" {
		t.Errorf("the stop: %v", stop)
	}
	if again := h.ok(k.analyst, http.MethodPost, alert+"/report", `{}`); again["id"] != made["id"] {
		t.Errorf("taken again: %v, want the same case", again)
	}
	q := h.ok(k.analyst, http.MethodGet, "/v1/queue", "")
	if n := q["counts"].(map[string]any); n["review"] != 2.0 || n["decide"] != 1.0 { // a loss of ¥3 waits for a person
		t.Errorf("afterwards: %v", n)
	}
	h.ok(k.analyst, http.MethodPost, "/v1/alerts/"+first("review")["id"].(string)+"/escalation", `{"reason":"his mother"}`)
	up := first("all")
	if task := up["task"].(map[string]any); up["amount"] != "2.00" || task["state"] != "escalated" ||
		task["reason"] != "his mother" || task["by"] != "analyst" {
		t.Errorf("first of all is %v", up)
	}
	duties := h.ok(k.supervisor, http.MethodGet, "/v1/duties?kind=escalation", "")["duties"].([]any)
	if len(duties) != 1 || duties[0].(map[string]any)["id"] != up["id"] {
		t.Errorf("duties: %v", duties)
	}
}

// BenchmarkQueue100K asks for the first page of 100,000 open reviews, sorted anew
// for each question.
func BenchmarkQueue100K(b *testing.B) {
	h := newHarness(b)
	openReviews(b, h.warehouse, 100_000, 1)
	h.ok(h.keys().analyst, http.MethodGet, "/v1/queue", "")
	for b.Loop() {
		time.Sleep(310 * time.Millisecond) // what was sorted is out of date
		began := time.Now()
		h.ok(h.keys().analyst, http.MethodGet, "/v1/queue", "")
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms/page")
	}
}
