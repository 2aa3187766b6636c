package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"stopline.internal/api"
	"stopline.internal/cmd/stopline/city"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/stream/event"
)

// The lines of docs/banks.md work as they are pasted, in their order.
func TestBanksPageWorks(t *testing.T) {
	page, err := os.ReadFile("../../docs/banks.md")
	if err != nil {
		t.Fatal(err)
	}
	script := "set -e\n"
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		script += block[1] + "\n"
	}
	dir := t.TempDir()
	in, err := (&Servers{Data: dir, Partitions: 2}).open(t.Context(), warnings())
	if err != nil {
		t.Fatal(err)
	}
	defer in.close(warnings())
	ids, err := api.LocalIdentities(filepath.Join(dir, "keys.json"), city.BankCodes)
	if err != nil {
		t.Fatal(err)
	}
	svc, err := start(t.Context(), in, plan{tuning: Tuning{Hot: 1000, Checkpoint: time.Second, Country: "CN"}, roles: allRoles, clock: wallClock, limits: event.DefaultLimits,
		terms: ledger.DefaultTerms, policy: scoring.DefaultPolicy, listen: "127.0.0.1:0", identities: ids}, warnings())
	if err != nil {
		t.Fatal(err)
	}
	defer svc.stop()
	h := &harness{svc, t, ids}
	h.eventually("ready", func() bool { status, _ := h.call("", http.MethodGet, "/readyz", ""); return status == http.StatusOK })
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
	cmd.Env = append(os.Environ(), "URL="+svc.url, "KEYS="+filepath.Join(dir, "keys.json"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{`"state":"requested"`, `"state":"acknowledged"`, `"state":"partial"`, `"claim":"1500.00"`, "event: ", `"decision":`, "camt.056.001.08"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the page's lines do not show %s:\n%s", want, out)
		}
	}
}

// documented are the answers that the API document names, by method and path.
var documented struct {
	once   sync.Once
	routes []documentedRoute
}

type documentedRoute struct {
	method string
	path   *regexp.Regexp
	named  map[string]bool
}

// named says whether the API document names an answer; of a route that it does
// not know, everything is.
func (h *harness) named(method, path, status string) bool {
	documented.once.Do(func() {
		var doc struct {
			Paths map[string]map[string]struct {
				Responses map[string]json.RawMessage `json:"responses"`
			} `json:"paths"`
		}
		if err := json.Unmarshal([]byte(h.text("", "/v1/openapi.json")), &doc); err != nil {
			h.t.Fatal(err)
		}
		for path, item := range doc.Paths {
			for method, op := range item {
				r := documentedRoute{strings.ToUpper(method), regexp.MustCompile("^" + regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "[^/]+") + "$"), map[string]bool{}}
				for s := range op.Responses {
					r.named[s] = true
				}
				documented.routes = append(documented.routes, r)
			}
		}
	})
	path, _, _ = strings.Cut(path, "?")
	known := false
	for _, r := range documented.routes {
		if r.method == method && r.path.MatchString(path) {
			known = true
			if r.named[status] {
				return true
			}
		}
	}
	return !known
}

// Rubbish to every route, from everybody: never a failure of the service's own,
// and never an answer that the API document does not name.
func TestRubbishToEveryRoute(t *testing.T) {
	h := newHarness(t)
	k := h.keys()
	doc := h.ok(k.analyst, http.MethodPost, "/v1/reports", reportDoc("rubbish", "3901", "1901", "5000.00", 60, ""))
	stop, caseID := doc["stops"].([]any)[0].(map[string]any)["id"].(string), doc["id"].(string)
	h.named(http.MethodGet, "/", "200") // reads the document
	parameter := regexp.MustCompile(`\{[^}]*\}|\[\^/\]\+`)
	bodies := []string{"", "{", "[]", "null", `"x"`, `{}`, `{"amount":"-1","state":"?","decision":"upheld","result":"held","documents":[""],"found":"x","arrests":-1}`,
		`{"amount":1e400,"held_amount":"9999999999999999999","credit":"","reason":"","holder":"` + strings.Repeat("长", 300) + `"}`,
		`{"case_id":"` + caseID + `","account":{},"amount":"1","currency":"CNY","transfer":{"at":"never"},"fraud_type":"x","reason":"x","order":{"operator":null}}`, "<xml/>", "\x00\xff"}
	sent := 0
	for _, r := range documented.routes {
		pattern := strings.TrimSuffix(strings.TrimPrefix(r.path.String(), "^"), "$")
		if strings.HasSuffix(pattern, "/stream") || strings.HasSuffix(pattern, "/live") {
			continue
		}
		id := "nothing-" + strings.Repeat("x", 20)
		switch {
		case strings.Contains(pattern, "/stops/"):
			id = stop
		case strings.Contains(pattern, "/cases/"):
			id = caseID
		}
		path := parameter.ReplaceAllString(pattern, id)
		for _, key := range []string{"", k.analyst, k.supervisor, k.police, k.pcbc} {
			for i, body := range bodies {
				if r.method == http.MethodGet || r.method == http.MethodDelete {
					if i > 0 {
						break
					}
					body = ""
				}
				headers := []string{"If-Match", `"x"`}
				if i%3 == 2 {
					headers = append(headers, "Content-Type", "application/xml")
				}
				status, answer := h.call(key, r.method, path, body, headers...)
				if sent++; status >= 500 {
					t.Errorf("%s %s with %.60q: %d %v", r.method, path, body, status, answer)
				}
			}
		}
	}
	t.Logf("%d requests to %d routes", sent, len(documented.routes))
	if s := h.ok(k.analyst, http.MethodGet, "/v1/stops/"+stop, ""); s["id"] != stop {
		t.Errorf("the stop afterwards: %v", s)
	}
}
