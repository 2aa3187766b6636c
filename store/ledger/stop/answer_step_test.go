package stop

import (
	"strings"
	"testing"
	"time"

	"stopline.internal/store/ledger/law"
	"stopline.internal/stream/event"
)

// What a bank may answer, at its bounds: more than nothing and no more than asked; a
// moment within five minutes of the proposal and of now.
func TestOutcomeBounds(t *testing.T) {
	s := requested(100)
	now, skew := noon.Add(time.Hour), 300*time.Second
	since := func(at event.Instant) Outcome { return Outcome{Result: Held, EffectiveAt: at, HeldMinor: 100} }
	for name, c := range map[string]struct {
		o    Outcome
		want string
	}{
		"all":                         {Outcome{Result: Held, EffectiveAt: noon, HeldMinor: 100}, ""},
		"one fen":                     {Outcome{Result: Partial, EffectiveAt: noon, HeldMinor: 1}, ""},
		"all but a fen":               {Outcome{Result: Partial, EffectiveAt: noon, HeldMinor: 99}, ""},
		"nothing":                     {Outcome{Result: Partial, EffectiveAt: noon}, "answer.held-zero"},
		"less than nothing":           {Outcome{Result: Held, EffectiveAt: noon, HeldMinor: -1}, "answer.held-zero"},
		"a fen too much":              {Outcome{Result: Held, EffectiveAt: noon, HeldMinor: 101}, "answer.held-more"},
		"held, a fen less":            {Outcome{Result: Held, EffectiveAt: noon, HeldMinor: 99}, "answer.held-result"},
		"partial, and all":            {Outcome{Result: Partial, EffectiveAt: noon, HeldMinor: 100}, "answer.held-result"},
		"no moment":                   {Outcome{Result: Held, HeldMinor: 100}, "answer.effective-at"},
		"five minutes ahead":          {since(now.Add(skew)), ""},
		"more than that":              {since(now.Add(skew) + 1), "answer.effective-at"},
		"five minutes before it":      {since(noon.Add(-skew)), ""},
		"earlier than that":           {since(noon.Add(-skew) - 1), "answer.effective-at"},
		"gone":                        {Outcome{Result: Missed}, ""},
		"another holder":              {Outcome{Result: Mismatch}, ""},
		"refused, with a reason":      {Outcome{Result: Refused, Reason: "court"}, ""},
		"refused":                     {Outcome{Result: Refused}, "answer.reason"},
		"what is no answer of a bank": {Outcome{Result: Released}, "answer.unknown"},
	} {
		if got := c.o.Check(s, now).Code; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// The step of an answer: its term runs from the moment that the bank names, and each
// field that differs has what was asked beside it, and the likely cause.
func TestAnswerStep(t *testing.T) {
	s := requested(1234)
	s.Account.Holder = "李四"
	since := noon.Add(7 * time.Second)
	for result, until := range map[State]event.Instant{Held: since.Add(48 * time.Hour), Partial: since.Add(48 * time.Hour),
		Missed: 0, Mismatch: 0, Refused: 0} {
		e := Answer(law.Default, s, Outcome{Result: result, EffectiveAt: since, Reason: "why"}, noon.Add(time.Minute), "b")
		if e.State != result || e.Until != until || e.Bank != "PCBC" || e.Reason != "why" || e.By != "b" ||
			e.Version != 3 || e.At != noon.Add(time.Minute) || e.Outcome == nil {
			t.Errorf("%s: %+v until %s", result, e, e.Until)
		}
	}
	e := Answer(law.Default, s, Outcome{Result: Mismatch, Differs: []Difference{{Field: "holder", Theirs: "王五"},
		{Field: "number", Theirs: "6218"}, {Field: "amount", Theirs: "12.35"}, {Field: "time", Theirs: "x"},
		{Field: "colour", Theirs: "red"}}}, noon, "b")
	want := []Difference{{"holder", "王五", "李四", "mismatch.other"}, {"number", "6218", "6217", "mismatch.slip"},
		{"amount", "12.35", "12.34", "mismatch.transfer"},
		{"time", "x", "2026-11-23T12:00:00.000+08:00", "mismatch.transfer"}, {"colour", "red", "", "mismatch.silent"}}
	for i, d := range e.Outcome.Differs {
		if d != want[i] {
			t.Errorf("%+v, want %+v", d, want[i])
		}
	}
}

// The likely cause of a difference, where two are near each other.
func TestExplainNearMisses(t *testing.T) {
	long := strings.Repeat("木", 255)
	for name, c := range map[string]struct{ field, ours, theirs, want string }{
		"not said by the request":      {"holder", "", "李四", "mismatch.silent"},
		"not said by the bank":         {"holder", "李四", " ", "mismatch.silent"},
		"in capitals":                  {"holder", "Li Si", "LISI", "mismatch.spaces"},
		"the mask fits":                {"number", "6217001", "62**001", "mismatch.masked"},
		"the mask does not fit":        {"number", "6217001", "62**002", "mismatch.masked-not"},
		"the mask's first differs":     {"number", "6217001", "7217***", "mismatch.masked-not"},
		"the mask is shorter":          {"number", "6217001", "62****", "mismatch.masked-not"},
		"the mask is longer":           {"holder", "李四", "李**", "mismatch.masked-not"},
		"a card's sub-account":         {"number", "6217", "621700", "mismatch.sub-account"},
		"the account of a sub-account": {"number", "621700", "6217", "mismatch.sub-account"},
		"a name that goes on":          {"holder", "李四", "李四海洋", "mismatch.name"},
		"one digit of an amount":       {"amount", "100.00", "100.01", "mismatch.transfer"},
		"one digit of a time":          {"time", "12:00", "12:01", "mismatch.transfer"},
		"two digits change places":     {"number", "123456", "124356", "mismatch.slip"},
		"the last two":                 {"number", "123456", "123465", "mismatch.slip"},
		"the first two":                {"number", "123456", "213456", "mismatch.slip"},
		"two that are not neighbours":  {"number", "123456", "143256", "mismatch.other"},
		"two pairs":                    {"number", "123456", "214356", "mismatch.other"},
		"a pair, and a digit behind":   {"number", "123456", "124357", "mismatch.other"},
		"two characters of a name":     {"holder", "李四", "四李", "mismatch.name"},
		"a name with none in common":   {"holder", "李四", "王小五", "mismatch.other"},
		"256 characters, one changed":  {"holder", long + "一", long + "二", "mismatch.slip"},
		"257 characters, one changed":  {"holder", long + "一一", long + "一二", "mismatch.name"},
		"257 against 256, one dropped": {"holder", long + "一", long + "一一", "mismatch.name"},
		"two digits of another length": {"number", "123456", "1235", "mismatch.other"},
	} {
		if got := explain(&Difference{Field: c.field, Ours: c.ours, Theirs: c.theirs}).Code; got != c.want {
			t.Errorf("%s: %q, %q is %s, want %s", name, c.ours, c.theirs, got, c.want)
		}
	}
}
