package ledger

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"stopline.internal/store/ledger/delivery"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// book is a ledger that a test writes into; what it writes has to be accepted.
type book struct {
	*Ledger
	t *testing.T
}

func newBook(t *testing.T) book { return book{New(law.Default), t} }

// takes folds entries that the law allows.
func (b book) takes(entries ...Entry) {
	b.t.Helper()
	for i := range entries {
		if r := b.Apply(&entries[i]); !r.Accepted {
			b.t.Fatalf("%s %s of %s: %s", entries[i].State, entries[i].StopID, entries[i].CaseID, r.Why.Code)
		}
	}
}

// refuses folds an entry that is ignored, for a reason.
func (b book) refuses(e Entry, code string) {
	b.t.Helper()
	if r := b.Apply(&e); r.Accepted || r.Why.Code != code {
		b.t.Errorf("accepted %v, %q; want %q", r.Accepted, r.Why.Code, code)
	}
}

// asks proposes a stop so many minutes after noon, which goes out by itself.
func (b book) asks(id, caseID string, minutes int, change func(*stop.Proposal)) {
	b.t.Helper()
	p := proposal(1000)
	p.Transfer.ID = "t-" + id
	if change != nil {
		change(&p)
	}
	by := "scoring"
	if p.Parent != "" {
		by = "trail"
	}
	b.takes(StopEntries(stop.Propose(law.Default, id, caseID, p, past(minutes), by))...)
}

// answers folds a bank's answer; what is held is so from that moment.
func (b book) answers(id string, result stop.State, minor int64, at event.Instant) {
	b.t.Helper()
	o := stop.Outcome{Result: result, HeldMinor: minor}
	if minor > 0 {
		o.EffectiveAt = at
	}
	b.takes(StopEntry(stop.Answer(law.Default, b.Stop(id), o, at, "bank")))
}

// goes folds a person's step of a stop.
func (b book) goes(id string, to stop.State, at, until event.Instant) {
	b.t.Helper()
	e := b.Stop(id).Next(at, "A")
	e.ID, e.State, e.Until = fmt.Sprint(id, e.Version), to, until
	b.takes(StopEntry(e))
}

// past is a moment so many minutes after noon.
func past(minutes int) event.Instant { return noon.Add(time.Duration(minutes) * time.Minute) }

// ids are the ids of stops, as they are listed.
func ids(stops []*stop.Stop) (out []string) {
	for _, s := range stops {
		out = append(out, s.ID)
	}
	return out
}

// Pages of a list: after what ended the page before, and whether there are more.
func TestPages(t *testing.T) {
	list := []string{"a", "b", "c", "d"}
	for name, c := range map[string]struct {
		after string
		limit int
		want  []string
		more  bool
	}{
		"the first two":         {"", 2, []string{"a", "b"}, true},
		"the next two":          {"b", 2, []string{"c", "d"}, false},
		"all":                   {"", 4, list, false},
		"all but one":           {"", 3, list[:3], true},
		"more than there are":   {"", 9, list, false},
		"after the last":        {"d", 2, nil, false},
		"after what is no more": {"x", 1, list[:1], true},
	} {
		got, more := page(list, c.limit, func(s string) bool { return s == c.after })
		if !slices.Equal(got, c.want) || more != c.more {
			t.Errorf("%s: %v, more %v; want %v, %v", name, got, more, c.want, c.more)
		}
	}
}

// Stops are found by each part of a filter, newest first; of one moment by their ids.
func TestListOfStops(t *testing.T) {
	b := newBook(t)
	b.asks("s1", "c1", 0, nil)
	b.asks("s2", "c1", 1, func(p *stop.Proposal) { p.Account = stop.Account{Number: "6228", Bank: "ICBK"} })
	b.asks("s3", "c2", 1, nil)
	b.asks("s4", "c3", 2, func(p *stop.Proposal) { p.Doubt = stop.DoubtTiny })
	b.answers("s1", stop.Held, 1000, past(3))
	b.answers("s3", stop.Missed, 0, past(3))
	b.takes(Entry{ID: "m", CaseID: "c2", Into: "c1", At: past(4), By: "ledger"})
	for name, c := range map[string]struct {
		f    Filter
		want []string
	}{
		"all":                        {Filter{}, []string{"s4", "s2", "s3", "s1"}},
		"in a state":                 {Filter{State: stop.Held}, []string{"s1"}},
		"of a bank":                  {Filter{Bank: "ICBK"}, []string{"s2"}},
		"of an account":              {Filter{Account: "6217"}, []string{"s4", "s3", "s1"}},
		"of a case, and its part":    {Filter{CaseID: "c1"}, []string{"s2", "s3", "s1"}},
		"of the part alone":          {Filter{CaseID: "c2"}, []string{"s3"}},
		"that are open":              {Filter{Open: true}, []string{"s2", "s1"}},
		"open, of a bank, in a case": {Filter{Open: true, Bank: "PCBC", CaseID: "c1"}, []string{"s1"}},
		"of no case":                 {Filter{CaseID: "c9"}, nil},
		"after one of them":          {Filter{After: "s2"}, []string{"s3", "s1"}},
	} {
		c.f.Limit = 10
		if got, more := b.List(c.f); !slices.Equal(ids(got), c.want) || more {
			t.Errorf("%s: %v, more %v; want %v", name, ids(got), more, c.want)
		}
	}
	if got, more := b.List(Filter{Limit: 3}); len(got) != 3 || !more {
		t.Errorf("a page of three: %v, more %v", ids(got), more)
	}
	got, _ := b.List(Filter{State: stop.Held, Limit: 1})
	if got[0].State = stop.Released; b.Stop("s1").State != stop.Held {
		t.Error("what is listed is the fold's own")
	}
	if b.Stop("s9") != nil {
		t.Error("there is no such stop")
	}
}

