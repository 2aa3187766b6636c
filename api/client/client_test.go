package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stopline.internal/api/client"
)

// request is what came to the center.
type request struct{ line, key, body string }

// centerOf answers every request with a body, and keeps what came.
func centerOf(t *testing.T, answer func(r *http.Request) (int, string)) (*client.Client, *[]request) {
	t.Helper()
	var came []request
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		came = append(came, request{r.Method + " " + r.URL.String(), r.Header.Get("Authorization"), string(b)})
		status, body := answer(r)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	return &client.Client{URL: srv.URL, Key: "sl_k", Retries: -1}, &came
}

// Each method asks one route with the bank's key, and reads the stop that comes back.
func TestRequests(t *testing.T) {
	c, came := centerOf(t, func(*http.Request) (int, string) {
		return 200, `{"id":"stp_1","state":"held","amount":"49800.00","return":{"amount":"5.00"}}`
	})
	ctx, at := t.Context(), time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for want, do := range map[request]func() (*client.Stop, error){
		{"GET /v1/bank/stops/stp_1", "Bearer sl_k", ""}: func() (*client.Stop,
			error) {
			return c.Stop(ctx, "stp_1")
		},
		{"GET /v1/bank/stops/a%2Fb", "Bearer sl_k", ""}: func() (*client.Stop,
			error) {
			return c.Stop(ctx, "a/b")
		},
		{"POST /v1/bank/stops/stp_1/acknowledgement", "Bearer sl_k", "{}"}: func() (*client.Stop,
			error) {
			return c.Acknowledge(ctx, "stp_1")
		},
		{"POST /v1/bank/stops/stp_1/outcome", "Bearer sl_k",
			`{"result":"held","effective_at":"2026-11-23T12:00:00Z","held_amount":"5.00"}`}: func() (*client.Stop, error) {
			return c.Answer(ctx, "stp_1", client.Outcome{Result: client.Held, EffectiveAt: at, HeldAmount: "5.00"})
		},
		{"POST /v1/bank/stops/stp_1/sweeps", "Bearer sl_k", `{"credit":"c","held_amount":"5.00"}`}: func() (*client.Stop,
			error) {
			return c.Sweep(ctx, "stp_1", "c", "5.00")
		},
		{"POST /v1/bank/stops/stp_1/return", "Bearer sl_k",
			`{"amount":"5.00","reference":"R","result":"returned"}`}: func() (*client.Stop, error) {
			return c.Returned(ctx, "stp_1", "5.00", "R")
		},
		{"POST /v1/bank/stops/stp_1/return", "Bearer sl_k",
			`{"amount":"5.00","reason":"closed","result":"failed"}`}: func() (*client.Stop, error) {
			return c.ReturnFailed(ctx, "stp_1", "5.00", "closed")
		},
	} {
		*came = nil
		st, err := do()
		if err != nil || st.ID != "stp_1" || st.Amount != "49800.00" || st.Return.Amount != "5.00" {
			t.Errorf("%s: %+v, %v", want.line, st, err)
		}
		if len(*came) != 1 || (*came)[0] != want {
			t.Errorf("the center was asked %+v, want %+v", *came, want)
		}
	}
}

// Lists go on to their last page; a poll asks for the time that it is given.
func TestLists(t *testing.T) {
	c, came := centerOf(t, func(r *http.Request) (int, string) {
		if r.URL.Query().Get("after") == "" && r.URL.Query().Get("wait") == "" {
			return 200, `{"stops":[{"id":"stp_1"},{"id":"stp_2"}],"next":"stp_2"}`
		}
		return 200, `{"stops":[{"id":"stp_3"}]}`
	})
	list, err := c.Open(t.Context(), "")
	if err != nil || len(list) != 3 || list[2].ID != "stp_3" {
		t.Errorf("%v %v", list, err)
	}
	if last := (*came)[1].line; !strings.Contains(last, "state=open") || !strings.Contains(last, "after=stp_2") {
		t.Errorf("the second page was %s", last)
	}
	list, err = c.Waiting(t.Context(), 30*time.Second)
	if last := (*came)[2].line; err != nil || len(list) != 1 || !strings.Contains(last, "wait=30s") {
		t.Errorf("%s: %v %v", last, list, err)
	}
	if _, err := c.Open(t.Context(), "returning"); err != nil || !strings.Contains((*came)[3].line, "state=returning") {
		t.Errorf("%+v %v", (*came)[3], err)
	}
}

