package center_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"stopline.internal/api"
	"stopline.internal/api/access"
	"stopline.internal/api/apitest"
	"stopline.internal/api/center"
	"stopline.internal/api/wire"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
)

// The owner of a key learns who they are, and whether the city is simulated.
func TestMe(t *testing.T) {
	s := apitest.Start(t)
	s.Ask(s.Key(access.Police), "GET", "/v1/me", "").Want(200, "name", "police", "role", "police", "bank", "",
		"simulation", "")
	s.Ask(s.Bank("PCBC"), "GET", "/v1/me", "").Want(200, "name", "bank PCBC", "role", "bank", "bank", "PCBC")
	s.Ask("sl_unknown", "GET", "/v1/me", "").Want(401, "code", "access.key")
	s = apitest.Start(t, func(d *api.Dependencies) {
		d.Simulation = &center.Simulation{Speed: 300, Pace: func() float64 { return 120.04 }}
	})
	a := s.Ask(s.Key(access.Police), "GET", "/v1/me", "").Want(200, "simulation.speed", "300", "simulation.pace",
		"120.04")
	if a.Header.Get("Stopline-Pace") != "120.0" || a.Header.Get("Stopline-Time") != s.Now().String() {
		t.Errorf("%v", a.Header)
	}
}

// An entity is put on the watchlist as the contract of events has it, and taken off.
func TestWatchlist(t *testing.T) {
	s := apitest.Start(t)
	const path = "/v1/watchlist/acct:62170001"
	s.Ask(s.Key(access.Analyst), "PUT", path, `{"risk":"confirmed","reason":"a mule"}`).Want(204)
	if doc := s.Intake.Watched()["acct:62170001"]; !strings.Contains(doc, `"risk":"confirmed"`) ||
		!strings.Contains(doc, "a mule") {
		t.Errorf("the watchlist has %q", doc)
	}
	s.Ask(s.Key(access.Analyst), "PUT", "/v1/watchlist/nobody", `{"risk":"confirmed"}`).Want(422, "code", "watch.refused")
	s.Ask(s.Key(access.Analyst), "PUT", path, `{"risk":"perhaps"}`).Want(422, "errors.0.pointer", "#/risk")
	s.Ask(s.Key(access.Analyst), "DELETE", "/v1/watchlist/nobody", "").Want(422, "code", "watch.entity")
	s.Ask(s.Key(access.Analyst), "DELETE", path, "").Want(204)
	if n := len(s.Intake.Watched()); n != 0 {
		t.Errorf("%d are watched", n)
	}
	s.Intake.Fail(errors.New("no topic"))
	s.Ask(s.Key(access.Analyst), "PUT", path, `{"risk":"confirmed"}`).Want(503, "code", "unavailable.log")
	s.Ask(s.Key(access.Analyst), "DELETE", path, "").Want(503)
}

// Refused documents are shown as they came, and sent in again as they were.
func TestDeadLetters(t *testing.T) {
	s := apitest.Start(t)
	s.DeadLetters.Keep(wire.DeadLetter{Partition: 1, Offset: 17, Topic: "bank.transfers", Reason: "not-json",
		Document: "{",
		Problems: []wire.DeadLetterProblem{{Code: "not-json.at"}}})
	s.Ask(s.Key(access.Supervisor), "GET", "/v1/dead-letters", "").Want(200, "items.#", "1", "items.0.offset", "17",
		"items.0.document", "{", "items.0.problems.0.code", "not-json.at")
	s.Ask(s.Key(access.Analyst), "GET", "/v1/dead-letters", "").Want(403)
	s.Ask(s.Key(access.Supervisor), "POST", "/v1/dead-letters/1/17/replay", "").Want(204)
	s.Ask(s.Key(access.Supervisor), "POST", "/v1/dead-letters/1/18/replay", "").Want(404, "code", "not-found.dead-letter")
	if got := s.DeadLetters.Replayed(); len(got) != 1 || got[0] != "1-17" {
		t.Errorf("%v were sent in again", got)
	}
	if !strings.Contains(s.Logged(), "a dead letter was sent in again") || !strings.Contains(s.Logged(),
		"by=supervisor") {
		t.Error("the log does not say who sent it in again")
	}
	s.DeadLetters.Fail(errors.New("no broker"))
	s.Ask(s.Key(access.Supervisor), "GET", "/v1/dead-letters", "").Want(503, "code", "unavailable.log")
	s.Ask(s.Key(access.Supervisor), "POST", "/v1/dead-letters/1/17/replay", "").Want(503)
}

