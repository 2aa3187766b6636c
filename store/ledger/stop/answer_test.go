package stop

import (
	"testing"
	"time"

	"stopline.internal/stream/event"
	"stopline.internal/stream/event/words"
)

func TestOutcomeCheck(t *testing.T) {
	s := requested(100)
	for name, o := range map[string]Outcome{
		"held nothing":       {Result: Held, EffectiveAt: noon},
		"held too much":      {Result: Held, EffectiveAt: noon, HeldMinor: 101},
		"held a part":        {Result: Held, EffectiveAt: noon, HeldMinor: 99},
		"partial of all":     {Result: Partial, EffectiveAt: noon, HeldMinor: 100},
		"no moment":          {Result: Held, HeldMinor: 100},
		"in the future":      {Result: Held, HeldMinor: 100, EffectiveAt: noon.Add(time.Hour)},
		"refused, no reason": {Result: Refused},
		"no result":          {},
		"released":           {Result: Released},
	} {
		why := o.Check(s, noon)
		if err := why.Check(); err != nil { // accepted, or not to be said
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A refusal's text is for people: its amounts have separators and a currency,
// while the answer's own field stays a plain decimal.
func TestRefusalsSayAmounts(t *testing.T) {
	s := &Stop{Proposal: Proposal{Minor: 123_456_789, Currency: event.CNY}}
	why := (&Outcome{Result: Held, HeldMinor: 223_456_789}).Check(s, noon)
	if want := "held_amount ¥2,234,567.89 is more than the ¥1,234,567.89 that was asked for"; why.Error() != want {
		t.Errorf("%v, want %s", why, want)
	}
	if want := "held_amount ¥2,234,567.89 超过请求金额 ¥1,234,567.89"; why.In(words.Chinese) != want {
		t.Errorf("%s, want %s", why.In(words.Chinese), want)
	}
	if got := s.Decimal(s.Minor); got != "1234567.89" {
		t.Errorf("a document would carry %s", got)
	}
}
