package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/prometheus/client_golang/prometheus"

	"stopline.internal/api/access"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger/law"
)

// exits runs the program to its end, whatever that is.
func exits(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary(t), args...)
	cmd.Env = engineEnv(t)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), o.String(), e.String()
}

// What is mistyped is answered with one line, which names the help of the
// command that was meant, and with an exit code of its own.
func TestMistyped(t *testing.T) {
	for _, c := range []struct{ args, says, see string }{
		{"serve --lisen x", "--lisen", "stopline serve --help"},
		{"serv", `"serve"`, "stopline serve --help"},
		{"keys nwe", `"new"`, "stopline keys new --help"},
		{"keys new --name ann", "--role", "stopline keys new --help"},
		{"serve --roles nothing", "--roles", "stopline serve --help"},
		{"serve --local-banks ICBK", "--local-banks", "stopline serve --help"},
		{"report verfy", "verfy", "stopline report --help"},
		{"", "expected one of", "stopline --help"},
	} {
		code, out, errs := exits(t, strings.Fields(c.args)...)
		if code != exitUsage || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, c.says) ||
			!strings.HasSuffix(errs, `see "`+c.see+"\"\n") {
			t.Errorf("%q: exit %d, %q, %q; want %d and one line that says %s and see %q", c.args, code, out, errs, exitUsage,
				c.says, c.see)
		}
	}
	if code, out, errs := exits(t, "serve", "--help"); code != 0 || !strings.Contains(out, "--tls-cert") || errs != "" {
		t.Errorf("--help: exit %d, %.80q, %q", code, out, errs)
	}
}

// A running binary can be told from another: version, commit, tree, compiler,
// and what is embedded.
func TestVersion(t *testing.T) {
	code, out, _ := exits(t, "version", "--json")
	var b build
	if err := json.Unmarshal([]byte(out), &b); err != nil || code != 0 {
		t.Fatalf("exit %d, %v: %s", code, err, out)
	}
	if b.Version != version || !strings.HasPrefix(b.GoVersion, "go1.") || b.Commit == "" ||
		!slices.Contains([]string{"true", "false", "unknown"}, b.Dirty) {
		t.Errorf("%+v", b)
	}
	for i, name := range []string{"charts", "font"} {
		if i >= len(b.Assets) || b.Assets[i].Name != name {
			t.Errorf("asset %d is %+v, want %s", i, b.Assets, name)
		}
	}
	_, line, _ := exits(t, "--version")
	if _, long, _ := exits(t, "version"); !strings.HasPrefix(line, "stopline "+version+" (commit ") ||
		!strings.HasPrefix(long, line) {
		t.Errorf("--version says %q, version says %q", line, long)
	}
	stamped := filepath.Join(t.TempDir(), "stopline")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags",
		"-X main.commit=0123456789abcdef -X main.modified=true", "-o", stamped, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := exec.CommandContext(t.Context(), stamped, "--version").Output(); err != nil ||
		!strings.Contains(string(out), "(commit 0123456789ab, modified, go1.") {
		t.Errorf("stamped by the Makefile it says %q, %v", out, err)
	}
}

// A binary without something that make build embeds says so, and a check fails.
func TestVersionCheck(t *testing.T) {
	b := build{Assets: []asset{{Name: "charts", Bytes: 1}, {Name: "font", Bytes: 1}}}
	if err := b.complete(); err != nil {
		t.Error(err)
	}
	b.Assets[0].Bytes = 0
	if err := b.complete(); err == nil || !strings.Contains(err.Error(), "charts") ||
		strings.Contains(err.Error(), "font") || !strings.Contains(err.Error(), "make build") {
		t.Errorf("without charts: %v", err)
	}
}

// The metric carries the build in its labels.
func TestBuildGauge(t *testing.T) {
	r := prometheus.NewRegistry()
	r.MustRegister(buildGauge(build{Version: "1.2.3", Commit: "abc", Dirty: "false", GoVersion: "go1.26"}))
	families, err := r.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "stopline_build_info" {
		t.Fatalf("%v %v", families, err)
	}
	m := families[0].GetMetric()[0]
	var labels []string
	for _, l := range m.GetLabel() {
		labels = append(labels, l.GetName()+"="+l.GetValue())
	}
	if got := strings.Join(labels, " "); got != "commit=abc dirty=false goversion=go1.26 version=1.2.3" ||
		m.GetGauge().GetValue() != 1 {
		t.Errorf("%s is %v", got, m.GetGauge().GetValue())
	}
}

// The version in the code is the newest heading of the changelog.
func TestChangelogHasTheVersion(t *testing.T) {
	text, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^## \[([0-9.]+)\]`).FindSubmatch(text)
	if m == nil || string(m[1]) != version {
		t.Errorf("the newest heading of CHANGELOG.md is %q, and the program says %s", m, version)
	}
}

