package giveback

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

var noon = event.InstantOf(time.Date(2026, 11, 23, 12, 0, 0, 0, event.Zone))

// A division: no victim gets more than the loss, nothing more than is frozen goes
// back, the shares of the pool sum to the fen and lie within one of the exact
// proportion.
func TestPropertyDivide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		victims := rapid.IntRange(1, 6).Draw(t, "victims")
		var claims []Claim
		owed := map[string]int64{}
		for v := range victims {
			loss := rapid.Int64Range(1, 10_000_000_000_000).Draw(t, "loss")
			c := Claim{fmt.Sprint("v", v), loss, rapid.Int64Range(0, loss).Draw(t, "before")}
			claims = append(claims, c)
			owed[c.Victim] = c.Loss - c.Before
		}
		var accounts []FrozenAccount
		left := map[string]int64{}
		for a := range rapid.IntRange(1, 4).Draw(t, "accounts") {
			f := FrozenAccount{Account: stop.Account{Number: fmt.Sprint("a", a)}}
			at := noon
			for s := range rapid.IntRange(1, 4).Draw(t, "stops") {
				id := fmt.Sprint(a, "-", s)
				st := FrozenStop{id, rapid.Int64Range(1, 1_000_000_000_000).Draw(t, "left"), fmt.Sprint("v",
					rapid.IntRange(0, victims-1).Draw(t, "of"))}
				f.Stops = append(f.Stops, st)
				left[id] = st.Left
				at += 1000
				f.Flows = append(f.Flows, Flow{at, st.Left, st.Victim})
				if rapid.Bool().Draw(t, "goes") {
					at += 1000
					f.Flows = append(f.Flows, Flow{At: at, Minor: -rapid.Int64Range(1, st.Left).Draw(t, "out")})
				}
			}
			accounts = append(accounts, f)
		}
		r, err := Divide(accounts, claims)
		if err != nil {
			return // nothing is owed
		}
		taken, shares := map[string]int64{}, int64(0)
		for _, l := range r.Lines {
			if l.Minor > owed[l.Victim] || l.Minor != l.Direct+l.Share {
				t.Fatalf("%s gets %d of %d owed: %+v", l.Victim, l.Minor, owed[l.Victim], l)
			}
			var from int64
			for _, f := range l.From {
				taken[f.Stop] += f.Minor
				from += f.Minor
			}
			if from != l.Minor {
				t.Fatalf("%s gets %d from stops that give %d", l.Victim, l.Minor, from)
			}
			shares += l.Share
			if r.Losses > 0 {
				exact := float64(r.Pool) * float64(l.Weight) / float64(r.Losses)
				if d := float64(l.Share) - exact; d > 1+exact/1e12 || d < -1-exact/1e12 {
					t.Fatalf("%s: share %d of exactly %f", l.Victim, l.Share, exact)
				}
			}
		}
		if shares != r.Pool {
			t.Fatalf("shares of %d sum to %d", r.Pool, shares)
		}
		for id, minor := range taken {
			if minor > left[id] {
				t.Fatalf("stop %s gives %d of %d", id, minor, left[id])
			}
		}
	})
}

// The rules' three cases, by hand.
func TestDivideByTheRules(t *testing.T) {
	acct := func(flows []Flow, stops ...FrozenStop) FrozenAccount {
		return FrozenAccount{Account: stop.Account{Number: "a", Bank: "B"}, Stops: stops, Flows: flows}
	}
	claims := []Claim{{"v1", 1000, 0}, {"v2", 500, 0}, {"v3", 1, 0}}
	for name, c := range map[string]struct {
		account FrozenAccount
		method  string
		want    map[string]int64
	}{
		"one remittance": {acct([]Flow{{1, 1000, "v1"}, {2, -400, ""}}, FrozenStop{"s", 600, "v1"}), MethodSingle,
			map[string]int64{"v1": 600}},
		"told apart by time": {acct([]Flow{{1, 1000, "v1"}, {2, -1000, ""}, {3, 500, "v2"}, {4, -100, ""}},
			FrozenStop{"s", 400, "v1"}),
			MethodByTime, map[string]int64{"v2": 400}},
		"mixed": {acct([]Flow{{1, 1000, "v1"}, {2, 500, "v2"}, {3, -600, ""}}, FrozenStop{"s1", 500, "v1"},
			FrozenStop{"s2", 400, "v2"}),
			// 900 × 1000/1501 = 599.6, 900 × 500/1501 = 299.8, 900/1501 = 0.6: two fen to the largest rests
			MethodProportional, map[string]int64{"v1": 600, "v2": 300}},
	} {
		r, err := Divide([]FrozenAccount{c.account}, claims)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r.Accounts[0].Method != c.method {
			t.Errorf("%s: %s (%s), want %s", name, r.Accounts[0].Method, r.Accounts[0].Why, c.method)
		}
		for _, l := range r.Lines {
			if l.Minor != c.want[l.Victim] {
				t.Errorf("%s: %s gets %d, want %d", name, l.Victim, l.Minor, c.want[l.Victim])
			}
		}
	}
}
