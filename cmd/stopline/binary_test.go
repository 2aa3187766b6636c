package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"stopline.internal/api/access"
	"stopline.internal/cmd/stopline/city"
	"stopline.internal/stream/event"
)

// binary builds the real program, once for all tests.
func binary(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("the real binary is not run in short mode")
	}
	path := filepath.Join(os.TempDir(), fmt.Sprintf("stopline-test-%d", os.Getpid()))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// engineEnv lets a binary outside of the source tree find the engine.
func engineEnv(t *testing.T) []string {
	t.Helper()
	lib, err := filepath.Abs("../../store/embedded/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so")
	if err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(), "STOPLINE_ENGINE="+lib)
}

// runs runs the program to its end and decodes the last line of its standard
// output.
func runs(t *testing.T, summary any, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary(t), args...)
	cmd.Env = engineEnv(t)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("stopline %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), summary); err != nil {
		t.Fatalf("the last line of standard output is no JSON object: %v: %q", err, lines[len(lines)-1])
	}
}

// serving is a running "stopline serve".
type serving struct {
	cmd *exec.Cmd
	log *bytes.Buffer
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

func serve(t *testing.T, dir string, kafkaPort, apiPort int) *serving {
	t.Helper()
	s := &serving{cmd: exec.CommandContext(t.Context(), binary(t), "serve", "--data", dir, "--kafka-port",
		fmt.Sprint(kafkaPort), "--partitions", "1",
		"--listen", fmt.Sprintf("127.0.0.1:%d", apiPort), "--respond-in", "24h", "--checkpoint", "300ms", "--hot", "200"),
		log: &bytes.Buffer{}}
	s.cmd.Env = engineEnv(t)
	s.cmd.Stderr = s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/readyz", apiPort))
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return s
			}
		}
	}
	t.Fatalf("stopline serve did not become ready: %s", s.log)
	return nil
}

func (s *serving) kill(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.cmd.Wait() // it was killed
}

// found is what a service knows in the end: its alerts, byte for byte, and
// its stops on the accounts that victims paid; and the stops on the accounts that
// the money went on to.
type found struct{ alerts, stops, trail []string }

// outcomeOf feeds documents to a service in one order, kills it where kills
// say, and returns what it found.
func outcomeOf(t *testing.T, docs []city.Doc, kills []int) found {
	t.Helper()
	dir, kafkaPort, apiPort := t.TempDir(), freePort(t), freePort(t)
	var made map[string]any
	runs(t, &made, "keys", "local", "--data", dir)
	s := serve(t, dir, kafkaPort, apiPort)
	broker := fmt.Sprintf("127.0.0.1:%d", kafkaPort)
	const batch = 500
	for i := 0; i < len(docs); i += batch {
		if len(kills) > 0 && i >= kills[0] {
			kills = kills[1:]
			s.kill(t)
			s = serve(t, dir, kafkaPort, apiPort)
		}
		var msgs []kafka.Message
		for _, d := range docs[i:min(i+batch, len(docs))] {
			msgs = append(msgs, kafka.Message{Value: d.JSON})
		}
		// A new writer for each batch: it must find the broker of the new process.
		w := &kafka.Writer{Addr: kafka.TCP(broker), Topic: "bank.transfers", RequiredAcks: kafka.RequireAll,
			BatchTimeout: 5 * time.Millisecond, MaxAttempts: 20}
		if err := w.WriteMessages(t.Context(), msgs...); err != nil {
			t.Fatal(err)
		}
		_ = w.Close()
		// A batch is nine minutes of the city. Notes between entities take as many
		// milliseconds here as there; an entity remembers its last 64 neighbours.
		time.Sleep(60 * time.Millisecond)
	}
	// The last document is a report: when its case is there, all before it is scored.
	ids, err := access.LoadIdentities(filepath.Join(dir, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) map[string]any {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
			fmt.Sprintf("http://127.0.0.1:%d%s", apiPort, path), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+ids.Local(access.Admin, ""))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		var doc map[string]any
		if err := json.Unmarshal(b, &doc); err != nil {
			t.Fatalf("%s: %s", path, b)
		}
		return doc
	}
	lastCase := "/v1/cases/" + event.CaseID("6222LAST")
	for end := time.Now().Add(time.Minute); get(lastCase)["id"] == nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the last report has no case after a minute: %s", s.log)
		}
	}
	time.Sleep(4500 * time.Millisecond) // the warehouse writes every two seconds
	var f found
	for path := "/v1/alerts?limit=500"; path != ""; {
		doc := get(path)
		for _, a := range doc["alerts"].([]any) {
			b, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			f.alerts = append(f.alerts, string(b))
		}
		path = ""
		if next, ok := doc["next"].(string); ok {
			path = "/v1/alerts?limit=500&after=" + next
		}
	}
	for path := "/v1/stops?limit=500"; path != ""; {
		doc := get(path)
		for _, a := range doc["stops"].([]any) {
			st := a.(map[string]any)
			line := fmt.Sprint(st["id"], st["account"], st["amount"], st["state"], st["version"], st["case_id"])
			if st["hop"] == 1.0 {
				f.stops = append(f.stops, line)
			} else {
				f.trail = append(f.trail, line)
			}
		}
		path = ""
		if next, ok := doc["next"].(string); ok {
			path = "/v1/stops?limit=500&after=" + next
		}
	}
	verification := get("/v1/statistics/verification")
	for end := time.Now().Add(20 * time.Second); verification["behind"] != 0.0 &&
		time.Now().Before(end); verification = get("/v1/statistics/verification") {
		time.Sleep(200 * time.Millisecond)
	}
	if d, _ := verification["differences"].([]any); d == nil || len(d) > 0 || verification["behind"] != 0.0 ||
		verification["statistics"].(float64) == 0 {
		t.Errorf("the books after the kills: %v", verification)
	}
	slices.Sort(f.alerts)
	slices.Sort(f.stops)
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("serve did not leave cleanly: %v: %s", err, s.log)
	}
	return f
}

