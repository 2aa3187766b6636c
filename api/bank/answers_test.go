package bank_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"stopline.internal/api/access"
	"stopline.internal/api/apitest"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

const stops = "/v1/bank/stops"

// A stop of 5,000.00 is acknowledged once: the log has the bank, its key's name and
// the time by which it must answer, a minute later. Again changes nothing.
func TestAcknowledge(t *testing.T) {
	s := apitest.Start(t)
	s.Request(1)
	before := len(s.Log.Entries())
	for range 2 {
		s.Ask(s.Bank("PCBC"), "POST", stops+"/stp_1/acknowledgement", "").Want(200, "state", "acknowledged", "version", "3",
			"respond_by", s.Now().Add(time.Minute).String(), "amount", "5000.00")
	}
	events := s.Log.Entries()[before:]
	if len(events) != 1 {
		t.Fatalf("%d events, want 1", len(events))
	}
	e := events[0]
	if e.State != string(stop.Acknowledged) || e.Bank != "PCBC" || e.By != "bank PCBC" || e.Version != 3 ||
		e.Until != s.Now().Add(time.Minute) || e.StopID != "stp_1" {
		t.Errorf("%+v", e)
	}
}

// Another bank's stop, and one that waits for approval, are not there at all.
func TestOthersStopsAreNotThere(t *testing.T) {
	s := apitest.Start(t)
	s.Request(1)
	terms := s.Ledger.Terms()
	terms.AutoLimit = -1
	s.Fold(0, ledger.StopEntries(stop.Propose(terms, "stp_2", "cas_2",
		stop.Proposal{Account: stop.Account{Number: "62", Bank: "PCBC"},
			Minor: 1, Currency: "CNY", Transfer: stop.Transfer{ID: "t", Minor: 1, At: s.Now()}, Hop: 1}, s.Now(),
		"analyst"))...)
	for _, c := range []struct{ key, id string }{
		{s.Bank("ICBK"), "stp_1"}, {s.Bank("PCBC"), "stp_2"}, {s.Bank("PCBC"), "stp_9"},
	} {
		for _, r := range []struct{ method, path, body string }{
			{"GET", "", ""}, {"POST", "/acknowledgement", ""}, {"POST", "/outcome", `{"result":"missed"}`},
			{"POST", "/sweeps", `{"credit":"c","held_amount":"1.00"}`},
			{"POST", "/return", `{"result":"returned","amount":"1.00"}`},
		} {
			s.Ask(c.key, r.method, stops+"/"+c.id+r.path, r.body).Want(404, "code", "not-found.bank-stop", "values.stop", c.id)
		}
	}
}

// What a bank may say became of 5,000.00, and what it may not.
func TestOutcome(t *testing.T) {
	now := apitest.Noon.String()
	for name, c := range map[string]struct {
		body   string
		status int
		fields []string
	}{
		"held": {`{"result":"held","held_amount":"5000","effective_at":"` + now + `"}`, 200,
			[]string{"state", "held", "held_amount", "5000.00", "claim", "", "ends_at",
				apitest.Noon.Add(48 * time.Hour).String()}},
		"a part": {`{"result":"partial","held_amount":3000.50,"effective_at":"` + now + `"}`, 200,
			[]string{"state", "partial", "held_amount", "3000.50", "claim", "1999.50"}},
		"missed":  {`{"result":"missed","balance":"0.00"}`, 200, []string{"state", "missed", "claim", "5000.00"}},
		"refused": {`{"result":"refused","reason":"court order"}`, 200, []string{"state", "refused"}},
		"a mismatch": {`{"result":"mismatch","differs":[{"field":"holder","theirs":"李*"}]}`, 200,
			[]string{"state", "mismatch", "held_amount", ""}},
		"a prior freeze": {`{"result":"partial","held_amount":"1.00","effective_at":"` + now +
			`","prior":[{"authority":"court","amount":"4999.00","until":"` + now + `"}]}`, 200, []string{"claim", "4999.00"}},
		"no reason": {`{"result":"refused"}`, 422, []string{"errors.0.code", "answer.reason"}},
		"too much": {`{"result":"held","held_amount":"5000.01","effective_at":"` + now + `"}`, 422,
			[]string{"errors.0.code", "answer.held-more", "errors.0.values.asked", "5000.00 CNY"}},
		"nothing held": {`{"result":"held","held_amount":"0","effective_at":"` + now + `"}`, 422,
			[]string{"errors.0.code", "answer.held-zero"}},
		"three digits": {`{"result":"held","held_amount":"1.005","effective_at":"` + now + `"}`, 422,
			[]string{"errors.0.pointer", "#/held_amount", "errors.0.code", "bad-amount.decimals"}},
		"no time": {`{"result":"held","held_amount":"5000.00"}`, 422, []string{"errors.0.code", "answer.effective-at"}},
		"a bank that is not known": {`{"result":"missed","onward":[{"id":"x","to_account":"9","to_bank":"ZZZZ",` +
			`"amount":"5.00","at":"` +
			now + `"}]}`, 422, []string{"code", "request.bank", "errors.0.pointer", "#/onward/0/to_bank"}},
		"onward without an amount": {`{"result":"missed","onward":[{"id":"x","amount":"-5","at":"` + now + `"}]}`, 422,
			[]string{"code", "request.invalid"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := apitest.Start(t)
			s.Request(1)
			a := s.Ask(s.Bank("PCBC"), "POST", stops+"/stp_1/outcome", c.body).Want(c.status, c.fields...)
			if st := s.Ledger.Stop("stp_1"); (st.Outcome != nil) != (a.Status == 200) {
				t.Errorf("the ledger has the outcome %+v", st.Outcome)
			}
		})
	}
}

