package center_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"stopline.internal/api/access"
	"stopline.internal/api/apitest"
	"stopline.internal/scoring"
	"stopline.internal/scoring/pattern"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
)

// A report becomes a case with its stop. The same id again is the same report; with
// another content it is refused, and the case is named.
func TestReport(t *testing.T) {
	s := apitest.Start(t)
	c := s.Report("r1", "62220001", "62170001", "5000.00").Want(200, "state", "open", "reports.0.id", "110:r1",
		"reports.0.amount", "5000.00", "reports.0.holder", "张三", "reports.0.phone", "+8613800138000", "stops.#", "1",
		"stops.0.state", "requested", "amounts.requested", "5000.00", "amounts.held", "0.00")
	s.Report("r1", "62220001", "62170001", "5000.00").Want(200, "id", c.Get("id"))
	if n := s.Intake.Reports(); n != 1 {
		t.Errorf("%d reports went in, want 1", n)
	}
	s.Ask(s.Key(access.Police), "GET", "/v1/cases/"+c.Get("id"), "").Want(200, "reports.0.holder", "张*",
		"reports.0.phone", "")
	report := func(body string) *apitest.Answer {
		return s.Ask(s.Key(access.Analyst), "POST", "/v1/reports", body)
	}
	whole := fmt.Sprintf(`{"id":"r1","at":"%s","source":"110","victim":{"phone":"13800138000"},"transfers":[{"id":"t",`+
		`"payer_account":"1","payee_account":"2","payee_bank":"PCBC","amount":"9.00","currency":"CNY","at":"%[1]s"}]}`,
		s.Now())
	report(whole).Want(409, "code", "version.report", "values.report", "110:r1", "values.case", c.Get("id"))
	report(strings.Replace(whole, "PCBC", "ZZZZ", 1)).Want(422, "code", "report.refused", "errors.0.reason",
		"unknown-bank")
	report(`{"kind":"watch","entity":"acct:6217","risk":"confirmed"}`).Want(422, "errors.0.code", "field.kind")
	report(`[`).Want(422)
	s.Intake.Fail(errors.New("no topic"))
	report(strings.Replace(whole, "r1", "r2", 1)).Want(503, "code", "unavailable.log")
}

// People say how far a case is, on the version that they read; what it was teaches.
func TestChangeCase(t *testing.T) {
	s := apitest.Start(t)
	id := s.Report("r1", "62220001", "62170001", "5000.00").Get("id")
	change := func(body string, headers ...string) *apitest.Answer {
		return s.Ask(s.Key(access.Analyst), "PATCH", "/v1/cases/"+id, body, headers...)
	}
	change(`{"state":"investigating"}`, "If-Match", `"0"`).Want(200, "state", "investigating", "version", "1")
	change(`{"state":"solved"}`, "If-Match", `"0"`).Want(412, "code", "version.if-match-case", "values.version", "1")
	change(`{"arrests":3,"state":"solved","reason":"caught"}`).Want(200, "state", "solved", "arrests", "3", "version",
		"2")
	change(`{}`).Want(422, "errors.0.code", "field.any-of")
	before := len(s.Log.Entries())
	change(`{"outcome":"unfounded","reason":"a family matter"}`).Want(200, "version", "2")
	events := s.Log.Entries()[before:]
	if len(events) != 1 || events[0].Verdict == nil || events[0].Verdict.Verdict != desk.VerdictFalseAlarm ||
		events[0].CaseID != id || events[0].By != "analyst" || events[0].Reason != "a family matter" {
		t.Errorf("%+v", events)
	}
	s.Ask(s.Key(access.Analyst), "PATCH", "/v1/cases/cas_9", `{"arrests":1}`).Want(404, "code", "not-found.case")
	s.Log.Fail(errors.New("no leader"))
	change(`{"outcome":"confirmed"}`).Want(503, "code", "unavailable.log")
	change(`{"arrests":9}`).Want(503)
}

