package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/delivery"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// Pager is the bank code of the center's own endpoint: it is told of the banks
// that do not answer, so that a person can be called.
const Pager = "*"

// Endpoint is where a bank wants its messages.
type Endpoint struct {
	Bank    string   `json:"bank"`
	URL     string   `json:"url"`
	Secrets []string `json:"secrets"`           // whsec_…: each signs, so that one can be replaced by the next
	Private bool     `json:"private,omitempty"` // the host may have an address of a private network: a leased line
}

// LoadEndpoints reads a JSON list of endpoints and checks each.
func LoadEndpoints(path string) ([]Endpoint, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the banks' endpoints: %w", err)
	}
	var list []Endpoint
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, fmt.Errorf("the banks' endpoints in %s: %w", path, err)
	}
	if err := CheckEndpoints(list); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

// CheckEndpoints says what is wrong with a list of endpoints, nil when nothing
// is.
func CheckEndpoints(list []Endpoint) error {
	seen := map[string]bool{}
	for i := range list {
		if err := list[i].check(); err != nil {
			return fmt.Errorf("entry %d (%s): %w", i+1, list[i].Bank, err)
		}
		if seen[list[i].Bank] {
			return fmt.Errorf("bank %s is there twice", list[i].Bank)
		}
		seen[list[i].Bank] = true
	}
	return nil
}

func (e *Endpoint) check() error {
	u, err := url.Parse(e.URL)
	switch {
	case err != nil:
		return err
	case e.Bank == "":
		return errors.New(`needs its bank's code, or "*" for the center's own pager`)
	case u.Host == "" || u.User != nil || u.Fragment != "":
		return errors.New("needs a URL with a host, and without user or fragment")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return errors.New("needs an https URL: a stop travels encrypted; http is for this machine alone")
	case len(e.Secrets) == 0 || len(e.Secrets) > 3:
		return errors.New("needs one to three secrets, whsec_ and base64 of at least 24 bytes")
	}
	for _, s := range e.Secrets {
		wh, err := standardwebhooks.NewWebhook(s)
		if err != nil || len(s) < 38 || wh == nil { // the secret itself is in no error
			return errors.New("has a secret that is not whsec_ and base64 of at least 24 bytes")
		}
	}
	return nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// allowed refuses addresses that a public name must not lead to.
func (e *Endpoint) allowed(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return err
	}
	ip = ip.Unmap()
	u, _ := url.Parse(e.URL) // was checked
	switch {
	case ip.IsLoopback() && !loopback(u.Hostname()),
		ip.IsLinkLocalUnicast(), ip.IsMulticast(), ip.IsUnspecified(),
		ip.IsPrivate() && !e.Private:
		return fmt.Errorf("%s leads to %s, an address that the endpoint is not meant for (\"private\": true allows private networks)", u.Hostname(), ip)
	}
	return nil
}

// Dispatch hands messages to the banks that have an endpoint. Each partition of
// the log has one dispatcher at a time, by a consumer group; what was delivered
// the log knows, so that the next one goes on. A message may arrive twice, with
// the same id.
type Dispatch struct {
	Brokers   string
	Group     string
	Topics    Topics
	Ledger    *ledger.Ledger
	Write     func(context.Context, ...ledger.Entry) error
	Ready     <-chan struct{} // of the ledger
	Endpoints []Endpoint
	Policy    delivery.Policy
	Envelope  func(s *stop.Stop, kind string, version int, t law.Terms) []byte
	Clock     Clock
	Log       *slog.Logger
	Metrics   *Metrics

	mu      sync.Mutex
	owned   map[int]bool
	changed chan struct{}
	banks   map[string]*target
	sender  *delivery.Sender
}

// target is an endpoint with what is needed to reach it.
type target struct {
	Endpoint
	client *http.Client
	keys   []*standardwebhooks.Webhook
}

// attemptTime bounds one try.
const attemptTime = 5 * time.Second

