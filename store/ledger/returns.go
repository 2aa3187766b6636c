package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"slices"

	"stopline/stream/event"
)

// Money goes back by the rules of 2016 on returning frozen funds, art. 8: what
// one remittance brought to its sender; what several brought, where time tells
// them apart, to each sender; the rest in proportion, a victim's loss over the
// frozen money of the case.

// How an account's money is given back.
const (
	MethodSingle       = "single"       // one remittance
	MethodByTime       = "by-time"      // several, told apart by time
	MethodProportional = "proportional" // mixed
)

// The states of a return.
const (
	ReturnProposed   State = "proposed"
	ReturnAnnounced  State = "announced" // proportional: for 30 days anyone concerned may object
	ReturnApproved   State = "approved"  // by one person
	ReturnInstructed State = "instructed"
	ReturnWithdrawn  State = "withdrawn"
)

// Return is a proposal with its arithmetic.
type Return struct {
	Round    int             `json:"round"`
	Currency event.Currency  `json:"currency"`
	Accounts []ReturnAccount `json:"accounts"`
	Pool     int64           `json:"pool_minor"`       // frozen money that is given back in proportion
	Losses   int64           `json:"losses_minor"`     // the sum that the proportions are of
	Lines    []ReturnLine    `json:"lines"`            // by victim
	Reports  int             `json:"reports"`          // of the case, as this was worked out
	Objects  *Objection      `json:"object,omitempty"` // an objection, or how one was decided
}

// ReturnAccount is how one frozen account was judged.
type ReturnAccount struct {
	Account Account  `json:"account"`
	Stops   []string `json:"stops"`
	Minor   int64    `json:"frozen_minor"`
	Victims []string `json:"victims"` // whose money came in
	Method  string   `json:"method"`
	Why     string   `json:"why"`             // one of the Why constants
	Mixed   *Flow    `json:"mixed,omitempty"` // with WhyMixed: what went out
}

// Why an account is given back as it is.
const (
	WhyOne     = "one-remitter"  // one victim's money came into the account
	WhyApart   = "told-apart"    // no money left while two victims' lay in it together
	WhyLess    = "less-frozen"   // less is frozen than was left of the remittances
	WhyUnknown = "not-known"     // the account's movements are not known
	WhyMixed   = "left-together" // money went out while that of several lay together
)

// ReturnLine is one victim's part.
type ReturnLine struct {
	Victim    string    `json:"victim"` // the account that paid, and is paid back to
	Loss      int64     `json:"loss_minor"`
	Before    int64     `json:"before_minor"` // paid back in earlier rounds
	Direct    int64     `json:"direct_minor"` // traced to this victim alone
	Weight    int64     `json:"weight_minor"` // loss less before and direct
	Share     int64     `json:"share_minor"`  // pool × weight ÷ losses, rounded down, and a fen where Extra
	Remainder uint64    `json:"remainder"`    // of that division; its divisor is losses
	Extra     bool      `json:"extra"`        // one fen more: among the largest remainders
	Minor     int64     `json:"amount_minor"` // direct and share
	From      []PayFrom `json:"from"`
}

// PayFrom is what one stop pays of a line.
type PayFrom struct {
	Stop  string `json:"stop_id"`
	Minor int64  `json:"amount_minor"`
}

// Objection is what somebody concerned says during the announcement.
type Objection struct {
	ID    string `json:"id"`
	Who   string `json:"who"`
	Text  string `json:"text"`
	State string `json:"state"` // open, dismissed, upheld
}

// Flow is money into (above zero) or out of an account.
type Flow struct {
	At     event.Instant `json:"at"`
	Minor  int64         `json:"amount_minor"`
	Victim string        `json:"victim,omitempty"` // who remitted; empty for any other money, and for what goes out
}