// The real program, killed at random points with an LRU much smaller than its
// city, raises the same alerts, byte for byte, and the same stops on the
// accounts that victims paid as one that was never killed: none lost, none twice.
func TestKillNine(t *testing.T) {
	start := event.InstantOf(time.Now().Add(-8 * time.Hour))
	c := city.New(city.Config{Seed: 3, Start: start, Rate: 0.8, People: 3000, Frauds: 5})
	docs := c.Advance(start.Add(7 * time.Hour))
	last := fmt.Sprintf(`{"kind":"report","id":"last","at":"%s","source":"110","victim":{"holder":"甲"},"transfers":[{"id":"x","payer_account":"6222LAST","payee_account":"p","payee_bank":"PCBC","amount":"1.00","currency":"CNY","at":"%s"}]}`, start, start)
	docs = append(docs, city.Doc{JSON: []byte(last)})

	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 1))
	kills := []int{r.IntN(len(docs)), r.IntN(len(docs)), r.IntN(len(docs))}
	slices.Sort(kills)
	t.Logf("%d events, killed at %v (seed %d)", len(docs), kills, seed)
	want, got := outcomeOf(t, docs, nil), outcomeOf(t, docs, kills)
	if len(want.stops) < 10 || len(want.alerts) < 10 {
		t.Fatalf("%d stops and %d alerts prove nothing", len(want.stops), len(want.alerts))
	}
	for name, pair := range map[string][2][]string{"alerts": {want.alerts, got.alerts}, "stops": {want.stops, got.stops}} {
		for _, w := range pair[0] {
			if !slices.Contains(pair[1], w) {
				t.Errorf("%s: lost %s", name, w)
			}
		}
		for i, g := range pair[1] {
			if !slices.Contains(pair[0], g) {
				t.Errorf("%s: not in the run that was never killed: %s", name, g)
			}
			if i > 0 && pair[1][i-1] == g {
				t.Errorf("%s: twice: %s", name, g)
			}
		}
	}
	// Which part of a payment is followed depends on which credits were known by
	// then, and sources have no order among them: seven hours within seconds, with
	// mules that dozens of campaigns share, differ in a few parts of the trail, with
	// or without a kill.
	same := 0
	for _, w := range want.trail {
		if slices.Contains(got.trail, w) {
			same++
		}
	}
	if 10*same < 9*max(len(want.trail), len(got.trail)) {
		t.Errorf("trail: %d stops are the same of %d and %d", same, len(want.trail), len(got.trail))
	}
	t.Logf("%d alerts and %d stops in both, %d of %d on the trail", len(want.alerts), len(want.stops), same,
		len(want.trail))
}

