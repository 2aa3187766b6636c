package conformance

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// Exam is what is examined, and with what.
type Exam struct {
	Bank    string        // code
	Target  string        // the bank's endpoint for webhooks
	Secret  string        // that signs the messages: whsec_…
	Account string        // a test account at the bank, with money in it
	Holder  string        // of that account
	Amount  string        // in yuan, that is asked to be held each time
	Wait    time.Duration // how long the bank has for each answer
	Start   time.Duration // how long to wait for the endpoint to answer at all
}

// Center is the service that the bank is examined by. None of its parts is nil.
type Center struct {
	Ledger   *ledger.Ledger
	Log      Log
	Clock    func() event.Instant
	Envelope func(s *stop.Stop, kind string, version int, t law.Terms) []byte // the body of a message
}

// Log is where the kit's own decisions go.
type Log interface {
	// Append writes an event and waits until the fold has judged it.
	Append(ctx context.Context, e ledger.Entry) (ledger.Result, error)
	// Write appends events without waiting.
	Write(ctx context.Context, e ...ledger.Entry) error
}

// Kit examines one bank, once.
type Kit struct {
	Exam
	center Center
	signer *standardwebhooks.Webhook
	flaky  *flaky
	found  Certificate
}

// New returns a kit for an exam. Its [Kit.Wrap] stands before the center's API.
func New(x Exam) (*Kit, error) {
	signer, err := standardwebhooks.NewWebhook(x.Secret)
	if err != nil {
		return nil, errors.New("--secret must be whsec_ and base64")
	}
	return &Kit{Exam: x, signer: signer, found: Certificate{Bank: x.Bank, Target: x.Target},
		flaky: &flaky{requests: map[string]int{}, codes: map[string][]int{}}}, nil
}

// Wrap puts the kit before the center's API, where it loses answers on purpose
// and counts requests.
func (k *Kit) Wrap(h http.Handler) http.Handler { return k.flaky.wrap(h) }

// Examine plays a bank's life against its endpoint. It fails where the endpoint
// does not answer at all, or ctx ends.
func (k *Kit) Examine(ctx context.Context, c Center) (*Certificate, error) {
	k.center = c
	if err := k.reach(ctx); err != nil {
		return nil, err
	}
	k.play(ctx)
	k.found.At, k.found.Conforms = c.Clock().String(), k.found.Failed == 0 && k.found.Unreached == 0
	return &k.found, ctx.Err()
}

