package center_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"stopline.internal/api/access"
	"stopline.internal/api/apitest"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/stop"
)

// proposed has a case whose account has sent 7,000.00 on, and a person's proposal to
// stop that.
func proposed(t *testing.T) (s *apitest.Service, caseID string, body func(string, string) string) {
	t.Helper()
	s = apitest.Start(t)
	caseID = s.Report("r1", "62220001", "62170001", "5000.00").Get("id")
	return s, caseID, func(old, with string) string {
		doc := fmt.Sprintf(`{"case_id":"%s","account":{"number":"1502","bank":"pcbc","holder":"乙"},"amount":"7000.00",`+
			`"currency":"CNY","transfer":{"id":"own","amount":"7000.00","at":"%s"},"fraud_type":"task-rebate",`+
			`"reason":"seen on paper","payer_account":"62220001","order":{"type":"normal","urgency":"urgent",`+
			`"operator":{"name":"甲","badge":"1"},"investigator":{"name":"乙","badge":"2"}}}`, caseID, s.Now().Add(-time.Hour))
		return strings.Replace(doc, old, with, 1)
	}
}

// A person's proposal waits for another person, whatever its amount; who proposed it
// cannot approve it, and its money is followed once somebody did.
func TestProposeAndApprove(t *testing.T) {
	s, caseID, body := proposed(t)
	supervisor := s.Key(access.Supervisor)
	a := s.Ask(supervisor, "POST", "/v1/stops", body("", "")).Want(200, "state", "proposed", "case_id", caseID,
		"account.bank", "PCBC", "account.holder", "乙", "amount", "7000.00", "fraud_type", "task-rebate",
		"proposed_by", "supervisor", "timeline.#", "1", "timeline.0.by", "supervisor", "reason.text", "seen on paper")
	id := a.Get("id")
	if o := s.Ledger.Stop(id).Order; o == nil || o.Type != "" || o.Urgency != "" || o.Operator.Name != "甲" {
		t.Errorf("the order is kept as %+v", o)
	}
	s.Ask(supervisor, "POST", "/v1/stops", body("", "")).Want(409, "code", "version.stop", "values.version", "1")
	s.Ask(s.Bank("PCBC"), "GET", "/v1/bank/stops/"+id, "").Want(404)
	approve := "/v1/stops/" + id + "/approval"
	s.Ask(s.Key(access.Analyst), "POST", approve, `{}`).Want(403, "code", "access.role")
	s.Ask(supervisor, "POST", approve, `{}`).Want(403, "code", "four-eyes.stop")
	s.Ask(s.Key(access.Admin), "POST", approve, `{}`, "If-Match", `"7"`).Want(412, "code", "version.if-match-stop",
		"values.version", "1", "values.sent", "7")
	taints := len(s.Intake.Taints())
	ok := s.Ask(s.Key(access.Admin), "POST", approve, `{"reason":"seen"}`, "If-Match", `"1"`).Want(200, "state",
		"requested",
		"issued_by", "admin", "timeline.1.reason", "seen", "respond_by", s.Now().Add(time.Minute).String())
	if ok.Header.Get("ETag") != `"2"` {
		t.Errorf("the tag is %s", ok.Header.Get("ETag"))
	}
	if now := s.Intake.Taints()[taints:]; len(now) != 1 || string(now[0].Entity()) != "acct:1502" {
		t.Errorf("%d accounts are told", len(now))
	}
	s.Ask(s.Key(access.Admin), "POST", approve, `{}`).Want(422, "code", "stop.step", "values.from", "requested")
	s.Ask(s.Bank("PCBC"), "GET", "/v1/bank/stops/"+id, "").Want(200, "amount", "7000.00", "proposed_by", "")
}