// What a bank is asked for, oldest first, until it has answered; what is undelivered
// still waits for it, and a person is called.
func TestWaitingForABank(t *testing.T) {
	b := newBook(t)
	b.asks("s2", "c", 5, nil)
	b.asks("s1", "c", 5, nil)
	b.asks("s3", "c", 1, nil)
	b.asks("s4", "c", 0, func(p *stop.Proposal) { p.Account.Bank = "ICBK" })
	waiting, news := b.Waiting("PCBC", 10)
	if !slices.Equal(ids(waiting), []string{"s3", "s1", "s2"}) {
		t.Errorf("waiting: %v", ids(waiting))
	}
	if two, _ := b.Waiting("PCBC", 2); !slices.Equal(ids(two), []string{"s3", "s1"}) {
		t.Errorf("two at most: %v", ids(two))
	}
	all := func(step.Place) bool { return true }
	if late := b.Unanswered(all); len(late) != 0 {
		t.Errorf("nobody is late so far: %v", late)
	}
	b.takes(b.Due(past(2))...) // s3 and s4 had a minute
	select {
	case <-news:
	default:
		t.Error("who waits for the bank is not woken when its page changes")
	}
	if waiting, _ = b.Waiting("PCBC", 10); len(waiting) != 3 || waiting[0].State != stop.Undelivered {
		t.Errorf("waiting: %v", ids(waiting))
	}
	late := b.Unanswered(all)
	if len(late) != 2 || late[0] != (delivery.Item{Bank: "PCBC", StopID: "s3", Version: 3, At: past(2)}) ||
		late[1] != (delivery.Item{Bank: "ICBK", StopID: "s4", Version: 3, At: past(2)}) {
		t.Errorf("late: %+v", late)
	}
	if none := b.Unanswered(func(step.Place) bool { return false }); len(none) != 0 {
		t.Errorf("of nobody's partitions: %v", none)
	}
	b.answers("s3", stop.Held, 1000, past(3))
	b.goes("s1", stop.Acknowledged, past(6), 0)
	if waiting, _ = b.Waiting("PCBC", 10); !slices.Equal(ids(waiting), []string{"s2"}) {
		t.Errorf("after an answer and an acknowledgement: %v", ids(waiting))
	}
	if late = b.Unanswered(all); len(late) != 1 || late[0].StopID != "s4" {
		t.Errorf("still late: %+v", late)
	}
}

// What somebody has an eye on: all that waits for a person, and of what a bank is asked
// for or holds, the victims' own payments.
func TestWatched(t *testing.T) {
	b := newBook(t)
	hop2 := func(p *stop.Proposal) { p.Hop = 2 }
	b.asks("asked", "c", 0, nil)
	b.asks("asked-behind", "c", 0, hop2)
	b.asks("doubtful", "c", 0, func(p *stop.Proposal) { p.Hop, p.Doubt = 2, stop.DoubtTiny })
	b.asks("differs", "c", 0, hop2)
	b.answers("differs", stop.Mismatch, 0, noon)
	b.asks("gone", "c", 0, nil)
	b.answers("gone", stop.Missed, 0, noon)
	b.asks("held", "c", 0, nil)
	b.answers("held", stop.Held, 1000, noon)
	got := ids(b.Watched())
	if slices.Sort(got); !slices.Equal(got, []string{"asked", "differs", "doubtful", "held"}) {
		t.Errorf("watched: %v", got)
	}
	for range b.index.undone() {
		break // a reader may stop at any of them
	}
	b.answers("asked", stop.Refused, 0, noon)
	if got := b.Watched(); slices.Contains(ids(got), "asked") {
		t.Error("what is over is watched")
	}
}

