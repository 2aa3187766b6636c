package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"stopline.internal/api/wire"
)

// The lines of docs/banks.md work as they are pasted, in their order, before the
// city that the page tells its reader to start.
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
	url := runningCity(t, dir, "--rate", "300")
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
	cmd.Env = append(os.Environ(), "URL="+url, "KEYS="+filepath.Join(dir, "keys.json"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{`"state":"acknowledged"`, `"state":"partial"`, `"claim":"1500.00"`, "event: ",
		`"decision":`, "camt.056.001.08"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the page's lines do not show %s:\n%s", want, out)
		}
	}
	// The body of a return's confirmation is what the route takes.
	for _, block := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		if !strings.Contains(block[1], `"result"`) {
			continue
		}
		dec := json.NewDecoder(strings.NewReader(block[1]))
		dec.DisallowUnknownFields()
		var b wire.ReturnBody
		if err := dec.Decode(&b); err != nil || b.Result != "returned" || b.Amount == "" || b.Reference == "" {
			t.Errorf("the page's confirmation of a return: %+v, %v", b, err)
		}
	}
}

// runningCity is a demo as "make run" starts it, ready and with its clock going.
func runningCity(t *testing.T, dir string, args ...string) (url string) {
	t.Helper()
	url = fmt.Sprintf("http://127.0.0.1:%d", freePort(t))
	cmd := exec.CommandContext(t.Context(), binary(t),
		append([]string{"demo", "--data", dir, "--listen", strings.TrimPrefix(url, "http://")}, args...)...)
	cmd.Env = engineEnv(t)
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(errs)
	lines.Buffer(nil, 1<<20)
	said := ""
	for lines.Scan() {
		said += lines.Text() + "\n"
		if strings.Contains(lines.Text(), "admin: held stops") {
			go func() { _, _ = io.Copy(io.Discard, errs) }()
			return url
		}
	}
	t.Fatalf("the demo did not say where it is:\n%s", said)
	return ""
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
				r := documentedRoute{strings.ToUpper(method),
					regexp.MustCompile("^" + regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "[^/]+") + "$"), map[string]bool{}}
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
	bodies := []string{"", "{", "[]", "null", `"x"`, `{}`,
		`{"amount":"-1","state":"?","decision":"upheld","result":"held","documents":[""],"found":"x","arrests":-1}`,
		`{"amount":1e400,"held_amount":"9999999999999999999","credit":"","reason":"","holder":"` + strings.Repeat("长",
			300) + `"}`,
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