// A proposal is taken whole or refused with the field.
func TestProposalsAreChecked(t *testing.T) {
	s, _, body := proposed(t)
	for name, c := range map[string][4]string{ // old, with, pointer, code
		"currency":     {`"CNY"`, `"XXX"`, "#/currency", "field.currency"},
		"nothing":      {`"amount":"7000.00"`, `"amount":"0"`, "#/amount", "field.decimal-of"},
		"three digits": {`"amount":"7000.00"`, `"amount":"1.001"`, "#/amount", "field.decimal-of"},
		"no such case": {`"case_id":"cas_`, `"case_id":"cas_x`, "#/case_id", "field.case"},
		"bank":         {`"pcbc"`, `"zzzz"`, "#/account/bank", "unknown-bank.register"},
		"no reason":    {`"seen on paper"`, `""`, "#/reason", "field.min-length"},
		"unknown":      {`"reason"`, `"onwards":1,"reason"`, "#/onwards", "field.unknown"},
	} {
		a := s.Ask(s.Key(access.Analyst), "POST", "/v1/stops", body(c[0], c[1])).Want(422, "errors.0.pointer", c[2])
		if code := a.Get("errors.0.code"); code != c[3] && name != "bank" || name == "bank" &&
			a.Get("errors.0.reason") != "unknown-bank" {
			t.Errorf("%s: the code is %s", name, a.Body)
		}
	}
	if n := len(s.Ledger.Watched()); n != 1 {
		t.Errorf("%d stops, want the report's alone", n)
	}
}

// A hold has two terms; a freeze follows it and may be renewed in its last days; a part
// may be released, and then the rest.
func TestLifeOfAHold(t *testing.T) {
	s := apitest.Start(t)
	id := s.Report("r1", "62220001", "62170001", "5000.00").Get("stops.0.id")
	s.Hold(id, "held", "5000.00")
	decide := func(what, body string) *apitest.Answer {
		return s.Ask(s.Key(access.Supervisor), "POST", "/v1/stops/"+id+"/"+what, body)
	}
	end := apitest.Noon.Add(48 * time.Hour)
	decide("extension", `{"reason":"the bank asks for papers"}`).Want(200, "state", "extended", "terms", "2",
		"ends_at", end.Add(48*time.Hour).String())
	decide("extension", `{}`).Want(422, "code", "law.stops", "values.stops", "2")
	decide("rejection", `{}`).Want(422, "code", "stop.step")
	decide("release", `{"amount":"x"}`).Want(422, "code", "request.invalid")
	decide("release", `{"amount":"0"}`).Want(422, "errors.0.pointer", "#/amount", "errors.0.code", "field.decimal")
	decide("release", `{"amount":"1200.50","reason":"the holder showed the invoice"}`).Want(200, "state", "extended",
		"held_amount", "3799.50", "released_amount", "1200.50")
	decide("freeze", `{}`).Want(200, "state", "frozen", "held_amount", "3799.50",
		"ends_at", s.Now().Add(183*24*time.Hour).String())
	decide("freeze", `{}`).Want(200, "state", "frozen", "ends_at", s.Now().Add(366*24*time.Hour).String())
	decide("release", `{}`).Want(200, "state", "released")
	s.Ask(s.Key(access.Supervisor), "POST", "/v1/stops/stp_9/release", `{}`).Want(404, "code", "not-found.stop",
		"values.stop", "stp_9")
}

// While a supervisor decides, another does: the second reads who was first.
func TestDecisionIsOvertaken(t *testing.T) {
	s := apitest.Start(t)
	id := s.Report("r1", "62220001", "62170001", "5000.00").Get("stops.0.id")
	s.Hold(id, "held", "5000.00")
	s.Log.Overtake(func(ledger.Entry) []ledger.Entry {
		st := s.Ledger.Stop(id)
		return []ledger.Entry{ledger.StopEntry(stop.Lift(st, st.Left(), "", "innocent", s.Now(), "another"))}
	})
	s.Ask(s.Key(access.Supervisor), "POST", "/v1/stops/"+id+"/freeze", `{}`).Want(409, "code", "version.stop",
		"values.version", "4")
	s.Log.Overtake(nil)
	s.Ask(s.Key(access.Supervisor), "GET", "/v1/stops/"+id, "").Want(200, "state", "released", "timeline.3.by", "another")
}

