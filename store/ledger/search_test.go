package ledger

import (
	"slices"
	"testing"

	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// What people say finds what they mean: the ten characters of a case that every
// page shows, the end of an account or of a telephone number, an amount, a part of
// a name, a bank; and nothing is found by too little.
func TestSearchFindsWhatPeopleSay(t *testing.T) {
	l := New(law.Default)
	propose := func(id, caseID, account, bank, holder string, minor int64, at event.Instant) {
		t.Helper()
		for _, e := range StopEntries(stop.Propose(l.Terms(), id, caseID,
			stop.Proposal{Account: stop.Account{Number: account, Bank: bank, Holder: holder}, Minor: minor,
				Currency: event.CNY, Transfer: stop.Transfer{ID: "T-" + id, Minor: minor + 5, At: at},
				Hop: 1, Payer: "622202" + account[6:]},
			at, "scoring")) {
			if r := l.Apply(&e); !r.Accepted {
				t.Fatalf("%s: %v", id, r.Why)
			}
		}
	}
	propose("stp_AAAAAA1111", "cas_MXV75ZG4WGAA", "6217000010098765432", "PCBC", "李四", 4_980_000, 1000)
	propose("stp_BBBBBB2222", "cas_KKKKKKKKKKBB", "6217000010011112222", "ICBK", "王小五", 1_234_56, 2000)
	l.Apply(&Entry{ID: "r", CaseID: "cas_MXV75ZG4WGAA", At: 1500, By: "report",
		Report: &ReportNote{ID: "96110:110-2026-7", Minor: 777_00,
			Holder: "张三丰", Phone: "+8613800138000"}})
	for _, c := range []struct {
		what         string
		q            Query
		stops, cases []string
	}{
		{"the short number of a case", Query{Text: "MXV75ZG4WG"}, nil, []string{"cas_MXV75ZG4WGAA"}},
		{"in small letters", Query{Text: "mxv75zg4wg"}, nil, []string{"cas_MXV75ZG4WGAA"}},
		{"with its kind", Query{Text: "cas_MXV75ZG"}, nil, []string{"cas_MXV75ZG4WGAA"}},
		{"another kind", Query{Text: "stp_MXV75ZG"}, nil, nil},
		{"too little of it", Query{Text: "MXV75"}, nil, nil},
		{"the end of an account", Query{Tail: "765432"}, []string{"stp_AAAAAA1111"}, nil},
		{"the end of a telephone number", Query{Tail: "8000"}, nil, []string{"cas_MXV75ZG4WGAA"}},
		{"a telephone number", Query{Text: "13800138000", Phone: "+8613800138000"}, nil, []string{"cas_MXV75ZG4WGAA"}},
		{"an amount that was asked for", Query{Minor: 4_980_000}, []string{"stp_AAAAAA1111"}, nil},
		{"an amount that was paid", Query{Minor: 1_234_61}, []string{"stp_BBBBBB2222"}, nil},
		{"an amount that was reported", Query{Minor: 777_00}, nil, []string{"cas_MXV75ZG4WGAA"}},
		{"a part of the holder's name", Query{Text: "小五"}, []string{"stp_BBBBBB2222"}, nil},
		{"a part of the victim's name", Query{Text: "张三"}, nil, []string{"cas_MXV75ZG4WGAA"}},
		{"one character of a name", Query{Text: "张"}, nil, nil},
		{"a report by the hotline's own number", Query{Text: "110-2026-7"}, nil, []string{"cas_MXV75ZG4WGAA"}},
		{"a bank, the newest first", Query{Banks: []string{"ICBK", "PCBC"}}, []string{"stp_BBBBBB2222",
			"stp_AAAAAA1111"}, nil},
		{"nothing", Query{}, nil, nil},
	} {
		stops, cases := l.Search(c.q, 10)
		var ids []string
		for _, s := range stops {
			ids = append(ids, s.ID)
		}
		if !slices.Equal(ids, c.stops) || !slices.Equal(cases, c.cases) {
			t.Errorf("%s: found %v and %v, want %v and %v", c.what, ids, cases, c.stops, c.cases)
		}
	}
	if stops, _ := l.Search(Query{Banks: []string{"ICBK", "PCBC"}}, 1); len(stops) != 1 ||
		stops[0].ID != "stp_BBBBBB2222" {
		t.Errorf("of one at most: %v, want the newest", stops)
	}
}

// A whole case is found once, by any of its parts, at its oldest; cases come newest
// first, of one moment by their ids, at most so many.
func TestSearchFindsWholeCases(t *testing.T) {
	b := newBook(t)
	for _, c := range []struct {
		id     string
		minute int
	}{{"c1", 1}, {"c2", 2}, {"c4", 3}, {"c3", 3}} {
		e := report(c.id, c.id, c.minute, nil)
		e.Report.Holder, e.Report.Phone, e.Report.Minor = "张三丰", "+8613800138000", 500
		b.takes(e)
	}
	b.takes(Entry{ID: "m", CaseID: "c2", Into: "c1", At: past(9), By: "ledger"})
	for name, c := range map[string]struct {
		q     Query
		limit int
		want  []string
	}{
		"by a name":        {Query{Text: "张三"}, 10, []string{"c3", "c4", "c1"}},
		"two at most":      {Query{Text: "张三"}, 2, []string{"c3", "c4"}},
		"by a report's id": {Query{Text: "c2"}, 10, []string{"c1"}},
		"by a number":      {Query{Phone: "+8613800138000"}, 10, []string{"c3", "c4", "c1"}},
		"by an amount":     {Query{Minor: 500}, 10, []string{"c3", "c4", "c1"}},
		"another amount":   {Query{Minor: 501}, 10, nil},
		"another number":   {Query{Phone: "+8613800138001"}, 10, nil},
	} {
		if _, got := b.Search(c.q, c.limit); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// An id is found by six characters and more of its beginning, by its kind too.
func TestSearchByTheBeginningOfAnID(t *testing.T) {
	for text, want := range map[string]bool{"ABCDEF": true, "abcdef": true, "ABCDE": false, "BCDEFG": false,
		"stp_ABCDEF": true, "STP_abcdefg": true, "stp_ABCDE": false, "cas_ABCDEF": false, "stp_": false, "ABCDEFGH1": false,
		"_ABCDEF": false} {
		if got := (&Query{Text: text}).begins("stp_ABCDEFGH"); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	for text, want := range map[string]bool{"四": false, "李四": true, "四海": true, "李海": false} {
		if got := (&Query{Text: text}).named("李四海"); got != want {
			t.Errorf("%s in a name: %v, want %v", text, got, want)
		}
	}
}
