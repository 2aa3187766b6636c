package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"stopline.internal/api/access"
	"stopline.internal/api/bank"
	"stopline.internal/api/client"
	"stopline.internal/api/sse"
	"stopline.internal/cmd/stopline/city"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger/delivery"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream"
	"stopline.internal/stream/event"
)

const (
	oldSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	newSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
)

// bankEnd is a bank's endpoint in a test: it notes what comes, and can be down.
type bankEnd struct {
	*httptest.Server
	mu   sync.Mutex
	down bool
	got  []client.Message
	sigs []string
}

func newBankEnd(t *testing.T, secrets ...string) *bankEnd {
	t.Helper()
	b := &bankEnd{}
	receiver := &client.Receiver{Secrets: secrets, Handle: func(_ context.Context, m client.Message) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.got = append(b.got, m)
		return nil
	}}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		down := b.down
		b.sigs = append(b.sigs, r.Header.Get(standardwebhooks.HeaderWebhookSignature))
		b.mu.Unlock()
		if down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		receiver.ServeHTTP(w, r)
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *bankEnd) set(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
}

func (b *bankEnd) types(stop string) (types []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.got {
		if m.Data.ID == stop {
			types = append(types, m.Type)
		}
	}
	return types
}

// harnessWith runs the service with banks that are called.
func harnessWith(t *testing.T, endpoints ...stream.Endpoint) *harness {
	t.Helper()
	log := warnings()
	dir := t.TempDir()
	in, err := (&Servers{Data: dir, Partitions: 2}).open(context.WithoutCancel(t.Context()), log)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := access.LocalIdentities(filepath.Join(dir, "keys.json"), city.BankCodes)
	if err != nil {
		t.Fatal(err)
	}
	policy := delivery.DefaultPolicy
	policy.Waits, policy.Slow, policy.Pause = []time.Duration{50 * time.Millisecond, 100 * time.Millisecond,
		200 * time.Millisecond}, 200*time.Millisecond, 300*time.Millisecond
	terms := law.Default
	terms.Respond = 2 * time.Second
	svc, err := start(t.Context(), in, plan{tuning: Tuning{Hot: 1000, Checkpoint: time.Second, Country: "CN"},
		roles: allRoles, clock: wallClock, limits: event.DefaultLimits,
		terms: terms, policy: scoring.DefaultPolicy, listen: "127.0.0.1:0", identities: ids, endpoints: endpoints,
		sending: policy}, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		svc.stop()
		in.close(log)
	})
	h := &harness{svc, t, ids}
	h.waitFor("ready", func() bool {
		status, _ := h.call("", http.MethodGet, "/readyz",
			"")
		return status == http.StatusOK
	})
	return h
}

