package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"stopline.internal/api/client"
)

// center answers as a center would that has one stop for the bank.
func center() *httptest.Server {
	stop := `{"id":"stp_1","version":%d,"state":"%s","amount":"49800.00","currency":"CNY","held_amount":"%s","requested_at":"2026-11-23T12:00:00.000+08:00",` +
		`"account":{"number":"6217000010098765432","bank":"PCBC","holder":"王芳"},"transfer":{"id":"t","amount":"49800.00","at":"2026-11-23T12:00:00.000+08:00"}}`
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/acknowledgement"):
			_, _ = fmt.Fprintf(w, stop, 3, "acknowledged", "")
		case strings.HasSuffix(r.URL.Path, "/outcome"):
			_, _ = fmt.Fprintf(w, stop, 4, "held", "49800.00")
		default:
			_, _ = fmt.Fprintf(w, `{"stops":[`+stop+`]}`, 2, "requested", "")
		}
	}))
}

// A bank waits for its stops, says that it works on them, compares, holds the
// money, and answers.
func ExampleClient() {
	srv := center() // yours is the center's address
	defer srv.Close()
	ctx := context.Background()
	bank := &client.Client{URL: srv.URL, Key: "sl_…"}
	stops, err := bank.Waiting(ctx, 30*time.Second)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range stops {
		s, err := bank.Acknowledge(ctx, stops[i].ID)
		if err != nil {
			fmt.Println(err)
			return
		}
		// Here the bank compares holder, number, amount and time, and holds the money.
		s, err = bank.Answer(ctx, s.ID, client.Outcome{Result: client.Held, HeldAmount: s.Amount, EffectiveAt: time.Now()})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(s.ID, s.State, s.HeldAmount, s.Currency)
	}
	// Output: stp_1 held 49800.00 CNY
}

// A bank's endpoint for webhooks, as an http.Handler. The work is done once for
// each message, however often it comes.
func ExampleReceiver() {
	receiver := &client.Receiver{
		Secrets: []string{"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="},
		Handle: func(_ context.Context, m client.Message) error {
			fmt.Println(m.Type, m.Data.ID)
			return nil
		},
	}
	bank := httptest.NewServer(receiver)
	defer bank.Close()

	resp, err := http.Post(bank.URL, "application/json", strings.NewReader(`{"type":"stop.requested"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	fmt.Println("without a signature:", resp.StatusCode)
	// Output: without a signature: 401
}

// What the center refuses is a Problem: a code for the program, words for people.
func ExampleProblem() {
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"status":409,"code":"version.answered","detail":"the stop was answered as held"}`)
	}))
	defer refusing.Close()

	bank := &client.Client{URL: refusing.URL, Key: "sl_…"}
	_, err := bank.Answer(context.Background(), "stp_1", client.Outcome{Result: client.Missed})
	var p *client.Problem
	if errors.As(err, &p) {
		fmt.Println(p.Status, p.Code)
	}
	// Output: 409 version.answered
}
