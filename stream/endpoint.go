package stream

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"syscall"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Pager is the bank code of the center's own endpoint: it is notified of the banks
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
		return fmt.Errorf("%s leads to %s, an address that the endpoint is not meant for (\"private\": true allows "+
			"private networks)", u.Hostname(), ip)
	}
	return nil
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
	dialer := &net.Dialer{Timeout: 2 * time.Second,
		Control: func(_, address string, _ syscall.RawConn) error { return t.allowed(address) }}
	t.client = &http.Client{
		Timeout: attemptTime,
		Transport: &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 16,
			IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 3 * time.Second, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // never followed
	}
	return t, nil
}
