package event

import "testing"

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"李四", "李小四", 1},
		{"李四", "王五", 2},
		{"kitten", "sitting", 3},
		{"6217", "6271", 2},
	} {
		if got, back := EditDistance(c.a, c.b), EditDistance(c.b, c.a); got != c.want || back != c.want {
			t.Errorf("from %q to %q: %d, and back %d, want %d", c.a, c.b, got, back, c.want)
		}
	}
}
