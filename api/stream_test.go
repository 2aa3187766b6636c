package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"stopline.internal/api/client"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// testDesk is the API over a ledger that a test folds by hand, with the stops'
// events on three partitions of the log.
type testDesk struct {
	*httptest.Server
	t      *testing.T
	ledger *ledger.Ledger
	now    event.Instant
	offset [3]int64
	key    string
	ids    *Identities
	open   map[string]bool // stops that the bank must know of
}

func newDesk(t *testing.T) *testDesk {
	t.Helper()
	ids, err := LocalIdentities(filepath.Join(t.TempDir(), "keys.json"), []string{"PCBC"})
	if err != nil {
		t.Fatal(err)
	}
	d := &testDesk{t: t, ledger: ledger.New(law.Default), now: event.InstantOf(time.Date(2026, 11, 23, 12, 0, 0, 0, event.Zone)),
		key: ids.Local(Bank, "PCBC"), ids: ids, open: map[string]bool{}}
	d.Server = httptest.NewServer(New(Dependencies{Identities: ids, Ledger: d.ledger, Clock: func() event.Instant { return d.now },
		Parser: &event.Parser{Limits: event.DefaultLimits, Numbers: event.NewNumbers("CN")}, Logger: slog.New(slog.DiscardHandler)}))
	t.Cleanup(d.Close)
	return d
}

// fold applies events as the log would hand them over: a case has a partition.
func (d *testDesk) fold(partition int, events ...ledger.Entry) {
	d.t.Helper()
	for i := range events {
		events[i].Place = step.Place{Partition: partition, Offset: d.offset[partition]}
		d.offset[partition]++
		if r := d.ledger.Apply(&events[i]); !r.Accepted {
			d.t.Fatalf("%+v: %s", events[i], r.Why)
		}
	}
}

// request asks the bank to hold on an account of its own.
func (d *testDesk) request(n int) string {
	id := fmt.Sprint("stp_", n)
	d.fold(n%3, ledger.StopEntries(stop.Propose(d.ledger.Terms(), id, fmt.Sprint("cas_", n), stop.Proposal{
		Account: stop.Account{Number: fmt.Sprint("6217", n), Bank: "PCBC"}, Minor: 500_000, Currency: event.CNY,
		Transfer: stop.Transfer{ID: fmt.Sprint("t", n), Minor: 500_000, At: d.now}, Hop: 1, FraudType: "task-rebate"}, d.now, "scoring"))...)
	d.open[id] = true
	return id
}

// takeBack ends a stop that the bank has not answered yet.
func (d *testDesk) takeBack(n int) {
	st := d.ledger.Stop(fmt.Sprint("stp_", n))
	d.fold(n%3, ledger.StopEntry(stop.Lift(st, st.Left(), "", "innocent", d.now, "supervisor")))
	delete(d.open, st.ID)
}

// overflow lets more messages pass than the feed keeps: each stop is asked for
// and taken back.
func (d *testDesk) overflow() {
	for n := 100_000; n < 105_500; n++ {
		d.request(n)
		d.takeBack(n)
	}
}

// listener is a client of event streams by the letter of the WHATWG's rules: a
// blank line sets the last event id to what the connection's id fields said, to
// nothing where there was none.
type listener struct {
	desk  *testDesk
	last  string
	seen  map[string]bool
	names []string
}

// connect reads at most so many events, then breaks the connection off; it
// returns early when done says so.
func (l *listener) connect(events int, done func() bool) {
	l.desk.t.Helper()
	ctx, cancel := context.WithTimeout(l.desk.t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.desk.URL+"/v1/bank/stops/stream", nil)
	if err != nil {
		l.desk.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+l.desk.key)
	if l.last != "" {
		req.Header.Set("Last-Event-ID", l.last)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		l.desk.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var id, name, data string
	for lines := bufio.NewScanner(resp.Body); events > 0 && lines.Scan(); {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "id":
			id = value
		case "event":
			name = value
		case "data":
			data = value
		case "":
			l.last = id
			if data != "" {
				events--
				l.names = append(l.names, name)
				l.note(data)
			}
			name, data = "", ""
		}
		if done() {
			return
		}
	}
}