// Messages to deliver: oldest first, of the banks and partitions that are asked for,
// until they are delivered or given up.
func TestOutbox(t *testing.T) {
	b := newBook(t)
	all := func(step.Place) bool { return true }
	banks := []string{"ICBK", "PCBC"}
	_, woken := b.Outbox(banks, all)
	b.asks("s2", "c", 1, nil)
	b.asks("s1", "c", 1, nil)
	b.asks("s0", "c", 2, func(p *stop.Proposal) { p.Account.Bank = "ICBK" })
	select {
	case <-woken:
	default:
		t.Error("who delivers is not woken")
	}
	list, woken := b.Outbox(banks, all)
	if len(list) != 3 || list[0].StopID != "s1" || list[1].StopID != "s2" ||
		list[2] != (delivery.Item{Bank: "ICBK", StopID: "s0", Version: 2, At: past(2)}) {
		t.Errorf("%+v", list)
	}
	if one, _ := b.Outbox(banks[:1], all); len(one) != 1 || one[0].StopID != "s0" {
		t.Errorf("of one bank: %+v", one)
	}
	if none, _ := b.Outbox(banks, func(step.Place) bool { return false }); len(none) != 0 {
		t.Errorf("of nobody's partitions: %+v", none)
	}
	record := func(id string, r delivery.Record) Entry {
		return Entry{ID: id, CaseID: "c", StopID: id, At: noon, By: "dispatch", Delivery: &r}
	}
	b.takes(record("s1", delivery.Record{Message: 2, Delivered: true}))
	b.takes(record("s2", delivery.Record{Message: 2, Final: true}))
	b.refuses(record("s2", delivery.Record{Message: 1}), "message.newer")
	b.refuses(record("s9", delivery.Record{Message: 1}), "message.none")
	if list, _ = b.Outbox(banks, all); len(list) != 1 || list[0].StopID != "s0" {
		t.Errorf("after a delivery, and one that was given up: %+v", list)
	}
	select {
	case <-woken:
		t.Error("woken with nothing new to deliver")
	default:
	}
	b.takes(record("s2", delivery.Record{Message: 2, Again: true}))
	select {
	case <-woken:
	default:
		t.Error("not woken for what is to be sent again")
	}
	if list, _ = b.Outbox(banks, all); len(list) != 2 || list[0].StopID != "s2" || list[0].Round != 1 {
		t.Errorf("sent again: %+v", list)
	}
	before := b.Stop("s0")
	b.answers("s0", stop.Held, 1000, past(3))
	if list, _ = b.Outbox(banks[:1], all); len(list) != 0 || !b.Stop("s0").Message.Delivered {
		t.Errorf("a bank that answers has the message: %+v", list)
	}
	if before.Message.Delivered {
		t.Error("the message of an earlier copy was changed")
	}
	b.goes("s0", stop.Released, past(4), 0)
	if list, _ = b.Outbox(banks[:1], all); len(list) != 1 || list[0].Version != 4 {
		t.Errorf("the release is told: %+v", list)
	}
}

// The feeds: each bank its own messages, the center every change.
func TestFeeds(t *testing.T) {
	b := newBook(t)
	_, _, more := b.Feed("PCBC", nil, 10)
	_, _, changed := b.Feed(Center, nil, 10)
	list := StopEntries(stop.Propose(law.Default, "s", "c", proposal(1000), noon, "scoring"))
	for i := range list {
		list[i].Place = step.Place{Partition: 1, Offset: int64(10 + i)}
	}
	b.takes(list...)
	for name, c := range map[string]<-chan struct{}{"the bank": more, "the center": changed} {
		select {
		case <-c:
		default:
			t.Errorf("%s is not woken", name)
		}
	}
	entries, complete, _ := b.Feed("PCBC", nil, 10)
	want := delivery.FeedEntry{Place: step.Place{Partition: 1, Offset: 11}, StopID: "s", Version: 2,
		Type: delivery.MessageRequested}
	if len(entries) != 1 || entries[0] != want || !complete {
		t.Errorf("the bank reads %+v", entries)
	}
	if end := b.End("PCBC"); len(end) != 1 || end[1] != 12 {
		t.Errorf("the end is %v", end)
	}
	claim := b.Work("alt", "c", desk.TaskClaimed, noon, "A", "")
	claim.Place = step.Place{Partition: 1, Offset: 12}
	b.takes(claim)
	entries, _, _ = b.Feed(Center, nil, 10)
	if len(entries) != 3 || entries[0].Type != "stop" || entries[1].Version != 2 || entries[2].StopID != "alt" ||
		entries[2].Type != "alert" || entries[2].Place.Offset != 12 {
		t.Errorf("the center reads %+v", entries)
	}
	if one, _, _ := b.Feed(Center, delivery.Cursor{1: 12}, 10); len(one) != 1 {
		t.Errorf("behind the stop: %+v", one)
	}
}
