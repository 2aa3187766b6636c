package giveback

import (
	"slices"
	"testing"

	"stopline.internal/store/ledger/stop"
)

// account is a frozen account with its movements and stops.
func account(number string, flows []Flow, stops ...FrozenStop) FrozenAccount {
	return FrozenAccount{Account: stop.Account{Number: number, Bank: "B"}, Stops: stops, Flows: flows}
}

// By which rule each account is given back, and what of each victim's money is left.
func TestRuleOfAnAccount(t *testing.T) {
	s := func(left int64) FrozenStop { return FrozenStop{"s", left, "v"} }
	for name, c := range map[string]struct {
		flows       []Flow
		stop        FrozenStop
		method, why string
		left        map[string]int64
	}{
		"one victim, other money before": {[]Flow{{1, 50, ""}, {2, 100, "v"}}, s(100), MethodSingle, WhyOne,
			map[string]int64{"v": 100}},
		"two victims, nothing went out": {[]Flow{{1, 100, "v"}, {2, 40, "w"}}, s(140), MethodByTime, WhyApart,
			map[string]int64{"v": 100, "w": 40}},
		"the first was gone before the second came": {[]Flow{{1, 100, "v"}, {2, -100, ""}, {3, 40, "w"}}, s(40),
			MethodByTime, WhyApart, map[string]int64{"w": 40}},
		"a part of the first was gone": {[]Flow{{1, 100, "v"}, {2, -30, ""}, {3, 40, "w"}}, s(110),
			MethodByTime, WhyApart, map[string]int64{"v": 70, "w": 40}},
		"more went than the first": {[]Flow{{1, 100, "v"}, {2, -130, ""}, {3, 40, "w"}}, s(40),
			MethodByTime, WhyApart, map[string]int64{"w": 40}},
		"went while both lay there": {[]Flow{{1, 100, "v"}, {2, 40, "w"}, {3, -1, ""}}, s(139),
			MethodProportional, WhyMixed, nil},
		"emptied, then another": {[]Flow{{1, 100, "v"}, {2, 40, "w"}, {3, -140, ""}, {4, 9, "w"}}, s(9),
			MethodByTime, WhyApart, map[string]int64{"w": 9}},
		"a fen was left": {[]Flow{{1, 100, "v"}, {2, 40, "w"}, {3, -139, ""}, {4, 9, "w"}}, s(10),
			MethodProportional, WhyMixed, nil},
		"went beside other money": {[]Flow{{1, 5, ""}, {2, 100, "v"}, {3, -5, ""}, {4, 40, "w"}}, s(140),
			MethodProportional, WhyMixed, nil},
		"emptied, with other money": {[]Flow{{1, 5, ""}, {2, 100, "v"}, {3, -105, ""}, {4, 40, "w"}}, s(40),
			MethodByTime, WhyApart, map[string]int64{"w": 40}},
		"the other money was gone before": {[]Flow{{1, 5, ""}, {2, -5, ""}, {3, 100, "v"}, {4, -10, ""}, {5, 40, "w"}},
			s(130), MethodByTime, WhyApart, map[string]int64{"v": 90, "w": 40}},
		"more went than came": {[]Flow{{1, -7, ""}, {2, 5, ""}, {3, 100, "v"}, {4, -10, ""}, {5, 40, "w"}},
			s(130), MethodByTime, WhyApart, map[string]int64{"v": 90, "w": 40}},
		"less is frozen than is left": {[]Flow{{1, 100, "v"}, {2, 40, "w"}}, s(139), MethodProportional, WhyLess, nil},
		"the movements are not known": {nil, FrozenStop{"s", 9, "x"}, MethodSingle, WhyOne, map[string]int64{"x": 9}},
	} {
		a := account("a", c.flows, c.stop)
		r, direct := a.byRule()
		got := map[string]int64{}
		for _, d := range direct {
			got[d.Victim] += d.Left
		}
		if r.Method != c.method || r.Why != c.why || r.Minor != c.stop.Left || (r.Mixed != nil) != (c.why == WhyMixed) {
			t.Errorf("%s: %s, %s, %d frozen, mixed %v; want %s, %s", name, r.Method, r.Why, r.Minor, r.Mixed, c.method,
				c.why)
		}
		for _, v := range []string{"v", "w", "x"} {
			if got[v] != c.left[v] {
				t.Errorf("%s: %d of %s's money is left, want %d", name, got[v], v, c.left[v])
			}
		}
	}
	two := account("a", nil, FrozenStop{"s1", 5, "v"}, FrozenStop{"s2", 6, "w"})
	if r, _ := two.byRule(); r.Method != MethodProportional || r.Why != WhyUnknown || r.Minor != 11 ||
		!slices.Equal(r.Stops, []string{"s1", "s2"}) || !slices.Equal(r.Victims, []string{"v", "w"}) {
		t.Errorf("two victims of whose movements nothing is known: %+v", r)
	}
	mixed := account("a", []Flow{{1, 100, "v"}, {2, 40, "w"}, {3, -1, ""}, {4, -2, ""}}, s(137))
	if r, _ := mixed.byRule(); r.Mixed == nil || *r.Mixed != (Flow{3, -1, ""}) {
		t.Errorf("what left while both lay there: %+v", r.Mixed)
	}
}

