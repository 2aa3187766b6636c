package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"stopline.internal/store/ledger/delivery"
)

// send posts a message with headers of its own.
func (k *Kit) send(ctx context.Context, body []byte, head http.Header) (int, error) {
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
func (k *Kit) signed(id string, body []byte, at time.Time) http.Header {
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
func (k *Kit) message(id string) (string, []byte) {
	s := k.center.Ledger.Stop(id)
	if s == nil || s.Message == nil {
		return "", nil
	}
	return delivery.MessageID(id, 2), k.center.Envelope(s, delivery.MessageRequested, 2, k.center.Ledger.Terms())
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

func (k *Kit) refuses(ctx context.Context, id string, change func(http.Header)) error {
	_, body := k.message(id)
	h := http.Header{}
	if change(h); h.Get(standardwebhooks.HeaderWebhookSignature) != "" {
		h.Set(standardwebhooks.HeaderWebhookID, "msg_unknown_1")
		h.Set(standardwebhooks.HeaderWebhookTimestamp, fmt.Sprint(time.Now().Unix()))
	}
	return refused(k.send(ctx, body, h))
}

func (k *Kit) refusesOld(ctx context.Context, id string) error {
	_, body := k.message(id)
	return refused(k.send(ctx, body, k.signed("msg_old_1", body, time.Now().Add(-time.Hour))))
}

func (k *Kit) refusesChanged(ctx context.Context, id string) error {
	_, body := k.message(id)
	head := k.signed("msg_changed_1", body, time.Now())
	return refused(k.send(ctx, bytes.Replace(body, []byte(`"amount":"`), []byte(`"amount":"9`), 1), head))
}

func (k *Kit) duplicate(ctx context.Context, id string) error {
	was := k.center.Ledger.Stop(id)
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

func (k *Kit) rubbish(ctx context.Context) error {
	for _, body := range []string{`{`, `[]`, `{"type":"something.new","data":{"id":"stp_unknown"}}`,
		strings.Repeat("x", 100_000)} {
		status, err := k.send(ctx, []byte(body), k.signed("msg_rubbish_"+fmt.Sprint(len(body)), []byte(body), time.Now()))
		if err != nil || status >= 500 {
			return fmt.Errorf("%.20q was answered with %d %w", body, status, err)
		}
	}
	return nil
}

func (k *Kit) lostAnswer(ctx context.Context, id string) error {
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