// Signed webhooks: two secrets while one is replaced, once each, retried while
// the bank is down, which delays no other; a person is called; what was given up
// is sent again when somebody asks.
func TestWebhooks(t *testing.T) {
	pcbc, aboc, pager := newBankEnd(t, newSecret), newBankEnd(t, oldSecret), newBankEnd(t, oldSecret)
	h := harnessWith(t, stream.Endpoint{Bank: "PCBC", URL: pcbc.URL, Secrets: []string{oldSecret, newSecret}},
		stream.Endpoint{Bank: "ABOC", URL: aboc.URL + "/stops", Secrets: []string{oldSecret}},
		stream.Endpoint{Bank: stream.Pager, URL: pager.URL, Secrets: []string{oldSecret}})
	k := h.keys()
	aboc.set(true)
	file := func(id, payee string) string {
		doc := h.ok(k.analyst, http.MethodPost, "/v1/reports", reportDoc(id, "35"+id[1:], payee, "5000.00", 60, ""))
		return doc["stops"].([]any)[0].(map[string]any)["id"].(string)
	}
	down := file("r01", "2501")
	up := file("r02", "1501")
	h.waitFor("the bank that is up is told", func() bool { return len(pcbc.types(up)) == 1 })
	h.waitFor("a person is called", func() bool {
		return len(pager.types(down)) == 1 &&
			pager.types(down)[0] == delivery.MessageCall
	})
	if d := h.ok(k.analyst, http.MethodGet, "/v1/duties?kind=call-bank", ""); d["total"].(float64) < 1 {
		t.Errorf("nobody is to call: %v", d)
	}
	aboc.set(false)
	h.waitFor("the bank that is back is told, once", func() bool { return len(aboc.types(down)) == 1 })
	pcbc.mu.Lock()
	if n := len(strings.Fields(pcbc.sigs[0])); n != 2 {
		t.Errorf("%d signatures, want one of each secret", n)
	}
	pcbc.mu.Unlock()
	h.waitFor("the log of deliveries", func() bool {
		s := h.ok(k.analyst, http.MethodGet, "/v1/stops/"+down, "")
		d, _ := s["delivery"].(map[string]any)
		attempts, _ := d["attempts"].([]any)
		return d["delivered"] == true && len(attempts) >= 2 && attempts[0].(map[string]any)["status"] == 503.0
	})
	h.hold(up, "held", "5000.00")
	h.ok(k.supervisor, http.MethodPost, "/v1/stops/"+up+"/release", `{"reason":"innocent"}`)
	h.waitFor("the release is told", func() bool {
		types := pcbc.types(up)
		return len(types) == 2 &&
			types[1] == client.StopReleased
	})
	h.ok(k.analyst, http.MethodPost, "/v1/stops/"+up+"/delivery", "")
	h.waitFor("sent again", func() bool { pcbc.mu.Lock(); defer pcbc.mu.Unlock(); return len(pcbc.sigs) == 3 })
	if n := len(pcbc.types(up)); n != 2 {
		t.Errorf("the bank did the work of a message again: %d", n)
	}
	if doc := h.ok(k.supervisor, http.MethodPost, "/v1/banks/ABOC/delivery", ""); doc["messages"] != 0.0 {
		t.Errorf("%v", doc)
	}
}

// Where messages may go.
func TestEndpoints(t *testing.T) {
	write := func(doc string) error {
		path := filepath.Join(t.TempDir(), "banks.json")
		if err := writeFile(path, doc); err != nil {
			t.Fatal(err)
		}
		_, err := stream.LoadEndpoints(path)
		return err
	}
	entry := func(url, secret string) string {
		return fmt.Sprintf(`[{"bank":"PCBC","url":"%s","secrets":["%s"]}]`, url, secret)
	}
	for doc, ok := range map[string]bool{
		entry("https://bank.example/stops", oldSecret):        true,
		entry("http://127.0.0.1:9000/", oldSecret):            true,
		entry("http://bank.example/stops", oldSecret):         false,
		entry("https://user:pw@bank.example/", oldSecret):     false,
		entry("https://bank.example/stops", "whsec_c2hvcnQ="): false,
		entry("ftp://bank.example/", oldSecret):               false,
		`[{"bank":"PCBC","url":"https://x.example"}]`:         false,
		`{`: false,
	} {
		if err := write(doc); (err == nil) != ok {
			t.Errorf("%s: %v", doc, err)
		} else if err != nil && strings.Contains(err.Error(), "c2hvcnQ=") {
			t.Errorf("an error shows a secret: %v", err)
		}
	}
	// A redirect is not followed, wherever it leads.
	inside := newBankEnd(t, oldSecret)
	outside := httptest.NewServer(http.RedirectHandler(inside.URL, http.StatusTemporaryRedirect))
	defer outside.Close()
	h := harnessWith(t, stream.Endpoint{Bank: "PCBC", URL: outside.URL, Secrets: []string{oldSecret}})
	doc := h.ok(h.keys().analyst, http.MethodPost, "/v1/reports", reportDoc("redirect", "3590", "1590", "5000.00", 60, ""))
	id := doc["stops"].([]any)[0].(map[string]any)["id"].(string)
	h.waitFor("the redirect is a failure", func() bool {
		s := h.ok(h.keys().analyst, http.MethodGet, "/v1/stops/"+id, "")
		d, _ := s["delivery"].(map[string]any)
		attempts, _ := d["attempts"].([]any)
		return len(attempts) > 0 && attempts[0].(map[string]any)["status"] == 307.0
	})
	if len(inside.sigs) != 0 {
		t.Error("a redirect was followed")
	}
}