// Two accounts, one told apart and one mixed. Losses: v 1000, w 500, x 300.
// Told apart: 200 of v's on s1. Paid before: 100 to w. Owed then: v 800, w 400, x 300,
// in all 1500. The mixed account has 701: v 373.866…, w 186.933…, x 140.2; rounded
// down 373 + 186 + 140 = 699; the two fen go to the largest rests: w's and v's.
func TestDivideToTheFen(t *testing.T) {
	claims := []Claim{{"v", 1000, 0}, {"w", 500, 100}, {"x", 300, 0}}
	r, err := Divide([]FrozenAccount{
		account("a", []Flow{{1, 1000, "v"}, {2, -800, ""}}, FrozenStop{"s1", 200, "v"}),
		account("b", nil, FrozenStop{"s2", 400, "w"}, FrozenStop{"s3", 301, "x"}),
	}, claims)
	if err != nil {
		t.Fatal(err)
	}
	if r.Pool != 701 || r.Losses != 1500 || r.Total() != 901 || len(r.Accounts) != 2 {
		t.Errorf("a pool of %d over %d, %d in all", r.Pool, r.Losses, r.Total())
	}
	want := []Line{
		{Victim: "v", Loss: 1000, Direct: 200, Weight: 800, Share: 374, Remainder: 1300, Extra: true, Minor: 574,
			From: []PayFrom{{"s1", 200}, {"s2", 374}}},
		{Victim: "w", Loss: 500, Before: 100, Weight: 400, Share: 187, Remainder: 1400, Extra: true, Minor: 187,
			From: []PayFrom{{"s2", 26}, {"s3", 161}}},
		{Victim: "x", Loss: 300, Weight: 300, Share: 140, Remainder: 300, Minor: 140, From: []PayFrom{{"s3", 140}}},
	}
	for i, l := range r.Lines {
		w := want[i]
		if !slices.Equal(l.From, w.From) {
			t.Errorf("%s is paid from %v, want %v", l.Victim, l.From, w.From)
		}
		if l.From, w.From = nil, nil; l.Victim != w.Victim || l.Loss != w.Loss || l.Before != w.Before ||
			l.Direct != w.Direct || l.Weight != w.Weight || l.Share != w.Share || l.Remainder != w.Remainder ||
			l.Extra != w.Extra || l.Minor != w.Minor {
			t.Errorf("%+v, want %+v", l, w)
		}
	}
}

// Of equal rests, the account that sorts first gets the fen.
func TestEqualRests(t *testing.T) {
	r, err := Divide([]FrozenAccount{account("a", nil, FrozenStop{"s1", 1, "w"}, FrozenStop{"s2", 2, "v"})},
		[]Claim{{"w", 10, 0}, {"v", 10, 0}})
	if err != nil || len(r.Lines) != 2 || r.Lines[0].Victim != "v" || r.Lines[0].Minor != 2 || r.Lines[1].Minor != 1 ||
		!r.Lines[0].Extra || r.Lines[1].Extra {
		t.Errorf("%v: %+v", err, r)
	}
}

// Nobody gets more than the loss less what was paid back before.
func TestDivideNoMoreThanTheLoss(t *testing.T) {
	for name, c := range map[string]struct {
		accounts []FrozenAccount
		claims   []Claim
		want     []int64 // by victim; none: nothing is given back
		pool     int64
	}{
		"one victim, more is frozen": {[]FrozenAccount{account("a", nil, FrozenStop{"s", 500, "v"})},
			[]Claim{{"v", 300, 100}}, []int64{200}, 0},
		"one victim, on two stops": {[]FrozenAccount{account("a", nil, FrozenStop{"s", 150, "v"},
			FrozenStop{"t", 150, "v"})}, []Claim{{"v", 200, 0}}, []int64{200}, 0},
		"a pool beyond the losses": {[]FrozenAccount{account("a", nil, FrozenStop{"s", 500, "v"},
			FrozenStop{"t", 500, "w"})}, []Claim{{"v", 300, 0}, {"w", 200, 50}}, []int64{300, 150}, 450},
		"all was paid before": {[]FrozenAccount{account("a", nil, FrozenStop{"s", 500, "v"})},
			[]Claim{{"v", 300, 300}}, nil, 0},
		"money of nobody who claims": {[]FrozenAccount{account("a", nil, FrozenStop{"s", 500, "x"})},
			[]Claim{{"v", 300, 0}}, nil, 0},
		"nothing is frozen": {nil, []Claim{{"v", 300, 0}}, nil, 0},
		"one fen": {[]FrozenAccount{account("a", nil, FrozenStop{"s", 1, "v"})},
			[]Claim{{"v", 300, 0}}, []int64{1}, 0},
	} {
		r, err := Divide(c.accounts, c.claims)
		if c.want == nil {
			if err == nil || r != nil {
				t.Errorf("%s: %+v", name, r)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []int64
		for _, l := range r.Lines {
			got = append(got, l.Minor)
		}
		if !slices.Equal(got, c.want) || r.Pool != c.pool {
			t.Errorf("%s: %v of a pool of %d, want %v of %d", name, got, r.Pool, c.want, c.pool)
		}
	}
}
