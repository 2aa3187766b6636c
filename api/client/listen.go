package client

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v7"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"stopline.internal/api/sse"
)

// The types of messages.
const (
	StopRequested    = "stop.requested"
	StopExtended     = "stop.extended"
	StopFrozen       = "stop.frozen"
	StopChanged      = "stop.changed"
	StopReleased     = "stop.released"
	StopExpired      = "stop.expired"
	ReturnInstructed = "return.instructed"
)

// Message is what a bank is told: by stream, or as a webhook. Data is the stop
// as it is now, which may be further than the message's type says.
type Message struct {
	ID        string    `json:"id"` // the same message again has the same: do the work once
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      Stop      `json:"data"`

	// Place is what to hand to Listen, so that it goes on behind this message.
	// Until all that was open at the start has come, it is the place that Listen
	// was called with: who is cut within that must see it again.
	Place string `json:"-"`
}

// Listen reads the bank's stream and calls handle for each message in turn,
// until ctx ends or handle fails. It begins with what is open, or behind the
// place of an earlier message; where the stream breaks off, it goes on there. A
// place that the center no longer keeps brings what is open again.
func (c *Client) Listen(ctx context.Context, place string, handle func(context.Context, Message) error) error {
	between := pauses(firstPause)
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		before := place
		err := c.listen(ctx, &place, handle)
		if place != before {
			between.Reset()
		}
		return struct{}{}, err
	}, backoff.WithBackOff(between), backoff.WithMaxElapsedTime(0))
	return cause(ctx, err)
}

// silence is how long a stream may say nothing: the center beats every 15 s.
const silence = 45 * time.Second

// streaming has no timeout over all: a stream has no end.
var streaming = &http.Client{
	Transport: &http.Transport{MaxIdleConnsPerHost: 4, ResponseHeaderTimeout: 15 * time.Second}}

func (c *Client) listen(ctx context.Context, place *string, handle func(context.Context, Message) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := c.request(ctx, http.MethodGet, "/v1/bank/stops/stream", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", sse.ContentType)
	if *place != "" {
		req.Header.Set("Last-Event-ID", *place)
	}
	client := streaming
	if c.HTTP != nil {
		client = &http.Client{Transport: c.HTTP.Transport}
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // a part of it is enough
		return worth(problemOf(resp, body), resp.Header.Get("Retry-After"))
	}
	dead := time.AfterFunc(silence, cancel)
	defer dead.Stop()
	events := sse.NewReader(resp.Body, maxAnswer)
	for {
		e, err := events.Next()
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF // a stream has no end of its own
		}
		if err != nil {
			return err
		}
		dead.Reset(silence)
		if err := dispatch(ctx, e, place, handle); err != nil {
			return err
		}
	}
}

// dispatch hands a message to its reader and moves the place behind it. What has
// no id leaves the place alone: it belongs to what was open at the start, which
// counts as told once the event named current has come.
func dispatch(ctx context.Context, e sse.Event, place *string, handle func(context.Context, Message) error) error {
	after := cmp.Or(e.ID, *place)
	if e.Data != "" && e.Name != "current" && e.Name != "reset" {
		var m Message
		if err := json.Unmarshal([]byte(e.Data), &m); err != nil {
			return fmt.Errorf("a message of the stream cannot be read: %w", err)
		}
		m.Place = after
		if err := handle(ctx, m); err != nil {
			return backoff.Permanent(err)
		}
	}
	*place = after
	return nil
}

// Receiver is the bank's endpoint for webhooks: it checks the signature, does
// each message's work once, and passes over what a newer message has overtaken.
type Receiver struct {
	// Secrets are those that may sign: the new one beside the old while it is
	// being replaced.
	Secrets []string
	// Handle does the work. An error answers 500, and the center tries again.
	Handle func(context.Context, Message) error

	mu    sync.Mutex
	keys  []*standardwebhooks.Webhook
	begun map[string]chan struct{} // by message: closed when it is done
	done  map[string]bool
	order []string       // of done, the oldest first
	last  map[string]int // by stop, the newest version that was handled
}

// maxSeen bounds what is remembered: far longer than the center repeats itself.
const maxSeen = 50_000

// maxMessage bounds a message's body.
const maxMessage = 1 << 20

func (r *Receiver) init() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys != nil {
		return nil
	}
	for i, s := range r.Secrets {
		k, err := standardwebhooks.NewWebhook(s)
		if err != nil {
			return fmt.Errorf("secret %d is not whsec_ and base64", i+1)
		}
		r.keys = append(r.keys, k)
	}
	r.begun, r.done, r.last = map[string]chan struct{}{}, map[string]bool{}, map[string]int{}
	if len(r.keys) == 0 {
		return errors.New("a receiver needs a secret")
	}
	return nil
}

// ServeHTTP takes a message: 200 once its work is done, also when it was done
// before; 401 when the signature or its time is wrong; 400 when it cannot be
// read.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if err := r.init(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if req.Method != http.MethodPost {
		http.Error(w, "messages are posted", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxMessage))
	if err != nil {
		http.Error(w, "the message is too large", http.StatusRequestEntityTooLarge)
		return
	}
	if !r.signed(body, req.Header) {
		http.Error(w, "the signature does not match, or is too old", http.StatusUnauthorized)
		return
	}
	var m Message
	if err := json.Unmarshal(body, &m); err != nil || m.Data.ID == "" {
		http.Error(w, "the message cannot be read", http.StatusBadRequest)
		return
	}
	m.ID = req.Header.Get(standardwebhooks.HeaderWebhookID)
	if err := r.once(req.Context(), m); err != nil {
		http.Error(w, "the work failed: send the message again", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (r *Receiver) signed(body []byte, h http.Header) bool {
	for _, k := range r.keys {
		if k.Verify(body, h) == nil {
			return true
		}
	}
	return false
}

// once does a message's work if nobody has: one that comes while it is being
// done waits for it.
func (r *Receiver) once(ctx context.Context, m Message) error {
	for {
		r.mu.Lock()
		if r.done[m.ID] || m.Data.Version < r.last[m.Data.ID] {
			r.mu.Unlock()
			return nil
		}
		busy := r.begun[m.ID]
		if busy == nil {
			r.begun[m.ID] = make(chan struct{})
			r.mu.Unlock()
			break
		}
		r.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := r.Handle(ctx, m)
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.begun[m.ID])
	delete(r.begun, m.ID)
	if err == nil {
		r.done[m.ID] = true
		r.order = append(r.order, m.ID)
		r.last[m.Data.ID] = max(r.last[m.Data.ID], m.Data.Version)
		if len(r.order) > maxSeen {
			delete(r.done, r.order[0])
			r.order = r.order[1:]
		}
		if len(r.last) > maxSeen {
			clear(r.last) // the ids still tell what was done
		}
	}
	return err
}