// A bank's stream: what is open first, then what happens; broken off, it goes on
// behind the last event that arrived, on another replica too.
func TestStreamResumes(t *testing.T) {
	h := newHarness(t)
	k := h.keys()
	file := func(n int) string {
		doc := h.ok(k.analyst, http.MethodPost, "/v1/reports",
			reportDoc(fmt.Sprint("s", n), fmt.Sprint("36", n), fmt.Sprint("16", n), "5000.00", 60, ""))
		return doc["stops"].([]any)[0].(map[string]any)["id"].(string)
	}
	first, second := file(1), ""
	read := func(place string, want int) (ids []string, last string) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		c := &client.Client{URL: h.url, Key: k.pcbc}
		_ = c.Listen(ctx, place, func(_ context.Context, m client.Message) error {
			if ids, last = append(ids, m.Data.ID+" "+m.Type), m.Place; second == "" {
				second = file(2) // what happens behind the snapshot has a place
			}
			if len(ids) == want {
				cancel()
			}
			return nil
		})
		return ids, last
	}
	ids, place := read("", 2)
	if len(ids) != 2 || ids[0] != first+" "+client.StopRequested || ids[1] != second+" "+client.StopRequested ||
		place == "" {
		t.Fatalf("the open stop, then the next one: %v, up to %q", ids, place)
	}
	third, fourth := file(3), file(4)
	ids, next := read(place, 2)
	if got := strings.Join(ids, ","); !strings.Contains(got, third) || !strings.Contains(got, fourth) ||
		strings.Contains(got, first) || strings.Contains(got, second) {
		t.Errorf("behind %s came %v", place, ids)
	}
	h.hold(first, "held", "5000.00")
	h.ok(k.supervisor, http.MethodPost, "/v1/stops/"+first+"/release", `{}`)
	if ids, _ = read(next, 1); len(ids) != 1 || ids[0] != first+" "+client.StopReleased {
		t.Errorf("behind %s came %v", next, ids)
	}
	if ids, _ := read(place, 3); len(ids) != 3 {
		t.Errorf("the same place again: %v", ids)
	}
	// As any SSE client sees it.
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+"/v1/bank/stops/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+k.pcbc)
	req.Header.Set("Last-Event-ID", place)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if ct := resp.Header.Get("Content-Type"); ct != "text/event-stream" {
		t.Errorf("content type %s", ct)
	}
	stream := sse.NewReader(resp.Body, 1<<20)
	e, err := stream.Next()
	for err == nil && e.Data == "" {
		e, err = stream.Next()
	}
	var m map[string]any
	if err := errors.Join(err, json.Unmarshal([]byte(e.Data), &m)); err != nil || m["type"] == nil ||
		m["timestamp"] == nil ||
		m["data"] == nil {
		t.Errorf("an event's data: %s, %v", e.Data, err)
	}
	h.refused(422, k.pcbc, http.MethodGet, "/v1/bank/stops?wait=99h", "")
	if status, _ := h.call(k.pcbc, http.MethodGet, "/v1/bank/stops/stream", "", "Last-Event-ID",
		"nonsense"); status != http.StatusUnprocessableEntity {
		t.Errorf("a place that is none: %d", status)
	}
}

