package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"stopline.internal/scoring"
)

// rooms says what each package may import of ours: a room, or one with all that
// lie in it. cmd/stopline wires them together and is not among them.
const rooms = `
stream/event/packed:
stream/event/words:
stream/event:          stream/event/packed stream/event/words
stream/retry:
stream/kafka/records:
stream/kafka/lossy:
stream/kafka:          stream/retry stream/kafka/records
stream/broker:
store/embedded:

scoring/pattern:       stream/event
scoring:               stream/event/... scoring/pattern

store/ledger/step:     stream/event
store/ledger/law:      stream/event/...
store/ledger/delivery: stream/event store/ledger/step store/ledger/law
store/ledger/stop:     stream/event/... store/ledger/step store/ledger/law store/ledger/delivery
store/ledger/giveback: stream/event store/ledger/step store/ledger/law store/ledger/stop
store/ledger/desk:     stream/event store/ledger/step store/ledger/law store/ledger/stop
store/ledger:          stream/event/... store/ledger/...
store/state:           stream/event
store/warehouse:       stream/event store/ledger/...

stream/casework:       stream/event scoring store/ledger/...
stream:                stream/... scoring store/ledger/... store/state store/warehouse

api/sse:
api/iso20022:
api/client:            api/sse
api/report:            stream/event stream/event/words
api/console:           stream/event/words
api/national:          stream/event store/ledger/...
api/access:            stream/event store/ledger/law
api/wire:              stream/event/... scoring store/... api/access
api/route:             stream/event/... store/ledger api/access api/wire
api/bank:              stream/event/... scoring/... store/ledger/... api/access api/wire api/route api/sse api/iso20022
api/center:            stream/event/... scoring/... store/... api/access api/wire api/route api/sse api/report
api/public:            stream/event/words store/ledger/delivery api/access api/wire api/route api/console
api:                   stream/event store/ledger api/access api/wire api/route api/bank api/center api/public
api/apitest:           stream/event scoring/... store/... api/...

cmd/stopline/history:     stream/event
cmd/stopline/city:        stream/event api/client
cmd/stopline/conformance: stream/event store/ledger/...
cmd/stopline/backtest:    stream/event scoring/... store/warehouse cmd/stopline/city cmd/stopline/history
`

// module is what every import path of ours begins with.
const module = "stopline.internal/"

// mayImport reads the table: by room, what it may import.
func mayImport() map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(rooms) {
		if room, may, ok := strings.Cut(line, ":"); ok {
			out[room] = strings.Fields(may)
		}
	}
	return out
}

// allows says whether one of a table's entries names a room.
func allows(may []string, room string) bool {
	return slices.ContainsFunc(may, func(m string) bool {
		below, all := strings.CutSuffix(m, "/...")
		return m == room || all && (room == below || strings.HasPrefix(room, below+"/"))
	})
}

// The rooms import one way, each says what it is for, and one alone dials Kafka.
func TestImportsGoOneWay(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Doc", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	may := mayImport()
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath, Doc string
			Imports         []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		room := strings.TrimPrefix(p.ImportPath, module)
		if p.Doc == "" {
			t.Errorf("%s does not say what it is for", room)
		}
		allowed, known := may[room]
		if !known && room != "cmd/stopline" {
			t.Errorf("%s is no room of the design", room)
		}
		for _, i := range p.Imports {
			if strings.HasPrefix(i, "github.com/segmentio/kafka-go") && room != "stream/kafka" &&
				i != "github.com/segmentio/kafka-go/compress" {
				t.Errorf("%s dials Kafka itself: stream/kafka is the way", room)
			}
			if other, ours := strings.CutPrefix(i, module); ours && known && !allows(allowed, other) {
				t.Errorf("%s may not import %s", room, other)
			}
		}
	}
}

// The top level holds the rooms, and nothing that a person left there.
func TestTopLevel(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "git", "-C", "../..", "ls-tree", "--name-only", "HEAD").Output()
	if err != nil {
		t.Skipf("this is no clone, so that its top level cannot be listed: %v", err)
	}
	for _, name := range strings.Fields(string(out)) {
		if !strings.HasPrefix(name, ".") && !slices.Contains([]string{"cmd", "stream", "scoring", "store", "api",
			"deploy", "docs", "go.mod", "go.sum", "Makefile", "README.md", "README.zh-CN.md", "LICENSE", "CONTRIBUTING.md",
			"CHANGELOG.md", "SECURITY.md"}, name) {
			t.Errorf("%s does not belong at the top level", name)
		}
	}
}

// The page on patterns lists every feature as the program does.
func TestFeaturesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/features.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range scoring.Describe() {
		if !strings.Contains(string(page), line) {
			t.Errorf("docs/features.md lacks (take it from \"stopline patterns features\"): %s", line)
		}
	}
}
