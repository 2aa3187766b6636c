package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"stopline.internal/scoring"
	"stopline.internal/store/state"
	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
)

// A leg, the state that it went into and the partition that owns it can be looked
// at beside the running service, by the same binary.
func TestInspect(t *testing.T) {
	h := newHarness(t)
	const payer, payee = "6222020200112233445", "6217000010098765432"
	h.send(h.infra.topics.Transfers, fmt.Sprintf(`{"kind":"transfer","id":"T-1","at":%q,"payer":{"account":%q,"bank":"ICBK"},
		"payee":{"account":%q,"bank":"PCBC"},"amount":"49.80","currency":"CNY","channel":"mobile","status":"posted"}`,
		wallClock(), payer, payee))
	looked := func(args ...string) (code int, out, errs string) {
		t.Helper()
		if args[0] == "state" {
			args = append(args, "--clickhouse", h.infra.clickhouse)
		}
		return exits(t, append(append([]string{"inspect"}, args...), "--kafka", h.infra.kafka)...)
	}
	inspect := func(args ...string) (out string) {
		t.Helper()
		code, out, errs := looked(args...)
		if code != 0 {
			t.Fatalf("%v: exit %d, %s", args, code, errs)
		}
		return out
	}
	var at struct {
		Topic          string
		Partition      int
		Committed, End int64
	}
	h.waitFor("scored and committed", func() bool {
		if err := json.Unmarshal([]byte(inspect("partition", "acct:"+payee)), &at); err != nil {
			t.Fatal(err)
		}
		return at.Committed > 0 && at.Committed == at.End
	})
	if at.Topic != h.infra.topics.Legs {
		t.Errorf("the legs lie on %s", at.Topic)
	}
	var leg struct {
		Role, Entity, From, Kind, ID string
		Event                        struct{ Amount struct{ Minor int64 } }
	}
	found := false
	for offset := range at.End {
		for line := range strings.Lines(inspect("leg", fmt.Sprint(at.Partition), fmt.Sprint(offset))) {
			if err := json.Unmarshal([]byte(line), &leg); err != nil {
				t.Fatal(err)
			}
			found = found || leg.Role == "credit" && leg.Entity == "acct:"+payee && leg.ID == "T-1" &&
				leg.Event.Amount.Minor == 4980 &&
				strings.HasPrefix(leg.From, h.infra.topics.Transfers+"/")
		}
	}
	if !found {
		t.Errorf("the credit is not among the legs; the last is %+v", leg)
	}
	var shown struct {
		Entity    string
		Movements []struct {
			Kind   string
			Amount int64
			Marks  []string
		}
	}
	if err := json.Unmarshal([]byte(inspect("state", "acct:"+payee)), &shown); err != nil {
		t.Fatal(err)
	}
	if m := shown.Movements; len(m) != 1 || m[0].Kind != "credit" || m[0].Amount != 4980 ||
		strings.Join(m[0].Marks, " ") != "stranger" {
		t.Errorf("remembered: %+v", shown)
	}
	for args, says := range map[string]string{
		"state acct:1":                           "nothing is remembered of acct:1",
		"state 1":                                `"1" is no entity`,
		"leg 0 99999":                            "holds records from 0",
		"partition " + payee + "000":             "is no entity",
		"partition acct:1 --topic-prefix other.": "there is no topic other.stopline.legs",
	} {
		if code, _, errs := looked(strings.Fields(args)...); code != exitFailed || !strings.Contains(errs, says) {
			t.Errorf("%s: exit %d, %s", args, code, errs)
		}
	}
}

// What the process that scored it has on its disk comes first, where nobody has that open.
func TestInspectStateOnTheDisk(t *testing.T) {
	h := newHarness(t)
	const payee = "6217000010098765432"
	h.send(h.infra.topics.Transfers, transferDoc("T-1", "6222020200112233445", payee, "49.80"))
	look := func(more ...string) (code int, out, errs string) {
		return exits(t, append([]string{"inspect", "state", "acct:" + payee, "--kafka", h.infra.kafka}, more...)...)
	}
	h.waitFor("the remote checkpoint", func() bool {
		code, _, _ := look("--clickhouse", h.infra.clickhouse)
		return code == 0
	})
	if code, _, errs := look(); code != exitFailed || !strings.Contains(errs, "name the service's --clickhouse") {
		t.Errorf("from nowhere: exit %d, %s", code, errs)
	}
	if code, _, errs := look("--data", h.infra.data); code != exitFailed ||
		!strings.Contains(errs, "another process has them") {
		t.Errorf("its own --data: exit %d, %s", code, errs)
	}
	code, out, _ := look("--data", h.infra.data, "--clickhouse", h.infra.clickhouse)
	if code != 0 || !strings.Contains(out, "4980") {
		t.Errorf("then from ClickHouse: exit %d, %s", code, out)
	}
	p := event.PartitionOf([]byte("acct:"+payee), 2)
	ended := t.TempDir()
	store, err := state.Open(state.Options{Dir: state.Dir(ended, "", p),
		Identity: state.Identity{Partitions: 2, Partition: p, Encoding: scoring.StateVersion}})
	if err != nil {
		t.Fatal(err)
	}
	b := store.Begin(state.Checkpoint{Offset: 1})
	err = b.Put(state.Row{Entity: "acct:" + payee, Version: 1,
		State: scoring.AppendState(nil, scoring.NewState("acct:"+payee))})
	if err = errors.Join(err, b.Commit(), store.Close()); err != nil {
		t.Fatal(err)
	}
	code, out, errs := look("--data", ended, "--clickhouse", h.infra.clickhouse)
	if code != 0 || strings.Contains(out, "4980") || !strings.Contains(out, payee) {
		t.Errorf("from the disk: exit %d, %s %s", code, out, errs)
	}
}

// Who looks at a service with a mistyped prefix makes nothing there.
func TestInspectMakesNothing(t *testing.T) {
	h := newHarness(t)
	before, err := h.infra.cluster.Topics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"partition acct:1", "leg 0 0", "state acct:1 --clickhouse " + h.infra.clickhouse} {
		args += " --topic-prefix other. --kafka " + h.infra.kafka
		if code, _, errs := exits(t, append([]string{"inspect"}, strings.Fields(args)...)...); code != exitFailed {
			t.Errorf("%s: exit %d, %s", args, code, errs)
		}
	}
	fresh, err := kafka.New(kafka.Config{Brokers: []string{h.infra.kafka}})
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	if after, err := fresh.Topics(t.Context()); err != nil || len(after) != len(before) {
		t.Errorf("%d topics are %d, %v", len(before), len(after), err)
	}
}

// Profiles are served on loopback when they are asked for, and nowhere else.
func TestProfiles(t *testing.T) {
	h := newHarness(t)
	if err := h.profiles("0.0.0.0:0"); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("every address: %v", err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	if err := h.profiles(addr); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		"http://"+addr+"/debug/pprof/goroutine?debug=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if b, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(b), "goroutine profile") {
		t.Errorf("%.80s, %v", b, err)
	}
	if status, _ := h.call("", http.MethodGet, "/debug/pprof/", ""); status != http.StatusNotFound {
		t.Errorf("the API's port answers %d", status)
	}
}
