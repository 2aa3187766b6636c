package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"stopline.internal/api/access"
	"stopline.internal/api/wire"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/stream"
	"stopline.internal/stream/event"
)

type conformCmd struct {
	Target      string        `help:"The bank's endpoint for webhooks." required:"" placeholder:"URL"`
	Listen      string        `help:"Where the kit's own API listens: the bank answers there." default:"127.0.0.1:8099"`
	Bank        string        `help:"The bank's code." default:"TEST"`
	Key         string        `help:"The bank's key at the kit's API, 32 characters or more; made and shown without it." env:"STOPLINE_CONFORMANCE_KEY"`
	Secret      string        `help:"The secret that signs the kit's messages (whsec_…); made and shown without it." env:"STOPLINE_CONFORMANCE_SECRET"`
	Account     string        `help:"A test account at the bank, with money in it." default:"6217000010098765432"`
	Holder      string        `help:"Its holder." default:"测试"`
	Amount      string        `help:"What is asked to be held on it, each time." default:"100.00"`
	Private     bool          `help:"The endpoint may have an address of a private network."`
	Wait        time.Duration `help:"How long the bank has for each answer." default:"20s"`
	Start       time.Duration `help:"How long to wait for the endpoint to answer at all, after the key and secret were shown." default:"5m"`
	Certificate string        `help:"Write the certificate to this file as well, as JSON." placeholder:"FILE" type:"path"`
}

// check is one thing that a bank has to do.
type check struct {
	Name   string `json:"check"`
	Result string `json:"result"` // passed, failed, not reached
	Detail string `json:"detail,omitempty"`
}

// certificate is what the kit found.
type certificate struct {
	Bank      string  `json:"bank"`
	Target    string  `json:"target"`
	At        string  `json:"at"`
	Conforms  bool    `json:"conforms"`
	Passed    int     `json:"passed"`
	Failed    int     `json:"failed"`
	Unreached int     `json:"not_reached"`
	Checks    []check `json:"checks"`
}

// kit is a whole service of its own, that lives for one examination.
type kit struct {
	*conformCmd
	svc    *service
	signer *standardwebhooks.Webhook
	flaky  *flaky
	cert   certificate
}

// Run examines the bank.
func (c *conformCmd) Run(ctx context.Context) error {
	cert, err := c.examine(ctx)
	if err != nil {
		return err
	}
	for _, ch := range cert.Checks {
		fmt.Fprintf(os.Stderr, "  %-12s %s", ch.Result, ch.Name)
		if ch.Detail != "" {
			fmt.Fprintf(os.Stderr, "\n               %s", ch.Detail)
		}
		fmt.Fprintln(os.Stderr)
	}
	if c.Certificate != "" {
		b, err := json.MarshalIndent(cert, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.Certificate, append(b, '\n'), 0o600); err != nil {
			return err
		}
	}
	if err := printSummary(cert); err != nil {
		return err
	}
	if !cert.Conforms {
		return fmt.Errorf("%s does not conform: %d of %d checks failed, %d were not reached", c.Bank, cert.Failed, len(cert.Checks), cert.Unreached)
	}
	fmt.Fprintf(os.Stderr, "\n%s conforms: all %d checks passed.\n", c.Bank, cert.Passed)
	return nil
}