// The same answer again is the same; another one comes too late.
func TestOutcomeAgain(t *testing.T) {
	s := apitest.Start(t)
	s.Request(1)
	body := fmt.Sprintf(`{"result":"partial","held_amount":"3000.00","effective_at":"%s"}`, s.Now())
	for range 2 {
		s.Ask(s.Bank("PCBC"), "POST", stops+"/stp_1/outcome", body).Want(200, "version", "3")
	}
	s.Ask(s.Bank("PCBC"), "POST", stops+"/stp_1/outcome", strings.Replace(body, "3000", "2999", 1)).
		Want(409, "code", "version.answered", "values.state", "partial")
}

// An account may be under stops of a case for 96 hours. A hold beyond is refused as
// what it is, once: trying again changes nothing.
func TestOutcomeThatTheLawForbids(t *testing.T) {
	s := apitest.Start(t)
	for n := range 3 {
		id := fmt.Sprint("stp_", n)
		s.Fold(0, ledger.StopEntries(stop.Propose(s.Ledger.Terms(), id, "cas_0", stop.Proposal{
			Account: stop.Account{Number: "6217", Bank: "PCBC"}, Minor: 100_000, Currency: event.CNY, Hop: 1,
			FraudType: "task-rebate",
			Transfer:  stop.Transfer{ID: id, Minor: 100_000, At: s.Now()}}, s.Now(), "scoring"))...)
	}
	hold := func(n int) *apitest.Answer {
		return s.Ask(s.Bank("PCBC"), "POST", fmt.Sprintf("%s/stp_%d/outcome", stops, n),
			fmt.Sprintf(`{"result":"held","held_amount":"1000.00","effective_at":"%s"}`, s.Now()))
	}
	hold(0).Want(200, "state", "held")
	s.Pass(48 * time.Hour)
	hold(1).Want(200, "state", "held")
	s.Pass(48 * time.Hour)
	before := len(s.Log.Entries())
	hold(2).Want(422, "code", "law.stops")
	if n := len(s.Log.Entries()) - before; n != 1 {
		t.Errorf("%d entries were written, want one", n)
	}
}

// 4,000.00 of a missed stop went on to ABOC and 1,000.00 out in cash: the next bank is
// asked before the answer, the end of the trail is noted, and both accounts' partitions
// are told.
func TestOutcomeFollowsTheMoney(t *testing.T) {
	s := apitest.Start(t)
	s.Request(1)
	s.Ask(s.Bank("PCBC"), "POST", stops+"/stp_1/outcome", fmt.Sprintf(`{"result":"missed","onward":[`+
		`{"id":"on1","to_account":"6228","to_bank":"aboc","amount":"4000.00","at":"%[1]s"},`+
		`{"id":"on2","amount":"1000.00","at":"%[1]s"}]}`, s.Now())).Want(200, "state", "missed")
	c := s.Ledger.Case("cas_1")
	if len(c.Stops) != 2 || len(c.Leaves) != 1 {
		t.Fatalf("the case has %d stops and %d ends, want 2 and 1", len(c.Stops), len(c.Leaves))
	}
	next := s.Ledger.Stop(c.Stops[1])
	if next.Account.Bank != "ABOC" || next.Account.Number != "6228" || next.Minor != 4_000_00 || next.Hop != 2 ||
		next.State != stop.Requested || next.Parent != "stp_1" {
		t.Errorf("the next stop: %+v", next)
	}
	if leaf := c.Leaves[0]; leaf.Why != stop.LeafCash || leaf.Minor != 1_000_00 {
		t.Errorf("the end: %+v", leaf)
	}
	if taints := s.Intake.Taints(); len(taints) != 1 || string(taints[0].Entity()) != "acct:6228" {
		t.Errorf("%+v", taints)
	}
}