func newTarget(e Endpoint) (*target, error) {
	t := &target{Endpoint: e}
	for _, s := range e.Secrets {
		k, err := standardwebhooks.NewWebhook(s)
		if err != nil {
			return nil, fmt.Errorf("the secrets of %s: %w", e.Bank, err)
		}
		t.keys = append(t.keys, k)
	}
	dialer := &net.Dialer{Timeout: 2 * time.Second, Control: func(_, address string, _ syscall.RawConn) error { return t.allowed(address) }}
	t.client = &http.Client{
		Timeout:       attemptTime,
		Transport:     &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 3 * time.Second, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // never followed
	}
	return t, nil
}

// Run delivers until ctx ends.
func (d *Dispatch) Run(ctx context.Context) error {
	if len(d.Endpoints) == 0 {
		<-ctx.Done() // every bank fetches by itself
		return nil
	}
	d.owned, d.changed, d.banks = map[int]bool{}, make(chan struct{}, 1), map[string]*target{}
	for _, e := range d.Endpoints {
		t, err := newTarget(e)
		if err != nil {
			return err
		}
		d.banks[e.Bank] = t
	}
	if d.Policy.Most == 0 {
		d.Policy = delivery.DefaultPolicy
	}
	d.sender = delivery.NewSender(d.Policy, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))
	var wg sync.WaitGroup
	wg.Go(func() { d.deliver(ctx) })
	err := runGroup(ctx, d.Log, d.Metrics, "", d.Brokers, d.Group, []string{d.Topics.Stops}, func(ctx context.Context, c *claim) error {
		d.own(c.partition, true)
		<-ctx.Done()
		d.own(c.partition, false)
		return nil
	})
	wg.Wait()
	return err
}

