package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"stopline.internal/api/access"
	"stopline.internal/api/report"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// keys are those of the local run, by role.
type keys struct{ analyst, supervisor, admin, police, pcbc, aboc, icbk string }

func (h *harness) keys() keys {
	l := h.ids.Local
	return keys{l(access.Analyst, ""), l(access.Supervisor, ""), l(access.Admin, ""), l(access.Police, ""),
		l(access.Bank, "PCBC"), l(access.Bank, "ABOC"), l(access.Bank, "ICBK")}
}

// ok sends a request that has to succeed.
func (h *harness) ok(key, method, path, body string, headers ...string) map[string]any {
	h.t.Helper()
	status, doc := h.call(key, method, path, body, headers...)
	if status != http.StatusOK {
		h.t.Fatalf("%s %s: %d %v", method, path, status, doc)
	}
	return doc
}

// refused sends a request that must not.
func (h *harness) refused(want int, key, method, path, body string) map[string]any {
	h.t.Helper()
	status, doc := h.call(key, method, path, body)
	if status != want {
		h.t.Errorf("%s %s: %d %v, want %d", method, path, status, doc, want)
	}
	return doc
}

// pay is a transfer between accounts of two banks, some seconds ago.
func pay(id, payer, payee, amount string, seconds int, more string) string {
	at := wallClock().Add(-time.Duration(seconds) * time.Second)
	bank := func(account string) string { return map[byte]string{'1': "PCBC", '2': "ABOC", '3': "ICBK"}[account[0]] }
	payeeDoc := ""
	if payee != "" {
		payeeDoc = fmt.Sprintf(`"payee":{"account":"%s","bank":"%s","holder":"乙"},`, payee, bank(payee))
	}
	return fmt.Sprintf(`{"kind":"transfer","id":"%s","at":"%s","payer":{"account":"%s","bank":"%s","holder":"甲"},%s"amount":"%s","currency":"CNY","status":"posted","district":"520103"%s}`,
		id, at, payer, bank(payer), payeeDoc, amount, cmpOr(more, `,"channel":"mobile"`))
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func reportDoc(id, payer, payee, amount string, seconds int, more string) string {
	at := wallClock().Add(-time.Duration(seconds) * time.Second)
	bank := map[byte]string{'1': "PCBC", '2': "ABOC", '3': "ICBK"}[payee[0]]
	return fmt.Sprintf(`{"id":"%s","at":"%s","source":"110","district":"520103","fraud_type":"task-rebate","victim":{"holder":"甲","phone":"13800138000"},
		"transfers":[{"payer_account":"%s","payee_account":"%s","payee_bank":"%s","amount":"%s","currency":"CNY","at":"%s"}]%s}`, id, wallClock(), payer, payee, bank, amount, at, more)
}

// settle waits until so many legs were scored.
func (h *harness) settle(legs int64) {
	h.t.Helper()
	h.waitFor(fmt.Sprintf("%d legs scored", legs), func() bool { return counter(h.metrics.Legs) >= legs })
}

// A report an hour late: five hops and fifty accounts, a merchant and a
// withdrawal. Every reachable account has its request, for the tainted part, at
// its own bank; then the trail goes on with the money as it moves.
func TestFollowTheMoney(t *testing.T) {
	h := newHarness(t)
	k := h.keys()
	var docs []string
	n := 0
	send := func(id, from, to, amount string, seconds int, more string) {
		docs = append(docs, pay(id, from, to, amount, seconds, more))
		if n += 2; to == "" {
			n--
		}
	}
	send("v", "3000", "1000", "100000.00", 3600, "") // the victim's payment
	send("w", "3001", "1000", "20000.00", 3590, "")  // somebody else's, that leaves later
	for i := range 4 {                               // 1000 pays 20,000 to each of four
		a := fmt.Sprintf("2%03d", i)
		send("a"+a, "1000", a, "20000.00", 3500-10*i, "")
		for j := range 3 { // each pays 5,000 to each of three
			b := fmt.Sprintf("1%d%02d", i+1, j)
			send("b"+b, a, b, "5000.00", 3000-10*i-j, "")
			for l := range 2 { // and these 2,000 to each of two
				c := fmt.Sprintf("2%d%d%d9", i+1, j, l)
				send("c"+c, b, c, "2000.00", 2000-10*i-j, "")
				if l == 0 {
					send("d"+c, c, "1"+c, "1500.00", 1000-10*i-j, "")
				}
			}
		}
	}
	send("cash", "1000", "", "4000.00", 3300, `,"channel":"cash"`)
	send("shop", "1000", "1777", "500.00", 3200, `,"channel":"pos"`)
	h.sendOrdered(h.infra.topics.Transfers, docs...)
	h.settle(int64(n))
	h.waitFor("the payments are in the books", func() bool {
		rows, err := h.warehouse.Count(t.Context(), "transfers")
		return err == nil && rows == uint64(len(docs))
	})
	began := time.Now()
	c := h.ok(k.analyst, http.MethodPost, "/v1/reports", reportDoc("late", "3000", "1000", "100000.00", 3600, ""))
	id := c["id"].(string)
	const accounts = 1 + 4 + 12 + 24 + 12
	h.waitFor("every account is asked for", func() bool {
		stops, _ := h.ledger.List(ledger.Filter{CaseID: id, State: stop.Requested, Limit: 500})
		return len(stops) == accounts
	})
	t.Logf("from the report to requests on all of 5 hops and %d accounts: %s", accounts,
		time.Since(began).Round(time.Millisecond))

	trail := h.ok(k.police, http.MethodGet, "/v1/cases/"+id+"/trail", "")
	trees := trail["trees"].([]any)
	if len(trees) != 1 {
		t.Fatalf("%d trees, want 1", len(trees))
	}
	root := trees[0].(map[string]any)
	if root["amount"] != "100000.00" || root["payer_account"] != "3000" || len(root["children"].([]any)) != 6 {
		t.Errorf("the first hop: %v with %d children", root["amount"], len(root["children"].([]any)))
	}
	depth, leaves := 0, map[string]string{}
	var walk func(n map[string]any, in int64)
	walk = func(n map[string]any, in int64) {
		depth = max(depth, int(n["hop"].(float64)))
		amount, _ := event.ParseMinor(n["amount"].(string), 2)
		if amount > in {
			t.Errorf("%v of %d came to %v", n["amount"], in, n["account"])
		}
		if n["stop_id"] == nil {
			leaves[n["state"].(string)] = n["amount"].(string)
		} else if bank := n["account"].(map[string]any)["bank"]; n["state"] != "requested" || bank == "" {
			t.Errorf("%v", n)
		}
		sum := int64(0)
		for _, ch := range n["children"].([]any) {
			m, _ := event.ParseMinor(ch.(map[string]any)["amount"].(string), 2)
			sum += m
			walk(ch.(map[string]any), amount)
		}
		if sum > amount {
			t.Errorf("more left %v than came in", n["account"])
		}
	}
	walk(root, 10_000_000)
	if depth != 5 || leaves["cash"] != "4000.00" || leaves["merchant"] != "500.00" {
		t.Errorf("the trail is %d deep and ends in %v", depth, leaves)
	}
	if s := h.ok(k.police, http.MethodGet, "/v1/stops?case="+id+"&limit=500", ""); strings.Contains(fmt.Sprint(s), "甲") {
		t.Error("the police see whole names")
	}

	// The money moves on: the next account is asked for as the payment is seen,
	// with no bank having said a word. What is the other's stays the other's.
	h.send(h.infra.topics.Transfers, pay("later", "1000", "2900", "25000.00", 0, ""))
	h.waitFor("the next hop", func() bool {
		stops, _ := h.ledger.List(ledger.Filter{CaseID: id, Account: "2900", Limit: 5})
		return len(stops) == 1 && stops[0].Minor == 15_500_00 && stops[0].State == stop.Requested
	})
	// The bank holds what is left at 1000: nothing of that goes on.
	first := root["stop_id"].(string)
	if held := h.refused(422, k.pcbc, http.MethodPost, "/v1/bank/stops/"+first+"/outcome",
		`{"result":"partial","held_amount":"200000.00","effective_at":"`+wallClock().String()+`"}`); held == nil {
		t.Error("no problem document")
	}
}

// hold answers a stop as its bank does.
func (h *harness) hold(id, result, amount string) map[string]any {
	h.t.Helper()
	return h.ok(h.bankKey(id), http.MethodPost, "/v1/bank/stops/"+id+"/outcome",
		fmt.Sprintf(`{"result":"%s","held_amount":"%s","effective_at":"%s"}`, result, amount, wallClock()))
}

func (h *harness) bankKey(id string) string {
	h.t.Helper()
	var s *stop.Stop
	h.waitFor("stop "+id+" requested", func() bool { s = h.ledger.Stop(id); return s != nil && s.RequestedAt != 0 })
	return h.ids.Local(access.Bank, s.Account.Bank)
}

// The law's terms, over the API: two terms and no more, four eyes, later credits,
// parts released, a freeze, and the money back to its victim.
func TestLifeByTheLaw(t *testing.T) {
	h := newHarness(t)
	k := h.keys()
	h.send(h.infra.topics.Transfers, pay("p1", "3100", "1100", "9000.00", 600, ""))
	h.settle(2)
	c := h.ok(k.analyst, http.MethodPost, "/v1/reports", reportDoc("r1", "3100", "1100", "9000.00", 600, ""))
	stop := c["stops"].([]any)[0].(map[string]any)["id"].(string)
	h.hold(stop, "partial", "6000.00")
	// A later credit is held for the rest of the claim; the same one once.
	for range 2 {
		if s := h.ok(k.pcbc, http.MethodPost, "/v1/bank/stops/"+stop+"/sweeps",
			`{"credit":"c1","held_amount":"1000.00"}`); s["held_amount"] != "7000.00" || s["claim"] != "2000.00" {
			t.Errorf("after the sweep: %v", s)
		}
	}
	h.refused(422, k.pcbc, http.MethodPost, "/v1/bank/stops/"+stop+"/sweeps", `{"credit":"c2","held_amount":"2000.01"}`)
	h.refused(404, k.aboc, http.MethodPost, "/v1/bank/stops/"+stop+"/sweeps", `{"credit":"c2","held_amount":"1.00"}`)
	h.refused(403, k.analyst, http.MethodPost, "/v1/stops/"+stop+"/extension", `{}`)
	if s := h.ok(k.supervisor, http.MethodPost, "/v1/stops/"+stop+"/extension", `{"reason":"court"}`); s["terms"] != 2.0 {
		t.Errorf("%v", s["terms"])
	}
	if doc := h.refused(422, k.supervisor, http.MethodPost, "/v1/stops/"+stop+"/extension",
		`{}`); !strings.Contains(fmt.Sprint(doc), "as often as the law allows") {
		t.Errorf("a third term: %v", doc)
	}
	h.ok(k.supervisor, http.MethodPost, "/v1/stops/"+stop+"/freeze", `{}`)
	// An appeal: a part is the holder's own.
	a := h.ok(k.analyst, http.MethodPost, "/v1/stops/"+stop+"/appeals",
		`{"holder":"乙","text":"工资","documents":["identity"]}`)
	h.refused(409, k.analyst, http.MethodPost, "/v1/stops/"+stop+"/appeals", `{"holder":"乙","text":"again"}`)
	appeal := a["id"].(string)
	if d := h.ok(k.analyst, http.MethodGet, "/v1/duties?kind=appeal", ""); d["total"] != 1.0 {
		t.Errorf("duties: %v", d)
	}
	h.ok(k.analyst, http.MethodPost, "/v1/appeals/"+appeal+"/documents", `{"documents":["statement"]}`)
	h.refused(403, k.analyst, http.MethodPost, "/v1/appeals/"+appeal+"/decision", `{"decision":"upheld","reason":"x"}`)
	if a = h.ok(k.supervisor, http.MethodPost, "/v1/appeals/"+appeal+"/decision",
		`{"decision":"upheld","amount":"500.00","reason":"wages"}`); a["released_amount"] != "500.00" ||
		a["state"] != "upheld" {
		t.Errorf("the appeal: %v", a)
	}
	if s := h.ok(k.analyst, http.MethodGet, "/v1/stops/"+stop, ""); s["held_amount"] != "6500.00" ||
		s["released_amount"] != "500.00" || s["state"] != "frozen" {
		t.Errorf("after the appeal: %v", s)
	}
	// The money goes back: one remittance, to its sender, by two people.
	r := h.ok(k.analyst, http.MethodPost, "/v1/cases/"+c["id"].(string)+"/returns", "")
	ret := r["id"].(string)
	if r["total"] != "6500.00" || r["accounts"].([]any)[0].(map[string]any)["method"] != "single" {
		t.Errorf("the return: %v", r)
	}
	h.refused(409, k.analyst, http.MethodPost, "/v1/cases/"+c["id"].(string)+"/returns", "")
	h.refused(403, k.analyst, http.MethodPost, "/v1/returns/"+ret+"/approval", `{}`)
	h.ok(k.supervisor, http.MethodPost, "/v1/returns/"+ret+"/approval", `{}`)
	h.refused(403, k.supervisor, http.MethodPost, "/v1/returns/"+ret+"/approval", `{}`)
	h.ok(k.admin, http.MethodPost, "/v1/returns/"+ret+"/approval", `{}`)
	var told map[string]any
	h.waitFor("the bank is told to pay back", func() bool {
		told = h.ok(k.pcbc, http.MethodGet, "/v1/bank/stops/"+stop, "")
		return told["state"] == "returning"
	})
	in := told["return"].(map[string]any)
	if in["amount"] != "6500.00" || in["payees"].([]any)[0].(map[string]any)["account"] != "3100" {
		t.Errorf("the instruction: %v", in)
	}
	h.refused(422, k.pcbc, http.MethodPost, "/v1/bank/stops/"+stop+"/return", `{"result":"returned","amount":"6500.01"}`)
	for range 2 {
		if s := h.ok(k.pcbc, http.MethodPost, "/v1/bank/stops/"+stop+"/return",
			`{"result":"returned","amount":"6500.00","reference":"R1"}`); s["state"] != "returned" {
			t.Errorf("paid back: %v", s)
		}
	}
	if r = h.ok(k.police, http.MethodGet, "/v1/returns/"+ret, ""); r["state"] != "completed" ||
		r["paid_back"] != "6500.00" {
		t.Errorf("the return at its end: %v", r)
	}
	sum := h.ok(k.police, http.MethodGet, "/v1/cases/"+c["id"].(string), "")["amounts"].(map[string]any)
	if sum["reported"] != "9000.00" || sum["returned"] != "6500.00" || sum["released"] != "500.00" ||
		sum["held"] != "0.00" || sum["frozen"] != "0.00" {
		t.Errorf("the case's amounts: %v", sum)
	}
	today := time.Now().In(event.Zone)
	h.waitFor("the books say the same", func() bool {
		_, doc := h.call(k.police, http.MethodGet, fmt.Sprintf("/v1/statistics/recovery?from=%s&to=%s",
			today.AddDate(0, -1, 0).Format(time.DateOnly), today.AddDate(0, 1, 0).Format(time.DateOnly)), "")
		total, _ := doc["total"].(map[string]any)
		return total != nil && total["amount_returned"] == "6500.00" && total["amount_held"] == "7000.00" &&
			total["amount_reported"] == "9000.00"
	})
	for path, want := range map[string]string{"/v1/stops/" + stop + "/notice": "申诉",
		"/v1/stops/" + stop + "/notice?lang=zh":    "筑反诈止〔20",
		"/v1/returns/" + ret + "/document?lang=zh": "返还决定书", "/v1/stops/" + stop + "/notice?format=pdf": "%PDF-",
		"/v1/returns/" + ret + "/document?format=pdf": "%PDF-", "/v1/stops/" + stop + "/notice?lang=en": "appeal",
		"/v1/returns/" + ret + "/document": "6500.00", "/v1/returns/" + ret + "/document?lang=en": "Paid back before"} {
		if strings.HasSuffix(path, "=pdf") && report.Font() == 0 {
			continue // make build fetches the font
		}
		if page := h.text(k.police, path); !strings.Contains(strings.ReplaceAll(page, ",", ""), want) ||
			strings.Contains(page, "草稿") {
			t.Errorf("%s lacks %s, or is a draft", path, want)
		}
	}
}

// Cases that share an account or a caller are one; progress has versions; a
// visit that nobody confirms goes up.
func TestCases(t *testing.T) {
	h := newHarness(t)
	k := h.keys()
	a := h.ok(k.analyst, http.MethodPost, "/v1/reports",
		reportDoc("m1", "3201", "1201", "5000.00", 60, `,"callers":["+85291230000"]`))
	time.Sleep(5 * time.Millisecond)
	b := h.ok(k.analyst, http.MethodPost, "/v1/reports",
		reportDoc("m2", "3202", "1202", "6000.00", 60, `,"callers":["+852 9123 0000"]`))
	c := h.ok(k.analyst, http.MethodPost, "/v1/reports", reportDoc("m3", "3203", "1202", "7000.00", 60, ""))
	var whole map[string]any
	h.waitFor("one case of three", func() bool {
		whole = h.ok(k.analyst, http.MethodGet, "/v1/cases/"+c["id"].(string), "")
		return len(whole["members"].([]any)) == 2
	})
	if whole["id"] != a["id"] || len(whole["reports"].([]any)) != 3 ||
		whole["amounts"].(map[string]any)["reported"] != "18000.00" {
		t.Errorf("the whole case: %v, of %v and %v", whole, a["id"], b["id"])
	}
	id := whole["id"].(string)
	if list := h.ok(k.police, http.MethodGet, "/v1/cases", ""); len(list["cases"].([]any)) != 1 {
		t.Errorf("%d cases are listed, want 1", len(list["cases"].([]any)))
	}
	if p := h.ok(k.analyst, http.MethodPatch, "/v1/cases/"+id, `{"state":"solved","arrests":2,"outcome":"confirmed"}`,
		"If-Match", `"0"`); p["state"] != "solved" || p["arrests"] != 2.0 || p["version"] != 1.0 {
		t.Errorf("progress: %v", p)
	}
	if status, _ := h.call(k.analyst, http.MethodPatch, "/v1/cases/"+id, `{"arrests":3}`, "If-Match",
		`"0"`); status != http.StatusPreconditionFailed {
		t.Errorf("an old version: %d", status)
	}
	h.waitFor("the books count the solved case", func() bool {
		today := time.Now().In(event.Zone)
		_, doc := h.call(k.police, http.MethodGet, fmt.Sprintf("/v1/statistics/recovery?from=%s&to=%s",
			today.AddDate(0, -1, 0).Format(time.DateOnly), today.AddDate(0, 1, 0).Format(time.DateOnly)), "")
		total, _ := doc["total"].(map[string]any)
		return total != nil && total["cases_solved"] == 1.0 && total["arrests"] == 2.0
	})
	v := h.ok(k.analyst, http.MethodPost, "/v1/cases/"+id+"/visits",
		`{"district":"520103","grid":"7","holder":"甲","phone":"13800138000"}`)
	visit := v["id"].(string)
	if v["level"] != "grid" || v["due"] == nil {
		t.Errorf("%v", v)
	}
	if list := h.ok(k.police, http.MethodGet, "/v1/visits?district=520103", ""); len(list["visits"].([]any)) != 1 {
		t.Errorf("%v", list)
	}
	if v = h.ok(k.police, http.MethodPost, "/v1/visits/"+visit+"/confirmation",
		`{"found":"averted"}`); v["state"] != "confirmed" || v["found"] != "averted" {
		t.Errorf("%v", v)
	}
	h.refused(409, k.police, http.MethodPost, "/v1/visits/"+visit+"/confirmation", `{"found":"met"}`)
}

// Reports that look like abuse wait for a person, who sees why.
func TestDoubtfulReports(t *testing.T) {
	h := newHarness(t)
	k := h.keys()
	h.send(h.infra.topics.Transfers, pay("back", "1303", "3303", "900.00", 500, "")) // the accused paid the reporter first
	h.settle(2)
	for payer, c := range map[string]struct{ payee, amount, doubt string }{
		"3301": {"1301", "1.00", stop.DoubtTiny},
		"3303": {"1303", "800.00", stop.DoubtCircular},
		"3304": {"1304", "800.00", ""},
	} {
		doc := h.ok(k.analyst, http.MethodPost, "/v1/reports", reportDoc("d"+payer, payer, c.payee, c.amount, 60, ""))
		id := doc["stops"].([]any)[0].(map[string]any)["id"].(string)
		s := h.ok(k.analyst, http.MethodGet, "/v1/stops/"+id, "")
		doubt, _ := s["doubt"].(string)
		if want := map[bool]string{true: "requested", false: "proposed"}[c.doubt == ""]; s["state"] != want ||
			doubt != c.doubt {
			t.Errorf("%s: %v %v, want %s %s", payer, s["state"], doubt, want, c.doubt)
		}
	}
	var last map[string]any
	for i := range law.Default.Reporter {
		last = h.ok(k.analyst, http.MethodPost, "/v1/reports",
			reportDoc(fmt.Sprint("again", i), "3305", fmt.Sprint("14", i, "0"), "800.00", 60, ""))
	}
	stops := last["stops"].([]any)
	if !slices.ContainsFunc(stops, func(s any) bool { return s.(map[string]any)["state"] == "proposed" }) {
		t.Errorf("a reporter's %d. report stops by itself: %v", law.Default.Reporter, last)
	}
	h.ok(k.supervisor, http.MethodPost, "/v1/stops/"+event.StopID(0, "x")[:4]+
		stops[len(stops)-1].(map[string]any)["id"].(string)[4:]+"/approval", `{}`)
}

// A mismatch names the field that differs, and its likely cause.
func TestMismatchHelps(t *testing.T) {
	h := newHarness(t)
	k := h.keys()
	doc := h.ok(k.analyst, http.MethodPost, "/v1/reports", reportDoc("mm", "3401", "1401", "5000.00", 60, ""))
	id := doc["stops"].([]any)[0].(map[string]any)["id"].(string)
	for range 2 {
		h.ok(k.pcbc, http.MethodPost, "/v1/bank/stops/"+id+"/outcome",
			`{"result":"mismatch","differs":[{"field":"number","theirs":"14010"}]}`)
	}
	s := h.ok(k.analyst, http.MethodGet, "/v1/stops/"+id, "")
	if d := fmt.Sprint(s["differs"]); !strings.Contains(d, "sub-account") || !strings.Contains(d, "1401") {
		t.Errorf("%v", s["differs"])
	}
	if d := h.ok(k.analyst, http.MethodGet, "/v1/duties?kind=mismatch", ""); d["total"] != 1.0 {
		t.Errorf("%v", d)
	}
}

// A large payment waits for a person, and so does what its money went on to;
// approved, all of it goes out, and its trail is followed from then on.
func TestTrailWaitsForApproval(t *testing.T) {
	h := newHarness(t)
	k := h.keys()
	h.sendOrdered(h.infra.topics.Transfers, pay("big", "3501", "1501", "600000.00", 900, ""),
		pay("on", "1501", "2501", "100000.00", 800, ""))
	h.settle(4)
	c := h.ok(k.analyst, http.MethodPost, "/v1/reports", reportDoc("big", "3501", "1501", "600000.00", 900, ""))
	first := c["stops"].([]any)[0].(map[string]any)["id"].(string)
	var behind *stop.Stop
	h.waitFor("the next hop is proposed", func() bool {
		stops, _ := h.ledger.List(ledger.Filter{CaseID: c["id"].(string), Account: "2501", Limit: 2})
		if len(stops) == 1 {
			behind = stops[0]
		}
		return behind != nil
	})
	time.Sleep(600 * time.Millisecond) // twice as long as deadlines take
	if a, b := h.ledger.Stop(first), h.ledger.Stop(behind.ID); a.State != stop.Proposed || b.State != stop.Proposed {
		t.Fatalf("before anybody approved: %s and %s", a.State, b.State)
	}
	if d := h.ok(k.analyst, http.MethodGet, "/v1/duties?kind=approve", ""); d["total"] != 2.0 {
		t.Errorf("%v", d)
	}
	h.refused(403, k.analyst, http.MethodPost, "/v1/stops/"+first+"/approval", `{}`)
	h.ok(k.supervisor, http.MethodPost, "/v1/stops/"+first+"/approval", `{"reason":"yes"}`)
	h.waitFor("what stood behind it goes out", func() bool { return h.ledger.Stop(behind.ID).State == stop.Requested })

	// Who proposed cannot approve; another can, and the money is followed from then.
	h.sendOrdered(h.infra.topics.Transfers, pay("own", "3502", "1502", "7000.00", 700, ""),
		pay("on2", "1502", "2502", "5000.00", 600, ""))
	h.settle(8)
	body := fmt.Sprintf(`{"case_id":"%s","account":{"number":"1502","bank":"PCBC","holder":"乙"},"amount":"7000.00","currency":"CNY","transfer":{"id":"own","amount":"7000.00","at":"%s"},"fraud_type":"task-rebate","reason":"seen on paper","payer_account":"3502",
		"order":{"type":"back-filled","original":"A-1","urgency":"normal","operator":{"name":"甲","badge":"1"},"investigator":{"name":"乙","badge":"2"}}}`, c["id"], minutesAgo(11))
	own := h.ok(k.supervisor, http.MethodPost, "/v1/stops", body)["id"].(string)
	h.refused(409, k.supervisor, http.MethodPost, "/v1/stops", body)
	if doc := h.refused(403, k.supervisor, http.MethodPost, "/v1/stops/"+own+"/approval",
		`{}`); !strings.Contains(fmt.Sprint(doc), "another supervisor") {
		t.Errorf("%v", doc)
	}
	h.ok(k.admin, http.MethodPost, "/v1/stops/"+own+"/approval", `{}`)
	h.waitFor("its trail is followed", func() bool {
		stops, _ := h.ledger.List(ledger.Filter{Account: "2502", Limit: 2})
		return len(stops) == 1 && stops[0].Minor == 5000_00 && stops[0].Parent == own && stops[0].State == stop.Requested
	})
	if o := h.ledger.Stop(own).Order; o == nil || o.Type != "back-filled" || o.Urgency != "normal" ||
		o.Investigator.Badge != "2" {
		t.Errorf("the order: %+v", o)
	}
}

// A report right after the payments: the books are a second behind, and are asked
// again.
func TestTrailOutOfTheBooks(t *testing.T) {
	h := newHarness(t)
	k := h.keys()
	h.sendOrdered(h.infra.topics.Transfers, pay("first", "3601", "1601", "5000.00", 900, ""),
		pay("on", "1601", "2601", "4000.00", 800, ""))
	h.settle(4)
	c := h.ok(k.analyst, http.MethodPost, "/v1/reports", reportDoc("late", "3601", "1601", "5000.00", 900, ""))
	h.waitFor("the next hop, by name", func() bool {
		stops, _ := h.ledger.List(ledger.Filter{CaseID: c["id"].(string), Account: "2601", Limit: 2})
		return len(stops) == 1 && stops[0].Minor == 4000_00 && stops[0].Account.Bank == "ABOC"
	})
}