// Of a claim of 2,000.00 a later credit is held, once however often it is said, and
// never more than is left.
func TestSweep(t *testing.T) {
	s := apitest.Start(t)
	s.Request(1)
	sweep := func(credit, amount string) *apitest.Answer {
		return s.Ask(s.Bank("PCBC"), "POST", stops+"/stp_1/sweeps",
			fmt.Sprintf(`{"credit":"%s","held_amount":"%s"}`, credit, amount))
	}
	sweep("c0", "1.00").Want(422, "code", "sweep.none", "values.state", "requested")
	s.Hold("stp_1", "partial", "3000.00")
	for range 2 {
		sweep("c1", "1500.00").Want(200, "held_amount", "4500.00", "claim", "500.00", "state", "partial")
	}
	sweep("c2", "500.01").Want(422, "errors.0.code", "field.claim", "errors.0.values.left", "500.00 CNY")
	sweep("c2", "0").Want(422, "errors.0.code", "field.decimal")
	sweep("c2", "500.00").Want(200, "held_amount", "5000.00", "claim", "")
}

// While the bank answers, somebody else writes first. What they did decides: a stop
// that was taken back is over; one that changes each time is asked for again.
func TestAnswerIsOvertaken(t *testing.T) {
	answer := `{"result":"missed"}`
	t.Run("taken back", func(t *testing.T) {
		s := apitest.Start(t)
		s.Request(1)
		s.Log.Overtake(func(e ledger.Entry) []ledger.Entry {
			if e.Outcome == nil {
				return nil
			}
			return []ledger.Entry{ledger.StopEntry(stop.Lift(s.Ledger.Stop("stp_1"), 0, "", "innocent", s.Now(), "wang"))}
		})
		s.Ask(s.Bank("PCBC"), "POST", stops+"/stp_1/outcome", answer).Want(409, "code", "version.answered",
			"values.state", "released")
	})
	t.Run("acknowledged", func(t *testing.T) {
		s := apitest.Start(t)
		s.Request(1)
		s.Log.Overtake(func(ledger.Entry) []ledger.Entry {
			st := s.Ledger.Stop("stp_1")
			if st.State != stop.Requested {
				return nil
			}
			e := st.Next(s.Now(), "another replica")
			e.ID, e.Bank, e.State, e.Until = "evt_other", "PCBC", stop.Acknowledged, s.Now().Add(time.Minute)
			return []ledger.Entry{ledger.StopEntry(e)}
		})
		s.Ask(s.Bank("PCBC"), "POST", stops+"/stp_1/outcome", answer).Want(200, "state", "missed", "version", "4")
	})
	t.Run("always", func(t *testing.T) {
		s := apitest.Start(t)
		s.Request(1)
		s.Log.Overtake(func(ledger.Entry) []ledger.Entry { // it goes back and forth
			st := s.Ledger.Stop("stp_1")
			e := st.Next(s.Now(), "another replica")
			e.ID, e.Bank, e.State, e.Until = fmt.Sprint("evt_", st.Version), "PCBC", stop.Acknowledged,
				s.Now().Add(time.Minute)
			if st.State == stop.Acknowledged {
				e.Bank, e.By, e.State = "", "deadline", stop.Undelivered
				e.At = st.Until
			}
			return []ledger.Entry{ledger.StopEntry(e)}
		})
		s.Ask(s.Bank("PCBC"), "POST", stops+"/stp_1/outcome", answer).Want(409, "code", "version.changing")
	})
}

