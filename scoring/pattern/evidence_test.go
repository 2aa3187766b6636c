package pattern

import "testing"

// Worked out by hand: 1 - 0.5 × 0.4 = 0.8; patterns on trial count only alone.
func TestEvidence(t *testing.T) {
	type one struct {
		weight  float64
		onTrial bool
	}
	for _, c := range []struct {
		add     []one
		score   int
		onTrial bool
	}{
		{nil, 0, true},
		{[]one{{0.5, false}}, 500, false},
		{[]one{{0.5, false}, {0.6, false}}, 800, false},
		{[]one{{0.6, false}, {0.5, false}}, 800, false},
		{[]one{{0.9, true}, {0.5, false}}, 500, false},
		{[]one{{0.9, true}, {0.5, true}}, 950, true},
		{[]one{{1, false}, {0.3, false}}, 1000, false},
		{[]one{{0, false}}, 0, false},
		{[]one{{0.0004, false}}, 0, false},
		{[]one{{0.0006, false}}, 1, false},
	} {
		var e Evidence
		for _, o := range c.add {
			e.Add(o.weight, o.onTrial)
		}
		if e.Score() != c.score || e.OnTrial() != c.onTrial {
			t.Errorf("%v: %d, on trial %v; want %d, %v", c.add, e.Score(), e.OnTrial(), c.score, c.onTrial)
		}
	}
}
