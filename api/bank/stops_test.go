package bank_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"stopline.internal/api/access"
	"stopline.internal/api/apitest"
	"stopline.internal/scoring"
	"stopline.internal/scoring/pattern"
)

// A bank lists what waits for it, in pages where it asks for more than that.
func TestListStops(t *testing.T) {
	s := apitest.Start(t)
	for n := range 5 {
		s.Request(n)
		s.Pass(time.Second)
	}
	list := func(query string) *apitest.Answer { return s.Ask(s.Bank("PCBC"), "GET", stops+query, "") }
	list("").Want(200, "stops.#", "5", "stops.0.id", "stp_0", "stops.0.state", "requested", "next", "")
	s.Ask(s.Bank("PCBC"), "POST", stops+"/stp_0/acknowledgement", "").Want(200)
	s.Hold("stp_1", "held", "5000.00")
	list("").Want(200, "stops.#", "3", "stops.0.id", "stp_2")
	list("?limit=2").Want(200, "stops.#", "2")
	list("?state=acknowledged").Want(200, "stops.#", "1", "stops.0.id", "stp_0")
	first := list("?state=open&limit=3").Want(200, "stops.#", "3")
	if first.Get("next") == "" {
		t.Fatal("there is no next page of five")
	}
	list("?state=open&limit=3&after="+first.Get("next")).Want(200, "stops.#", "2", "next", "")
	list("?state=returning").Want(200, "stops.#", "0")
	list("?wait=99h").Want(422, "errors.0.pointer", "query.wait", "errors.0.code", "field.wait")
	s.Ask(s.Bank("ICBK"), "GET", stops, "").Want(200, "stops.#", "0")
	s.Ask(s.Key(access.Admin), "GET", stops, "").Want(403, "code", "access.role")
}

// A poll is answered as soon as there is a stop, and empty when its time is over.
func TestLongPoll(t *testing.T) {
	s := apitest.Start(t)
	begun := time.Now()
	s.Ask(s.Bank("PCBC"), "GET", stops+"?wait=50ms", "").Want(200, "stops.#", "0")
	if took := time.Since(begun); took < 50*time.Millisecond || took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	answer := make(chan *apitest.Answer)
	go func() { answer <- s.Ask(s.Bank("PCBC"), "GET", stops+"?wait=1m", "") }()
	select {
	case a := <-answer:
		t.Fatalf("it did not wait: %s", a.Body)
	case <-time.After(50 * time.Millisecond):
	}
	s.Request(7)
	select {
	case a := <-answer:
		a.Want(200, "stops.#", "1", "stops.0.id", "stp_7")
	case <-time.After(10 * time.Second):
		t.Fatal("the stop did not end the poll")
	}
}

// The 65th poll of a bank that waits is turned away; another bank's is not.
func TestPollsAreBounded(t *testing.T) {
	s := apitest.Start(t)
	var polls sync.WaitGroup
	for range 64 {
		polls.Go(func() {
			a := s.Ask(s.Bank("PCBC"), "GET", stops+"?wait=1m", "")
			for a.Status == 429 { // the question below had the last place
				a = s.Ask(s.Bank("PCBC"), "GET", stops+"?wait=1m", "")
			}
			if a.Status != 200 || a.Get("stops.#") != "1" {
				t.Errorf("a poll ends with %d %s", a.Status, a.Body)
			}
		})
	}
	for end := time.Now().Add(10 * time.Second); ; {
		a := s.Ask(s.Bank("PCBC"), "GET", stops+"?wait=1ms", "")
		if a.Status == 429 {
			a.Want(429, "code", "request.many-polls", "values.limit", "64")
			break
		}
		if time.Now().After(end) {
			t.Fatalf("more than 64 polls wait: %d %s", a.Status, a.Body)
		}
	}
	s.Ask(s.Bank("ICBK"), "GET", stops+"?wait=1ms", "").Want(200)
	s.Request(1)
	polls.Wait()
	s.Ask(s.Bank("PCBC"), "GET", stops+"?wait=1ms", "").Want(200, "stops.#", "1")
}

// Stops come as camt.056 to who asks for XML before JSON, alone or in an envelope.
func TestStopsAsXML(t *testing.T) {
	s := apitest.Start(t)
	s.Request(1)
	for accept, xml := range map[string]bool{"application/xml": true, "text/xml;q=0.9, application/json": true,
		"application/json, application/xml": false, "*/*": false, "text/plain": false} {
		for _, path := range []string{"", "/stp_1"} {
			a := s.Ask(s.Bank("PCBC"), "GET", stops+path, "", "Accept", accept).Want(200)
			if got := strings.Contains(a.Body, "camt.056.001.08"); got != xml ||
				(a.Header.Get("Content-Type") == "application/xml") != xml {
				t.Errorf("%s of %q is XML: %v, %s", path, accept, got, a.Header.Get("Content-Type"))
			}
		}
	}
	s.Ask(s.Bank("PCBC"), "GET", stops+"/stp_1", "", "Accept", "application/xml").
		Says("<CxlId>stp_1", "HOLD CNY 5000.00 FOR 48 HOURS", "62171", `Ccy="CNY"`)
	s.Ask(s.Bank("PCBC"), "GET", stops+"?envelope=true", "", "Accept", "application/xml").
		Says("<MsgDefIdr>camt.056.001.08</MsgDefIdr>", "nvlp.001.001.01")
	if tag := s.Ask(s.Bank("PCBC"), "GET", stops+"/stp_1", "").Header.Get("ETag"); tag != `"2"` {
		t.Errorf("the tag is %s, want the version", tag)
	}
}