// Nothing is decided without the log: not when it fails, and not when nobody waits.
func TestDecisionWithoutTheLog(t *testing.T) {
	s := apitest.Start(t)
	id := s.Report("r1", "62220001", "62170001", "5000.00").Get("stops.0.id")
	s.Log.Fail(errors.New("no leader"))
	a := s.Ask(s.Key(access.Supervisor), "POST", "/v1/stops/"+id+"/release", `{}`).Want(503, "code", "unavailable.log")
	if !strings.Contains(s.Logged(), "no leader") || !strings.Contains(s.Logged(), a.Get("request_id")) {
		t.Error("the service's log does not say why")
	}
	if st := s.Ledger.Stop(id); st.State != stop.Requested {
		t.Errorf("it is %s", st.State)
	}
}

// Stops are listed by what is asked for, in pages; the police read no names.
func TestListAndMask(t *testing.T) {
	s, caseID, body := proposed(t)
	s.Ask(s.Key(access.Analyst), "POST", "/v1/stops", body("", "")).Want(200)
	s.Request(1)
	list := func(query string) *apitest.Answer { return s.Ask(s.Key(access.Analyst), "GET", "/v1/stops"+query, "") }
	list("").Want(200, "stops.#", "3", "next", "")
	list("?state=proposed").Want(200, "stops.#", "1", "stops.0.account.number", "1502", "stops.0.proposed_by", "analyst")
	list("?bank=ICBK").Want(200, "stops.#", "0")
	list("?case="+caseID).Want(200, "stops.#", "2")
	first := list("?limit=2").Want(200, "stops.#", "2")
	list("?limit=2&after="+first.Get("next")).Want(200, "stops.#", "1", "next", "")
	list("?limit=0").Want(422, "errors.0.pointer", "query.limit")
	s.Ask(s.Key(access.Police), "GET", "/v1/stops?state=proposed", "").Want(200, "stops.0.account.holder", "*",
		"stops.0.proposed_by", "")
}

// The newest message on a stop is sent once more: of one stop, or of a bank's all.
func TestDeliverAgain(t *testing.T) {
	s := apitest.Start(t)
	terms := s.Ledger.Terms()
	terms.AutoLimit = -1
	s.Fold(0, ledger.StopEntries(stop.Propose(terms, "stp_0", "cas_0",
		stop.Proposal{Account: stop.Account{Number: "62", Bank: "PCBC"},
			Minor: 1, Currency: "CNY", Transfer: stop.Transfer{ID: "t", Minor: 1, At: s.Now()}, Hop: 1}, s.Now(),
		"analyst"))...)
	s.Request(1)
	s.Request(2)
	before := len(s.Log.Entries())
	s.Ask(s.Key(access.Analyst), "POST", "/v1/stops/stp_1/delivery", "").Want(200, "delivery.type", "stop.requested",
		"delivery.message", "msg_stp_1_2")
	s.Ask(s.Key(access.Analyst), "POST", "/v1/stops/stp_0/delivery", "").Want(422, "code", "delivery.none")
	s.Ask(s.Key(access.Analyst), "POST", "/v1/stops/stp_9/delivery", "").Want(404, "code", "not-found.stop")
	s.Ask(s.Key(access.Supervisor), "POST", "/v1/banks/PCBC/delivery", "").Want(200, "messages", "2")
	s.Ask(s.Key(access.Supervisor), "POST", "/v1/banks/ICBK/delivery", "").Want(404, "code", "not-found.bank")
	events := s.Log.Entries()[before:]
	if len(events) != 3 {
		t.Fatalf("%d events, want one and two", len(events))
	}
	for _, e := range events {
		if e.Delivery == nil || !e.Delivery.Again || e.Delivery.Message != 2 {
			t.Errorf("%+v", e)
		}
	}
	s.Log.Fail(errors.New("no leader"))
	s.Ask(s.Key(access.Supervisor), "POST", "/v1/banks/PCBC/delivery", "").Want(503, "code", "unavailable.log")
}
