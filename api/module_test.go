package api_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stopline.internal/api/apitest"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// bankProgram is what docs/banks.md shows a bank's engineer, for a module of their
// own.
func bankProgram(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../docs/banks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "```go\n")
	program, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatal("docs/banks.md shows no program")
	}
	return program
}

// A bank's own module requires the client by its path, with a replace that says
// where the tree lies, and works with it: a long poll that waits for a stop,
// and the answer.
func TestClientFromAnotherModule(t *testing.T) {
	if testing.Short() {
		t.Skip("another module is not built in short mode")
	}
	tree, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(tree, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"main.go": bankProgram(t), "go.sum": string(sums),
		// nothing has to be fetched
		"go.mod": "module bank.example/stops\n\ngo 1.26.0\n\nrequire stopline.internal v0.0.0\n\n" +
			"replace stopline.internal => " + tree + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-mod=mod", "-o", "stops", ".")
	build.Dir, build.Env = dir, append(os.Environ(), "GOPROXY=off", "GOFLAGS=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the module cannot be built: %v\n%s", err, out)
	}

	s := apitest.Start(t)
	now, l := s.Now(), s.Ledger
	s.Pass(10 * time.Second)
	polls := make(chan string, 10)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		polls <- r.URL.Path
		s.Handler.ServeHTTP(w, r)
	}))
	defer srv.Close()

	run := exec.CommandContext(t.Context(), filepath.Join(dir, "stops"), srv.URL, s.Bank("PCBC"))
	var out, errs bytes.Buffer
	run.Stdout, run.Stderr = &out, &errs
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	if path := <-polls; path != "/v1/bank/stops" { // it waits, and there is nothing
		t.Errorf("it begins with %s", path)
	}
	p := stop.Proposal{
		Account:   stop.Account{Number: "6217000010098765432", Bank: "PCBC"},
		Minor:     4_980_000,
		Currency:  event.CNY,
		Transfer:  stop.Transfer{ID: "t", Minor: 4_980_000, At: now},
		Hop:       1,
		FraudType: "account-takeover",
		Payer:     "6222",
	}
	s.Fold(0, ledger.StopEntries(stop.Propose(l.Terms(), "stp_1", "cas_1", p, now, "scoring"))...)
	if err := run.Wait(); err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	if got := strings.TrimSpace(out.String()); got != "held 49800.00 CNY 6217000010098765432" {
		t.Errorf("it says %q", got)
	}
	if st := l.Stop("stp_1"); st.State != stop.Held || st.HeldMinor != 4_980_000 {
		t.Errorf("the ledger has it %s, with %d", st.State, st.HeldMinor)
	}
}