// Without the log nothing is done, and the answer says what to do; why is for the
// service's own log.
func TestLogFails(t *testing.T) {
	s := apitest.Start(t)
	s.Request(1)
	s.Request(2)
	s.Hold("stp_2", "partial", "1000.00")
	s.Log.Fail(errors.New("broker 3 is on fire"))
	for path, body := range map[string]string{"stp_1/acknowledgement": "", "stp_1/outcome": `{"result":"missed"}`,
		"stp_2/sweeps": `{"credit":"c","held_amount":"1.00"}`} {
		a := s.Ask(s.Bank("PCBC"), "POST", stops+"/"+path, body).Want(503, "code", "unavailable.log")
		if strings.Contains(a.Body, "fire") || !strings.Contains(s.Logged(), "broker 3 is on fire") {
			t.Errorf("%s: the caller is told %s", path, a.Body)
		}
	}
	if st := s.Ledger.Stop("stp_1"); st.State != stop.Requested {
		t.Errorf("the stop is %s", st.State)
	}
	s.Log.Fail(context.DeadlineExceeded)
	s.Ask(s.Bank("PCBC"), "POST", stops+"/stp_1/outcome", `{"result":"missed"}`).Want(503, "code",
		"unavailable.confirmation")
	s.Log.Fail(nil)
	s.Intake.Fail(errors.New("no topic"))
	a := s.Ask(s.Bank("PCBC"), "POST", stops+"/stp_1/outcome", fmt.Sprintf(`{"result":"missed","onward":[`+
		`{"id":"on1","to_account":"6228","to_bank":"ABOC","amount":"4000.00","at":"%s"}]}`, s.Now()))
	a.Want(503, "code", "unavailable.log") // the bank sends it again, and it is followed then
	s.Intake.Fail(nil)
	s.Ask(s.Bank("PCBC"), "POST", stops+"/stp_1/outcome", fmt.Sprintf(`{"result":"missed","onward":[`+
		`{"id":"on1","to_account":"6228","to_bank":"ABOC","amount":"4000.00","at":"%s"}]}`, s.Now())).Want(200)
	if len(s.Intake.Taints()) != 1 {
		t.Errorf("%v", s.Intake.Taints())
	}
}

// frozen takes a case of 5,000.00 to the point where its bank is told to pay it back.
func frozen(t *testing.T) (s *apitest.Service, id string) {
	t.Helper()
	s = apitest.Start(t)
	c := s.Report("r1", "62220001", "62170001", "5000.00")
	id = c.Get("stops.0.id")
	s.Hold(id, "held", "5000.00")
	s.Ask(s.Key(access.Supervisor), "POST", "/v1/stops/"+id+"/freeze", `{}`).Want(200, "state", "frozen")
	r := s.Ask(s.Key(access.Analyst), "POST", "/v1/cases/"+c.Get("id")+"/returns", "").Want(200, "total", "5000.00")
	for _, role := range []access.Role{access.Supervisor, access.Admin} {
		s.Ask(s.Key(role), "POST", "/v1/returns/"+r.Get("id")+"/approval", `{}`).Want(200)
	}
	s.Due()
	return s, id
}

// The bank confirms a payment back as it was told, once.
func TestConfirmReturn(t *testing.T) {
	s, id := frozen(t)
	confirm := func(body string) *apitest.Answer {
		return s.Ask(s.Bank("PCBC"), http.MethodPost, stops+"/"+id+"/return", body)
	}
	s.Ask(s.Bank("PCBC"), "GET", stops+"/"+id, "").Want(200, "state", "returning", "return.amount", "5000.00",
		"return.payees.0.account", "62220001")
	confirm(`{"result":"returned","amount":"4999.00"}`).Want(422, "errors.0.code", "field.instruction",
		"errors.0.values.amount", "5000.00 CNY")
	confirm(`{"result":"returned","amount":"x"}`).Want(422)
	confirm(`{"result":"failed","amount":"5000.00"}`).Want(422, "errors.0.code", "field.reason")
	for range 2 {
		confirm(`{"result":"returned","amount":"5000.00","reference":"R-1"}`).Want(200, "state", "returned", "return", "")
	}
	confirm(`{"result":"returned","amount":"5000.00","reference":"R-2"}`).Want(422, "code", "payback.not-told")
}

// A payment back that failed leaves the money frozen.
func TestReturnFails(t *testing.T) {
	s, id := frozen(t)
	for range 2 {
		s.Ask(s.Bank("PCBC"), "POST", stops+"/"+id+"/return",
			`{"result":"failed","amount":"5000.00","reason":"account closed"}`).
			Want(200, "state", "frozen", "held_amount", "5000.00")
	}
}
