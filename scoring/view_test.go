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

// Payments that grow, up to the last one, to payees first met within the while: how
// many in a row, on how many days, what they sum to, and what came back.
func TestRising(t *testing.T) {
	d := 24 * time.Hour
	pay := func(days time.Duration, to uint64, minor int64) move { return mv(debit, days*d, to, minor) }
	for name, c := range map[string]struct {
		moves   []move
		percent int64
		want    run
	}{
		"none":            {nil, 100, run{}},
		"one":             {[]move{pay(0, 1, 500)}, 100, run{1, 1, 500, 0}},
		"two that grow":   {[]move{pay(1, 1, 400), pay(0, 2, 500)}, 100, run{2, 2, 900, 0}},
		"two alike":       {[]move{pay(1, 1, 500), pay(0, 2, 500)}, 100, run{2, 2, 1000, 0}},
		"two that shrink": {[]move{pay(1, 1, 501), pay(0, 2, 500)}, 100, run{1, 2, 1001, 0}},
		"a break before": {[]move{pay(3, 1, 100), pay(2, 2, 900), pay(1, 3, 400), pay(0, 4, 500)}, 100,
			run{2, 4, 1900, 0}},
		"twice the one before": {[]move{pay(1, 1, 250), pay(0, 2, 500)}, 200, run{2, 2, 750, 0}},
		"not quite twice":      {[]move{pay(1, 1, 251), pay(0, 2, 500)}, 200, run{1, 2, 751, 0}},
		"small change between": {[]move{pay(2, 1, 400), pay(1, 2, 49), pay(0, 3, 500)}, 100, run{2, 3, 949, 0}},
		"a tenth is no change": {[]move{pay(2, 1, 400), pay(1, 2, 50), pay(0, 3, 500)}, 100, run{2, 3, 950, 0}},
		"two of one day":       {[]move{mv(debit, time.Hour, 1, 400), pay(0, 2, 500)}, 100, run{2, 1, 900, 0}},
		"cash":                 {[]move{mv(debit, d, 1, 400, markCash), pay(0, 2, 500)}, 100, run{1, 1, 500, 0}},
		"taken back":           {[]move{mv(debit, d, 1, 400, markReversed), pay(0, 2, 500)}, 100, run{1, 1, 500, 0}},
		"to come":              {[]move{pay(0, 2, 500), mv(debit, -time.Hour, 1, 900)}, 100, run{1, 1, 500, 0}},
		"14 days ago":          {[]move{pay(14, 1, 400), pay(0, 2, 500)}, 100, run{1, 1, 500, 0}},
		"just within 14 days":  {[]move{mv(debit, 14*d-1e6, 1, 400), pay(0, 2, 500)}, 100, run{2, 2, 900, 0}},
		"to one met before":    {[]move{pay(20, 1, 1), pay(1, 1, 400), pay(0, 2, 500)}, 100, run{1, 1, 500, 0}},
		"some comes back": {[]move{pay(2, 1, 400), mv(credit, d, 1, 30), mv(credit, d, 9, 700), pay(0, 2, 500),
			mv(credit, -d, 2, 9000)}, 100, run{2, 2, 900, 30}},
		"what came before it was paid": {[]move{mv(credit, 3*d, 1, 30), pay(2, 1, 400)}, 100, run{1, 1, 400, 30}},
	} {
		if got := look(having(c.moves...)).rising(14*d, c.percent); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	v := look(having(pay(2, 1, 250), mv(credit, 2*d-1, 1, 30), pay(1, 2, 500), pay(0, 3, 1000)))
	see(t, "three that double", v, shownAs{"rebates.doubling_72h": int64(3), "growth.payments_14d": int64(3),
		"growth.days_14d": int64(3), "growth.sum_14d": "17.50", "growth.back_14d": "0.30"})
}

// The windows of the features of growth and of doubling, at their beginnings.
func TestRisingWindows(t *testing.T) {
	d := 24 * time.Hour
	pays := func(before time.Duration) *View {
		return look(having(mv(debit, before, 1, 400), mv(credit, before-time.Second, 1, 30), mv(debit, 0, 2, 900)))
	}
	see(t, "14 days ago", pays(14*d), shownAs{"growth.payments_14d": int64(1), "growth.days_14d": int64(1),
		"growth.sum_14d": "9.00", "growth.back_14d": "0.00"})
	see(t, "just within 14 days", pays(14*d-1e6), shownAs{"growth.payments_14d": int64(2), "growth.days_14d": int64(2),
		"growth.sum_14d": "13.00", "growth.back_14d": "0.30"})
	see(t, "72 hours ago", pays(72*time.Hour), shownAs{"rebates.doubling_72h": int64(1)})
	see(t, "just within 72 hours", pays(72*time.Hour-1e6), shownAs{"rebates.doubling_72h": int64(2)})
}

// Small sums that come in: from strangers, and from those who were paid first.
func TestSmallSums(t *testing.T) {
	m, w := time.Minute, 72*time.Hour
	in := func(before time.Duration, from uint64, minor int64) move { return mv(credit, before, from, minor) }
	for name, c := range map[string]struct {
		moves       []move
		small, back int64
	}{
		"one yuan":               {[]move{in(m, 1, 100)}, 1, 0},
		"less":                   {[]move{in(m, 1, 99)}, 0, 0},
		"500 yuan":               {[]move{in(m, 1, 500_00)}, 1, 0},
		"more":                   {[]move{in(m, 1, 500_01)}, 0, 0},
		"taken back":             {[]move{mv(credit, m, 1, 100, markReversed)}, 0, 0},
		"to come":                {[]move{in(-m, 1, 100)}, 0, 0},
		"three days ago":         {[]move{in(w, 1, 100)}, 0, 0},
		"just within three days": {[]move{in(w-1e6, 1, 100)}, 1, 0},
		"from one met before":    {[]move{in(w+m, 1, 100), in(m, 1, 100)}, 0, 0},
		"paid first":             {[]move{mv(debit, 2*m, 1, 700_00), in(m, 1, 100)}, 1, 1},
		"paid first, twice back": {[]move{mv(debit, 3*m, 1, 700_00), in(2*m, 1, 100), in(m, 1, 500_00)}, 2, 2},
		"paid first, too little": {[]move{mv(debit, 2*m, 1, 700_00), in(m, 1, 99)}, 0, 0},
		"paid first, too much":   {[]move{mv(debit, 2*m, 1, 700_00), in(m, 1, 500_01)}, 0, 0},
		"paid later":             {[]move{in(2*m, 1, 100), mv(debit, m, 1, 700_00)}, 1, 0},
		"another was paid":       {[]move{mv(debit, 2*m, 2, 700_00), in(m, 1, 100)}, 1, 0},
		"drawn in cash":          {[]move{mv(debit, 2*m, 1, 700_00, markCash), in(m, 1, 100)}, 1, 0},
		"paid, and back to come": {[]move{mv(debit, 2*m, 1, 700_00), in(-m, 1, 100)}, 0, 0},
		"paid three days before": {[]move{mv(debit, w, 1, 700_00), in(m, 1, 100)}, 0, 0},
		"paid within three days": {[]move{mv(debit, w-1e6, 1, 700_00), in(m, 1, 100)}, 1, 1},
	} {
		v := look(having(c.moves...))
		if small, back := v.smallCredits(w), v.paidBack(w); small != c.small || back != c.back {
			t.Errorf("%s: %d small credits, %d paid back; want %d, %d", name, small, back, c.small, c.back)
		}
		see(t, name, v, shownAs{"rebates.small_credits_72h": c.small, "rebates.back_72h": c.back})
	}
}

// A shop: 20 payments in shops from 10 payers, and these most of what came in.
func TestMerchant(t *testing.T) {
	for name, c := range map[string]struct {
		tills, payers, other int
		age                  time.Duration
		marks                uint64
		want                 bool
	}{
		"20 of 10 payers":         {20, 10, 0, 0, markRetail, true},
		"20 of 10, and 19 others": {20, 10, 19, 0, markRetail, true},
		"20 of 10, and 20 others": {20, 10, 20, 0, markRetail, false},
		"19 of 10":                {19, 10, 1, 0, markRetail, false},
		"20 of 9":                 {20, 9, 0, 0, markRetail, false},
		"20 that are no tills":    {20, 10, 0, 0, markNew, false},
		"20 taken back":           {20, 10, 0, 0, markRetail | markReversed, false},
		"20 a month ago":          {20, 10, 0, 30 * 24 * time.Hour, markRetail, false},
		"20 just within a month":  {20, 10, 0, 30*24*time.Hour - time.Second, markRetail, true},
		"20 to come":              {20, 10, 0, -time.Hour, markRetail, false},
	} {
		s := NewState("acct:1")
		for i := range c.tills {
			s.add(mv(credit, c.age+time.Duration(i)*time.Millisecond, uint64(1+i%c.payers), 10, c.marks))
		}
		for i := range c.other {
			s.add(mv(credit, time.Duration(i)*time.Millisecond, 77, 10))
		}
		if got := look(s).merchant(); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		see(t, name, look(s), shownAs{"merchant": c.want})
	}
}
