package ledger

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/giveback"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
)

// report is an entry of a victim's report, so many minutes after noon, that names
// payments' accounts, payer and payee in turn, and callers.
func report(id, caseID string, minutes int, accounts []string, callers ...string) Entry {
	r := &ReportNote{ID: id, Source: "110", Callers: callers}
	for i := 0; i+1 < len(accounts); i += 2 {
		r.Payments = append(r.Payments, Payment{Payer: accounts[i], Payee: accounts[i+1], Minor: 100, At: noon})
	}
	return Entry{ID: "evt-" + id, CaseID: caseID, At: past(minutes), By: "report", Report: r}
}

// merged are the cases that the log has yet to say are one, as it is due.
func merged(l *Ledger) string {
	out := ""
	for _, e := range l.Due(past(60)) {
		if e.Into != "" {
			out += e.CaseID + " into " + e.Into + ", "
		}
	}
	return out
}

// Cases whose reports name one account, or one caller, become one: the younger part of
// the older, whichever was read first; of one moment, the one that sorts first.
func TestCasesThatAreOne(t *testing.T) {
	first := func(accounts ...string) Entry { return report("1", "c1", 0, accounts, "+1") }
	second := func(accounts ...string) Entry { return report("2", "c2", 1, accounts, "+2") }
	for name, c := range map[string]struct {
		reports []Entry
		want    string
	}{
		"one payee":                        {[]Entry{first("v", "m"), second("w", "m")}, "c2 into c1, "},
		"one payer":                        {[]Entry{first("v", "m"), second("v", "n")}, "c2 into c1, "},
		"one's payer is the other's payee": {[]Entry{first("v", "m"), second("m", "n")}, "c2 into c1, "},
		"the older comes last":             {[]Entry{second("w", "m"), first("v", "m")}, "c2 into c1, "},
		"of one moment": {[]Entry{report("2", "b", 0, []string{"w", "m"}), report("1", "a", 0, []string{"v", "m"})},
			"b into a, "},
		"one caller":                      {[]Entry{first(), report("2", "c2", 1, nil, "+2", "+1")}, "c2 into c1, "},
		"nothing in common":               {[]Entry{first("v", "m"), second("w", "n")}, ""},
		"a caller's number as an account": {[]Entry{first("+2", "m"), second()}, ""},
		"one case twice":                  {[]Entry{first("v", "m"), report("2", "c1", 1, []string{"v", "m"})}, ""},
		"three in a row": {[]Entry{first("v", "m"), second("w", "m"), report("3", "c3", 2, []string{"x", "m"})},
			"c2 into c1, c3 into c1, "},
	} {
		b := newBook(t)
		b.takes(c.reports...)
		if got := merged(b.Ledger); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		b.takes(b.Due(past(60))...)
		if got := merged(b.Ledger); got != "" {
			t.Errorf("%s: noted, and still due: %q", name, got)
		}
	}
}

// A case that became part of another brings what was to become part of it; no case is
// part of itself, or of two.
func TestJoin(t *testing.T) {
	b := newBook(t)
	b.takes(report("2", "c2", 2, []string{"v", "m"}), report("3", "c3", 3, []string{"w", "m"}),
		report("1", "c1", 1, []string{"x", "n"}), report("4", "c4", 4, []string{"x", "o"}, "+4"))
	into := func(caseID, whole string) Entry {
		return Entry{ID: caseID + whole, CaseID: caseID, Into: whole, At: past(9), By: "ledger"}
	}
	b.refuses(into("c9", "c1"), "case.unknown")
	b.takes(into("c2", "c1"))
	if got := merged(b.Ledger); got != "c3 into c1, c4 into c1, " {
		t.Errorf("due: %q", got)
	}
	b.refuses(into("c2", "c4"), "case.part")
	b.refuses(into("c1", "c2"), "case.itself")
	b.takes(into("c3", "c2"))
	if got := b.Case("c3"); got.ID != "c1" || !slices.Equal(got.Members, []string{"c2", "c3"}) || len(got.Reports) != 3 {
		t.Errorf("the whole is %s of %v with %d reports", got.ID, got.Members, len(got.Reports))
	}
	// The other case's partition has not been read so far.
	b.takes(into("c4", "later"))
	if c := b.Case("c4"); c.ID != "later" || c.OpenedAt != 0 || !slices.Equal(c.Members, []string{"c4"}) {
		t.Errorf("%+v", c)
	}
	b.takes(report("5", "later", 5, nil))
	if c := b.Case("later"); c.OpenedAt != past(5) || c.State != desk.CaseOpen || len(c.Reports) != 2 {
		t.Errorf("%+v", c)
	}
}

