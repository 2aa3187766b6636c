package ledger

import (
	"slices"
	"testing"
	"time"

	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/giveback"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// kinds are what waits at a moment, the most urgent first.
func kinds(l *Ledger, now event.Instant) (out []string) {
	for _, d := range l.Duties(now) {
		out = append(out, d.Kind+" "+d.ID)
	}
	return out
}

// When each thing begins to wait for a person, to the millisecond, and until when.
func TestDutiesBegin(t *testing.T) {
	hold, freeze := noon.Add(48*time.Hour), noon.Add(100*24*time.Hour)
	held := func(b book) { b.answers("s", stop.Held, 1000, noon) }
	frozen := func(b book) {
		held(b)
		b.goes("s", stop.Frozen, noon, freeze)
	}
	for name, c := range map[string]struct {
		doubt  string
		then   func(book)
		begins event.Instant
		ends   event.Instant // 0: it goes on
		want   string
		until  event.Instant
	}{
		"a proposal, at once":         {stop.DoubtTiny, func(book) {}, 1, 0, dutyApprove, past(1)},
		"a bank that does not answer": {"", func(b book) { b.takes(b.Due(past(1))...) }, 1, 0, dutyCall, past(1)},
		"a mismatch, for 48 hours": {"", func(b book) { b.answers("s", stop.Mismatch, 0, noon) }, 1, hold,
			dutyMismatch, 0},
		"a hold, twelve hours before its end":  {"", held, hold.Add(-12*time.Hour) + 1, 0, dutyEnd, hold},
		"a freeze, thirty days before its end": {"", frozen, freeze.Add(-30*24*time.Hour) + 1, 0, dutyFreeze, freeze},
		"a return that is overdue": {"", func(b book) {
			frozen(b)
			pay := []stop.Pay{{Victim: "v", Account: "v", Minor: 9}}
			b.takes(StopEntry(stop.PayBack(b.Stop("s"), "r", pay, past(60), noon, "B")))
		}, past(60), 0, dutyReturn, past(60)},
		"a visit, at once": {"", func(b book) {
			held(b)
			b.takes(b.AssignVisit("s", "c", desk.Visit{District: "d"}, noon, "A"))
		}, 1, 0, dutyVisit, past(30)},
		"an appeal, at once": {"", func(b book) {
			held(b)
			b.takes(b.ReceiveAppeal("s", "c", desk.Appeal{StopID: "s"}, noon, "A"))
		}, 1, 0, dutyAppeal, noon.Add(24 * time.Hour)},
		"an alert that was handed up": {"", func(b book) {
			held(b)
			b.takes(b.Work("s", "c", desk.TaskEscalated, noon, "A", "large"))
		}, 1, 0, dutyEscalate, past(1)},
	} {
		b := newBook(t)
		b.asks("s", "c", 0, func(p *stop.Proposal) { p.Doubt = c.doubt })
		c.then(b)
		if c.begins > 1 {
			if got := b.Duties(c.begins - 1); len(got) != 0 {
				t.Errorf("%s: too early: %+v", name, got)
			}
		}
		d := b.Duties(max(c.begins, noon))
		if len(d) != 1 || d[0].Kind != c.want || d[0].Until != c.until || d[0].ID != "s" || d[0].CaseID != "c" ||
			d[0].Since < noon || d[0].Since > past(1) || d[0].Say.Check() != nil {
			t.Errorf("%s: %+v, want %s until %s", name, d, c.want, c.until)
		}
		if c.ends != 0 {
			if len(b.Duties(c.ends-1)) != 1 || len(b.Duties(c.ends)) != 0 {
				t.Errorf("%s: it does not end at %s", name, c.ends)
			}
		}
	}
}

// The most urgent first; what has no term comes last; of one moment by id.
func TestDutiesInOrder(t *testing.T) {
	b := newBook(t)
	b.asks("late", "c", 0, func(p *stop.Proposal) { p.Doubt = stop.DoubtTiny })
	b.asks("differs", "c", 0, nil)
	b.answers("differs", stop.Mismatch, 0, noon)
	b.takes(b.AssignVisit("v2", "c", desk.Visit{}, noon, "A"), b.AssignVisit("v1", "c", desk.Visit{}, noon, "A"))
	want := []string{"approve late", "visit v1", "visit v2", "mismatch differs"}
	if got := kinds(b.Ledger, past(2)); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	over := noon.Add(30 * 24 * time.Hour)
	b.returns["r"] = &giveback.Round{ID: "r", CaseID: "c", State: giveback.Announced, Until: over}
	for now, want := range map[event.Instant]bool{over - 1: false, over: true} {
		if got := slices.Contains(kinds(b.Ledger, now), "announcement-over r"); got != want {
			t.Errorf("at %s the announcement is over: %v", now, got)
		}
	}
	if b.returns["r"].State = giveback.Approved; slices.Contains(kinds(b.Ledger, over), "announcement-over r") {
		t.Error("what is approved waits for approval")
	}
	for name, done := range map[string]func(){
		"visit v1":     func() { b.visits["v1"].State = desk.VisitConfirmed },
		"appeal a":     func() { b.appeals["a"] = &desk.AppealFile{ID: "a", State: desk.AppealDismissed} },
		"escalation t": func() { b.tasks["t"] = &desk.TaskFile{AlertID: "t", State: desk.TaskClaimed} },
	} {
		if done(); slices.Contains(kinds(b.Ledger, past(2)), name) {
			t.Errorf("%s waits though it is done", name)
		}
	}
}

// Stops on a trail wait until the first is approved; then those go out that need no
// person.
func TestWhatWaitedForTheFirst(t *testing.T) {
	limit := law.Default.AutoLimit
	b := newBook(t)
	first := func(p *stop.Proposal) {
		p.Minor, p.Transfer.Minor, p.Doubt = 3*limit, 3*limit, stop.DoubtCircular
	}
	b.asks("s", "c", 0, first)
	for id, minor := range map[string]int64{"small": limit, "large": limit + 1} {
		p := proposal(minor)
		behind("s", id, 2, minor)(&p)
		b.takes(StopEntries(stop.Propose(law.Default, id, "c", p, past(1), "trail"))[0])
	}
	p := proposal(1)
	behind("s", "person", 2, 1)(&p)
	b.takes(StopEntries(stop.Propose(law.Default, "person", "c", p, past(1), "A"))[0])
	if due := b.Due(past(5)); len(due) != 0 {
		t.Fatalf("before the first is approved: %+v", due)
	}
	b.goes("s", stop.Requested, past(6), 0)
	due := b.Due(past(7))
	if len(due) != 1 || due[0].StopID != "small" || due[0].By != "trail" || due[0].State != string(stop.Requested) ||
		due[0].Until != past(8) {
		t.Fatalf("%+v", due)
	}
	b.takes(due...)
	if due = b.Due(past(7)); len(due) != 0 {
		t.Errorf("asked twice: %+v", due)
	}
}

// What is due at one moment is listed by stop, and each entry once.
func TestDueInOrder(t *testing.T) {
	b := newBook(t)
	for _, id := range []string{"s3", "s1", "s2"} {
		b.asks(id, "c", 0, nil)
	}
	if due := b.Due(past(1) - 1); len(due) != 0 {
		t.Errorf("too early: %+v", due)
	}
	var got []string
	for _, e := range b.Due(past(1)) {
		got = append(got, e.StopID)
	}
	if !slices.Equal(got, []string{"s1", "s2", "s3"}) {
		t.Errorf("due: %v", got)
	}
}

// Whoever claims an alert has its case; the case is free when any alert of it is given
// back, and ten minutes after the last claim.
func TestLocks(t *testing.T) {
	b := newBook(t)
	work := func(alert string, to desk.TaskState, minutes int, by string) Entry {
		return b.Work(alert, "c", to, past(minutes), by, "")
	}
	b.takes(work("a1", desk.TaskClaimed, 0, "A"))
	b.refuses(work("a2", desk.TaskClaimed, 1, "B"), "task.taken")
	b.takes(work("a2", desk.TaskClaimed, 5, "A"))
	if l := b.Lock("c", past(14)); l == nil || l.By != "A" || l.AlertID != "a2" || l.Until != past(15) {
		t.Errorf("%+v", l)
	}
	if b.Lock("c", past(15)) != nil || b.Lock("d", past(5)) != nil {
		t.Error("a claim ends after ten minutes, and is of its case alone")
	}
	b.takes(work("a1", desk.TaskDismissed, 6, "A"))
	if b.Lock("c", past(7)) != nil {
		t.Error("the case was given back with the alert")
	}
	b.takes(work("a2", desk.TaskClaimed, 8, "B"))
	b.takes(work("a3", desk.TaskEscalated, 19, "C"))
	if b.locks["c"] == nil || b.locks["c"].By != "B" {
		t.Error("who has no claim took another's away")
	}
	if list := b.Escalated(); len(list) != 1 || list[0].AlertID != "a3" || list[0].By != "C" {
		t.Errorf("handed up: %+v", list)
	}
	if got := b.Task("a1"); got.State != desk.TaskDismissed || got.Version != 2 || b.Task("a9") != nil {
		t.Errorf("%+v", got)
	}
	copied := b.Task("a3")
	if copied.By = "x"; b.Task("a3").By != "C" {
		t.Error("the copy is the fold's own")
	}
}

// Appeals by when they must be decided, then the newest first; one at a time against a
// stop.
func TestListOfAppeals(t *testing.T) {
	b := newBook(t)
	for _, id := range []string{"s1", "s2", "s3"} {
		b.asks(id, "c", 0, nil)
		b.answers(id, stop.Held, 1000, noon)
	}
	say := func(id, on string, minutes int) Entry {
		return b.ReceiveAppeal(id, "c", desk.Appeal{StopID: on}, past(minutes), "A")
	}
	b.takes(say("b", "s1", 5), say("a", "s2", 5), say("c", "s3", 0))
	b.refuses(say("d", "s1", 6), "appeal.open")
	decided := Entry{ID: "x", CaseID: "c", Subject: "c", Version: 2, State: string(desk.AppealDismissed), At: past(9),
		By: "B", Appeal: &desk.Appeal{StopID: "s3"}}
	b.takes(decided)
	names := func(list []*desk.AppealFile) (out string) {
		for _, a := range list {
			out += a.ID + " "
		}
		return out
	}
	if got := names(b.Appeals(false)); got != "a b " {
		t.Errorf("to decide: %s", got)
	}
	if got := names(b.Appeals(true)); got != "c a b " {
		t.Errorf("all: %s", got)
	}
	b.takes(say("e", "s3", 10))
	if a := b.Appeal("c"); a.State != desk.AppealDismissed || a.DecidedAt != past(9) || b.Appeal("z") != nil {
		t.Errorf("%+v", a)
	}
	if due := b.Due(past(10)); len(due) != 0 {
		t.Errorf("what was dismissed is lifted: %+v", due)
	}
	upheld := Entry{ID: "u", CaseID: "c", Subject: "a", Version: 2, State: string(desk.AppealUpheld), At: past(11),
		By: "B", Appeal: &desk.Appeal{StopID: "s2", Minor: 1000}}
	b.takes(upheld)
	due := b.Due(past(11))
	if len(due) != 1 || due[0].StopID != "s2" || due[0].State != string(stop.Released) || due[0].By != "appeal" {
		t.Fatalf("%+v", due)
	}
	b.takes(due...)
	if due = b.Due(past(11)); len(due) != 0 {
		t.Errorf("lifted twice: %+v", due)
	}
}

// Visits by when they are due, of a district, with those that were made or without.
func TestListOfVisits(t *testing.T) {
	b := newBook(t)
	send := func(id, district string, minutes int) Entry {
		return b.AssignVisit(id, "c", desk.Visit{District: district}, past(minutes), "A")
	}
	b.takes(send("v3", "d1", 0), send("v2", "d1", 5), send("v1", "d2", 5), send("v0", "d1", 9))
	b.takes(Entry{ID: "x", CaseID: "c", Subject: "v0", Version: 2, State: string(desk.VisitConfirmed), At: past(9),
		By: "A", Until: past(9), Visit: &desk.Visit{District: "d1", Level: 1, Found: desk.VisitMet}})
	for _, c := range []struct {
		district string
		all      bool
		want     string
	}{{"", false, "v3 v1 v2 "}, {"d1", false, "v3 v2 "}, {"d1", true, "v0 v3 v2 "}, {"d9", true, ""}} {
		got := ""
		for _, v := range b.Visits(c.district, c.all) {
			got += v.ID + " "
		}
		if got != c.want {
			t.Errorf("%q, all %v: %s, want %s", c.district, c.all, got, c.want)
		}
	}
	if got := b.Case("c").Visits; len(got) != 4 || b.Visit("v9") != nil || b.Visit("v0").Found != desk.VisitMet {
		t.Errorf("the case has %v", got)
	}
}

// The ledger's counts: each stop where its state belongs, each fen once.
func TestTotalsCount(t *testing.T) {
	b := newBook(t)
	for _, id := range []string{"held", "part", "gone", "differs", "no", "frozen", "asked", "over"} {
		b.asks(id, "c", 0, nil)
	}
	b.asks("waits", "c", 0, func(p *stop.Proposal) { p.Doubt = stop.DoubtTiny })
	b.answers("held", stop.Held, 1000, noon)
	b.answers("part", stop.Partial, 300, noon)
	b.answers("gone", stop.Missed, 0, noon)
	b.answers("differs", stop.Mismatch, 0, noon)
	no := stop.Answer(law.Default, b.Stop("no"), stop.Outcome{Result: stop.Refused, Reason: "court"}, noon, "bank")
	b.takes(StopEntry(no))
	b.answers("frozen", stop.Held, 1000, noon)
	b.goes("frozen", stop.Frozen, noon, noon.Add(law.Default.Freeze))
	pay := []stop.Pay{{Victim: "v", Account: "v", Minor: 400}}
	b.takes(StopEntry(stop.PayBack(b.Stop("frozen"), "r", pay, past(9), past(1), "B")))
	b.takes(StopEntry(stop.PaidBack(b.Stop("frozen"), true, "R", "", past(2), "bank")))
	b.answers("over", stop.Held, 1000, noon)
	e, _ := b.Stop("over").Lapse(noon.Add(48 * time.Hour))
	b.takes(StopEntry(e), report("r1", "d", 0, nil), report("r2", "e", 0, nil))
	b.takes(Entry{ID: "m", CaseID: "e", Into: "d", At: past(9), By: "ledger"})
	want := Totals{Cases: 2, Stops: 9, Open: 4, Reports: 2, Requested: 8, HeldStops: 2, Partial: 1, Missed: 1, Refused: 2,
		Expired: 1, Frozen: 1, HeldMinor: 1000 + 300 + 600, ReturnedMinor: 400}
	if got := b.Totals(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
