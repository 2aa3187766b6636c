package scoring

import (
	"testing"
	"time"
)

// Who paid one and the same amount: each payer once, of those who were new, from 100
// yuan on, the most of one amount.
func TestAlike(t *testing.T) {
	m := time.Minute
	for name, c := range map[string]struct {
		moves []move
		want  int64
	}{
		"nobody":                 {nil, 0},
		"one":                    {[]move{mv(credit, m, 1, 100_00, markNew)}, 1},
		"a fen below 100 yuan":   {[]move{mv(credit, m, 1, 99_99, markNew)}, 0},
		"one who is known":       {[]move{mv(credit, m, 1, 100_00)}, 0},
		"one, twice":             {[]move{mv(credit, m, 1, 100_00, markNew), mv(credit, 2*m, 1, 100_00, markNew)}, 1},
		"two":                    {[]move{mv(credit, m, 1, 100_00, markNew), mv(credit, 2*m, 2, 100_00, markNew)}, 2},
		"two, of other amounts":  {[]move{mv(credit, m, 1, 100_00, markNew), mv(credit, 2*m, 2, 100_01, markNew)}, 1},
		"two, one of them known": {[]move{mv(credit, m, 1, 100_00, markNew), mv(credit, 2*m, 2, 100_00)}, 1},
		"two, one taken back": {[]move{mv(credit, m, 1, 100_00, markNew),
			mv(credit, 2*m, 2, 100_00, markNew, markReversed)}, 1},
		"two, one of them paid": {[]move{mv(credit, m, 1, 100_00, markNew), mv(debit, 2*m, 2, 100_00, markNew)}, 1},
		"two, one an hour ago":  {[]move{mv(credit, m, 1, 100_00, markNew), mv(credit, 60*m, 2, 100_00, markNew)}, 1},
		"two, one to come":      {[]move{mv(credit, m, 1, 100_00, markNew), mv(credit, -m, 2, 100_00, markNew)}, 1},
		"two, one of them twice": {[]move{mv(credit, m, 1, 100_00, markNew), mv(credit, 2*m, 2, 100_00, markNew),
			mv(credit, 3*m, 2, 100_00, markNew)}, 2},
		"three behind one of another amount": {[]move{mv(credit, m, 9, 500_00, markNew), mv(credit, 2*m, 1, 100_00, markNew),
			mv(credit, 3*m, 2, 100_00, markNew), mv(credit, 4*m, 3, 100_00, markNew)}, 3},
	} {
		if got := look(having(c.moves...)).alike(credit, time.Hour); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