// camt029 is an answer in the banks' standard.
func camt029(id, status, more string) string {
	return `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.029.001.09"><RsltnOfInvstgtn>` +
		`<Assgnmt><Id>1</Id><Assgnr><Agt/></Assgnr><Assgne><Agt/></Assgne><CreDtTm>` + apitest.Noon.String() +
		`</CreDtTm></Assgnmt><Sts><Conf>` + status +
		`</Conf></Sts><CxlDtls><TxInfAndSts><RslvdCase><Id>` + id + `</Id><Cretr><Agt/></Cretr></RslvdCase>` + more +
		`</TxInfAndSts></CxlDtls></RsltnOfInvstgtn></Document>`
}

// pacs004 says that so much was paid back of each stop.
func pacs004(currency, amount string, ids ...string) string {
	var list strings.Builder
	for i, id := range ids {
		fmt.Fprintf(&list, `<TxInf><RtrId>R1-%d</RtrId><OrgnlInstrId>%s</OrgnlInstrId><RtrdIntrBkSttlmAmt Ccy="%s">%s`+
			`</RtrdIntrBkSttlmAmt><RtrRsnInf><Rsn><Cd>FOCR</Cd></Rsn></RtrRsnInf></TxInf>`, i+1, id, currency, amount)
	}
	return fmt.Sprintf(`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.004.001.09"><PmtRtr><GrpHdr>`+
		`<MsgId>R1</MsgId><CreDtTm>2026-11-24T10:00:00</CreDtTm><NbOfTxs>%d</NbOfTxs>`+
		`<SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf>`+
		`</GrpHdr>%s</PmtRtr></Document>`, len(ids), list.String())
}

// What each status of camt.029 means for a stop of 5,000.00.
func TestMessages(t *testing.T) {
	part := `<RsltnRltdInf><IntrBkSttlmAmt Ccy="CNY">3000.00</IntrBkSttlmAmt></RsltnRltdInf>`
	because := func(code string) string { return `<CxlStsRsnInf><Rsn><Cd>` + code + `</Cd></Rsn></CxlStsRsnInf>` }
	for name, c := range map[string]struct {
		doc    string
		status int
		fields []string
	}{
		"held": {camt029("stp_1", "CNCL", ""), 200, []string{"results.#", "1", "results.0.stop_id", "stp_1",
			"results.0.state", "held"}},
		"a part":   {camt029("stp_1", "PECR", part), 200, []string{"results.0.state", "partial"}},
		"taken":    {camt029("stp_1", "PDCR", ""), 200, []string{"results.0.state", "acknowledged"}},
		"too late": {camt029("stp_1", "RJCR", because("AM04")), 200, []string{"results.0.state", "missed"}},
		"no such":  {camt029("stp_1", "RJCR", because("AC01")), 200, []string{"results.0.state", "mismatch"}},
		"refused":  {camt029("stp_1", "RJCR", because("LEGL")), 200, []string{"results.0.state", "refused"}},
		"dollars": {camt029("stp_1", "PECR", strings.Replace(part, "CNY", "USD", 1)), 422, []string{"code",
			"message.currency", "values.sent", "USD"}},
		"three digits": {camt029("stp_1", "PECR", strings.Replace(part, "3000.00", "3000.001", 1)), 422, []string{"code",
			"message.amount"}},
		"no XML":     {"hello", 422, []string{"code", "message.refused"}},
		"not theirs": {camt029("stp_9", "CNCL", ""), 404, []string{"code", "not-found.bank-stop"}},
		"paid back":  {pacs004("CNY", "5000.00", "stp_1"), 422, []string{"code", "payback.not-told"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := apitest.Start(t)
			s.Request(1)
			a := s.Ask(s.Bank("PCBC"), "POST", "/v1/bank/messages", c.doc, "Content-Type", "application/xml").Want(c.status,
				c.fields...)
			if st := s.Ledger.Stop("stp_1"); (st.Version > 2) != (a.Status == 200) {
				t.Errorf("the stop is at version %d", st.Version)
			}
		})
	}
}