// Cases are listed in pages, the newest first.
func TestListCases(t *testing.T) {
	s := apitest.Start(t)
	for n := range 3 {
		s.Report(fmt.Sprint("r", n), fmt.Sprint("6222", n), fmt.Sprint("6217", n), "500.00")
		s.Pass(time.Minute)
	}
	first := s.Ask(s.Key(access.Police), "GET", "/v1/cases?limit=2", "").Want(200, "cases.#", "2",
		"cases.0.reports.0.id", "110:r2")
	s.Ask(s.Key(access.Police), "GET", "/v1/cases?limit=2&after="+first.Get("next"), "").Want(200, "cases.#", "1",
		"cases.0.reports.0.id", "110:r0", "next", "")
	s.Ask(s.Key(access.Police), "GET", "/v1/cases?state=solved", "").Want(200, "cases.#", "0")
	s.Ask(s.Key(access.Police), "GET", "/v1/cases/cas_9", "").Want(404, "values.case", "cas_9")
}

// Of 5,000.00 the bank held 1,000.00; 3,000.00 went on to ABOC and 500.00 out in cash:
// a tree of three places, of which 3,500.00 lie beyond the first account.
func TestTrail(t *testing.T) {
	s := apitest.Start(t)
	c := s.Report("r1", "62220001", "62170001", "5000.00")
	s.Ask(s.Bank("PCBC"), "POST", "/v1/bank/stops/"+c.Get("stops.0.id")+"/outcome", fmt.Sprintf(`{"result":"partial",`+
		`"held_amount":"1000.00","effective_at":"%[1]s","onward":[{"id":"o1","to_account":"6228","to_bank":"ABOC",`+
		`"amount":"3000.00","at":"%[1]s"},{"id":"o2","amount":"500.00","at":"%[1]s"}]}`, s.Now())).Want(200)
	a := s.Ask(s.Key(access.Police), "GET", "/v1/cases/"+c.Get("id")+"/trail", "").Want(200, "limited", "false",
		"trees.#", "1",
		"amounts.traced", "3500.00", "amounts.held", "1000.00", "trees.0.payer_account", "62220001",
		"trees.0.held_amount", "1000.00", "trees.0.children.#", "2")
	for _, i := range []string{"0", "1"} {
		if at := "trees.0.children." + i; a.Get(at+".state") == "cash" {
			a.Want(200, at+".amount", "500.00", at+".stop_id", "", at+".account.number", "")
		} else {
			a.Want(200, at+".amount", "3000.00", at+".account.bank", "ABOC", at+".hop", "2", at+".known_from", "answer")
		}
	}
	s.Ask(s.Key(access.Police), "GET", "/v1/cases/cas_9/trail", "").Want(404)
}

// A visit is assigned once while somebody is on the way, and confirmed once.
func TestVisits(t *testing.T) {
	s := apitest.Start(t)
	id := s.Report("r1", "62220001", "62170001", "5000.00").Get("id")
	assign := `{"district":"520103","grid":"12","holder":"张三","phone":"13800138000","reason":"she is on the telephone"}`
	v := s.Ask(s.Key(access.Analyst), "POST", "/v1/cases/"+id+"/visits", assign).Want(200, "state", "assigned", "level",
		"grid",
		"due", s.Now().Add(30*time.Minute).String(), "timeline.0.reason", "she is on the telephone")
	s.Ask(s.Key(access.Analyst), "POST", "/v1/cases/"+id+"/visits", assign).Want(200, "id", v.Get("id"), "version", "1")
	s.Ask(s.Key(access.Analyst), "POST", "/v1/cases/cas_9/visits", assign).Want(404)
	s.Ask(s.Key(access.Police), "GET", "/v1/visits?district=520103", "").Want(200, "visits.#", "1", "visits.0.holder",
		"张*")
	s.Ask(s.Key(access.Police), "GET", "/v1/visits?district=520104", "").Want(200, "visits.#", "0")
	confirm := "/v1/visits/" + v.Get("id") + "/confirmation"
	s.Ask(s.Key(access.Police), "POST", confirm, `{"found":"averted"}`).Want(200, "state", "confirmed", "found",
		"averted", "due", "")
	s.Pass(time.Second)
	s.Ask(s.Key(access.Police), "POST", confirm, `{"found":"met"}`).Want(409, "code", "visit.made")
	s.Ask(s.Key(access.Police), "POST", "/v1/visits/vis_9/confirmation", `{"found":"met"}`).Want(404, "code",
		"not-found.visit")
	s.Ask(s.Key(access.Police), "GET", "/v1/visits", "").Want(200, "visits.#", "0")
	s.Ask(s.Key(access.Police), "GET", "/v1/visits?all=true", "").Want(200, "visits.#", "1")
}