func (c *conformCmd) examine(ctx context.Context) (*certificate, error) {
	dir, err := os.MkdirTemp("", "stopline-conformance-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ids, err := c.identities(dir)
	if err != nil {
		return nil, err
	}
	if c.Secret == "" {
		raw := make([]byte, 24)
		_, _ = rand.Read(raw) // never fails
		c.Secret = "whsec_" + base64.StdEncoding.EncodeToString(raw)
	}
	k := &kit{conformCmd: c, cert: certificate{Bank: c.Bank, Target: c.Target}, flaky: &flaky{requests: map[string]int{}, codes: map[string][]int{}}}
	if k.signer, err = standardwebhooks.NewWebhook(c.Secret); err != nil {
		return nil, errors.New("--secret must be whsec_ and base64")
	}
	list := []stream.Endpoint{{Bank: c.Bank, URL: c.Target, Secrets: []string{c.Secret}, Private: c.Private}}
	if err := stream.CheckEndpoints(list); err != nil {
		return nil, err
	}
	log := warnings()
	in, err := (&Servers{Data: dir, Partitions: 1}).open(ctx, log)
	if err != nil {
		return nil, err
	}
	defer in.close(log)
	banks, err := c.banks()
	if err != nil {
		return nil, err
	}
	terms := ledger.DefaultTerms
	terms.Respond = c.Wait
	k.svc, err = start(ctx, in, plan{tuning: Tuning{Hot: 1000, Checkpoint: time.Second, Country: "CN"}, roles: allRoles, clock: wallClock, limits: event.DefaultLimits, terms: terms,
		policy: scoring.DefaultPolicy, listen: c.Listen, identities: ids, banks: banks, endpoints: list, wrap: k.flaky.wrap}, log)
	if err != nil {
		return nil, err
	}
	defer k.svc.stop()
	fmt.Fprintf(os.Stderr, "the bank's system under test answers at %s\n  key     %s\n  secret  %s\n\n", k.svc.url, c.Key, c.Secret)
	if err := k.reach(ctx); err != nil {
		return nil, err
	}
	k.play(ctx)
	k.cert.At, k.cert.Conforms = wallClock().String(), k.cert.Failed == 0 && k.cert.Unreached == 0
	return &k.cert, ctx.Err()
}

// identities are the bank's key and one for the kit's own decisions.
func (c *conformCmd) identities(dir string) (*access.Identities, error) {
	list := []access.Identity{{Name: "bank " + c.Bank, Role: access.Bank, Bank: c.Bank, Key: c.Key}}
	if c.Key == "" {
		key, _ := access.NewKey(list[0].Name, access.Bank, c.Bank)
		c.Key, list[0].Key = key, key
	}
	b, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "keys.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return nil, err
	}
	banks, err := c.banks()
	if err != nil {
		return nil, err
	}
	return access.Register{Banks: banks}.LoadIdentities(path)
}

// banks are those that are known, and the one that is examined: it may be new.
func (c *conformCmd) banks() (*event.Banks, error) {
	known := event.BuiltInBanks()
	if _, there := known.Find(c.Bank); there {
		return known, nil
	}
	return event.NewBanks(append(known.All(), event.Bank{Code: c.Bank, ZH: c.Bank, EN: c.Bank})...)
}

// reach waits until the endpoint answers anything.
func (k *kit) reach(ctx context.Context) error {
	for end := time.Now().Add(k.Start); ; {
		if _, err := k.send(ctx, []byte(`{}`), nil); err == nil {
			return nil
		} else if time.Now().After(end) || ctx.Err() != nil {
			return fmt.Errorf("the endpoint %s does not answer: %w", k.Target, err)
		}
		time.Sleep(500 * time.Millisecond)
	}
}

func (k *kit) note(name string, err error) {
	c := check{Name: name, Result: "passed"}
	switch {
	case errors.Is(err, errUnreached):
		c.Result, c.Detail = "not reached", strings.TrimPrefix(err.Error(), errUnreached.Error()+": ")
		k.cert.Unreached++
	case err != nil:
		c.Result, c.Detail = "failed", err.Error()
		k.cert.Failed++
	default:
		k.cert.Passed++
	}
	k.cert.Checks = append(k.cert.Checks, c)
}

var errUnreached = errors.New("not reached")

// play is a bank's whole life.
func (k *kit) play(ctx context.Context) {
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

	held := k.svc.ledger.Stop(first)
	if held == nil || !held.State.Holds() {
		for _, name := range []string{"an extension is taken", "a freeze is taken", "a return is paid back as instructed", "a release is taken"} {
			k.note(name, fmt.Errorf("%w: the first stop holds nothing: put money on the test account", errUnreached))
		}
		return
	}
	k.note("an extension is taken", k.decide(ctx, first, func(e *ledger.Event, s *ledger.Stop) {
		e.State, e.Until = ledger.Extended, s.Until.Add(k.svc.ledger.Terms().Hold)
	}))
	k.note("a freeze is taken", k.decide(ctx, first, func(e *ledger.Event, _ *ledger.Stop) {
		e.State, e.Until = ledger.Frozen, e.At.Add(k.svc.ledger.Terms().Freeze)
	}))
	k.note("a return is paid back as instructed", k.payBack(ctx, first))
	if s := k.svc.ledger.Stop(retried); s != nil && s.State.Holds() {
		k.note("a release is taken", k.decide(ctx, retried, func(e *ledger.Event, _ *ledger.Stop) { e.State = ledger.Released }))
	} else {
		k.note("a release is taken", fmt.Errorf("%w: the second stop holds nothing", errUnreached))
	}
}

