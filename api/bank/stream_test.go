package bank_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"stopline.internal/api/apitest"
	"stopline.internal/api/client"
)

// feed is the API with what the bank PCBC must know of: its open stops.
type feed struct {
	*apitest.Service
	t    *testing.T
	key  string
	open map[string]bool
}

func newFeed(t *testing.T) *feed {
	t.Helper()
	s := apitest.Start(t)
	return &feed{s, t, s.Bank("PCBC"), map[string]bool{}}
}

func (d *feed) request(n int) { d.open[d.Request(n)] = true }

func (d *feed) takeBack(n int) { delete(d.open, d.TakeBack(n)) }

// overflow lets more messages pass than the feed keeps: each stop is asked for
// and taken back.
func (d *feed) overflow() {
	for n := 100_000; n < 105_500; n++ {
		d.request(n)
		d.takeBack(n)
	}
}

// listener is a client of event streams by the letter of the WHATWG's rules: a
// blank line sets the last event id to what the connection's id fields said, to
// nothing where there was none.
type listener struct {
	feed  *feed
	last  string
	seen  map[string]bool
	names []string
}

// connect reads at most so many events, then breaks the connection off; it
// returns early when done says so.
func (l *listener) connect(events int, done func() bool) {
	l.feed.t.Helper()
	ctx, cancel := context.WithTimeout(l.feed.t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.feed.URL+"/v1/bank/stops/stream", nil)
	if err != nil {
		l.feed.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+l.feed.key)
	if l.last != "" {
		req.Header.Set("Last-Event-ID", l.last)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		l.feed.t.Fatal(err)
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

func (d *feed) missing(seen map[string]bool) (ids []string) {
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
			d := newFeed(t)
			if c.place != "" {
				d.overflow()
			}
			for n := range 5 {
				d.request(n)
			}
			for cut := 1; cut <= c.events; cut++ {
				l := &listener{feed: d, last: c.place, seen: map[string]bool{}}
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
			d := newFeed(t)
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
	d := newFeed(t)
	d.request(1)
	d.request(2)
	l := &listener{feed: d, seen: map[string]bool{}}
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