// A city that sends more than any machine of this kind can score waits for the
// service: its clock slows, nothing is left unscored, and nothing is refused for
// its age.
func TestCityWaitsForTheService(t *testing.T) {
	var s demoSummary
	runs(t, &s, "demo", "--data", t.TempDir(), "--rate", "200000", "--speed", "200000", "--duration", "8s",
		"--listen", "127.0.0.1:0", "--summary", "json")
	if s.Pace <= 0 || s.Pace > 0.9*s.Speed {
		t.Errorf("the city's clock ran at ×%.0f of ×%.0f: it did not wait", s.Pace, s.Speed)
	}
	if s.LagSeconds != 0 || s.DeadLetters != 0 || s.Events == 0 {
		t.Errorf("after the end: %+v", s)
	}
}

// A demo that was killed goes on from what it had.
func TestDemoKilledGoesOn(t *testing.T) {
	dir := t.TempDir()
	args := []string{"demo", "--data", dir, "--seed", "11", "--rate", "600", "--speed", "300", "--listen",
		"127.0.0.1:0", "--summary", "json"}
	first := exec.CommandContext(t.Context(), binary(t), append(args, "--duration", "10m")...)
	first.Env = engineEnv(t)
	errs, err := first.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	sc := bufio.NewScanner(errs)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() && !strings.Contains(sc.Text(), "console") {
	}
	time.Sleep(6 * time.Second)
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, errs)
	_ = first.Wait() // it was killed
	var s demoSummary
	runs(t, &s, append(args, "--duration", "8s")...)
	if s.StopsRequested == 0 || s.SavedShare <= 0 || s.DeadLetters != 0 || s.Latency.N == 0 {
		t.Errorf("%+v", s)
	}
	if s.StopsHeld+s.StopsPartial+s.StopsMissed != s.StopsRequested {
		t.Errorf("of %d stops %d were answered: %+v", s.StopsRequested, s.StopsHeld+s.StopsPartial+s.StopsMissed, s)
	}
	// Another city in the same directory is refused.
	cmd := exec.CommandContext(t.Context(), binary(t), append(args, "--seed", "12")...)
	cmd.Env = engineEnv(t)
	if out, err := cmd.CombinedOutput(); err == nil || !bytes.Contains(out, []byte("--data")) {
		t.Errorf("another seed in the same directory: %v %s", err, out)
	}
}

// publicData finds a file of the public data sets.
func publicData(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(os.Getenv("STOPLINE_DATA"), name)
	if _, err := os.Stat(path); os.Getenv("STOPLINE_DATA") == "" || err != nil {
		t.Skipf("%s is not here: set STOPLINE_DATA to the folder of public data (docs/replay.md names the sources)", name)
	}
	return path
}

// Every labelled fraud of PaySim is alerted, at the transfer or the cash-out.
func TestReplayPaySim(t *testing.T) {
	var s replaySummary
	runs(t, &s, "replay", "--data", t.TempDir(), "--format", "paysim", publicData(t, "paysim.csv.gz"), "--summary", "json")
	if s.Rows != 399_682 || s.Frauds != 39 || s.True != 39 || s.Recall != 1 || s.DeadLetters != 0 {
		t.Errorf("%+v", s)
	}
}

// A mapping file of one's own, plain CSV, and labels.
func TestReplayOwnMapping(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	mapping := write("map.yaml", `
kind: transfer
source: OWN
delimiter: ";"
id: nr
time: {column: when, format: "2006-01-02 15:04"}
payer: {account: from, balance: had}
payee: {account: to}
amount: {column: sum, currency: CNY, scale: "1000"}
channel: {column: how, values: {machine: cash}, default: mobile}
label: {column: fraud, positive: ["y"]}
`)
	data := write("data.csv", "nr;when;from;to;sum;had;how;fraud\n1;2020-01-02 10:00;a;b;12.5;20;net;n\n2;2020-01-02 "+
		"10:10;b;;12.5;12.5;machine;y\n3;2020-01-02 10:20;a;c;0;20;net;n\n")
	var s replaySummary
	runs(t, &s, "replay", "--data", filepath.Join(dir, "d"), "--format", mapping, data, "--summary", "json")
	if s.Rows != 3 || s.Left != 1 || s.Frauds != 1 || s.True != 1 || s.DeadLetters != 0 ||
		s.ByPattern["mule-cash-out"] != 1 {
		t.Errorf("%+v", s)
	}
	cmd := exec.CommandContext(t.Context(), binary(t), "replay", "--data", filepath.Join(dir, "d"), "--format",
		"payshim", data)
	if out, err := cmd.CombinedOutput(); err == nil || !bytes.Contains(out, []byte("paysim")) {
		t.Errorf("an unknown format: %v %s", err, out)
	}
}
