package center_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"stopline.internal/api/access"
	"stopline.internal/api/apitest"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
)

// twoVictims has one frozen account into which two victims paid, 6,000.00 and 4,000.00,
// and from which 5,000.00 went on while both lay in it: 5,000.00 are frozen.
func twoVictims(t *testing.T) (s *apitest.Service, caseID string) {
	t.Helper()
	s = apitest.Start(t)
	first := s.Report("r1", "62220001", "62170001", "6000.00")
	second := s.Report("r2", "62220002", "62170001", "4000.00")
	s.Due() // the cases are one: the same account
	for i, c := range []*apitest.Answer{first, second} {
		id := c.Get("stops.0.id")
		s.Hold(id, "partial", []string{"3000.00", "2000.00"}[i])
		s.Ask(s.Key(access.Supervisor), "POST", "/v1/stops/"+id+"/freeze", `{}`).Want(200, "state", "frozen")
	}
	at := s.Now().Add(-10 * time.Minute)
	s.Books.Moves = map[string][]warehouse.Movement{"62170001": {{ID: "t-r1", At: at, Minor: 6_000_00, Other: "62220001"},
		{ID: "t-r2", At: at, Minor: 4_000_00, Other: "62220002"}, {ID: "out", At: at.Add(time.Minute), Minor: -5_000_00,
			Other: "9"}}}
	return s, s.Ledger.Case(first.Get("id")).ID
}

// Money that lay together goes back in proportion: 5,000.00 over losses of 6,000.00 and
// 4,000.00 are 3,000.00 and 2,000.00. It is announced for 30 days; who objects is heard;
// two people approve, neither of whom proposed it.
func TestReturnInProportion(t *testing.T) {
	s, caseID := twoVictims(t)
	analyst, supervisor := s.Key(access.Analyst), s.Key(access.Supervisor)
	r := s.Ask(analyst, "POST", "/v1/cases/"+caseID+"/returns", "").Want(200, "state", "proposed", "total", "5000.00",
		"pool", "5000.00", "losses", "10000.00", "accounts.#", "1", "accounts.0.method", "proportional",
		"accounts.0.frozen", "5000.00", "accounts.0.why_code", "remittance.left-together", "lines.#", "2",
		"lines.0.victim_account", "62220001", "lines.0.amount", "3000.00", "lines.1.amount", "2000.00",
		"lines.0.arithmetic", "500000 × 600000 ÷ 1000000 = 300000 rest 0", "proposed_by", "analyst")
	path := "/v1/returns/" + r.Get("id")
	s.Ask(analyst, "POST", "/v1/cases/"+caseID+"/returns", "").Want(409, "code", "return.round", "values.return",
		r.Get("id"))
	s.Ask(supervisor, "POST", path+"/approval", `{}`).Want(422, "code", "law.announce-first")
	end := s.Now().Add(30 * 24 * time.Hour)
	s.Ask(analyst, "POST", path+"/announcement", `{}`).Want(200, "state", "announced", "until", end.String())
	s.Ask(analyst, "POST", path+"/objections", `{"who":"王五","text":"it is my money"}`).Want(200, "objections.#", "1",
		"objections.0.state", "open", "objections.0.id", "1")
	s.Pass(31 * 24 * time.Hour)
	s.Ask(supervisor, "POST", path+"/approval", `{}`).Want(422, "code", "law.objection-open")
	s.Ask(supervisor, "POST", path+"/objections/1/decision", `{"decision":"dismissed"}`).Want(200, "objections.0.state",
		"dismissed")
	s.Ask(supervisor, "POST", path+"/objections/9/decision", `{"decision":"dismissed"}`).Want(404, "code",
		"not-found.objection")
	s.Ask(supervisor, "POST", path+"/approval", `{}`).Want(200, "state", "approved", "approvals.0", "supervisor")
	s.Ask(supervisor, "POST", path+"/approval", `{}`).Want(403, "code", "four-eyes.second")
	s.Ask(s.Key(access.Admin), "POST", path+"/approval", `{}`).Want(200, "state", "instructed", "approvals.#", "2")
	s.Due()
	s.Ask(s.Key(access.Police), "GET", path, "").Want(200, "state", "instructed", "paid_back", "0.00",
		"lines.0.from.0.state", "returning", "lines.0.from.0.bank", "PCBC")
	s.Ask(analyst, "POST", path+"/withdrawal", `{}`).Want(422, "code", "return.withdraw")
	s.Ask(analyst, "GET", "/v1/returns/ret_9", "").Want(404, "code", "not-found.return")
}