// A bank asks whether a transfer may go: scored once, through the log.
func TestScreening(t *testing.T) {
	h := newHarness(t)
	k := h.keys()
	h.send(h.infra.topics.Telecom, fmt.Sprintf(`{"kind":"call","id":"c1","at":"%s","phase":"started","caller":{"number":"+85281234567"},"callee":{"number":"13800138000"}}`, minutesAgo(26)))
	h.waitFor("the call scored", func() bool { return counter(h.metrics.Legs) >= 2 })
	harmless := transferDoc("ok1", "62220009", "62170009", "25.00")
	if s := h.ok(k.icbk, http.MethodPost, "/v1/screenings",
		strings.Replace(harmless, "13800138000", "13900139000", 1)); s["decision"] != "allow" || s["default"] != false ||
		len(s["hits"].([]any)) != 0 {
		t.Errorf("a harmless transfer: %v", s)
	}
	bad := transferDoc("t1", "6222020200112233445", "6217000010098765432", "49800.00")
	var first map[string]any
	for range 2 {
		first = h.ok(k.icbk, http.MethodPost, "/v1/screenings", bad)
		if first["decision"] != "stop" || first["score"].(float64) < 600 || first["stop_id"] == nil ||
			first["alert_id"] == nil || len(first["hits"].([]any)) == 0 {
			t.Fatalf("a fraud: %v", first)
		}
	}
	h.waitFor("the stop is there", func() bool {
		status, _ := h.call(k.pcbc, http.MethodGet, "/v1/bank/stops/"+first["stop_id"].(string), "")
		return status == http.StatusOK
	})
	h.waitFor("the transfer is in the books, once", func() bool {
		n, err := h.warehouse.Count(t.Context(), "transfers")
		return err == nil && n == 2
	})
	h.refused(403, k.aboc, http.MethodPost, "/v1/screenings", bad)
	h.refused(422, k.icbk, http.MethodPost, "/v1/screenings", strings.Replace(bad, "49800.00", "-1", 1))

	// The explanation can be computed again.
	x := h.ok(k.analyst, http.MethodGet, "/v1/stops/"+first["stop_id"].(string)+"/explanation", "")
	if r, _ := x["replay"].(map[string]any); r["same"] != true || r["score"] != first["score"] {
		t.Errorf("the explanation: %v", x)
	}
}

// A screening that takes too long answers the default, and says so.
func TestScreeningDeadline(t *testing.T) {
	log := warnings()
	dir := t.TempDir()
	in, err := (&Servers{Data: dir, Partitions: 2}).open(context.WithoutCancel(t.Context()), log)
	if err != nil {
		t.Fatal(err)
	}
	defer in.close(log)
	ids, err := access.LocalIdentities(filepath.Join(dir, "keys.json"), city.BankCodes)
	if err != nil {
		t.Fatal(err)
	}
	svc, err := start(t.Context(), in, plan{tuning: Tuning{Hot: 1000, Checkpoint: time.Second, Country: "CN"},
		roles: []string{roleAPI}, clock: wallClock, limits: event.DefaultLimits,
		terms: law.Default, policy: scoring.DefaultPolicy, listen: "127.0.0.1:0", identities: ids,
		screening: bank.Screening{Deadline: 200 * time.Millisecond, Default: "hold"}}, log)
	if err != nil {
		t.Fatal(err)
	}
	defer svc.stop()
	h := &harness{svc, t, ids} // nobody scores
	if s := h.ok(h.keys().icbk, http.MethodPost, "/v1/screenings",
		transferDoc("slow", "62220009", "62170009", "25.00")); s["decision"] != "hold" || s["default"] != true {
		t.Errorf("%v", s)
	}
}

