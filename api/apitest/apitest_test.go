package apitest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"stopline.internal/api/apitest"
	"stopline.internal/api/center"
	"stopline.internal/api/wire"
	"stopline.internal/scoring"
	"stopline.internal/scoring/pattern"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/stop"
)

// A case goes through: what is written is folded at once, in the order of its
// partition, and time passes as the test says.
func TestServiceWorks(t *testing.T) {
	s := apitest.Start(t)
	c := s.Report("r1", "62220001", "62170001", "5000.00").Want(200, "stops.#", "1")
	id := c.Get("stops.0.id")
	s.Hold(id, "held", "5000.00").Want(200, "state", "held")
	s.Pass(49 * time.Hour)
	s.Due()
	s.Ask(s.Key("police"), "GET", "/v1/stops/"+id, "").Want(200, "state", "expired").Says("due.term")
	last := map[int]int64{}
	for _, e := range s.Log.Entries() {
		if e.Place.Offset != last[e.Place.Partition] {
			t.Errorf("%+v does not follow", e.Place)
		}
		last[e.Place.Partition]++
	}
	if routes := apitest.Routes(t); len(routes) < 70 {
		t.Errorf("%d routes", len(routes))
	}
}

// The log fails, is slow and is overtaken as it is told.
func TestLogSwitches(t *testing.T) {
	s := apitest.Start(t)
	s.Request(1)
	e := ledger.StopEntry(stop.Lift(s.Ledger.Stop("stp_1"), 0, "", "innocent", s.Now(), "li"))
	broken := errors.New("broken")
	s.Log.Fail(broken)
	if _, err := s.Log.Append(t.Context(), e); !errors.Is(err, broken) {
		t.Error(err)
	}
	if err := s.Log.Write(t.Context(), e); !errors.Is(err, broken) {
		t.Error(err)
	}
	s.Log.Fail(nil)
	s.Log.Slow(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := s.Log.Append(ctx, e); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	s.Log.Slow(0)
	s.Log.Overtake(func(ledger.Entry) []ledger.Entry { return []ledger.Entry{e} })
	if res, err := s.Log.Append(t.Context(), e); err != nil || res.Accepted || res.Why.Code != "version.stop" {
		t.Errorf("%+v %v", res, err)
	}
	if err := s.Log.Fold(0, e); err == nil {
		t.Error("what the ledger refuses is folded")
	}
}

// What stands behind the API answers as it is told, and keeps what came.
func TestFakes(t *testing.T) {
	s, ctx := apitest.Start(t), t.Context()
	docs, seen, more := s.Watcher.After(-1)
	s.Watcher.Tell([]byte("{}"))
	select {
	case <-more:
	default:
		t.Error("the alert is not told")
	}
	if again, n, _ := s.Watcher.After(seen); len(docs) != 0 || len(again) != 1 || n != 1 {
		t.Errorf("%d, then %d alerts", len(docs), len(again))
	}
	s.DeadLetters.Keep(wire.DeadLetter{Partition: 1, Offset: 2})
	if err := s.DeadLetters.Replay(ctx, 1, 3); !errors.Is(err, center.ErrGone) {
		t.Error(err)
	}
	s.Books.Write(scoring.Alert{ID: "alt_1", At: s.Now(), Action: pattern.Review, CaseID: "cas_1"})
	for what, list := range map[string]func() ([]string, error){
		"alerts":  func() ([]string, error) { return s.Books.Alerts(ctx, 0, "", "review", 10) },
		"reviews": func() ([]string, error) { return s.Books.Reviews(ctx, 10) },
		"a case":  func() ([]string, error) { return s.Books.CaseAlerts(ctx, []string{"cas_1"}) },
		"by id":   func() ([]string, error) { return s.Books.AlertsByID(ctx, []string{"alt_1"}, 0, 0) },
	} {
		if docs, err := list(); err != nil || len(docs) != 1 {
			t.Errorf("%s: %v %v", what, docs, err)
		}
	}
	if doc, err := s.Books.Alert(ctx, "alt_2"); doc != "" || err != nil {
		t.Errorf("%s %v", doc, err)
	}
	s.Screener.Say(scoring.Verdict{Score: 7}, 0, nil)
	if v, err := s.Screener.Screen(ctx, []byte("{}"), nil); err != nil || v.Score != 7 || len(s.Screener.Asked()) != 1 {
		t.Errorf("%+v %v", v, err)
	}
	s.Books.Fail(errors.New("no ClickHouse"))
	if _, err := s.Books.HistoryRows(ctx, 0, 0); err == nil {
		t.Error("the books answer")
	}
}
