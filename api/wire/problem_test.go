package wire

import (
	"testing"

	"github.com/danielgtaylor/huma/v2/validation"

	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event/words"
)

// What the service itself gives as a reason is a code in the log, and words in
// documents; what a log of before said in words stays.
func TestReasonsOfTheService(t *testing.T) {
	for reason, want := range map[string]StopEvent{
		"due.term":       {Reason: "the term ended", ReasonCode: "due.term"},
		"the term ended": {Reason: "the term ended"},
		"家属已核实":          {Reason: "家属已核实"},
	} {
		if got := newStopEvent(&step.Head[stop.State]{Reason: reason}); got != want {
			t.Errorf("%s: %+v", reason, got)
		}
	}
	d := newDifference(stop.Difference{Field: "holder", Cause: "mismatch.other"})
	if want := "another holder: the account was reported wrongly, or sold on; ask the victim again"; d.Cause != want ||
		d.CauseCode != "mismatch.other" {
		t.Errorf("%+v", d)
	}
}

// The sentences of the framework that requests here can meet have codes, and all
// that the sentence says is in the values.
func TestSentencesOfTheFramework(t *testing.T) {
	for text, want := range map[string]words.Message{
		"expected required property amount to be present": words.New("field.required", "name", "amount"),
		"expected length <= 256":                          words.New("field.max-length", "limit", 256),
		"expected number >= 1":                            words.New("field.minimum", "limit", 1),
		`expected value to be one of "warn, review"`:      words.New("field.one-of", "allowed", "warn, review"),
		"required query parameter is missing":             words.New("field.parameter", "where", "query"),
		"request body is too large limit=1048576 bytes":   words.New("request.too-large", "limit", 1<<20),
		"something of a later version":                    words.New("field.other", "cause", "something of a later version"),
		validation.MsgExpectedRFC3339DateTime:             words.New("field.date-time"),
	} {
		m := framework(text)
		if m.Code != want.Code || m.Error() != text || m.In(words.Chinese) != want.In(words.Chinese) || m.Check() != nil {
			t.Errorf("%s: %+v says %s", text, m, m)
		}
	}
	for _, s := range sentences {
		if holes := words.Holes(s.code); len(holes) != len(s.names) || !words.Known(s.code) {
			t.Errorf("%s takes %v, and the sentence has %v", s.code, holes, s.names)
		}
	}
}
