package stream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/delivery"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
)

// Dispatch hands messages to the banks that have an endpoint. Each partition of
// the log has one dispatcher at a time, by a consumer group; what was delivered
// the log knows, so that the next one goes on. A message may arrive twice, with
// the same id.
type Dispatch struct {
	Deps
	Dispatching

	mu      sync.Mutex
	owned   map[int]bool
	changed chan struct{}
	banks   map[string]*target
	sender  *delivery.Sender
}

// Dispatching is what a dispatcher works with, beside what every loop does.
type Dispatching struct {
	Group     string     // id of the consumer group
	Record    *LedgerLog // what became of a delivery is written there
	Ledger    *ledger.Ledger
	Endpoints []Endpoint // none: every bank fetches by itself
	Policy    delivery.Policy
	Envelope  func(s *stop.Stop, kind string, version int, t law.Terms) []byte
}

// NewDispatch returns a dispatcher of the consumer group.
func NewDispatch(d Deps, p Dispatching) (*Dispatch, error) {
	err := d.need("dispatch", part{"group", p.Group == ""}, part{"the ledger's log", p.Record == nil},
		part{"ledger", p.Ledger == nil}, part{"envelope", p.Envelope == nil})
	if err != nil {
		return nil, err
	}
	if p.Policy.Most == 0 {
		p.Policy = delivery.DefaultPolicy
	}
	out := &Dispatch{Deps: d, Dispatching: p, owned: map[int]bool{}, changed: make(chan struct{}, 1),
		banks:  map[string]*target{},
		sender: delivery.NewSender(p.Policy, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))}
	for _, e := range p.Endpoints {
		if out.banks[e.Bank], err = newTarget(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Run delivers until ctx ends.
func (d *Dispatch) Run(ctx context.Context) error {
	if len(d.Endpoints) == 0 {
		<-ctx.Done() // every bank fetches by itself
		return nil
	}
	var wg sync.WaitGroup
	wg.Go(func() { d.deliver(ctx) })
	err := d.Cluster.Run(ctx, d.group(d.Group, "", d.Topics.Stops), func(ctx context.Context, c *kafka.Claim) error {
		d.own(c.Partition, true)
		<-ctx.Done()
		d.own(c.Partition, false)
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
	case <-d.Record.Ready():
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

// result takes the end of an attempt. The log is notified of the first one that
// fails, of the one after which a person is called, and of the end.
func (d *Dispatch) result(ctx context.Context, r tried, attempts map[string][]delivery.Attempt,
	settled map[string]int) {
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
	err := d.Record.Write(ctx, ledger.Entry{ID: event.DerivedID("evt", id, strconv.Itoa(p.Tries), now.String()),
		CaseID: s.CaseID, StopID: s.ID, At: now, By: "dispatch",
		Delivery: &delivery.Record{Message: p.Version, Delivered: r.ok, Final: over, Attempts: noted}})
	if err != nil && ctx.Err() == nil {
		d.Log.Error("the log could not be told of a delivery; the message may arrive twice", "bank", p.Bank, "stop",
			p.StopID, "err", err)
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