// A whole case has the stops, leaves, reports, returns and visits of those that are part
// of it.
func TestWholeCase(t *testing.T) {
	b := newBook(t)
	b.asks("s1", "c1", 1, nil)
	b.asks("s2", "c2", 2, nil)
	b.takes(report("1", "c1", 3, nil), report("2", "c2", 3, nil))
	for _, id := range []string{"1", "2"} {
		b.takes(b.AssignVisit("v"+id, "c"+id, desk.Visit{District: "d"}, noon, "A"),
			LeafEntry("c"+id, &stop.Leaf{ID: "l" + id, Parent: "s" + id, Minor: 1}, noon))
	}
	round := b.ProposeReturn("c2", giveback.Return{}, noon, "P")
	b.takes(round)
	b.cases["c2"].Limited = true
	if b.Case("c1").Limited {
		t.Error("the limit of another case is noted")
	}
	b.takes(Entry{ID: "m", CaseID: "c2", Into: "c1", At: past(9), By: "ledger"})
	c := b.Case("c2")
	if c.ID != "c1" || !slices.Equal(c.Stops, []string{"s1", "s2"}) || len(c.Leaves) != 2 || c.Leaves[1].ID != "l2" ||
		!slices.Equal(c.Visits, []string{"v1", "v2"}) || len(c.Reports) != 2 || c.Reports[1].ID != "2" || !c.Limited {
		t.Errorf("%+v", c)
	}
	if !slices.Equal(c.Returns, []string{round.Subject}) {
		t.Errorf("the returns are %v", c.Returns)
	}
	if c.Stops[0] = "x"; b.Case("c1").Stops[0] != "s1" {
		t.Error("the copy is the fold's own")
	}
	if b.Case("c9") != nil {
		t.Error("there is no such case")
	}
	for id, want := range map[string]bool{"s1": true, "s2": true, "s9": false} {
		if got := b.FirstOfCase(id); got != want {
			t.Errorf("%s is the first of its case: %v", id, got)
		}
	}
	b.asks("s3", "c1", 4, nil)
	if b.FirstOfCase("s3") || b.BegunAt("c1") != past(1) || b.BegunAt("c2") != past(2) || b.BegunAt("c9") != 0 {
		t.Error("c1 began with s1, c2 with s2")
	}
	b.takes(report("4", "c4", 0, nil))
	if b.BegunAt("c4") != 0 {
		t.Error("a case without stops began")
	}
}

// Cases are listed newest first, whole ones alone, by state and by page; their state is
// what people noted last.
func TestListOfCases(t *testing.T) {
	b := newBook(t)
	for i, id := range []string{"c1", "c3", "c2", "c4"} { // c3 and c2 of one minute
		b.takes(report(fmt.Sprint(i), id, (i+1)/2, nil))
	}
	b.takes(Entry{ID: "m", CaseID: "c4", Into: "c1", At: past(9), By: "ledger"})
	note := func(version int, state desk.CaseState, arrests int) Entry {
		return Entry{ID: fmt.Sprint("p", version), CaseID: "c2", Version: version, State: string(state), At: past(9), By: "A",
			Progress: &desk.Progress{Arrests: arrests}}
	}
	b.takes(note(1, desk.CaseInvestigating, 0))
	b.refuses(note(1, desk.CaseSolved, 1), "version.case")
	b.takes(note(2, desk.CaseSolved, 3))
	if c := b.Case("c2"); c.State != desk.CaseSolved || c.Arrests != 3 || c.Version != 2 || len(c.Progress) != 2 {
		t.Errorf("%+v", c)
	}
	for name, c := range map[string]struct {
		state desk.CaseState
		after string
		limit int
		want  []string
		more  bool
	}{
		"all":             {"", "", 10, []string{"c2", "c3", "c1"}, false},
		"the first":       {"", "", 1, []string{"c2"}, true},
		"after it":        {"", "c2", 10, []string{"c3", "c1"}, false},
		"that are open":   {desk.CaseOpen, "", 10, []string{"c3", "c1"}, false},
		"that are solved": {desk.CaseSolved, "", 10, []string{"c2"}, false},
	} {
		list, more := b.Cases(c.state, c.after, c.limit)
		var got []string
		for _, c := range list {
			got = append(got, c.ID)
		}
		if !slices.Equal(got, c.want) || more != c.more {
			t.Errorf("%s: %v, more %v; want %v, %v", name, got, more, c.want, c.more)
		}
	}
}

// Reports as they were noted, by id and case; one that came in two partitions is found by
// what it says.
func TestReports(t *testing.T) {
	b := newBook(t)
	note := func(id, caseID, digest string, partition int) Entry {
		e := report(id, caseID, 1, nil)
		e.Report.Digest, e.Place = digest, step.Place{Partition: partition}
		return e
	}
	b.takes(note("r2", "c1", "x", 0), note("r1", "c3", "x", 0), note("r1", "c2", "y", 1))
	b.refuses(note("r1", "c3", "x", 0), "report.known")
	b.refuses(note("r1", "c3", "z", 0), CodeReportDiffers)
	got := ""
	for _, r := range b.Reports() {
		if got += r.ID + " " + r.CaseID + ", "; r.At != past(1) {
			t.Errorf("%s was made at %s", r.ID, r.At)
		}
	}
	if got != "r1 c2, r1 c3, r2 c1, " {
		t.Errorf("the reports are %s", got)
	}
	for digest, want := range map[string]string{"x": "c3 false", "y": "c2 false", "z": "c2 true"} {
		if id, differs := b.CaseOfReport("r1", digest); fmt.Sprint(id, " ", differs) != want {
			t.Errorf("%s: %s %v, want %s", digest, id, differs, want)
		}
	}
}