// propose asks for a stop; before is done first.
func (k *kit) propose(ctx context.Context, n int, account, holder string, before func()) string {
	before()
	minor, err := event.ParseMinor(k.Amount, 2)
	if err != nil || minor == 0 {
		minor = 100_00
	}
	now := wallClock()
	id := event.DerivedID("stp", "conformance", fmt.Sprint(n), now.String())
	t := k.svc.ledger.Terms()
	events := ledger.Propose(t, id, event.DerivedID("cas", id), ledger.Proposal{Account: ledger.Account{Number: account, Bank: k.Bank, Holder: holder}, Minor: minor, Currency: event.CNY,
		Transfer: ledger.Transfer{ID: fmt.Sprintf("CONFORMANCE-%d", n), Minor: minor, At: now}, Hop: 1, FraudType: "account-takeover", Payer: "6222020200112233445", Text: "conformance"}, now, "scoring")
	if err := k.svc.log.Write(ctx, events...); err != nil {
		k.note("the kit's own log", err)
	}
	return id
}

// until waits for something of a stop.
func (k *kit) until(ctx context.Context, id, what string, ok func(*ledger.Stop) bool) error {
	var last *ledger.Stop
	for end := time.Now().Add(k.Wait); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		if last = k.svc.ledger.Stop(id); last != nil && ok(last) {
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

func (k *kit) answered(ctx context.Context, id string) error {
	if err := k.until(ctx, id, "no answer", func(s *ledger.Stop) bool { return s.Outcome != nil }); err != nil {
		return err
	}
	for _, e := range k.svc.ledger.Stop(id).Timeline {
		if e.State == ledger.Acknowledged {
			return nil
		}
		if e.State == ledger.Undelivered {
			return errors.New("it was answered after its time")
		}
	}
	return nil // an answer says more than an acknowledgement
}

// send posts a message with headers of its own.
func (k *kit) send(ctx context.Context, body []byte, head http.Header) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, k.Target, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	for h, v := range head {
		req.Header[h] = v
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	return resp.StatusCode, nil
}

// signed signs a body as of a moment.
func (k *kit) signed(id string, body []byte, at time.Time) http.Header {
	h := http.Header{}
	sig, err := k.signer.Sign(id, at, body)
	if err != nil {
		return h
	}
	h.Set(standardwebhooks.HeaderWebhookID, id)
	h.Set(standardwebhooks.HeaderWebhookTimestamp, fmt.Sprint(at.Unix()))
	h.Set(standardwebhooks.HeaderWebhookSignature, sig)
	return h
}

// message is the newest message on a stop, anew.
func (k *kit) message(id string) (string, []byte) {
	s := k.svc.ledger.Stop(id)
	if s == nil || s.Message == nil {
		return "", nil
	}
	return ledger.MessageID(id, 2), wire.Envelope(s, ledger.MessageRequested, 2, k.svc.ledger.Terms())
}

func refused(status int, err error) error {
	switch {
	case err != nil:
		return err
	case status < 400 || status >= 500:
		return fmt.Errorf("it was answered with %d, want 401 or another 4xx", status)
	}
	return nil
}

func (k *kit) refuses(ctx context.Context, id string, change func(http.Header)) error {
	_, body := k.message(id)
	h := http.Header{}
	if change(h); h.Get(standardwebhooks.HeaderWebhookSignature) != "" {
		h.Set(standardwebhooks.HeaderWebhookID, "msg_unknown_1")
		h.Set(standardwebhooks.HeaderWebhookTimestamp, fmt.Sprint(time.Now().Unix()))
	}
	return refused(k.send(ctx, body, h))
}

func (k *kit) refusesOld(ctx context.Context, id string) error {
	_, body := k.message(id)
	return refused(k.send(ctx, body, k.signed("msg_old_1", body, time.Now().Add(-time.Hour))))
}

func (k *kit) refusesChanged(ctx context.Context, id string) error {
	_, body := k.message(id)
	head := k.signed("msg_changed_1", body, time.Now())
	return refused(k.send(ctx, bytes.Replace(body, []byte(`"amount":"`), []byte(`"amount":"9`), 1), head))
}

func (k *kit) duplicate(ctx context.Context, id string) error {
	was := k.svc.ledger.Stop(id)
	if was == nil || was.Outcome == nil {
		return fmt.Errorf("%w: the first stop was not answered", errUnreached)
	}
	name, body := k.message(id)
	calls := k.flaky.calls(id)
	for range 3 {
		status, err := k.send(ctx, body, k.signed(name, body, time.Now()))
		if err != nil || status < 200 || status > 299 {
			return fmt.Errorf("it was answered with %d %w, want 200", status, err)
		}
	}
	time.Sleep(min(k.Wait, time.Second))
	if n := k.flaky.calls(id) - calls; n > 0 {
		return fmt.Errorf("the bank worked on it again: %d more requests about the stop", n)
	}
	return nil
}

func (k *kit) rubbish(ctx context.Context) error {
	for _, body := range []string{`{`, `[]`, `{"type":"something.new","data":{"id":"stp_unknown"}}`, strings.Repeat("x", 100_000)} {
		status, err := k.send(ctx, []byte(body), k.signed("msg_rubbish_"+fmt.Sprint(len(body)), []byte(body), time.Now()))
		if err != nil || status >= 500 {
			return fmt.Errorf("%.20q was answered with %d %w", body, status, err)
		}
	}
	return nil
}

func (k *kit) lostAnswer(ctx context.Context, id string) error {
	if err := k.answered(ctx, id); err != nil {
		return err
	}
	for end := time.Now().Add(k.Wait); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		if n, conflicts := k.flaky.answers(id); n > 1 {
			if conflicts > 0 {
				return errors.New("it came again as another answer: 409")
			}
			return nil
		}
	}
	return errors.New("it did not come again")
}

// outOfOrder sends the request for a stop that has been taken back meanwhile.
func (k *kit) outOfOrder(ctx context.Context) error {
	k.flaky.hold(true)
	id := k.propose(ctx, 4, k.Account, k.Holder, func() {})
	if err := k.until(ctx, id, "the request", func(s *ledger.Stop) bool { return s.State == ledger.Requested }); err != nil {
		k.flaky.hold(false)
		return err
	}
	name, body := k.message(id) // as it was
	e := ledger.Lift(k.svc.ledger.Stop(id), 0, "", "taken back", wallClock(), "kit")
	err := k.enter(ctx, e)
	k.flaky.hold(false)
	if err != nil {
		return fmt.Errorf("the kit could not take its stop back: %w", err)
	}
	if status, err := k.send(ctx, body, k.signed(name+"_late", body, time.Now())); err != nil || status >= 500 {
		return fmt.Errorf("the late request was answered with %d %w", status, err)
	}
	if err := k.until(ctx, id, "the release was not taken", func(s *ledger.Stop) bool { return s.Message.Delivered }); err != nil {
		return err
	}
	if s := k.svc.ledger.Stop(id); s.State != ledger.Released {
		return fmt.Errorf("the stop is %s", s.State)
	}
	return nil
}

func (k *kit) mismatch(ctx context.Context) error {
	id := k.propose(ctx, 5, k.Account, "不是"+k.Holder, func() {})
	if err := k.answered(ctx, id); err != nil {
		return err
	}
	s := k.svc.ledger.Stop(id)
	switch {
	case s.State != ledger.Mismatch:
		return fmt.Errorf("the bank compared account, holder, amount and time and must not stop; it answered %s", s.State)
	case len(s.Outcome.Differs) == 0:
		return errors.New("the answer does not say what differs: differs[].field")
	}
	return nil
}

// decide changes a stop, and waits until the bank has taken the message.
func (k *kit) decide(ctx context.Context, id string, change func(*ledger.Event, *ledger.Stop)) error {
	s := k.svc.ledger.Stop(id)
	e := s.Event(wallClock(), "kit")
	change(&e, s)
	e.ID = event.DerivedID("evt", id, fmt.Sprint(e.Version), string(e.State))
	if err := k.enter(ctx, e); err != nil {
		return fmt.Errorf("the kit could not decide: %w", err)
	}
	return k.until(ctx, id, "the message was not taken", func(s *ledger.Stop) bool {
		return s.Message != nil && s.Message.Version >= e.Version && s.Message.Delivered
	})
}

// enter writes an event of the kit's own to the ledger, which has to take it.
func (k *kit) enter(ctx context.Context, e ledger.Event) error {
	res, err := k.svc.log.Append(ctx, e)
	if err == nil && !res.Accepted {
		err = res.Why
	}
	return err
}

func (k *kit) payBack(ctx context.Context, id string) error {
	s := k.svc.ledger.Stop(id)
	if s.State != ledger.Frozen {
		return fmt.Errorf("%w: the stop is %s", errUnreached, s.State)
	}
	e := s.Event(wallClock(), "kit")
	e.ID, e.State, e.Until = event.DerivedID("evt", id, "return"), ledger.Returning, k.svc.ledger.Terms().Calendar.After(e.At, 3)
	e.Change = &ledger.Change{Kind: ledger.ChangeReturn, ReturnID: event.DerivedID("ret", id), Minor: s.Left(), Payees: []ledger.Pay{{Victim: s.Payer, Account: s.Payer, Minor: s.Left()}}}
	if err := k.enter(ctx, e); err != nil {
		return fmt.Errorf("the kit could not instruct: %w", err)
	}
	return k.until(ctx, id, "no confirmation", func(s *ledger.Stop) bool { return s.State == ledger.Returned })
}