// ISO 20022: the stop as camt.056, answers as camt.029, the payment back as
// pacs.004.
func TestISO20022(t *testing.T) {
	h := newHarness(t)
	k := h.keys()
	h.send(h.infra.topics.Transfers, pay("iso1", "3701", "1701", "9000.00", 600, ""))
	h.settle(2)
	c := h.ok(k.analyst, http.MethodPost, "/v1/reports", reportDoc("iso", "3701", "1701", "9000.00", 600, ""))
	stopID := c["stops"].([]any)[0].(map[string]any)["id"].(string)
	page := h.text(k.pcbc, "/v1/bank/stops", "Accept", "application/xml")
	for _, want := range []string{"camt.056.001.08", "<CxlId>" + stopID, "<Cd>FRAD</Cd>", `Ccy="CNY"`,
		"HOLD CNY 9000.00 FOR 48 HOURS", "1701"} {
		if !strings.Contains(page, want) {
			t.Errorf("camt.056 lacks %s: %s", want, page)
		}
	}
	post := func(want int, doc string) map[string]any {
		t.Helper()
		status, out := h.call(k.pcbc, http.MethodPost, "/v1/bank/messages", doc, "Content-Type", "application/xml")
		if status != want {
			t.Fatalf("%d %v, want %d", status, out, want)
		}
		return out
	}
	answer := func(conf, more string) string {
		return `<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.029.001.09"><RsltnOfInvstgtn><Assgnmt><Id>1</Id><Assgnr><Agt/></Assgnr><Assgne><Agt/></Assgne><CreDtTm>` + wallClock().String() +
			`</CreDtTm></Assgnmt><Sts><Conf>` + conf + `</Conf></Sts><CxlDtls><TxInfAndSts><RslvdCase><Id>` + stopID +
			`</Id><Cretr><Agt/></Cretr></RslvdCase>` + more + `</TxInfAndSts></CxlDtls></RsltnOfInvstgtn></Document>`
	}
	post(422, answer("XXXX", ""))
	post(422, strings.Replace(answer("CNCL", ""), "<Sts>", "<Wrong/><Sts>", 1))
	post(422, strings.Replace(answer("CNCL", ""), `<?xml version="1.0"?>`,
		`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>`, 1))
	if out := post(200, answer("PDCR", "")); fmt.Sprint(out["results"]) == "" ||
		h.ledger.Stop(stopID).State != stop.Acknowledged {
		t.Errorf("%v", out)
	}
	part := answer("PECR", `<RsltnRltdInf><IntrBkSttlmAmt Ccy="CNY">6000.00</IntrBkSttlmAmt></RsltnRltdInf>`)
	for range 2 {
		post(200, part)
	}
	if s := h.ledger.Stop(stopID); s.State != stop.Partial || s.HeldMinor != 600_000 {
		t.Errorf("%s %d", s.State, s.HeldMinor)
	}
	// As the rails send it, with the header and the time of another attempt.
	effective := h.ledger.Stop(stopID).EffectiveAt
	wrapped := func(document, definition string) string {
		return `<BizMsgEnvlp xmlns="urn:iso:std:iso:20022:tech:xsd:nvlp.001.001.01"><Hdr><AppHdr xmlns="urn:iso:std:iso:20022:tech:xsd:head.001.001.02"><Fr><FIId><FinInstnId><BICFI>PCBCCNBJXXX</BICFI></FinInstnId></FIId></Fr><To><OrgId><Nm>Stopline</Nm></OrgId></To><BizMsgIdr>B1</BizMsgIdr><MsgDefIdr>` +
			definition + `</MsgDefIdr><CreDt>` + wallClock().String() + `</CreDt></AppHdr></Hdr><Doc>` +
			strings.TrimPrefix(document, `<?xml version="1.0"?>`) + `</Doc></BizMsgEnvlp>`
	}
	again := answer("PECR", `<RsltnRltdInf><IntrBkSttlmAmt Ccy="CNY">6000.00</IntrBkSttlmAmt></RsltnRltdInf>`)
	if again == part {
		t.Fatal("the second attempt has the first one's time")
	}
	post(200, again)
	post(200, wrapped(again, "camt.029.001.09"))
	if s := h.ledger.Stop(stopID); s.EffectiveAt != effective {
		t.Errorf("the hold runs from %s, want the first answer's %s", s.EffectiveAt, effective)
	}
	if out := post(422, wrapped(again, "pacs.004.001.09")); !strings.Contains(fmt.Sprint(out["detail"]),
		"/AppHdr/MsgDefIdr") {
		t.Errorf("%v", out)
	}
	post(409, strings.Replace(again, "6000.00", "5999.00", 1))
	if page := h.text(k.pcbc, "/v1/bank/stops/"+stopID+"?envelope=true", "Accept",
		"application/xml"); !strings.Contains(page, "<MsgDefIdr>camt.056.001.08</MsgDefIdr>") {
		t.Errorf("no header: %s", page)
	}
	post(409, answer("RJCR", `<CxlStsRsnInf><Rsn><Cd>AM04</Cd></Rsn></CxlStsRsnInf>`))
	h.ok(k.supervisor, http.MethodPost, "/v1/stops/"+stopID+"/freeze", `{}`)
	r := h.ok(k.analyst, http.MethodPost, "/v1/cases/"+c["id"].(string)+"/returns", "")
	for _, key := range []string{k.supervisor, k.admin} {
		h.ok(key, http.MethodPost, "/v1/returns/"+r["id"].(string)+"/approval", `{}`)
	}
	h.waitFor("instructed", func() bool { return h.ledger.Stop(stopID).State == stop.Returning })
	pacs := func(amount string) string {
		return `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.004.001.09"><PmtRtr><GrpHdr><MsgId>R1</MsgId><CreDtTm>2026-11-24T10:00:00</CreDtTm><NbOfTxs>1</NbOfTxs><SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf></GrpHdr><TxInf><RtrId>R1-1</RtrId><OrgnlInstrId>` +
			stopID + `</OrgnlInstrId><RtrdIntrBkSttlmAmt Ccy="CNY">` + amount +
			`</RtrdIntrBkSttlmAmt><RtrRsnInf><Rsn><Cd>FOCR</Cd></Rsn></RtrRsnInf></TxInf></PmtRtr></Document>`
	}
	post(422, pacs("6000.01"))
	post(200, pacs("6000.00"))
	if s := h.ledger.Stop(stopID); s.State != stop.Returned || s.ReturnedMinor != 600_000 {
		t.Errorf("%s %d", s.State, s.ReturnedMinor)
	}
}

