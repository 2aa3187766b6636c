package giveback

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"

	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// Money goes back by the rules of 2016 on returning frozen funds, art. 8: what
// one remittance brought to its sender; what several brought, where time tells
// them apart, to each sender; the rest in proportion, a victim's loss over the
// frozen money of the case.

// Flow is money into (above zero) or out of an account.
type Flow struct {
	At     event.Instant `json:"at"`
	Minor  int64         `json:"amount_minor"`
	Victim string        `json:"victim,omitempty"` // who remitted; empty for any other money, and for what goes out
}

// FrozenAccount is what a return is worked out from.
type FrozenAccount struct {
	Account stop.Account
	Stops   []FrozenStop
	Flows   []Flow // since the first victim's money came, by time
}

// FrozenStop is a frozen part of an account.
type FrozenStop struct {
	ID     string
	Left   int64
	Victim string // whose money the trail found it to be
}

// Claim is what a victim has lost in the case.
type Claim struct {
	Victim       string
	Loss, Before int64
}

// errNothing is the error of a return with nothing to give back.
var errNothing = law.Refuse("return.nothing")

// Divide works out who is paid back what. It is pure: the same input gives the
// same lines.
func Divide(accounts []FrozenAccount, claims []Claim) (*Return, error) {
	r := &Return{}
	lines := map[string]*Line{}
	for _, c := range claims {
		lines[c.Victim] = &Line{Victim: c.Victim, Loss: c.Loss, Before: c.Before}
	}
	owed := func(v string) int64 {
		l := lines[v]
		if l == nil {
			return 0
		}
		return max(0, l.Loss-l.Before-l.Direct)
	}
	var pool []FrozenStop
	for i := range accounts {
		a := &accounts[i]
		ra, direct := a.byRule()
		r.Accounts = append(r.Accounts, ra)
		if ra.Method == MethodProportional {
			pool = append(pool, a.Stops...)
			r.Pool += ra.Minor
			continue
		}
		for _, s := range direct {
			if minor := min(s.Left, owed(s.Victim)); minor > 0 {
				l := lines[s.Victim]
				l.Direct += minor
				l.From = append(l.From, PayFrom{s.ID, minor})
			}
		}
	}
	order := slices.Sorted(maps.Keys(lines))
	for _, v := range order {
		l := lines[v]
		l.Weight = owed(v)
		r.Losses += l.Weight
	}
	r.Pool = min(r.Pool, r.Losses)
	r.dividePool(order, lines)
	for _, v := range order {
		l := lines[v]
		l.Minor = l.Direct + l.Share
		for rest := l.Share; rest > 0; {
			for pool[0].Left == 0 {
				pool = pool[1:]
			}
			part := min(rest, pool[0].Left)
			l.From = append(l.From, PayFrom{pool[0].ID, part})
			pool[0].Left -= part
			rest -= part
		}
		r.Lines = append(r.Lines, *l)
	}
	if !slices.ContainsFunc(r.Lines, func(l Line) bool { return l.Minor > 0 }) {
		return nil, errNothing
	}
	return r, nil
}

// dividePool divides the pool by weight: each victim's part rounded down, and the
// fen that are left to those with the largest remainders; of equal ones to the
// account that sorts first.
func (r *Return) dividePool(order []string, lines map[string]*Line) {
	if r.Pool == 0 {
		return
	}
	left := r.Pool
	for _, v := range order {
		l := lines[v]
		hi, lo := bits.Mul64(uint64(r.Pool), uint64(l.Weight))
		q, rem := bits.Div64(hi, lo, uint64(r.Losses)) // weight ≤ losses, so that it fits
		l.Share, l.Remainder = int64(q), rem
		left -= int64(q)
	}
	byRemainder := slices.Clone(order)
	slices.SortStableFunc(byRemainder, func(a, b string) int {
		return cmp.Compare(lines[b].Remainder, lines[a].Remainder)
	})
	for _, v := range byRemainder[:left] {
		lines[v].Share++
		lines[v].Extra = true
	}
}

// byRule decides by which of the rules an account is given back, and what of it
// is whose where that can be told.
func (a *FrozenAccount) byRule() (AccountReturn, []FrozenStop) {
	r := AccountReturn{Account: a.Account}
	victims := map[string]bool{}
	for _, s := range a.Stops {
		r.Stops = append(r.Stops, s.ID)
		r.Minor += s.Left
		victims[s.Victim] = true
	}
	for _, f := range a.Flows {
		if f.Minor > 0 && f.Victim != "" {
			victims[f.Victim] = true
		}
	}
	r.Victims = slices.Sorted(maps.Keys(victims))
	if len(r.Victims) == 1 {
		r.Method, r.Why = MethodSingle, WhyOne
		return r, a.Stops
	}
	remaining, mixed := a.byTime()
	if remaining == nil {
		r.Method, r.Why, r.Mixed = MethodProportional, WhyUnknown, mixed
		if mixed != nil {
			r.Why = WhyMixed
		}
		return r, nil
	}
	// What is left of each remittance is known; the stops hold it, in any split.
	var out []FrozenStop
	stops := slices.Clone(a.Stops)
	for _, v := range r.Victims {
		rest := remaining[v]
		for i := range stops {
			if part := min(rest, stops[i].Left); part > 0 {
				out = append(out, FrozenStop{ID: stops[i].ID, Left: part, Victim: v})
				stops[i].Left -= part
				rest -= part
			}
		}
		if rest > 0 {
			r.Method, r.Why = MethodProportional, WhyLess
			return r, nil
		}
	}
	r.Method, r.Why = MethodByTime, WhyApart
	return r, out
}

// byTime says what is left of each victim's money, where no money went out
// while that of two lay together; else nil, and what went out.
func (a *FrozenAccount) byTime() (map[string]int64, *Flow) {
	in := map[string]int64{}
	var other int64
	for _, f := range a.Flows {
		switch {
		case f.Minor > 0 && f.Victim != "":
			in[f.Victim] += f.Minor
		case f.Minor > 0:
			other += f.Minor
		default:
			var whose []string
			var sum int64
			for _, v := range slices.Sorted(maps.Keys(in)) {
				if in[v] > 0 {
					whose = append(whose, v)
					sum += in[v]
				}
			}
			out := -f.Minor
			switch {
			case len(whose) == 0:
				other -= out
			case len(whose) == 1 && other <= 0:
				in[whose[0]] = max(0, in[whose[0]]-out)
			case out >= sum+max(0, other): // emptied: nothing is left of any
				clear(in)
				other = 0
			default:
				return nil, &f
			}
		}
	}
	if len(in) == 0 {
		return nil, nil
	}
	return in, nil
}
