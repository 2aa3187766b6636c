package apitest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   string

	t    testing.TB
	what string
	doc  any
}

// Ask sends a request as the owner of a key.
func (s *Service) Ask(key, method, path, body string, headers ...string) *Answer {
	s.t.Helper()
	a := &Answer{t: s.t, what: method + " " + path}
	a.Status, a.Header, a.Body = s.Send(key, method, path, body, headers...)
	numbers := json.NewDecoder(strings.NewReader(a.Body))
	numbers.UseNumber()        // they are compared as they are written
	_ = numbers.Decode(&a.doc) // what is no JSON has no fields
	return a
}

// Want checks the status and fields: each by its path, such as stops.0.state, and
// the text of its value; a list's length is at "#", and what is absent is empty.
func (a *Answer) Want(status int, fields ...string) *Answer {
	a.t.Helper()
	if a.Status != status {
		a.t.Fatalf("%s: %d %s, want %d", a.what, a.Status, a.Body, status)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		if got := a.Get(fields[i]); got != fields[i+1] {
			a.t.Errorf("%s: %s is %q, want %q; it says %.2000s", a.what, fields[i], got, fields[i+1], a.Body)
		}
	}
	return a
}

// Says checks that the body has texts in it.
func (a *Answer) Says(texts ...string) *Answer {
	a.t.Helper()
	for _, text := range texts {
		if !strings.Contains(a.Body, text) {
			a.t.Errorf("%s: %.2000s does not say %s", a.what, a.Body, text)
		}
	}
	return a
}

// Get is the text of a value by its path.
func (a *Answer) Get(path string) string {
	v := a.doc
	for part := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[part]
		case []any:
			if part == "#" {
				return strconv.Itoa(len(at))
			}
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(at) {
				return ""
			}
			v = at[i]
		default:
			return ""
		}
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// Report is a victim's report of one payment, made ten minutes ago, and its case.
func (s *Service) Report(id, payer, payee, amount string) *Answer {
	s.t.Helper()
	at := s.Now().Add(-10 * time.Minute).String()
	return s.Ask(s.Key("analyst"), http.MethodPost, "/v1/reports", fmt.Sprintf(`{"id":"%s","at":"%s","source":"110",`+
		`"district":"520103","fraud_type":"impersonated-authority","victim":{"holder":"张三","phone":"13800138000"},`+
		`"transfers":[{"id":"t-%[1]s","payer_account":"%[3]s","payee_account":"%[4]s","payee_bank":"PCBC",`+
		`"amount":"%[5]s","currency":"CNY","at":"%[2]s"}]}`, id, at, payer, payee, amount)).Want(http.StatusOK)
}

// Due lets a replica append what time or the log itself calls for.
func (s *Service) Due() {
	s.t.Helper()
	for _, e := range s.Ledger.Due(s.Now()) {
		if _, err := s.Log.Append(s.t.Context(), e); err != nil {
			s.t.Fatal(err)
		}
	}
}

// Hold lets PCBC hold an amount of a stop that waits for it, from now on.
func (s *Service) Hold(id, result, amount string) *Answer {
	s.t.Helper()
	return s.Ask(s.Bank("PCBC"), http.MethodPost, "/v1/bank/stops/"+id+"/outcome", fmt.Sprintf(
		`{"result":"%s","held_amount":"%s","effective_at":"%s"}`, result, amount, s.Now())).Want(http.StatusOK)
}
