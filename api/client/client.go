// Package client is for a bank's own system: it fetches the bank's stops from
// Stopline, by long poll, by stream or as webhooks, and answers them. It repeats
// what did not get through, goes on where a stream broke off, and checks what is
// signed. docs/banks.md takes an engineer from a key to the first answered stop.
package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v7"
)

// Client talks to one center as one bank. It is safe for many goroutines.
type Client struct {
	URL     string        // of the center, such as https://stop.example
	Key     string        // the bank's key
	HTTP    *http.Client  // nil: one with a timeout that suits long polls
	Retries int           // of a request that did not get through; 0: 8, below 0: none
	Backoff time.Duration // before the first of them, doubled each time up to 5 s; 0: 100 ms
}

// Stop is a request to hold money. Amounts are decimals in the stop's currency.
type Stop struct {
	ID          string    `json:"id"`
	Version     int       `json:"version"`
	CaseID      string    `json:"case_id"`
	State       string    `json:"state"`
	RequestedAt time.Time `json:"requested_at"`
	RespondBy   time.Time `json:"respond_by"`
	Account     Account   `json:"account"`
	Amount      string    `json:"amount"`
	Currency    string    `json:"currency"`
	Transfer    Transfer  `json:"transfer"`
	HoldHours   int       `json:"hold_hours"`
	Hop         int       `json:"hop"`
	LegalBasis  string    `json:"legal_basis"`
	Reason      Reason    `json:"reason"`
	IssuedBy    string    `json:"issued_by"`
	HeldAmount  string    `json:"held_amount"`
	Claim       string    `json:"claim"` // of a later credit, this much is to be held as well
	EndsAt      time.Time `json:"ends_at"`
	Return      *Return   `json:"return"`
}

// Account is whose money is to be held.
type Account struct {
	Number string `json:"number"`
	Bank   string `json:"bank"`
	Holder string `json:"holder"`
}

// Transfer is the payment that brought it.
type Transfer struct {
	ID     string    `json:"id"`
	Amount string    `json:"amount"`
	At     time.Time `json:"at"`
}

// Reason is why: an ISO code, and words.
type Reason struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Return is what the bank is told to pay back.
type Return struct {
	ID     string    `json:"id"`
	Amount string    `json:"amount"`
	By     time.Time `json:"by"`
	Payees []Payee   `json:"payees"`
}

// Payee is one who is paid back.
type Payee struct {
	Account string `json:"account"`
	Amount  string `json:"amount"`
}

// The results of an outcome.
const (
	Held     = "held"
	Partial  = "partial"
	Missed   = "missed"
	Mismatch = "mismatch"
	Refused  = "refused"
)

// Outcome is a bank's answer.
type Outcome struct {
	Result      string       `json:"result"`
	EffectiveAt time.Time    `json:"effective_at,omitzero"`
	HeldAmount  string       `json:"held_amount,omitempty"`
	Balance     string       `json:"balance,omitempty"`
	Onward      []Onward     `json:"onward,omitempty"`
	Reason      string       `json:"reason,omitempty"`
	Differs     []Difference `json:"differs,omitempty"`
}

// Onward is a payment by which the money left; cash has no account.
type Onward struct {
	ID        string    `json:"id"`
	ToAccount string    `json:"to_account,omitempty"`
	ToBank    string    `json:"to_bank,omitempty"`
	Amount    string    `json:"amount"`
	At        time.Time `json:"at"`
}

// Difference is a field that differs on a mismatch: holder, number, amount,
// time.
type Difference struct {
	Field  string `json:"field"`
	Theirs string `json:"theirs,omitempty"`
}

// Screening is the answer to "may this transfer go?".
type Screening struct {
	Decision string `json:"decision"` // allow, hold, stop
	Score    int    `json:"score"`
	StopID   string `json:"stop_id"`
	AlertID  string `json:"alert_id"`
	Default  bool   `json:"default"` // the deadline passed
	Hits     []struct {
		Pattern string         `json:"pattern"`
		Weight  float64        `json:"weight"`
		Values  map[string]any `json:"values"`
	} `json:"hits"`
}

// Problem is an answer that says what is wrong (RFC 9457).
type Problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Code   string `json:"code"`   // to compare: it does not change, and docs/messages.md lists all
	Detail string `json:"detail"` // for people
	Errors []struct {
		Pointer string `json:"pointer"`
		Code    string `json:"code"`
		Detail  string `json:"detail"`
	} `json:"errors"`
	RequestID string `json:"request_id"` // to name to the center, whose log has it
}

func (p *Problem) Error() string {
	text := fmt.Sprintf("%d %s: %s", p.Status, p.Title, p.Detail)
	for _, e := range p.Errors {
		text += fmt.Sprintf("; %s %s", e.Pointer, e.Detail)
	}
	return text
}

// Waiting asks for the stops that this bank has not acknowledged, and waits for
// one at most so long (a minute is the most).
func (c *Client) Waiting(ctx context.Context, wait time.Duration) ([]Stop, error) {
	stops, _, err := c.page(ctx, url.Values{"wait": {wait.String()}, "limit": {"500"}})
	return stops, err
}