// A victim who comes later makes a return stale; withdrawn, it is worked out anew. What
// nobody froze cannot go back.
func TestReturnIsStale(t *testing.T) {
	s, caseID := twoVictims(t)
	r := s.Ask(s.Key(access.Supervisor), "POST", "/v1/cases/"+caseID+"/returns", "").Want(200, "stale", "")
	path := "/v1/returns/" + r.Get("id")
	s.Report("r3", "62220003", "62170001", "100.00")
	s.Due()
	s.Ask(s.Key(access.Admin), "GET", path, "").Want(200, "stale_code", "version.victim")
	s.Ask(s.Key(access.Admin), "POST", path+"/approval", `{}`).Want(409, "code", "version.victim")
	s.Ask(s.Key(access.Admin), "POST", path+"/withdrawal", `{"reason":"a third victim"}`).Want(200, "state", "withdrawn")
	s.Ask(s.Key(access.Admin), "POST", "/v1/cases/"+caseID+"/returns", "").Want(200, "round", "2", "losses", "10100.00")
	s.Books.Fail(errors.New("no ClickHouse"))
	s.Ask(s.Key(access.Admin), "POST", "/v1/cases/"+caseID+"/returns", "").Want(503, "code", "unavailable.books")
	s.Request(1)
	s.Ask(s.Key(access.Admin), "POST", "/v1/cases/cas_1/returns", "").Want(422, "code", "return.nothing")
	s.Ask(s.Key(access.Admin), "POST", "/v1/cases/cas_9/returns", "").Want(404)
}

// Papers are pages or PDFs, final or drafts, and say who printed them.
func TestPapers(t *testing.T) {
	s, caseID := twoVictims(t)
	id := s.Ledger.Case(caseID).Stops[0]
	r := s.Ask(s.Key(access.Analyst), "POST", "/v1/cases/"+caseID+"/returns", "").Want(200)
	a := s.Ask(s.Key(access.Police), "GET", "/v1/stops/"+id+"/notice", "").Want(200).Says("反诈止〔2026〕第", "62170001",
		"police")
	if a.Header.Get("Content-Type") != "text/html; charset=utf-8" ||
		!strings.Contains(a.Header.Get("Content-Security-Policy"), "sha256-") {
		t.Errorf("%v", a.Header)
	}
	s.Ask(s.Key(access.Police), "GET", "/v1/returns/"+r.Get("id")+"/document?lang=en", "").Want(200).
		Says("Decision on the return of frozen money", "DRAFT", "China Construction Bank", "¥5,000.00")
	s.Ask(s.Key(access.Police), "GET", "/v1/stops/stp_9/notice", "").Want(404)
	s.Ask(s.Key(access.Police), "GET", "/v1/returns/ret_9/document", "").Want(404)
	pdf := s.Ask(s.Key(access.Police), "GET", "/v1/stops/"+id+"/notice?format=pdf", "")
	if pdf.Status == 503 {
		pdf.Want(503, "code", "unavailable.font") // it is not built in here
		return
	}
	if pdf.Want(200); !strings.HasPrefix(pdf.Body, "%PDF-") ||
		pdf.Header.Get("Content-Disposition") != "attachment; filename=notice-"+id+".pdf" {
		t.Errorf("%.10s %v", pdf.Body, pdf.Header)
	}
}