// reach waits until the endpoint answers anything.
func (k *Kit) reach(ctx context.Context) error {
	for end := time.Now().Add(k.Start); ; {
		if _, err := k.send(ctx, []byte(`{}`), nil); err == nil {
			return nil
		} else if time.Now().After(end) || ctx.Err() != nil {
			return fmt.Errorf("the endpoint %s does not answer: %w", k.Target, err)
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// play is a bank's whole life.
func (k *Kit) play(ctx context.Context) {
	first := k.propose(ctx, 1, k.Account, k.Holder, func() {})
	k.note("a stop is taken, acknowledged and answered in time", k.answered(ctx, first))
	k.note("a message without a signature is refused", k.refuses(ctx, first, func(http.Header) {}))
	k.note("a message with another's signature is refused", k.refuses(ctx, first, func(h http.Header) {
		h.Set(standardwebhooks.HeaderWebhookSignature, "v1,"+base64.StdEncoding.EncodeToString(make([]byte, 32)))
	}))
	k.note("a message whose time is long past is refused: it may be a replay", k.refusesOld(ctx, first))
	k.note("a changed body is refused", k.refusesChanged(ctx, first))
	k.note("the same message again is taken, and its work is not done again", k.duplicate(ctx, first))
	k.note("rubbish that is signed does not bring the endpoint down", k.rubbish(ctx))

	retried := k.propose(ctx, 2, k.Account, k.Holder, func() { k.flaky.arm(2, false) })
	k.note("answers are sent again when the center could not take them", k.answered(ctx, retried))
	lost := k.propose(ctx, 3, k.Account, k.Holder, func() { k.flaky.arm(0, true) })
	k.note("an answer whose confirmation was lost is sent again, the same", k.lostAnswer(ctx, lost))

	k.note("a stop that was taken back before its message arrived again is not held", k.outOfOrder(ctx))
	k.note("another holder's name is a mismatch, with the field that differs", k.mismatch(ctx))

	held := k.center.Ledger.Stop(first)
	if held == nil || !held.State.Holds() {
		for _, name := range []string{"an extension is taken", "a freeze is taken", "a return is paid back as instructed",
			"a release is taken"} {
			k.note(name, fmt.Errorf("%w: the first stop holds nothing: put money on the test account", errUnreached))
		}
		return
	}
	k.note("an extension is taken", k.decide(ctx, first, func(e *stop.Step, s *stop.Stop) {
		e.State, e.Until = stop.Extended, s.Until.Add(k.center.Ledger.Terms().Hold)
	}))
	k.note("a freeze is taken", k.decide(ctx, first, func(e *stop.Step, _ *stop.Stop) {
		e.State, e.Until = stop.Frozen, e.At.Add(k.center.Ledger.Terms().Freeze)
	}))
	k.note("a return is paid back as instructed", k.payBack(ctx, first))
	if s := k.center.Ledger.Stop(retried); s != nil && s.State.Holds() {
		k.note("a release is taken", k.decide(ctx, retried, func(e *stop.Step, _ *stop.Stop) { e.State = stop.Released }))
	} else {
		k.note("a release is taken", fmt.Errorf("%w: the second stop holds nothing", errUnreached))
	}
}

// propose asks for a stop; before is done first.
func (k *Kit) propose(ctx context.Context, n int, account, holder string, before func()) string {
	before()
	minor, err := event.ParseMinor(k.Amount, 2)
	if err != nil || minor == 0 {
		minor = 100_00
	}
	now := k.center.Clock()
	id := event.DerivedID("stp", "conformance", fmt.Sprint(n), now.String())
	t := k.center.Ledger.Terms()
	events := ledger.StopEntries(stop.Propose(t, id, event.DerivedID("cas", id),
		stop.Proposal{Account: stop.Account{Number: account, Bank: k.Bank, Holder: holder}, Minor: minor, Currency: event.CNY,
			Transfer: stop.Transfer{ID: fmt.Sprintf("CONFORMANCE-%d", n), Minor: minor, At: now}, Hop: 1,
			FraudType: "account-takeover", Payer: "6222020200112233445", Text: "conformance"}, now, "scoring"))
	if err := k.center.Log.Write(ctx, events...); err != nil {
		k.note("the kit's own log", err)
	}
	return id
}

// until waits for something of a stop.
func (k *Kit) until(ctx context.Context, id, what string, ok func(*stop.Stop) bool) error {
	var last *stop.Stop
	for end := time.Now().Add(k.Wait); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		if last = k.center.Ledger.Stop(id); last != nil && ok(last) {
			return nil
		}
	}
	state, detail := "not there", ""
	if last != nil {
		state = string(last.State)
		if m := last.Message; m != nil && len(m.Attempts) > 0 {
			a := m.Attempts[len(m.Attempts)-1]
			detail = fmt.Sprintf("; the last attempt to deliver ended with %d %s", a.Status, a.Error)
		}
	}
	return fmt.Errorf("after %s: %s; the stop is %s%s", k.Wait, what, state, detail)
}

func (k *Kit) answered(ctx context.Context, id string) error {
	if err := k.until(ctx, id, "no answer", func(s *stop.Stop) bool { return s.Outcome != nil }); err != nil {
		return err
	}
	for _, e := range k.center.Ledger.Stop(id).Timeline {
		if e.State == stop.Acknowledged {
			return nil
		}
		if e.State == stop.Undelivered {
			return errors.New("it was answered after its time")
		}
	}
	return nil // an answer says more than an acknowledgement
}