// What waits for people has its words in both languages, and hides names where it must.
func TestDuties(t *testing.T) {
	s, _, body := proposed(t)
	s.Ask(s.Key(access.Analyst), "POST", "/v1/stops", body("", "")).Want(200)
	all := s.Ask(s.Key(access.Supervisor), "GET", "/v1/duties", "").Want(200, "total", "1", "duties.0.kind", "approve",
		"duties.0.overdue", "false", "at", s.Now().String()).Says("approve or reject", "批准或不批准")
	if all.Get("duties.0.code") != "duty.approve" {
		t.Errorf("%s", all.Body)
	}
	s.Ask(s.Key(access.Supervisor), "GET", "/v1/duties?kind=appeal", "").Want(200, "total", "0", "duties.#", "0")
	s.Pass(2 * time.Minute) // the report's stop has no answer
	s.Due()
	s.Ask(s.Key(access.Police), "GET", "/v1/duties?limit=1", "").Want(200, "total", "2", "duties.#", "1")
}

// Codes have names.
func TestRegisters(t *testing.T) {
	s := apitest.Start(t)
	banks := s.Ask(s.Key(access.Police), "GET", "/v1/banks", "").Want(200).Says(`"code":"PCBC"`, "中国建设银行", "95533")
	if banks.Get("banks.#") == "0" {
		t.Error("there are no banks")
	}
	a := s.Ask(s.Key(access.Police), "GET", "/v1/districts?of=5201", "").Want(200).Says("云岩区")
	if a.Header.Get("Cache-Control") != "private, max-age=86400" || strings.Contains(a.Body, `"code":"11`) {
		t.Errorf("%v", a.Header)
	}
	s.Ask(s.Key(access.Police), "GET", "/v1/districts?of=x", "").Want(422)
}

// recovered are two lines of the books and their total, by hand.
func recovered() []warehouse.Recovery {
	line := func(key string, reports uint64, held int64) warehouse.Recovery {
		return warehouse.Recovery{Key: key, Reports: reports, Requested: reports, Held: reports, AmountHeld: held,
			AmountRequested: 2 * held, AmountRequestedFirst: 2 * held, SecondsToRequest: [3]float64{1.5, 2, 3},
			Minutes: make([]uint64, 6), MinutesHeld: make([]uint64, 6)}
	}
	return []warehouse.Recovery{line("520103", 2, 1_000_50), line("520104", 1, 500_00), line("", 3, 1_500_50)}
}

// The statistics are the books' lines in decimals; the last is the total.
func TestRecoveryStatistics(t *testing.T) {
	s := apitest.Start(t)
	s.Books.Recovered = recovered()
	get := func(query string) *apitest.Answer {
		return s.Ask(s.Key(access.Police), "GET", "/v1/statistics/recovery?"+query, "")
	}
	get("from=2026-11-01&to=2026-12-01&by=district").Want(200, "rows.#", "2", "rows.0.key", "520103",
		"rows.0.amount_held", "1000.50",
		"rows.1.reports", "1", "total.reports", "3", "total.amount_held", "1500.50", "rows.0.seconds_to_request.p50",
		"1.5", "by", "district")
	get("from=2026-12-01&to=2026-11-01").Want(422, "errors.0.code", "field.after-from")
	get("from=2026-11-01&to=2026-12-01&currency=XXX").Want(422, "errors.0.code", "field.currency")
	get("from=2026-11-01").Want(422)
	s.Books.Fail(errors.New("no ClickHouse"))
	get("from=2026-11-01&to=2026-12-01").Want(503, "code", "unavailable.books")
}