// Two replicas on one log: every route works on either, and of two decisions
// that conflict one is taken.
func TestTwoReplicas(t *testing.T) {
	h := newHarness(t)
	k := h.keys()
	second, err := start(t.Context(), h.infra, plan{tuning: Tuning{Hot: 1000, Checkpoint: time.Second, Country: "CN"},
		roles: []string{roleAPI, roleDispatch}, clock: wallClock, limits: event.DefaultLimits,
		terms: law.Default, policy: scoring.DefaultPolicy, listen: "127.0.0.1:0", identities: h.ids}, warnings())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(second.stop)
	o := &harness{second, t, h.ids}
	o.waitFor("the second is ready", func() bool {
		status,
			_ := o.call("", http.MethodGet, "/readyz", "")
		return status == http.StatusOK
	})
	for i := range 10 {
		doc := h.ok(k.analyst, http.MethodPost, "/v1/reports",
			reportDoc(fmt.Sprint("two", i), fmt.Sprint("38", i), fmt.Sprint("18", i), "5000.00", 60, ""))
		id, caseID := doc["stops"].([]any)[0].(map[string]any)["id"].(string), doc["id"].(string)
		o.waitFor("the other knows it", func() bool {
			return o.ledger.Stop(id) != nil &&
				o.ledger.Stop(id).RequestedAt != 0
		})
		o.hold(id, "held", "5000.00")
		h.waitFor("both know the answer", func() bool { return h.ledger.Stop(id).State == stop.Held })
		// One releases while the other freezes.
		var wg sync.WaitGroup
		var statuses [2]int
		for j, d := range []struct {
			*harness
			what string
		}{{h, "release"}, {o, "freeze"}} {
			wg.Go(func() {
				statuses[j], _ = d.call(k.supervisor, http.MethodPost, "/v1/stops/"+id+"/"+d.what, `{}`, "If-Match", `"3"`)
			})
		}
		wg.Wait()
		if sum := statuses[0] + statuses[1]; sum != 200+409 && sum != 200+412 {
			t.Errorf("two decisions that conflict: %v, want one 200 and one 409", statuses)
		}
		h.waitFor("both know the same", func() bool {
			a, b := h.ledger.Stop(id), o.ledger.Stop(id)
			return a.State == b.State && a.Version == 4 && b.Version == 4
		})
		for _, path := range []string{"/v1/stops/" + id, "/v1/cases/" + caseID, "/v1/cases/" + caseID + "/trail",
			"/v1/stops/" + id + "/explanation"} {
			if a, b := h.text(k.analyst, path), o.text(k.analyst, path); !strings.Contains(path, "trail") && a != b {
				t.Errorf("%s differs:\n%s\n%s", path, a, b)
			}
		}
		for _, path := range []string{"/v1/duties", "/v1/appeals", "/v1/visits", "/v1/cases", "/v1/stops", "/v1/alerts",
			"/v1/patterns", "/v1/statistics/recovery?from=2026-01-01&to=2027-01-01"} {
			if status, doc := o.call(k.analyst, http.MethodGet, path, ""); status != http.StatusOK {
				t.Errorf("%s on the second: %d %v", path, status, doc)
			}
		}
	}
	if s := o.ok(k.icbk, http.MethodPost, "/v1/screenings",
		transferDoc("two-screen", "62220009", "62170009", "25.00")); s["default"] != false {
		t.Errorf("a screening on the replica that does not score: %v", s)
	}
}