func (d *Dispatch) own(partition int, mine bool) {
	d.mu.Lock()
	d.owned[partition] = mine
	d.mu.Unlock()
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// tried is an attempt that is over.
type tried struct {
	message *delivery.Outgoing
	attempt delivery.Attempt
	ok      bool
}

// wall is the time that retries run by: a network's time is real whatever the
// service's clock says.
func wall() event.Instant { return event.InstantOf(time.Now()) }

// deliver drives the sender.
func (d *Dispatch) deliver(ctx context.Context) {
	select {
	case <-d.Ready:
	case <-ctx.Done():
		return
	}
	var codes []string
	for bank := range d.banks {
		codes = append(codes, bank)
	}
	results := make(chan tried)
	attempts := map[string][]delivery.Attempt{} // by message, not yet in the log
	settled := map[string]int{}                 // messages whose end the fold may not know yet, and the round
	var inFlight sync.WaitGroup
	defer inFlight.Wait()
	mine := func(p step.Place) bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.owned[p.Partition]
	}
	for {
		post, more := d.Ledger.Outbox(codes, mine)
		d.offer(post, mine, settled)
		send, wake := d.sender.Next(wall())
		for _, p := range send {
			inFlight.Go(func() {
				r := d.try(ctx, p)
				select {
				case results <- r:
				case <-ctx.Done():
				}
			})
		}
		pause := time.Hour
		if wake != 0 {
			pause = max(time.Millisecond, wake.Sub(wall()))
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case r := <-results:
			d.result(ctx, r, attempts, settled)
		case <-more:
		case <-d.changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// offer gives the sender what is to be delivered, and takes back what is not
// any more.
func (d *Dispatch) offer(post []delivery.Item, mine func(step.Place) bool, settled map[string]int) {
	open := map[string]bool{}
	give := func(bank string, m delivery.Item) {
		id := bank + " " + delivery.MessageID(m.StopID, m.Version)
		open[id] = true
		if round, over := settled[id]; !over || round < m.Round {
			d.sender.Offer(bank, m.StopID, m.Version, wall())
		}
	}
	for _, m := range post {
		give(m.Bank, m)
	}
	if d.banks[Pager] != nil {
		for _, m := range d.Ledger.Unanswered(mine) {
			give(Pager, m)
		}
	}
	for id := range settled {
		if !open[id] {
			delete(settled, id)
		}
	}
	for _, h := range d.sender.Health() {
		d.Metrics.Waiting.WithLabelValues(h.Bank).Set(float64(h.Waiting))
		breaker := 0.0
		if wall() < h.Open {
			breaker = 1
		}
		d.Metrics.Breaker.WithLabelValues(h.Bank).Set(breaker)
	}
	d.sender.Drop(func(p *delivery.Outgoing) bool { return open[p.Bank+" "+delivery.MessageID(p.StopID, p.Version)] })
}

// result takes the end of an attempt. The log is told of the first one that
// fails, of the one after which a person is called, and of the end.
func (d *Dispatch) result(ctx context.Context, r tried, attempts map[string][]delivery.Attempt, settled map[string]int) {
	p := r.message
	id := p.Bank + " " + delivery.MessageID(p.StopID, p.Version)
	over := d.sender.Done(p, r.ok, wall())
	outcome := "failed"
	if r.ok {
		outcome = "delivered"
	}
	d.Metrics.Deliveries.WithLabelValues(p.Bank, outcome).Inc()
	attempts[id] = append(attempts[id], r.attempt)
	if !over && p.Tries != 1 && p.Tries != len(d.Policy.Waits)+1 {
		return
	}
	if over {
		settled[id] = d.round(p)
	}
	noted := attempts[id]
	delete(attempts, id)
	if p.Bank == Pager {
		return
	}
	s := d.Ledger.Stop(p.StopID)
	if s == nil {
		return
	}
	now := d.Clock()
	err := d.Write(ctx, ledger.Entry{ID: event.DerivedID("evt", id, strconv.Itoa(p.Tries), now.String()), CaseID: s.CaseID, StopID: s.ID, At: now, By: "dispatch",
		Delivery: &delivery.Record{Message: p.Version, Delivered: r.ok, Final: over, Attempts: noted}})
	if err != nil && ctx.Err() == nil {
		d.Log.Error("the log could not be told of a delivery; the message may arrive twice", "bank", p.Bank, "stop", p.StopID, "err", err)
		delete(settled, id)
	}
}

// round is how often somebody has asked to send the message again.
func (d *Dispatch) round(p *delivery.Outgoing) int {
	if s := d.Ledger.Stop(p.StopID); s != nil && s.Message != nil && s.Message.Version == p.Version {
		return s.Message.Round
	}
	return 0
}

// try hands a message over, once.
func (d *Dispatch) try(ctx context.Context, p *delivery.Outgoing) tried {
	began := time.Now()
	r := tried{message: p, attempt: delivery.Attempt{At: d.Clock()}}
	status, err := d.post(ctx, p)
	r.ok = err == nil && status >= 200 && status < 300
	r.attempt.Status, r.attempt.Millis = status, time.Since(began).Milliseconds()
	switch {
	case err != nil:
		r.attempt.Error = plain(err)
	case !r.ok:
		r.attempt.Error = http.StatusText(status)
	}
	return r
}

// plain is an error without the URL, which may hold what is not for everyone.
func plain(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	text := err.Error()
	return text[:min(len(text), 200)]
}

func (d *Dispatch) post(ctx context.Context, p *delivery.Outgoing) (status int, err error) {
	s, t := d.Ledger.Stop(p.StopID), d.banks[p.Bank]
	if s == nil || s.Message == nil {
		return 0, errors.New("the stop is gone")
	}
	id, kind := delivery.MessageID(s.ID, p.Version), s.Message.Type
	if p.Bank == Pager {
		id, kind = "call_"+id, delivery.MessageCall
	}
	body := d.Envelope(s, kind, p.Version, d.Ledger.Terms())
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	now := time.Now()
	var signatures []string
	for _, k := range t.keys {
		sig, err := k.Sign(id, now, body)
		if err != nil {
			return 0, err
		}
		signatures = append(signatures, sig)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Stopline")
	req.Header.Set(standardwebhooks.HeaderWebhookID, id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	resp, err := t.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	return resp.StatusCode, nil
}
