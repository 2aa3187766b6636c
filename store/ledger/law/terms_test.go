package law

import (
	"slices"
	"strings"
	"testing"
	"time"

	"stopline.internal/stream/event"
)

// The terms that docs/law.md names, each with its source there.
func TestDefaultTerms(t *testing.T) {
	day := 24 * time.Hour
	for name, c := range map[string]struct{ got, want time.Duration }{
		"a hold, PBoC 86/2016 art. 2":            {Default.Hold, 48 * time.Hour},
		"a freeze, six months":                   {Default.Freeze, 183 * day},
		"a bank's answer":                        {Default.Respond, 60 * time.Second},
		"an announcement":                        {Default.Announce, 30 * day},
		"an appeal":                              {Default.Appeal, day},
		"a visit, at each level":                 {Default.Visit, 30 * time.Minute},
		"notice before a hold ends":              {Default.Notice, 12 * time.Hour},
		"an analyst's claim of a case":           {Default.Claim, 600 * time.Second},
		"an account under stops: twice 48 hours": {time.Duration(Default.Longest()) * time.Millisecond, 96 * time.Hour},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", name, c.got, c.want)
		}
	}
	for name, c := range map[string]struct{ got, want int64 }{
		"terms of one account":                 {int64(Default.Stops), 2},
		"working days to pay back":             {int64(Default.ReturnDays), 3},
		"levels of a visit":                    {int64(Default.VisitLevels), 3},
		"fen that need no person: ¥500,000":    {Default.AutoLimit, 500_000 * 100},
		"accounts that money is followed over": {int64(Default.MaxHops), 6},
		"stops of a trail":                     {int64(Default.MaxStops), 500},
		"fen below which a trail ends: ¥100":   {Default.MinTrace, 100 * 100},
		"fen below which a report waits: ¥200": {Default.Tiny, 200 * 100},
		"reports from which a person looks":    {int64(Default.Reporter), 4},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", name, c.got, c.want)
		}
	}
	three := Terms{Stops: 3, Hold: 10 * time.Second}
	if got := three.Longest(); got != 30_000 {
		t.Errorf("three terms of ten seconds are %d ms, want 30,000", got)
	}
}

// Rules, reports and trails propose alone; deadlines and people do not. No name
// that the service signs with is anybody's own.
func TestAuthors(t *testing.T) {
	for author, want := range map[string]bool{"scoring": true, "report": true, "trail": true,
		"deadline": false, "ledger": false, "appeal": false, "李四": false, "": false} {
		if got := ProposesAlone(author); got != want {
			t.Errorf("%q proposes alone: %v, want %v", author, got, want)
		}
	}
	all := AutomaticAuthors()
	for _, want := range []string{"scoring", "report", "trail", "deadline", "ledger", "dispatch", "appeal", "kit"} {
		if !slices.Contains(all, want) {
			t.Errorf("%s is not among %v", want, all)
		}
	}
	if len(all) != 9 {
		t.Errorf("%d automatic authors: %v", len(all), all)
	}
}

func TestRefuse(t *testing.T) {
	if !Accepted.None() {
		t.Error("the zero refusal refuses")
	}
	if r := Refuse("law.term", "term", time.Hour); r.None() || r.Code != "law.term" || r.Check() != nil {
		t.Errorf("%+v: %v", r, r.Check())
	}
}

// A calendar with one holiday (Tuesday the 3rd) and one Saturday that is worked (the
// 7th), in March 2026, which begins on a Sunday.
func TestCalendarDays(t *testing.T) {
	c, err := ParseCalendar([]byte(`{"holidays":["2026-03-03"],"worked":["2026-03-07"]}`))
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[int]bool{1: false, 2: true, 3: false, 4: true, 6: true, 7: true, 8: false, 14: false} {
		if got := c.works(time.Date(2026, 3, day, 0, 0, 0, 0, event.Zone)); got != want {
			t.Errorf("March %d is worked: %v, want %v", day, got, want)
		}
	}
	midnight := func(day int) event.Instant {
		return event.InstantOf(time.Date(2026, 3, day, 0, 0, 0, 0, event.Zone))
	}
	for _, c := range []struct {
		name string
		from event.Instant
		n    int
		want event.Instant
		on   *Calendar
	}{
		{"none: to the end of the day", midnight(2), 0, midnight(3), c},
		{"one, over the holiday", midnight(2), 1, midnight(5), c},
		{"from the last millisecond of a day", midnight(3) - 1, 1, midnight(5), c},
		{"from its first", midnight(3), 1, midnight(5), c},
		{"to the Saturday that is worked", midnight(4), 3, midnight(8), c},
		{"over the Sunday", midnight(6), 2, midnight(10), c},
		{"a calendar that knows no holidays", midnight(2), 1, midnight(4), &Calendar{}},
	} {
		if got := c.on.After(c.from, c.n); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestCalendarThatCannotBeRead(t *testing.T) {
	for name, text := range map[string]string{
		"no document":            `{`,
		"a holiday that is none": `{"holidays":["2026-02-30"]}`,
		"a worked day in words":  `{"worked":["Saturday"]}`,
	} {
		c, err := ParseCalendar([]byte(text))
		if err == nil || c != nil || !strings.HasPrefix(err.Error(), "the calendar: ") {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
}