// What a report's payments are worth in their case: the payments that nobody reported
// before, and the stops by which they are known.
func TestLost(t *testing.T) {
	b := newBook(t)
	for i, r := range []*ReportNote{unseenBy("110:1", reported(0, "t1"), reported(10, "")),
		unseenBy("96110:1", reported(1, "t1"), reported(500, ""))} {
		b.takes(Entry{ID: fmt.Sprint("e", i), CaseID: fmt.Sprint("c", i), At: past(i), By: "report", Report: r})
	}
	if got := b.Case("c0").Reports[0]; got.CaseID != "c0" || len(got.Brought) != 2 || got.Repeats() {
		t.Errorf("%+v", got)
	}
	b.takes(Entry{ID: "m", CaseID: "c1", Into: "c0", At: past(9), By: "ledger"})
	lost, stops := b.Case("c0").Lost()
	var at []string
	for _, p := range lost {
		at = append(at, p.At.Time().Format("15:04"))
	}
	if !slices.Equal(at, []string{"12:00", "12:10", "20:20"}) {
		t.Errorf("lost at %v", at)
	}
	if len(stops) != 3 || !stops[reported(0, "t1").Stop] {
		t.Errorf("known by %v", slices.Sorted(maps.Keys(stops)))
	}
}

// Two payments are one within two hours; the nearest in time is the same; a report that
// repeats nothing brings all of it.
func TestLossesAtTheirBounds(t *testing.T) {
	justOver := reported(120, "")
	justOver.At++
	for name, c := range map[string]struct {
		first, second []Payment
		brought       int
	}{
		"a millisecond more": {[]Payment{reported(0, "")}, []Payment{justOver}, 1},
		"two hours after":    {[]Payment{reported(0, "")}, []Payment{reported(120, "")}, 0},
		"two hours before":   {[]Payment{reported(0, "")}, []Payment{reported(-120, "")}, 0},
		"a minute more":      {[]Payment{reported(0, "")}, []Payment{reported(-121, "")}, 1},
		"the nearest of two": {[]Payment{reported(0, ""), reported(100, "")},
			[]Payment{reported(90, ""), reported(-110, "")}, 0},
		"two known, both new": {[]Payment{reported(0, "t1")}, []Payment{reported(0, "t2")}, 1},
		"one is known, one is not": {[]Payment{reported(0, "t1"), reported(60, "")},
			[]Payment{reported(61, "t2"), reported(0, "t1")}, 0},
	} {
		l := newLosses()
		if first := l.count(unseenBy("110:1", c.first...)); len(first) != len(c.first) {
			t.Errorf("%s: the first report brought %d", name, len(first))
		}
		if got := l.count(unseenBy("96110:1", c.second...)); len(got) != c.brought {
			t.Errorf("%s: the second report brought %d, want %d", name, len(got), c.brought)
		}
	}
	old := &ReportNote{ID: "1", Minor: 100, Currency: "CNY"}
	if old.bring(newLosses(), noon); len(old.Brought) != 1 || old.Brought[0].Minor != 100 || old.Brought[0].At != noon {
		t.Errorf("an old log's report brought %+v", old.Brought)
	}
	empty := &ReportNote{ID: "1"}
	if empty.bring(newLosses(), noon); len(empty.Brought) != 0 || empty.Repeats() {
		t.Errorf("a report of nothing brought %+v", empty.Brought)
	}
	if UnseenTransfer("110:1", 2) != "110:1/2" {
		t.Errorf("it is named %s", UnseenTransfer("110:1", 2))
	}
	fourth := report("1", "c", 0, []string{"v", "m"})
	fourth.Report.Currency = "USD"
	if p := fourth.Report.payment(0); p.Currency != "USD" {
		t.Errorf("an old log's payment is in %s", p.Currency)
	}
}

// An entry of nothing that the fold knows is refused; a verdict is the books'.
func TestEntriesOfNothing(t *testing.T) {
	b := newBook(t)
	b.refuses(Entry{ID: "e", CaseID: "c"}, "event.unknown")
	b.refuses(Entry{ID: "e", CaseID: "c", Subject: "ret"}, "event.unknown")
	b.takes(Entry{ID: "e", CaseID: "c", Verdict: &desk.Verdict{Verdict: desk.VerdictConfirmed}})
	r := b.Apply(&Entry{ID: "e", CaseID: "c", Verdict: &desk.Verdict{}, Report: &ReportNote{}})
	if !r.Accepted || r.Report != nil || b.Case("c") != nil {
		t.Errorf("a verdict beside a report notes it: %+v", r)
	}
	terms := law.Default
	if terms.Calendar = nil; New(terms).Terms().Calendar != law.China {
		t.Error("a ledger without a calendar has China's")
	}
}