// FrozenAccount is what a return is worked out from.
type FrozenAccount struct {
	Account Account
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
var errNothing = errors.New("nothing is frozen that a victim of the case can be paid from: freeze the stops first")

// Divide works out who is paid back what. It is pure: the same input gives the
// same lines.
func Divide(accounts []FrozenAccount, claims []Claim) (*Return, error) {
	r := &Return{}
	lines := map[string]*ReturnLine{}
	for _, c := range claims {
		lines[c.Victim] = &ReturnLine{Victim: c.Victim, Loss: c.Loss, Before: c.Before}
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
		ra, direct := a.judge()
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
	r.share(order, lines)
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
	if !slices.ContainsFunc(r.Lines, func(l ReturnLine) bool { return l.Minor > 0 }) {
		return nil, errNothing
	}
	return r, nil
}

// share divides the pool by weight: each victim's part rounded down, and the
// fen that are left to those with the largest remainders; of equal ones to the
// account that sorts first.
func (r *Return) share(order []string, lines map[string]*ReturnLine) {
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
	slices.SortStableFunc(byRemainder, func(a, b string) int { return cmp.Compare(lines[b].Remainder, lines[a].Remainder) })
	for _, v := range byRemainder[:left] {
		lines[v].Share++
		lines[v].Extra = true
	}
}

// judge decides by which of the rules an account is given back, and what of it
// is whose where that can be told.
func (a *FrozenAccount) judge() (ReturnAccount, []FrozenStop) {
	r := ReturnAccount{Account: a.Account}
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

// ReturnRound is a return as the fold knows it.
type ReturnRound struct {
	ID, CaseID string
	Version    int
	State      State
	Return
	ProposedAt event.Instant
	ProposedBy string
	Until      event.Instant // when the announcement ends
	Objections []Objection
	Approvals  []string
	Timeline   []Event
}

// Proportional says whether a part is given back in proportion, and must be
// announced.
func (r *ReturnRound) Proportional() bool { return r.Pool > 0 }

// Total is what the round gives back.
func (r *Return) Total() (sum int64) {
	for i := range r.Lines {
		sum += r.Lines[i].Minor
	}
	return sum
}

func (l *Ledger) foldReturn(e *Event) string {
	r := l.returns[e.Subject]
	if r == nil {
		c := l.caseOf(e)
		for _, id := range c.Returns {
			if s := l.returns[id].State; s != ReturnInstructed && s != ReturnWithdrawn {
				return "the case has the round " + id + ": withdraw it, or bring it to its end"
			}
		}
		if e.Version != 1 || e.State != ReturnProposed || e.Return == nil {
			return "a return begins by being proposed"
		}
		r = &ReturnRound{ID: e.Subject, CaseID: e.CaseID, Return: *e.Return, ProposedAt: e.At, ProposedBy: e.By}
		r.Round = len(c.Returns) + 1
		l.returns[r.ID] = r
		c.Returns = append(c.Returns, r.ID)
	} else if why := l.judgeReturn(r, e); why != "" {
		return why
	}
	r.Version, r.State = e.Version, e.State
	if e.Until != 0 {
		r.Until = e.Until
	}
	if e.State == ReturnApproved || e.State == ReturnInstructed {
		r.Approvals = append(r.Approvals, e.By)
	}
	r.Timeline = append(r.Timeline, *e)
	return ""
}

func (l *Ledger) judgeReturn(r *ReturnRound, e *Event) string {
	if e.Version != r.Version+1 {
		return fmt.Sprintf("the return is at version %d", r.Version)
	}
	open := slices.ContainsFunc(r.Objections, func(o Objection) bool { return o.State == "open" })
	done := r.State == ReturnInstructed || r.State == ReturnWithdrawn
	switch e.State {
	case ReturnAnnounced:
		if e.Return != nil && e.Return.Objects != nil {
			return l.object(r, e)
		}
		if r.State != ReturnProposed || !r.Proportional() {
			return "what is proposed in proportion is announced, once"
		}
		if e.Until < e.At.Add(l.terms.Announce) {
			return fmt.Sprintf("an announcement stands for %s", l.terms.Announce)
		}
	case ReturnApproved, ReturnInstructed:
		switch {
		case r.Proportional() && r.State == ReturnProposed:
			return "a return in proportion is announced first, for objections"
		case r.State == ReturnAnnounced && e.At < r.Until:
			return fmt.Sprintf("the announcement stands until %s", r.Until)
		case open:
			return "an objection is open: decide it first"
		case e.By == r.ProposedBy:
			return "who proposed a return cannot approve it"
		case slices.Contains(r.Approvals, e.By):
			return "a return needs the approval of two people: you gave yours"
		case done || (e.State == ReturnInstructed) != (r.State == ReturnApproved):
			return fmt.Sprintf("a return that is %s cannot become %s", r.State, e.State)
		}
	case ReturnWithdrawn:
		if done {
			return fmt.Sprintf("a return that is %s cannot be withdrawn", r.State)
		}
	default:
		return "there is no such state of a return"
	}
	return ""
}

// object notes an objection, or how one was decided.
func (l *Ledger) object(r *ReturnRound, e *Event) string {
	o := e.Return.Objects
	if r.State != ReturnAnnounced {
		return "objections are heard while the return is announced"
	}
	for i := range r.Objections {
		if r.Objections[i].ID == o.ID {
			if r.Objections[i].State != "open" || o.State == "open" {
				return "the objection was decided"
			}
			r.Objections[i].State = o.State
			return ""
		}
	}
	if e.At > r.Until || o.State != "open" {
		return "the time for objections is over"
	}
	r.Objections = append(r.Objections, *o)
	return ""
}

// dueReturns tells the banks of the returns that two people have approved.
func (l *Ledger) dueReturns(now event.Instant) []Event {
	var out []Event
	for _, id := range slices.Sorted(maps.Keys(l.returns)) {
		r := l.returns[id]
		if r.State != ReturnInstructed {
			continue
		}
		pays := map[string][]Pay{}
		for i := range r.Lines {
			for _, f := range r.Lines[i].From {
				pays[f.Stop] = append(pays[f.Stop], Pay{Victim: r.Lines[i].Victim, Account: r.Lines[i].Victim, Minor: f.Minor})
			}
		}
		for _, stop := range slices.Sorted(maps.Keys(pays)) {
			s := l.stops[stop]
			if s == nil || s.State != Frozen || s.instructed(id) {
				continue
			}
			e := s.Event(now, r.Approvals[len(r.Approvals)-1])
			e.ID = event.DerivedID("evt", s.ID, fmt.Sprint(e.Version), "return", id)
			e.State, e.Until = Returning, l.terms.Calendar.After(now, l.terms.ReturnDays)
			e.Change = &Change{Kind: ChangeReturn, ReturnID: id, Payees: pays[stop]}
			for _, p := range pays[stop] {
				e.Change.Minor += p.Minor
			}
			out = append(out, e)
		}
	}
	return out
}

// Return returns a copy; nil when there is none.
func (l *Ledger) Return(id string) *ReturnRound {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.returns[id].copy()
}

func (r *ReturnRound) copy() *ReturnRound {
	if r == nil {
		return nil
	}
	out := *r
	out.Timeline, out.Objections, out.Approvals = slices.Clone(r.Timeline), slices.Clone(r.Objections), slices.Clone(r.Approvals)
	return &out
}

// Paid says what the banks have paid back of a round, and whether all of it is
// done for.
func (l *Ledger) Paid(r *ReturnRound) (minor int64, done bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	done = r.State == ReturnInstructed
	seen := map[string]bool{}
	for i := range r.Lines {
		for _, f := range r.Lines[i].From {
			s := l.stops[f.Stop]
			if s == nil || seen[f.Stop] {
				continue
			}
			seen[f.Stop] = true
			answered := false
			for j := range s.Timeline {
				if c := s.Timeline[j].Change; c != nil && c.ReturnID == r.ID && c.Kind != ChangeReturn {
					answered = true
					if c.Kind == ChangeReturned {
						minor += c.Minor
					}
				}
			}
			done = done && (answered || !s.State.Holds())
		}
	}
	return minor, done
}

// Frozen gathers what a return of the case is worked out from: its frozen stops
// by account, and what each victim has lost and been paid back. The flows are
// for the caller to add.
func (l *Ledger) Frozen(caseID string) ([]FrozenAccount, []Claim) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	c := l.whole(caseID)
	if c == nil {
		return nil, nil
	}
	loss, before := map[string]int64{}, map[string]int64{}
	counted := map[string]bool{} // payments, however often reported
	count := func(stop, payer string, minor int64) {
		if !counted[stop] {
			counted[stop] = true
			loss[payer] += minor
		}
	}
	for _, r := range c.Reports {
		for _, p := range r.Payments {
			count(cmp.Or(p.Stop, r.ID+p.Payee+p.At.String()), p.Payer, p.Minor)
		}
	}
	byAccount := map[string]*FrozenAccount{}
	for _, id := range c.Stops {
		s := l.stops[id]
		first := l.origin(s)
		if first.Payer != "" && s == first {
			count(s.ID, s.Payer, s.Transfer.Minor)
		}
		for i := range s.Timeline {
			if ch := s.Timeline[i].Change; ch != nil && ch.Kind == ChangeReturned {
				for _, p := range l.payees(s, ch.ReturnID) {
					before[p.Victim] += p.Minor
				}
			}
		}
		if s.State != Frozen || s.Left() == 0 || first.Payer == "" {
			continue
		}
		a := byAccount[s.Account.Number]
		if a == nil {
			a = &FrozenAccount{Account: s.Account}
			byAccount[s.Account.Number] = a
		}
		a.Stops = append(a.Stops, FrozenStop{ID: s.ID, Left: s.Left(), Victim: first.Payer})
	}
	var accounts []FrozenAccount
	for _, n := range slices.Sorted(maps.Keys(byAccount)) {
		a := byAccount[n]
		slices.SortFunc(a.Stops, func(x, y FrozenStop) int { return cmp.Compare(x.ID, y.ID) })
		accounts = append(accounts, *a)
	}
	var claims []Claim
	for _, v := range slices.Sorted(maps.Keys(loss)) {
		claims = append(claims, Claim{v, loss[v], before[v]})
	}
	return accounts, claims
}

// origin is the stop at the first hop of a trail.
func (l *Ledger) origin(s *Stop) *Stop {
	for range 64 {
		p := l.stops[s.Parent]
		if s.Parent == "" || p == nil {
			break
		}
		s = p
	}
	return s
}

// payees are those of a return that the bank was told of.
func (l *Ledger) payees(s *Stop, returnID string) []Pay {
	for i := range s.Timeline {
		if c := s.Timeline[i].Change; c != nil && c.Kind == ChangeReturn && c.ReturnID == returnID {
			return c.Payees
		}
	}
	return nil
}

// Remittances lists the victims' money that came into an account of the case,
// by the transfer that brought it.
func (l *Ledger) Remittances(caseID, account string) map[string][]Flow {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := map[string][]Flow{}
	c := l.whole(caseID)
	if c == nil {
		return out
	}
	for _, id := range c.Stops {
		s := l.stops[id]
		if first := l.origin(s); s.Account.Number == account && first.Payer != "" {
			out[s.Transfer.ID] = append(out[s.Transfer.ID], Flow{At: s.Transfer.At, Minor: s.Minor, Victim: first.Payer})
		}
	}
	return out
}

// ProposeReturn is the event that begins a round; its id follows from the case
// and the number of the round.
func (l *Ledger) ProposeReturn(caseID string, r Return, at event.Instant, by string) Event {
	l.mu.RLock()
	defer l.mu.RUnlock()
	n := 0
	if c := l.whole(caseID); c != nil {
		n, r.Reports = len(c.Returns), len(c.Reports)
	}
	r.Round = n + 1
	id := event.DerivedID("ret", caseID, fmt.Sprint(n+1))
	return Event{ID: event.DerivedID("evt", id, "1", by, at.String()), CaseID: caseID, Subject: id, Version: 1, State: ReturnProposed, At: at, By: by, Return: &r}
}

// Event begins the next event of the return.
func (r *ReturnRound) Event(to State, at event.Instant, by string) Event {
	return Event{ID: event.DerivedID("evt", r.ID, fmt.Sprint(r.Version+1), string(to), by, at.String()), CaseID: r.CaseID, Subject: r.ID, Version: r.Version + 1, State: to, At: at, By: by}
}
