package route

import (
	"errors"
	"os"
	"strings"
	"testing"

	"stopline.internal/api/wire"
	"stopline.internal/stream/event/words"
)

// Who was too late may read again and decide anew; who is alone must let another
// approve; what the law or the state forbids no repeating changes.
func TestStatusOfRefusals(t *testing.T) {
	for code, want := range map[string]int{
		"version.stop": 409, "version.changing": 409, "version.answered": 409, "version.report": 409, "version.victim": 409,
		"task.taken": 409, "visit.made": 409, "answer.before": 409, "report.differs": 409, "backtest.running": 409,
		"four-eyes.stop": 403, "four-eyes.return": 403, "four-eyes.second": 403, "four-eyes.catalogue": 403,
		"law.stops": 422, "law.term-over": 422, "law.announce-first": 422, "law.objection-open": 422,
		"stop.step": 422, "return.nothing": 422, "sweep.none": 422, "payback.not-told": 422, "delivery.none": 422,
		"alert.confirmed": 422, "rules.full": 422, "task.state": 422, "objection.closed": 422,
	} {
		if !words.Known(code) {
			t.Errorf("there is no code %s", code)
		}
		var p *wire.Problem
		if !errors.As(Refuse(code), &p) || p.Status != want || p.Code != code || StatusOf(code) != want {
			t.Errorf("%s: %+v, want %d", code, p, want)
		}
	}
}

// The page tells every code that is 409, and none that is not there.
func TestOvertakenCodesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, row, _ := strings.Cut(string(page), "| 409 | somebody was first |")
	row, _, found := strings.Cut(row, "\n")
	if !found {
		t.Fatal("docs/api.md has no row for 409")
	}
	for code := range overtaken {
		if !words.Known(code) || !strings.Contains(row, "`"+code+"`") {
			t.Errorf("%s: known %v; docs/api.md says: %s", code, words.Known(code), row)
		}
	}
	if named := strings.Count(row, "`") / 2; named != len(overtaken)+1 { // and version.*
		t.Errorf("the row names %d codes, and there are %d", named, len(overtaken)+1)
	}
}