// A month that goes on is built anew each time; a closed one is kept as it was first
// given out, with what has become otherwise since.
func TestMonthlyReport(t *testing.T) {
	s := apitest.Start(t, func(d *api.Dependencies) { d.Center = "贵阳市反诈中心" })
	s.Books.Recovered = recovered()
	get := func(query string) *apitest.Answer {
		return s.Ask(s.Key(access.Police), "GET", "/v1/statistics/report?"+query, "")
	}
	get("month=2026-11").Want(200, "month", "2026-11", "center", "贵阳市反诈中心", "closed", "false", "total.figures.reports",
		"3",
		"total.figures.amount_held", "150050", "generated_by", "police", "corrections.#", "0")
	get("month=2026-10").Want(200, "closed", "true", "total.figures.reports", "3")
	s.Books.Recovered[2].Reports = 4
	get("month=2026-10").Want(200, "total.figures.reports", "3", "corrections.#", "1", "corrections.0.figure", "reports")
	get("month=2026-11").Want(200, "total.figures.reports", "4")
	csv := get("month=2026-11&format=csv&lang=en").Want(200)
	if csv.Header.Get("Content-Type") != "text/csv; charset=utf-8" ||
		csv.Header.Get("Content-Disposition") != "attachment; filename=stopline-2026-11.csv" {
		t.Errorf("%v", csv.Header)
	}
	if x := get("month=2026-11&format=xlsx").Want(200); !strings.HasPrefix(x.Body, "PK") {
		t.Errorf("the workbook begins with %.4q", x.Body)
	}
	get("month=2026-13").Want(422, "errors.0.code", "field.month")
	get("month=2026-11&currency=XXX").Want(422, "errors.0.code", "field.currency")
	s.Books.Fail(errors.New("no ClickHouse"))
	get("month=2026-11").Want(503, "code", "unavailable.books")
}

// How patterns turned out: 6 confirmed and 2 false alarms are a precision of 0.75.
func TestPatternStatistics(t *testing.T) {
	s := apitest.Start(t)
	week := time.Date(2026, 11, 16, 0, 0, 0, 0, event.Zone)
	s.Books.Outcomes = []warehouse.PatternOutcome{
		{Pattern: "a", Week: week, Alerts: 7, Stops: 1, Confirmed: 4, False: 1, Useful: 1},
		{Pattern: "a", Week: week.AddDate(0, 0, 7), Alerts: 4, Confirmed: 2, False: 1},
		{Pattern: "b", Week: week, Alerts: 3}}
	s.Ask(s.Key(access.Police), "GET", "/v1/patterns/statistics?from=2026-11-01", "").Want(200, "patterns.#", "2",
		"patterns.0.alerts", "11", "patterns.0.precision", "0.75", "patterns.0.open", "2", "patterns.0.weeks.1.week",
		"2026-11-23",
		"patterns.1.precision", "", "patterns.1.open", "3", "from", "2026-11-01T00:00:00.000+08:00")
	s.Ask(s.Key(access.Police), "GET", "/v1/patterns/statistics?to=soon", "").Want(422, "errors.0.code", "field.day")
	s.Ask(s.Key(access.Police), "GET", "/v1/patterns/statistics?from=soon", "").Want(422)
	s.Books.Fail(errors.New("no ClickHouse"))
	s.Ask(s.Key(access.Police), "GET", "/v1/patterns/statistics", "").Want(503)
}

// The books are compared with the ledger for those who answer for them.
func TestVerification(t *testing.T) {
	s := apitest.Start(t)
	s.Books.Verified = warehouse.Verification{Stops: 3, Payments: 2, Differences: []warehouse.Difference{}}
	s.Ask(s.Key(access.Police), "GET", "/v1/statistics/verification", "").Want(200, "stops", "3", "payments", "2",
		"differences.#", "0")
	s.Ask(s.Key(access.Analyst), "GET", "/v1/statistics/verification", "").Want(403)
	s.Books.Fail(errors.New("no ClickHouse"))
	s.Ask(s.Key(access.Police), "GET", "/v1/statistics/verification", "").Want(503)
}