// A screening is read with what was hit.
func TestScreen(t *testing.T) {
	c, came := centerOf(t, func(*http.Request) (int, string) {
		return 200,
			`{"decision":"stop","score":895,"hits":[{"pattern":"p","weight":0.7,"values":{"calls":3}}],"default":false}`
	})
	s, err := c.Screen(t.Context(), map[string]string{"id": "ASK-1"})
	if err != nil || s.Decision != "stop" || s.Score != 895 || s.Hits[0].Pattern != "p" || s.Default {
		t.Errorf("%+v %v", s, err)
	}
	if (*came)[0].line != "POST /v1/screenings" || (*came)[0].body != `{"id":"ASK-1"}` {
		t.Errorf("%+v", *came)
	}
	if _, err := c.Screen(t.Context(), func() {}); err == nil {
		t.Error("a function is no transfer")
	}
}

// A problem says what is wrong, with its fields; an answer that is none says so.
func TestProblems(t *testing.T) {
	body := `{"status":422,"title":"Unprocessable Entity","code":"request.fields","detail":"a field is wrong",` +
		`"errors":[{"pointer":"#/held_amount","code":"field.decimal","detail":"must be a decimal"}],"request_id":"r-1"}`
	c, _ := centerOf(t, func(*http.Request) (int, string) { return 422, body })
	_, err := c.Acknowledge(t.Context(), "stp_1")
	var p *client.Problem
	if !errors.As(err, &p) || p.Code != "request.fields" || p.RequestID != "r-1" ||
		err.Error() != "422 Unprocessable Entity: a field is wrong; #/held_amount must be a decimal" {
		t.Errorf("%v", err)
	}
	body = "<html>"
	if _, err := c.Acknowledge(t.Context(), "stp_1"); !errors.As(err, &p) || p.Status != 422 ||
		!strings.Contains(p.Detail, "no problem document") {
		t.Errorf("%v", err)
	}
}

// A stream is read where it was left: within what is open at the start the place is the
// old one, behind it that of each message; who cannot take a message ends it.
func TestListen(t *testing.T) {
	message := func(id string) string {
		b, _ := json.Marshal(map[string]any{"id": "msg_" + id, "type": client.StopRequested,
			"data": map[string]string{"id": id}})
		return "event: stop.requested\ndata: " + string(b) + "\n\n"
	}
	var places []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		places = append(places, r.Header.Get("Last-Event-ID"))
		switch len(places) {
		case 1: // cut off within a message
			_, _ = fmt.Fprint(w, "retry: 1000\nid: 0-1\n\nevent: reset\ndata: {}\n\n", message("stp_1"), "id: 0-7\nevent: cur")
		case 2:
			_, _ = fmt.Fprint(w, "id: 0-1\n\n", message("stp_1"), "id: 0-7\nevent: current\ndata: {}\n\n: alive\n\nid: 0-8\n",
				message("stp_2"))
		default:
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer srv.Close()
	c := &client.Client{URL: srv.URL, Key: "sl_k"}
	var got []string
	err := c.Listen(t.Context(), "0-1", func(_ context.Context, m client.Message) error {
		got = append(got, m.Data.ID+" "+m.Place)
		return nil
	})
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != 403 {
		t.Errorf("it ends with %v", err)
	}
	if want := "stp_1 0-1, stp_1 0-1, stp_2 0-8"; strings.Join(got, ", ") != want {
		t.Errorf("%v, want %s", got, want)
	}
	if want := "0-1 0-1 0-8"; strings.Join(places, " ") != want {
		t.Errorf("the center was asked for %v, want %s", places, want)
	}

	places = nil
	full := errors.New("the disk is full")
	if err := c.Listen(t.Context(), "0-1", func(context.Context, client.Message) error { return full }); !errors.Is(err,
		full) || len(places) != 1 {
		t.Errorf("%v after %d connections", err, len(places))
	}
}

// What cannot be read of a stream is said, and tried again until the caller ends it.
func TestListenToRubbish(t *testing.T) {
	tries := 0
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if tries++; tries == 2 {
			cancel()
		}
		_, _ = fmt.Fprint(w, "event: stop.requested\ndata: {\n\n")
	}))
	defer srv.Close()
	c := &client.Client{URL: srv.URL, Key: "sl_k"}
	if err := c.Listen(ctx, "", func(context.Context, client.Message) error { return nil }); !errors.Is(err,
		context.Canceled) {
		t.Errorf("%v", err)
	}
}
