package ledger

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/step"
	"stopline.internal/stream/event"
)

// oldTerms are the terms of the old log: the limit of stops is low, so that a
// trail of it reaches the limit.
func oldTerms() law.Terms {
	t := law.Default
	t.MaxStops = 12
	return t
}

// line is an entry of the old log with its place.
type line struct {
	Partition int   `json:"p"`
	Offset    int64 `json:"o"`
	Entry     Entry `json:"e"`
}

// testdata/log-1.jsonl is a log that an early version wrote: the seeded simulation,
// with every kind of entry and every state. testdata/log-1.state.json is what that
// version made of it. A log is kept for ever, so every later version has to come to
// the same.
func TestOldLogFoldsToTheSame(t *testing.T) {
	log, err := os.ReadFile("testdata/log-1.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	l := New(oldTerms())
	var results []any
	kinds := map[string]bool{}
	var end event.Instant
	lines := bufio.NewScanner(bytes.NewReader(log))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var row line
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(&row)
		if err != nil || !bytes.Equal(again, lines.Bytes()) {
			t.Fatalf("an entry was read and written again: %v\n%s\nwas\n%s", err, again, lines.Bytes())
		}
		e := row.Entry
		e.Place = step.Place{Partition: row.Partition, Offset: row.Offset}
		res := l.Apply(&e)
		results = append(results, showResult(&res))
		end = max(end, e.At)
		if res.Accepted {
			kinds[kindOf(&e)] = true
		}
	}
	if missing := missingKinds(kinds); len(missing) > 0 {
		t.Errorf("the log has no %v", missing)
	}
	compareState(t, "testdata/log-1.state.json", l, results, end)
}

// compareState compares what the fold shows with a file, line by line.
func compareState(t *testing.T, file string, l *Ledger, results []any, end event.Instant) {
	t.Helper()
	got := stateDocument(l, results, end)
	if os.Getenv("STOPLINE_WRITE") != "" { // for a view that is new: look at the difference
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	differ := 0
	for i := range max(len(g), len(w)) {
		var a, b string
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			if differ++; differ <= 5 {
				t.Errorf("line %d of %s: the fold shows\n%s\nand the file has\n%s", i+1, file, a, b)
			}
		}
	}
	if differ > 5 {
		t.Errorf("%d lines differ in all", differ)
	}
}

// kindOf names what an entry is, with its state.
func kindOf(e *Entry) string {
	kind := "stop"
	switch {
	case e.Delivery != nil:
		kind = "delivery"
		if e.Delivery.Again {
			kind = "again"
		}
		return kind
	case e.StopID != "":
		if e.Change != nil {
			return "change " + e.Change.Kind
		}
	case e.Verdict != nil:
		return "verdict"
	case e.Report != nil:
		return "report"
	case e.Leaf != nil:
		return "leaf " + e.Leaf.Why
	case e.Into != "":
		return "into"
	case e.Appeal != nil:
		kind = "appeal"
	case e.Visit != nil:
		kind = "visit"
	case e.Task != nil:
		kind = "task"
	case e.Progress != nil:
		kind = "case"
	default:
		kind = "return"
		if e.Return != nil && e.Return.Objects != nil {
			return "objection " + e.Return.Objects.State
		}
	}
	return kind + " " + e.State
}

// missingKinds lists the kinds of entries that the log has to have and has not.
func missingKinds(have map[string]bool) (missing []string) {
	for kind, states := range map[string]string{
		"stop": "proposed rejected requested undelivered acknowledged held partial missed mismatch refused extended " +
			"frozen released expired",
		"change":    "sweep part renew return returned returning",
		"return":    "proposed announced approved instructed withdrawn",
		"objection": "open dismissed upheld",
		"appeal":    "received upheld dismissed",
		"visit":     "assigned escalated confirmed",
		"task":      "claimed open escalated dismissed",
		"case":      "open investigating solved closed",
		"leaf":      "cash merchant small deep",
	} {
		for _, s := range strings.Fields(states) {
			if !have[kind+" "+s] {
				missing = append(missing, kind+" "+s)
			}
		}
	}
	for _, kind := range []string{"delivery", "again", "verdict", "report", "into"} {
		if !have[kind] {
			missing = append(missing, kind)
		}
	}
	slices.Sort(missing)
	return missing
}