// From nothing to a service that other machines can reach: a refusal without
// keys that names the next step, keys that are made as it says, a refusal
// without TLS, and TLS.
func TestServeFromNothing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "keys.json")
	code, _, errs := exits(t, "serve", "--data", dir)
	if code != exitFailed || !strings.Contains(errs, "stopline keys new --name NAME --role admin --file "+file) ||
		!strings.Contains(errs, "stopline keys local --data "+dir) {
		t.Errorf("without keys: exit %d, %s", code, errs)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("the refused start left %v", left)
	}
	code, out, errs := exits(t, "keys", "new", "--name", "ann", "--role", "admin", "--file", file)
	key := regexp.MustCompile(`sl_[0-9a-f]{40}`).FindString(errs)
	text, err := os.ReadFile(file)
	if code != 0 || key == "" || err != nil || strings.Contains(string(text)+out, key) || strings.Count(errs, key) != 1 {
		t.Fatalf("keys new: exit %d, %q, %q, %v: the key is to be shown once, and never in the file", code, out, errs, err)
	}
	if code, _, errs := exits(t, "keys", "new", "--name", "trail", "--role", "admin", "--file",
		file); code != exitFailed || strings.Contains(errs, "sl_") || !strings.Contains(errs, "entry 2 (trail)") {
		t.Errorf("a reserved name: exit %d, %s", code, errs)
	}
	port := freePort(t)
	listen := fmt.Sprintf("0.0.0.0:%d", port)
	if code, _, errs := exits(t, "serve", "--data", dir, "--listen", listen); code != exitFailed ||
		!strings.Contains(errs, "--tls-cert") || !strings.Contains(errs, "--plain-http") {
		t.Errorf("beyond loopback: exit %d, %s", code, errs)
	}
	pool := newCertificate(t, dir, 7)
	log := &said{}
	cmd := exec.CommandContext(t.Context(), binary(t), "serve", "--data", dir, "--listen", listen, "--partitions", "1",
		"--tls-cert", filepath.Join(dir, "tls.crt"), "--tls-key", filepath.Join(dir, "tls.key"))
	cmd.Env, cmd.Stderr = engineEnv(t), log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: pool}}
	get := func(path string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
			fmt.Sprintf("https://127.0.0.1:%d%s", port, path), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		resp, err := (&http.Client{Transport: tr}).Do(req)
		if err != nil {
			return 0, ""
		}
		_ = resp.Body.Close()
		return resp.StatusCode, resp.Proto
	}
	awaitTLS(t, "ready over TLS", func() bool { status, _ := get("/readyz"); return status == http.StatusOK })
	if status, proto := get("/v1/me"); status != http.StatusOK || proto != "HTTP/2.0" {
		t.Errorf("with the key: %d over %s", status, proto)
	}
	for _, want := range []string{"url=https://stopline.example:" + fmt.Sprint(port),
		fmt.Sprintf("console https://stopline.example:%d/    API https://stopline.example:%d/docs", port, port),
		"file=" + file, "keys=1", "version=" + version} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, log)
		}
	}
	if strings.Contains(log.String(), key) {
		t.Error("the log holds the key")
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it did not leave cleanly: %v: %s", err, log)
	}
}

// Keys for a trial are made once, for their owner's eyes, and said to be what
// they are.
func TestKeysLocal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	file := filepath.Join(dir, "keys.json")
	code, _, errs := exits(t, "keys", "local", "--data", dir, "--banks", "ICBK,TEST")
	if code != 0 || !strings.Contains(errs, "for a trial") || strings.Contains(errs, "sl_") {
		t.Errorf("exit %d, %s", code, errs)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v; want mode 0600", info, err)
	}
	ids, err := access.LoadIdentities(file)
	if err != nil {
		t.Fatal(err)
	}
	if ids.Len() != 6 || ids.InClear() != 6 || ids.Local(access.Bank, "TEST") == "" ||
		ids.Local(access.Bank, "PCBC") != "" {
		t.Errorf("%d keys, %d in clear; want four roles and the banks ICBK and TEST", ids.Len(), ids.InClear())
	}
	before, _ := os.ReadFile(file)
	if code, _, errs := exits(t, "keys", "local", "--data", dir); code != exitFailed ||
		!strings.Contains(errs, "there already") {
		t.Errorf("a second time: exit %d, %s", code, errs)
	}
	if after, _ := os.ReadFile(file); !bytes.Equal(before, after) {
		t.Error("a second time changed the file")
	}
	if code, _, errs := exits(t, "keys", "local", "--data", t.TempDir(), "--banks", "NOPE"); code != exitFailed ||
		!strings.Contains(errs, `"NOPE"`) {
		t.Errorf("an unknown bank: exit %d, %s", code, errs)
	}
}

// The flags of the law begin where the ledger's own terms do, and so does how far
// scoring follows money.
func TestLawBeginsAsTheLedgerDoes(t *testing.T) {
	var c struct{ Law }
	parser, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(nil); err != nil {
		t.Fatal(err)
	}
	terms, err := c.terms()
	if err != nil || !reflect.DeepEqual(terms, law.Default) {
		t.Errorf("%+v, %v, want %+v", terms, err, law.Default)
	}
	if want := (scoring.Trail{MaxHops: law.Default.MaxHops, Min: law.Default.MinTrace}); scoring.DefaultTrail != want {
		t.Errorf("scoring follows %+v, the terms say %+v", scoring.DefaultTrail, want)
	}
}
