package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"stopline.internal/api"
	"stopline.internal/api/access"
	"stopline.internal/api/apitest"
	"stopline.internal/stream/event"
)

// A dependency that is missing is named when the handler is made, not by the first
// request that needs it; what may be missing is not asked for.
func TestNewNamesWhatIsMissing(t *testing.T) {
	_, err := api.New(api.Dependencies{Identities: &access.Identities{}, Banks: event.BuiltInBanks()})
	if err == nil {
		t.Fatal("a handler without a ledger is made")
	}
	for _, name := range []string{"Ledger", "Log", "Rules", "Book", "Intake", "Screener", "Watcher", "DeadLetters",
		"Backtest",
		"Warehouse", "Parser", "Clock", "Ready", "Logger"} {
		if !strings.Contains(err.Error(), "api: the dependency "+name+" is missing") {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
	for _, name := range []string{"Identities", "Banks", "Simulation", "Metrics"} {
		if strings.Contains(err.Error(), name) {
			t.Errorf("%s is named: %v", name, err)
		}
	}
}

// The process says that it lives, what it waits for, and its figures, to anybody.
func TestProcess(t *testing.T) {
	s := apitest.Start(t, func(d *api.Dependencies) {
		d.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_,
				_ = w.Write([]byte("stopline_up 1\n"))
		})
	})
	s.Ask("", "GET", "/healthz", "").Want(200).Says("ok")
	s.Ask("", "GET", "/readyz", "").Want(200).Says("ready")
	s.Ask("", "GET", "/metrics", "").Want(200).Says("stopline_up 1")
	s.NotReady("ClickHouse does not answer")
	s.Ask("", "GET", "/readyz", "").Want(503, "code", "unavailable.ready", "values.cause", "ClickHouse does not answer")
	s.NotReady("")
	s.Ask("", "GET", "/readyz", "").Want(200)
	apitest.Start(t).Ask("", "GET", "/metrics", "").Want(404, "code", "request.route")
}

// A request that was done is not done again for its key: the log has one event.
func TestIdempotencyOverTheLog(t *testing.T) {
	s := apitest.Start(t)
	id := s.Report("r1", "62220001", "62170001", "5000.00").Get("stops.0.id")
	s.Hold(id, "held", "5000.00")
	before := len(s.Log.Entries())
	release := func(key string) *apitest.Answer {
		return s.Ask(s.Key(access.Supervisor), "POST", "/v1/stops/"+id+"/release", `{"amount":"100.00"}`,
			"Idempotency-Key", key)
	}
	first := release("a").Want(200, "released_amount", "100.00")
	again := release("a").Want(200, "released_amount", "100.00")
	if first.Body != again.Body || again.Header.Get("Idempotency-Replayed") != "true" || len(s.Log.Entries()) != before+1 {
		t.Errorf("%d events; the second answer is %v %s", len(s.Log.Entries())-before, again.Header, again.Body)
	}
	release("b").Want(200, "released_amount", "200.00")
	s.Log.Fail(context.DeadlineExceeded)
	release("c").Want(503)
	s.Log.Fail(nil)
	release("c").Want(200, "released_amount", "300.00") // what failed is no answer
}