// The same answer in a later message is the same: the hold runs from the first. A
// message with one stop of another bank does nothing at all.
func TestMessagesAgain(t *testing.T) {
	s := apitest.Start(t)
	s.Request(1)
	send := func(doc string) *apitest.Answer {
		return s.Ask(s.Bank("PCBC"), "POST", "/v1/bank/messages", doc, "Content-Type", "application/xml")
	}
	first := camt029("stp_1", "CNCL", "")
	send(first).Want(200)
	s.Pass(time.Minute)
	send(strings.Replace(first, apitest.Noon.String(), s.Now().String(), 1)).Want(200, "results.0.state", "held")
	if st := s.Ledger.Stop("stp_1"); st.EffectiveAt != apitest.Noon || st.Version != 3 {
		t.Errorf("it holds since %s, at version %d", st.EffectiveAt, st.Version)
	}
	send(pacs004("CNY", "1.00", "stp_1", "stp_9")).Want(404, "values.stop", "stp_9")
}

// Two transactions of one message add up to what the bank was told to pay back.
func TestPaidBackInParts(t *testing.T) {
	s, id := frozen(t)
	send := func(doc string) *apitest.Answer {
		return s.Ask(s.Bank("PCBC"), "POST", "/v1/bank/messages", doc, "Content-Type", "application/xml")
	}
	send(pacs004("CNY", "2500.01", id, id)).Want(422, "errors.0.code", "field.instruction")
	send(pacs004("USD", "2500.00", id, id)).Want(422, "code", "message.currency")
	send(pacs004("CNY", "2500.00", id, id)).Want(200, "results.#", "2", "results.0.state", "returned",
		"results.1.state", "returned")
	if st := s.Ledger.Stop(id); st.ReturnedMinor != 5_000_00 {
		t.Errorf("%d fen are back", st.ReturnedMinor)
	}
}

// screening is a transfer of 12.00 from ICBK to PCBC.
func screening(more string) string {
	return fmt.Sprintf(`{%s"id":"ASK-1","at":"%s","payer":{"account":"6222","bank":"ICBK"},"payee":{"account":"6217",`+
		`"bank":"PCBC"},"amount":"12.00","currency":"CNY","channel":"mobile","status":"initiated"}`, more, apitest.Noon)
}

// What scoring says becomes what the bank does; a pattern on trial is not told.
func TestScreening(t *testing.T) {
	s := apitest.Start(t)
	hits := []scoring.Hit{{Pattern: "p", Weight: 0.7, Values: map[string]any{"calls": 3}}, {Pattern: "trial",
		Shadow: true}}
	for name, c := range map[string]struct {
		v        scoring.Verdict
		decision string
	}{
		"nothing": {scoring.Verdict{}, "allow"}, "a warning": {scoring.Verdict{Action: pattern.Warn, Score: 300}, "allow"},
		"to look at": {scoring.Verdict{Action: pattern.Review, Score: 500, AlertID: "alt_1"}, "hold"},
		"fraud": {scoring.Verdict{Action: pattern.Stop, Score: 895, AlertID: "alt_1", StopID: "stp_1", Hits: hits},
			"stop"},
	} {
		s.Screener.Say(c.v, 0, nil)
		a := s.Ask(s.Bank("ICBK"), "POST", "/v1/screenings", screening("")).Want(200, "decision", c.decision,
			"score", fmt.Sprint(c.v.Score), "stop_id", c.v.StopID, "alert_id", c.v.AlertID, "default", "false")
		if n := a.Get("hits.#"); (n == "1") != (name == "fraud") {
			t.Errorf("%s: %s hits", name, n)
		}
	}
	for _, doc := range s.Screener.Asked() {
		if !strings.Contains(doc, `"kind":"transfer"`) {
			t.Errorf("scoring was asked about %s", doc)
		}
	}
}

// A bank asks about its own transfers alone, in whole documents; when scoring is late
// the default answers, and when it fails nothing does.
func TestScreeningRefusals(t *testing.T) {
	s := apitest.Start(t)
	ask := func(key, doc string) *apitest.Answer { return s.Ask(key, "POST", "/v1/screenings", doc) }
	ask(s.Bank("PCBC"), screening(`"kind":"transfer",`)).Want(200)
	ask(s.Bank("PCBC"), strings.ReplaceAll(screening(""), "PCBC", "ABOC")).Want(403, "code", "access.screening",
		"values.bank", "PCBC")
	ask(s.Bank("PCBC"), `{"kind":"watch","entity":"acct:6217","risk":"confirmed"}`).Want(422, "code", "request.fields",
		"errors.0.pointer", "#/kind", "errors.0.code", "field.kind")
	ask(s.Bank("PCBC"), strings.Replace(screening(""), "12.00", "-12", 1)).Want(422, "code", "transfer.refused",
		"errors.0.pointer", "#/amount", "errors.0.code", "bad-amount.negative", "errors.0.reason", "bad-amount")
	s.Screener.Say(scoring.Verdict{Action: pattern.Stop}, time.Minute, nil)
	ask(s.Bank("PCBC"), screening("")).Want(200, "decision", "allow", "default", "true", "hits.#", "0")
	s.Screener.Say(scoring.Verdict{}, 0, errors.New("no broker"))
	ask(s.Bank("PCBC"), screening("")).Want(503, "code", "unavailable.log")
	s.Screener.Say(scoring.Verdict{}, 0, context.Canceled)
	ask(s.Bank("PCBC"), screening("")).Want(503, "code", "unavailable.confirmation")
}