// An appeal runs by its clock; upheld it releases at once what it says, and hours of a
// wrong hold are counted. It is decided once.
func TestAppeal(t *testing.T) {
	s := apitest.Start(t)
	id := s.Report("r1", "62220001", "62170001", "5000.00").Get("stops.0.id")
	open := func() *apitest.Answer {
		return s.Ask(s.Key(access.Analyst), "POST", "/v1/stops/"+id+"/appeals",
			`{"holder":"李四","contact":"13900139000","text":"goods were sold","documents":["identity","invoice"]}`)
	}
	s.Request(1)
	s.Ask(s.Key(access.Analyst), "POST", "/v1/stops/"+s.TakeBack(1)+"/appeals", `{"holder":"x","text":"y"}`).Want(422,
		"code", "appeal.nothing", "values.state", "released")
	s.Hold(id, "held", "5000.00")
	a := open().Want(200, "state", "received", "decide_by", s.Now().Add(24*time.Hour).String(), "documents.#", "4",
		"documents.0.name", "identity", "documents.0.received", "true", "documents.1.received", "false",
		"documents.3.name", "invoice")
	open().Want(409, "code", "appeal.open", "values.appeal", a.Get("id"))
	path := "/v1/appeals/" + a.Get("id")
	s.Ask(s.Key(access.Analyst), "POST", path+"/documents", `{"documents":["purpose"]}`).Want(200,
		"documents.2.received", "true", "version", "2")
	s.Ask(s.Key(access.Police), "GET", path, "").Want(200, "holder", "李*", "contact", "")
	s.Ask(s.Key(access.Police), "GET", "/v1/appeals", "").Want(200, "appeals.#", "1", "upheld", "0")
	decide := func(body string) *apitest.Answer {
		return s.Ask(s.Key(access.Supervisor), "POST", path+"/decision", body)
	}
	decide(`{"decision":"upheld","amount":"6000.00","reason":"x"}`).Want(422, "code", "appeal.amount")
	decide(`{"decision":"upheld","amount":"-1","reason":"x"}`).Want(422)
	s.Pass(90 * time.Minute)
	decide(`{"decision":"upheld","amount":"2000.00","reason":"an invoice"}`).Want(200, "state", "upheld",
		"released_amount", "2000.00",
		"wrongly_held_hours", "1.5")
	s.Ask(s.Key(access.Analyst), "GET", "/v1/stops/"+id, "").Want(200, "held_amount", "3000.00", "released_amount",
		"2000.00")
	decide(`{"decision":"dismissed","reason":"x"}`).Want(409, "code", "appeal.decided")
	s.Ask(s.Key(access.Police), "GET", "/v1/appeals", "").Want(200, "appeals.#", "0", "upheld", "1",
		"wrongly_held_hours", "1.5")
	s.Ask(s.Key(access.Police), "GET", "/v1/appeals?all=true", "").Want(200, "appeals.#", "1")
	s.Ask(s.Key(access.Police), "GET", "/v1/appeals/apl_9", "").Want(404, "code", "not-found.appeal")
	s.Ask(s.Key(access.Analyst), "POST", "/v1/stops/stp_9/appeals", `{"holder":"x","text":"y"}`).Want(404)
}

// Why a stop was asked for is computed again from what was kept, with the catalogue of
// then; where that cannot be, the answer says why.
func TestExplanation(t *testing.T) {
	s := apitest.Start(t)
	catalogue(t, s)
	published, _ := s.Rules.Book.Current()
	values := map[string]any{"calls.unknown.longest_24h": "26m0s", "calls.unknown.since": "5m0s", "debit.new_payee": true,
		"debit.amount": "49800.00 CNY", "debit.share_of_balance": 0.9}
	hits, err := json.Marshal([]scoring.Hit{{Pattern: "authority-call-then-transfer", Weight: 0.7, Values: values}})
	if err != nil {
		t.Fatal(err)
	}
	for id, c := range map[string]struct {
		version string
		hits    string
		want    []string
	}{
		"stp_a": {published.Version, string(hits), []string{"replay.possible", "true", "hits.#", "1"}},
		"stp_b": {"gone", string(hits), []string{"replay.possible", "false", "replay.why_code", "replay.version"}},
		"stp_c": {published.Version, `{}`, []string{"replay.possible", "false", "replay.why_code", "replay.values"}},
	} {
		s.Fold(0, ledger.StopEntries(stop.Propose(s.Ledger.Terms(), id, "cas_"+id,
			stop.Proposal{Account: stop.Account{Number: "62",
				Bank: "PCBC"},
				Minor: 1, Currency: event.CNY, Transfer: stop.Transfer{ID: "t", Minor: 1, At: s.Now()}, Hop: 1, Text: "seen",
				Explanation: &stop.Explanation{Catalogue: c.version, Score: 700, At: s.Now(), Event: "call:c1",
					Hits: []byte(c.hits)}},
			s.Now(), "scoring"))...)
		s.Ask(s.Key(access.Police), "GET", "/v1/stops/"+id+"/explanation", "").
			Want(200, append(c.want, "by", "scoring", "text", "seen", "event", "call:c1", "score", "700")...)
	}
	s.Ask(s.Key(access.Police), "GET", "/v1/stops/"+s.Request(1)+"/explanation", "").Want(200, "replay", "", "by",
		"scoring")
	s.Ask(s.Key(access.Police), "GET", "/v1/stops/stp_9/explanation", "").Want(404)
}