// Open lists every stop that is not over: what to begin with, or to compare
// with after a failure. State chooses one of requested, acknowledged, returning;
// empty is all.
func (c *Client) Open(ctx context.Context, state string) ([]Stop, error) {
	if state == "" {
		state = "open"
	}
	var all []Stop
	after := ""
	for {
		stops, next, err := c.page(ctx, url.Values{"state": {state}, "limit": {"500"}, "after": {after}})
		if err != nil {
			return nil, err
		}
		if all = append(all, stops...); next == "" {
			return all, nil
		}
		after = next
	}
}

func (c *Client) page(ctx context.Context, q url.Values) ([]Stop, string, error) {
	var page struct {
		Stops []Stop `json:"stops"`
		Next  string `json:"next"`
	}
	err := c.do(ctx, http.MethodGet, "/v1/bank/stops?"+q.Encode(), nil, &page)
	return page.Stops, page.Next, err
}

// Stop reads one stop as it is now.
func (c *Client) Stop(ctx context.Context, id string) (*Stop, error) {
	var s Stop
	return &s, c.do(ctx, http.MethodGet, "/v1/bank/stops/"+url.PathEscape(id), nil, &s)
}

// Acknowledge says that the bank has the stop and works on it.
func (c *Client) Acknowledge(ctx context.Context, id string) (*Stop, error) {
	return c.post(ctx, id, "acknowledgement", struct{}{})
}

// Answer says what became of the stop. The same answer again is the same.
func (c *Client) Answer(ctx context.Context, id string, o Outcome) (*Stop, error) {
	return c.post(ctx, id, "outcome", &o)
}

// Sweep says that of a later credit some is held for the rest of the claim.
func (c *Client) Sweep(ctx context.Context, id, credit, amount string) (*Stop, error) {
	return c.post(ctx, id, "sweeps", map[string]string{"credit": credit, "held_amount": amount})
}

// Returned says that the bank has paid back what it was told to.
func (c *Client) Returned(ctx context.Context, id, amount, reference string) (*Stop, error) {
	return c.post(ctx, id, "return", map[string]string{"result": "returned", "amount": amount, "reference": reference})
}

// ReturnFailed says that it could not, and why.
func (c *Client) ReturnFailed(ctx context.Context, id, amount, reason string) (*Stop, error) {
	return c.post(ctx, id, "return", map[string]string{"result": "failed", "amount": amount, "reason": reason})
}

// Screen asks whether a transfer may go: the document as on bank.transfers.
func (c *Client) Screen(ctx context.Context, transfer any) (*Screening, error) {
	var s Screening
	return &s, c.do(ctx, http.MethodPost, "/v1/screenings", transfer, &s)
}

func (c *Client) post(ctx context.Context, id, what string, in any) (*Stop, error) {
	var s Stop
	if err := c.do(ctx, http.MethodPost, "/v1/bank/stops/"+url.PathEscape(id)+"/"+what, in, &s); err != nil {
		return nil, err
	}
	return &s, nil
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 16 << 20

// do sends a request until it gets through. Every one may be repeated: what is
// done already answers as it did.
func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	tries := uint(1)
	if c.Retries >= 0 {
		tries += uint(cmp.Or(c.Retries, 8))
	}
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, c.once(ctx, method, path, body, out) },
		backoff.WithBackOff(pauses(cmp.Or(c.Backoff, firstPause))), backoff.WithMaxTries(tries),
		backoff.WithMaxElapsedTime(0))
	return cause(ctx, err)
}

const (
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
)

// pauses between tries double, give or take half: banks that lost the same
// center do not all come back at the same moment.
func pauses(first time.Duration) *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = first, longestPause, 2
	return b
}

// cause is what a caller wants to know of a retry that ended: that they ended it,
// or the error of its last try.
func cause(ctx context.Context, err error) error {
	r := backoff.AsRetryError(err)
	switch {
	case r == nil:
		return err
	case errors.Is(r.Cause, backoff.ErrPermanent) || ctx.Err() == nil:
		return r.LastErr
	}
	return ctx.Err()
}

// worth says how a failure is to be retried: a problem that is the request's own
// would only come again, and a center that names a time is left alone until then.
func worth(err error, after string) error {
	var p *Problem
	if errors.As(err, &p) && p.Status < 500 && p.Status != http.StatusTooManyRequests {
		return backoff.Permanent(err)
	}
	if seconds, _ := strconv.Atoi(after); seconds > 0 { // 0 where there is none
		return backoff.RetryAfter(time.Duration(min(seconds, 60))*time.Second, err)
	}
	return err
}

func (c *Client) once(ctx context.Context, method, path string, body []byte, out any) error {
	req, err := c.request(ctx, method, path, body)
	if err != nil {
		return backoff.Permanent(err)
	}
	resp, err := c.http().Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return worth(problemOf(resp, answer), resp.Header.Get("Retry-After"))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

func problemOf(resp *http.Response, body []byte) error {
	p := &Problem{}
	if json.Unmarshal(body, p) != nil || p.Status == 0 {
		p = &Problem{Status: resp.StatusCode, Title: http.StatusText(resp.StatusCode),
			Detail: "the center's answer is no problem document"}
	}
	return p
}

func (c *Client) request(ctx context.Context, method, path string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.Key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

var patient = &http.Client{Timeout: 75 * time.Second,
	Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute}}

func (c *Client) http() *http.Client {
	if c.HTTP != nil {
		return c.HTTP
	}
	return patient
}