func never() bool { return false }

// note keeps the stop of an event; current and reset have none.
func (l *listener) note(data string) {
	if _, rest, found := strings.Cut(data, `"data":{"id":"`); found {
		id, _, _ := strings.Cut(rest, `"`)
		l.seen[id] = true
	}
}

func (d *testDesk) missing(seen map[string]bool) (ids []string) {
	for id := range d.open {
		if !seen[id] {
			ids = append(ids, id)
		}
	}
	return ids
}

// Cut at every event of the opening snapshot, and behind it, a client that goes
// on by the rules misses nothing: from the beginning, and after a reset.
func TestStreamCutAtEveryEvent(t *testing.T) {
	for _, c := range []struct {
		name, place string
		events      int // five stops and current; reset before them
	}{{"initial", "", 6}, {"reset", "0-1", 7}} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			if c.place != "" {
				d.overflow()
			}
			for n := range 5 {
				d.request(n)
			}
			for cut := 1; cut <= c.events; cut++ {
				l := &listener{desk: d, last: c.place, seen: map[string]bool{}}
				l.connect(cut, never)
				d.request(10 + cut) // while it is away
				l.connect(1000, func() bool { return len(d.missing(l.seen)) == 0 })
				if missing := d.missing(l.seen); len(missing) > 0 {
					t.Errorf("cut after %d events: %v never came; its events were %v", cut, missing, l.names)
				}
				d.takeBack(10 + cut)
			}
		})
	}
}

// cutter breaks the answer of its first request off after so many events.
type cutter struct {
	mu    sync.Mutex
	left  int
	tries int
}

func (c *cutter) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(req)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tries++; err == nil && c.tries == 1 {
		resp.Body = &cutBody{resp.Body, bufio.NewReader(resp.Body), c.left}
	}
	return resp, err
}

type cutBody struct {
	io.Closer
	r    *bufio.Reader
	left int
}

func (b *cutBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	line, err := b.r.ReadString('\n')
	if line == "\n" {
		b.left--
	}
	return copy(p, line), err // the scanner's buffer holds a line of these
}

// The same of the Go client, which goes on by itself.
func TestClientCutAtEveryEvent(t *testing.T) {
	for _, c := range []struct{ name, place string }{{"initial", ""}, {"reset", "0-1"}} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			if c.place != "" {
				d.overflow()
			}
			for n := range 5 {
				d.request(n)
			}
			for cut := 1; cut <= 8; cut++ {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				cl := &client.Client{URL: d.URL, Key: d.key, HTTP: &http.Client{Transport: &cutter{left: cut}}}
				seen, last := map[string]bool{}, ""
				err := cl.Listen(ctx, c.place, func(_ context.Context, m client.Message) error {
					seen[m.Data.ID], last = true, m.Place
					if len(d.missing(seen)) == 0 {
						cancel()
					}
					return nil
				})
				cancel()
				if missing := d.missing(seen); len(missing) > 0 || !errors.Is(err, context.Canceled) {
					t.Errorf("cut after %d blocks: %v never came; %v", cut, missing, err)
				}
				if last != c.place {
					t.Errorf("within the snapshot the place is %q, want the old one, %q", last, c.place)
				}
			}
		})
	}
}

// Behind the event named current the stream goes on where it was cut, and does
// not begin anew.
func TestStreamGoesOnBehindCurrent(t *testing.T) {
	d := newDesk(t)
	d.request(1)
	d.request(2)
	l := &listener{desk: d, seen: map[string]bool{}}
	l.connect(3, never)
	if got := strings.Join(l.names, " "); got != "stop.requested stop.requested current" || l.last == "" {
		t.Fatalf("%s, then the place %q", got, l.last)
	}
	d.request(3)
	l.seen, l.names = map[string]bool{}, nil
	l.connect(1, never)
	if got := strings.Join(l.names, " "); got != "stop.requested" || !l.seen["stp_3"] || len(l.seen) != 1 {
		t.Errorf("behind current came %s: %v", got, l.seen)
	}
}