// alert is one on a payment of 8,000.00 from 62220001 to 62170009.
func alert(id string, action pattern.Action, at event.Instant) scoring.Alert {
	return scoring.Alert{ID: id, At: at, Entity: "tel:+8613800138000", Event: scoring.EventRef{Kind: "call", ID: "c1"},
		Transfer: &scoring.TransferRef{ID: "t-" + id, At: at, Amount: "8000.00", Currency: "CNY", Channel: "mobile",
			Payer: scoring.PartyRef{Account: "62220001", Bank: "ICBK", Holder: "张三", Phone: "+8613800138000"},
			Payee: scoring.PartyRef{Account: "62170009", Bank: "PCBC", Holder: "李四"}},
		Score: 870, Action: action, FraudType: "impersonated-authority", District: "520103",
		Hits: []scoring.Hit{{Pattern: "authority-call-then-transfer", FraudType: "impersonated-authority", Weight: 0.7,
			Values: map[string]any{"calls.unknown.longest_24h": "26m0s"}}}}
}

// What was seen of a case: its alerts in words, and the calls and payments of the
// victim a day around; what lies further away, or came in, is not.
func TestEvidence(t *testing.T) {
	s := apitest.Start(t)
	c := s.Report("r1", "62220001", "62170001", "5000.00")
	a := alert("alt_1", pattern.Stop, s.Now())
	a.CaseID = c.Get("id")
	s.Books.Write(a)
	hour := func(n time.Duration) event.Instant { return s.Now().Add(n * time.Hour) }
	s.Books.Heard = map[string][]warehouse.Call{"+8613800138000": {
		{ID: "k2", At: hour(-1), Caller: "+85212345678", Seconds: 1560, Foreign: true}, {ID: "k1", At: hour(-2),
			Caller: "95588"},
		{ID: "k0", At: hour(-26), Caller: "far"}}}
	s.Books.Moves = map[string][]warehouse.Movement{"62220001": {{ID: "t-r1", At: hour(0).Add(-10 * time.Minute),
		Minor: -5_000_00, Other: "62170001"},
		{ID: "in", At: hour(-1), Minor: 9_00, Other: "7"}, {ID: "later", At: hour(30), Minor: -1_00, Other: "8"}}}
	path := "/v1/cases/" + c.Get("id") + "/evidence"
	s.Ask(s.Key(access.Analyst), "GET", path, "").Want(200, "alerts.#", "1", "alerts.0.id", "alt_1", "said.#", "1",
		"said.0.name_en", "authority-call-then-transfer", "said.0.seen_en.#", "1", "calls.#", "2", "calls.0.caller", "95588",
		"calls.1.foreign", "true", "calls.1.callee", "+8613800138000", "transfers.#", "1", "transfers.0.amount", "5000.00",
		"transfers.0.stop_id", c.Get("stops.0.id"))
	s.Ask(s.Key(access.Police), "GET", path, "").Want(403)
	s.Ask(s.Key(access.Analyst), "GET", "/v1/cases/cas_9/evidence", "").Want(404)
	s.Books.Fail(errors.New("no ClickHouse"))
	s.Ask(s.Key(access.Analyst), "GET", path, "").Want(503, "code", "unavailable.books")
}
