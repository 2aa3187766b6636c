package ledger

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stopline.internal/stream/event"
)

// world is a small city of replicas, people and banks around one log. Everything
// in it may come late, twice, out of order, or be a lie; replicas crash and read
// the log again.
type world struct {
	t        *testing.T
	seed     uint64
	r        *rand.Rand
	now      event.Instant
	log      [2][]Event // by partition, by the case
	oracle   *Ledger    // has read everything
	replicas [2]*Ledger
	read     [2][2]int
	couriers [2]*Courier
	flying   [2][]*Parcel
	accepted map[string]bool
	done     map[string]int // work that the banks did, by message
	down     map[string]bool
	n        int
	stops    int
}

var banks = []string{"ICBK", "PCBC", "ABOC"}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, seed: seed, r: rand.New(rand.NewPCG(seed, 4)), now: noon, oracle: New(DefaultTerms), accepted: map[string]bool{}, done: map[string]int{}, down: map[string]bool{}}
	for i := range w.replicas {
		w.crash(i)
	}
	return w
}

func (w *world) crash(i int) {
	w.replicas[i], w.read[i] = New(DefaultTerms), [2]int{}
	w.couriers[i], w.flying[i] = NewCourier(DefaultCourier, rand.New(rand.NewPCG(w.seed, uint64(i)))), nil
}

func (w *world) failf(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("seed %d, step %d: %s", w.seed, w.n, fmt.Sprintf(format, args...))
}

// write appends to the log; the oracle folds it at once, and what must never be
// is looked for.
func (w *world) write(events ...Event) {
	for _, e := range events {
		p := int(event.Hash(e.CaseID) % 2)
		e.Place = Place{p, int64(len(w.log[p]))}
		w.log[p] = append(w.log[p], e)
		before := w.oracle.Stop(e.StopID)
		res := w.oracle.Apply(&e)
		if !res.Accepted {
			if err := res.Why.Check(); err != nil {
				w.failf("%v", err)
			}
			continue
		}
		if e.StopID == "" || e.Delivery != nil {
			continue
		}
		key := fmt.Sprint(e.StopID, " ", e.Version)
		if w.accepted[key] {
			w.failf("version %s was accepted twice", key)
		}
		w.accepted[key] = true
		s := res.Stop
		switch {
		case e.Bank != "" && e.Bank != s.Account.Bank:
			w.failf("%s answered for a stop at %s", e.Bank, s.Account.Bank)
		case s.HeldMinor > s.Minor || s.HeldMinor < 0 || s.ReturnedMinor > s.HeldMinor || s.ReleasedMinor < 0 || s.HeldMinor+s.ReleasedMinor > s.Minor:
			w.failf("asked %d, held %d, released %d, returned %d", s.Minor, s.HeldMinor, s.ReleasedMinor, s.ReturnedMinor)
		case s.State.Stops() && s.Until > s.EffectiveAt.Add(2*DefaultTerms.Hold):
			w.failf("a stop from %s until %s", s.EffectiveAt, s.Until)
		case before != nil && before.State.Holds() && before.State != Returning && before.Until < e.At && e.State != Expired && e.State != Released:
			w.failf("a hold that ended at %s became %s at %s", before.Until, e.State, e.At)
		case e.State == Requested && s.Timeline[0].By == e.By && e.By != "scoring" && e.By != "trail":
			w.failf("%s approved what %s proposed", e.By, s.Timeline[0].By)
		}
	}
}

// catchUp lets a replica read some of the log, or all.
func (w *world) catchUp(i int, all bool) {
	for p := range w.log {
		for w.read[i][p] < len(w.log[p]) && (all || w.r.IntN(4) > 0) {
			w.replicas[i].Apply(&w.log[p][w.read[i][p]])
			w.read[i][p]++
		}
	}
}

func (w *world) some(l *Ledger) *Stop {
	if w.stops == 0 {
		return nil
	}
	return l.Stop(fmt.Sprint("stp_", w.r.IntN(w.stops)))
}

// step is something that somebody does, on what one replica knows.
func (w *world) step() {
	w.n++
	i := w.r.IntN(2)
	l := w.replicas[i]
	w.catchUp(i, false)
	if w.r.IntN(40) == 0 {
		w.crash(i)
	}
	if w.r.IntN(12) == 0 {
		w.now = w.now.Add(time.Duration(w.r.IntN(30)) * time.Hour)
	} else {
		w.now = w.now.Add(time.Duration(w.r.IntN(90_000)) * time.Millisecond)
	}
	s := w.some(l)
	person := []string{"A", "B", "C"}[w.r.IntN(3)]
	switch k := w.r.IntN(20); {
	case s == nil || k < 3:
		w.propose(s)
	case s.State.Stops() && w.r.IntN(3) == 0:
		e := s.Event(w.now, person)
		e.ID, e.State, e.Until = fmt.Sprint("evt", w.n), Frozen, w.now.Add(DefaultTerms.Freeze)
		w.write(e)
	case s.State == Frozen && w.r.IntN(2) == 0, s.State == Returning:
		w.giveBack(l, s, person)
	case k < 5: // somebody decides, perhaps on what is long past
		e := s.Event(w.now, person)
		e.ID, e.State = fmt.Sprint("evt", w.n), []State{Requested, Rejected, Extended, Frozen, Released, Expired, Returned, Held}[w.r.IntN(8)]
		e.Until = w.now.Add([]time.Duration{time.Minute, 48 * time.Hour, 183 * 24 * time.Hour, 500 * 24 * time.Hour}[w.r.IntN(4)])
		if e.State == Extended && w.r.IntN(2) == 0 {
			e.Until = s.Until.Add(DefaultTerms.Hold)
		}
		w.write(e)
	case k < 10: // a bank answers: its own stop or another's, the truth or not
		bank := s.Account.Bank
		if w.r.IntN(5) == 0 {
			bank = banks[w.r.IntN(3)]
		}
		held := w.r.Int64N(s.Minor + s.Minor/4)
		o := Outcome{Result: []State{Held, Partial, Missed, Mismatch, Refused}[w.r.IntN(5)], HeldMinor: held, EffectiveAt: w.now}
		if o.Result == Held && w.r.IntN(4) > 0 {
			o.HeldMinor = s.Minor
		}
		o.Onward = []Onward{{ID: fmt.Sprint("o", w.n), ToAccount: fmt.Sprint("n", w.r.IntN(5)), ToBank: banks[w.r.IntN(3)], Minor: 1 + w.r.Int64N(2*s.Minor), At: w.now}}
		e := Answer(DefaultTerms, s, o, w.now, bank)
		e.ID, e.Bank = fmt.Sprint("evt", w.n), bank
		w.write(e)
		if t := w.oracle.Stop(s.ID); t.Outcome != nil {
			hops, leaves := l.Follow(t) // a replica that may not know what was followed
			for _, h := range hops {
				id := fmt.Sprint("stp_", w.stops)
				w.stops++
				w.write(Propose(DefaultTerms, id, t.CaseID, h.Proposal, w.now, "trail")...)
			}
			for j := range leaves {
				w.write(LeafEvent(t.CaseID, &leaves[j], w.now))
			}
		}
	case k < 12 && (s.State.Holds() || s.State == Missed): // a later credit, a part released, a renewal
		switch w.r.IntN(3) {
		case 0:
			e := Sweep(DefaultTerms, s, 1+w.r.Int64N(s.Minor), fmt.Sprint("c", w.r.IntN(3)), w.now, "bank")
			w.write(e)
		case 1:
			w.write(Lift(s, 1+w.r.Int64N(s.Minor), "", "x", w.now, person))
		case 2:
			e := s.Event(w.now, person)
			e.ID, e.State, e.Until, e.Change = fmt.Sprint("evt", w.n), Frozen, s.Until.Add(DefaultTerms.Freeze), &Change{Kind: ChangeRenew}
			w.write(e)
		}
	case k < 14: // money goes back
		w.giveBack(l, s, person)
	case k < 15:
		id := fmt.Sprint("apl_", w.r.IntN(4))
		if a := l.Appeal(id); a == nil {
			w.write(l.ReceiveAppeal(id, s.CaseID, Appeal{StopID: s.ID, Holder: "h"}, w.now, person))
		} else {
			next := a.Appeal
			next.Minor = 1 + w.r.Int64N(5000)
			w.write(Event{ID: fmt.Sprint("evt", w.n), CaseID: a.CaseID, Subject: id, Version: a.Version + 1, State: []State{AppealUpheld, AppealDismissed}[w.r.IntN(2)], At: w.now, By: person, Appeal: &next})
		}
	case k < 17: // what was written is written again
		if p := w.r.IntN(2); len(w.log[p]) > 0 {
			w.write(w.log[p][w.r.IntN(len(w.log[p]))])
		}
	default:
		w.deliver(i)
	}
	if w.r.IntN(3) == 0 {
		w.write(w.replicas[w.r.IntN(2)].Due(w.now)...)
	}
}

func (w *world) propose(parent *Stop) {
	id := fmt.Sprint("stp_", w.stops)
	w.stops++
	minor := 100 + w.r.Int64N(9_000)
	if w.r.IntN(8) == 0 {
		minor += DefaultTerms.AutoLimit
	}
	p := Proposal{Account: Account{Number: fmt.Sprint("n", w.r.IntN(5)), Bank: banks[w.r.IntN(3)]}, Minor: minor, Currency: event.CNY,
		Transfer: Transfer{ID: fmt.Sprint("t", w.n), Minor: minor, At: w.now}, Hop: 1, FraudType: "task-rebate", Payer: fmt.Sprint("v", w.r.IntN(3))}
	caseID := fmt.Sprint("cas_", w.r.IntN(3))
	if parent != nil && w.r.IntN(3) == 0 {
		p.Parent, p.Hop, p.Via, caseID = parent.ID, parent.Hop+1, ViaTransfer, parent.CaseID
	}
	w.write(Propose(DefaultTerms, id, caseID, p, w.now, []string{"scoring", "trail", "A"}[w.r.IntN(3)])...)
}

// giveBack proposes, announces, approves or confirms a return.
func (w *world) giveBack(l *Ledger, s *Stop, person string) {
	if s.Instruction != nil {
		e := PaidBack(s, w.r.IntN(3) > 0, "R", "", w.now, "bank")
		if w.r.IntN(4) == 0 {
			e.Change.Minor += w.r.Int64N(100) // a bank that lies
		}
		w.write(e)
		return
	}
	for _, id := range l.Case(s.CaseID).Returns {
		r := l.Return(id)
		if r.State == ReturnAnnounced && w.r.IntN(2) == 0 {
			w.now = max(w.now, r.Until)
		}
		to := []State{ReturnAnnounced, ReturnApproved, ReturnApproved, ReturnInstructed, ReturnInstructed, ReturnWithdrawn}[w.r.IntN(6)]
		e := r.Event(to, w.now, person)
		if to == ReturnAnnounced {
			e.Until = w.now.Add(DefaultTerms.Announce)
		}
		w.write(e)
	}
	accounts, claims := l.Frozen(s.CaseID)
	if r, err := Divide(accounts, claims); err == nil {
		r.Currency = event.CNY
		w.write(l.ProposeReturn(s.CaseID, *r, w.now, person))
	}
}

// deliver drives a replica's courier: each owns one partition of the log.
func (w *world) deliver(i int) {
	bank := banks[w.r.IntN(3)]
	w.down[bank] = w.r.IntN(3) == 0
	c := w.couriers[i]
	post, _ := w.replicas[i].Post(banks, func(p Place) bool { return p.Partition == i })
	for _, m := range post {
		if s := w.oracle.Stop(m.StopID); s.Account.Bank != m.Bank {
			w.failf("a message for %s goes to %s", s.Account.Bank, m.Bank)
		}
		c.Offer(m.Bank, m.StopID, m.Version, w.now)
	}
	send, _ := c.Next(w.now)
	w.flying[i] = append(w.flying[i], send...)
	w.r.Shuffle(len(w.flying[i]), func(a, b int) { w.flying[i][a], w.flying[i][b] = w.flying[i][b], w.flying[i][a] })
	for len(w.flying[i]) > 0 && w.r.IntN(3) > 0 {
		p := w.flying[i][0]
		w.flying[i] = w.flying[i][1:]
		if !w.down[p.Bank] {
			w.done[MessageID(p.StopID, p.Version)]++ // the bank has it, whether or not its answer arrives
		}
		ok := !w.down[p.Bank] && w.r.IntN(6) > 0
		over := c.Done(p, ok, w.now)
		if s := w.oracle.Stop(p.StopID); over {
			w.write(Event{ID: fmt.Sprint("dlv", w.n, p.StopID), CaseID: s.CaseID, StopID: p.StopID, At: w.now, By: "dispatch", Delivery: &Delivery{Message: p.Version, Delivered: ok, Final: true}})
		}
	}
}

// settle lets everybody read everything and do what is due: then no hold is past
// its end, and every replica knows the same.
func (w *world) settle() {
	for range 6 {
		for i := range w.replicas {
			w.catchUp(i, true)
			w.write(w.replicas[i].Due(w.now)...)
		}
	}
	for i := range w.replicas {
		w.catchUp(i, true)
	}
	children := map[string]int64{}
	for n := range w.stops {
		s := w.oracle.Stop(fmt.Sprint("stp_", n))
		if s == nil {
			continue
		}
		if s.Parent != "" {
			children[s.Parent] += s.Minor
		}
		if s.State.Holds() && s.State != Returning && s.Until <= w.now {
			w.failf("%s is %s past its end %s", s.ID, s.State, s.Until)
		}
		var back int64
		for _, e := range s.Timeline {
			if e.Change != nil && e.Change.Kind == ChangeReturned {
				back += e.Change.Minor
			}
		}
		if back != s.ReturnedMinor || back > s.HeldMinor {
			w.failf("%s: %d paid back of %d held", s.ID, back, s.HeldMinor)
		}
		for i, l := range w.replicas {
			o := l.Stop(s.ID)
			if o == nil || o.Version != s.Version || o.State != s.State || o.HeldMinor != s.HeldMinor || o.ReturnedMinor != s.ReturnedMinor || o.Until != s.Until {
				w.failf("replica %d knows %s otherwise: %+v, %+v", i, s.ID, o, s)
			}
		}
	}
	for id, sum := range children {
		if p := w.oracle.Stop(id); p != nil && sum > p.Minor {
			w.failf("of %d that came into %s, %d are followed", p.Minor, id, sum)
		}
	}
	for _, account := range []string{"n0", "n1", "n2", "n3", "n4"} {
		for c := range 3 {
			w.underStop(fmt.Sprint("cas_", c), account)
		}
	}
}

// underStop sums how long an account was under stops of a case, by the hour.
func (w *world) underStop(caseID, account string) {
	stops, _ := w.oracle.List(Filter{CaseID: caseID, Account: account, Limit: 1000})
	hours := map[event.Instant]bool{}
	for _, s := range stops {
		for at := s.EffectiveAt; s.EffectiveAt != 0 && at < s.EndedAt; at = at.Add(time.Hour) {
			hours[at/event.Instant(time.Hour.Milliseconds())] = true
		}
	}
	if most := 2*48 + 2*len(stops); len(hours) > most { // each may begin and end within an hour
		w.failf("account %s was under stops of %s for %d hours", account, caseID, len(hours))
	}
}

// Thousands of histories with crashes, duplicates, reordering, slow and lying
// banks: what must never be is not.
func TestSimLedgerAndDelivery(t *testing.T) {
	histories, first := uint64(2000), uint64(time.Now().UnixNano())
	if testing.Short() {
		histories = 300
	}
	t.Logf("%d histories from seed %d", histories, first)
	figures := Figures{}
	messages := 0
	for seed := first; seed < first+histories; seed++ {
		w := newWorld(t, seed)
		for range 120 {
			w.step()
		}
		w.settle()
		f := w.oracle.Figures()
		figures.Stops += f.Stops
		figures.Frozen += f.Frozen
		figures.ReturnedMinor += f.ReturnedMinor
		figures.Expired += f.Expired
		figures.WronglyHeld += f.WronglyHeld
		messages += len(w.done)
	}
	t.Logf("%d stops, %d expired, %d still frozen, %d lifted by appeals, %s paid back, %d messages", figures.Stops, figures.Expired, figures.Frozen, figures.WronglyHeld,
		event.Money{Minor: figures.ReturnedMinor, Currency: event.CNY}, messages)
	if figures.Frozen == 0 || figures.ReturnedMinor == 0 || figures.WronglyHeld == 0 || messages == 0 {
		t.Error("the histories do not reach what they are to prove")
	}
}

// A bank that is down delays no other, and gets its messages when it is back.
func TestSimBankDown(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 5))
		c := NewCourier(DefaultCourier, rand.New(rand.NewPCG(seed, 6)))
		now, got := noon, map[string]event.Instant{}
		const back = 20 * time.Second
		offered := 20 + r.IntN(80)
		for i := range offered {
			c.Offer(banks[i%2], fmt.Sprint("s", i), 2, now)
		}
		for now < noon.Add(3*time.Minute) {
			send, wake := c.Next(now)
			for _, p := range send {
				ok := p.Bank != "ICBK" || now >= noon.Add(back)
				if c.Done(p, ok, now) {
					got[p.StopID] = now
				}
			}
			if len(send) == 0 && wake == 0 {
				break
			}
			if now = now.Add(time.Millisecond); len(send) == 0 {
				now = max(now, wake)
			}
		}
		for i := range offered {
			at, ok := got[fmt.Sprint("s", i)]
			if !ok {
				t.Fatalf("seed %d: message %d was not delivered in three minutes", seed, i)
			}
			if banks[i%2] != "ICBK" && at > noon.Add(time.Second) {
				t.Fatalf("seed %d: a bank that is up got its message after %s", seed, at.Sub(noon))
			}
		}
	}
}

// The waits are those of the policy: at once, then 1, 2, 5, 10 and 30 seconds,
// each by a fifth more or less.
func TestCourierWaits(t *testing.T) {
	p := DefaultCourier
	p.Failures = 100 // no breaker
	c := NewCourier(p, rand.New(rand.NewPCG(1, 1)))
	now := noon
	c.Offer("B", "s", 1, now)
	last := now
	for i, want := range append([]time.Duration{0}, p.Waits...) {
		send, wake := c.Next(now)
		for len(send) == 0 {
			now = wake
			send, wake = c.Next(now)
		}
		if d := now.Sub(last); d < want*79/100 || d > want*121/100 {
			t.Errorf("attempt %d after %s, want about %s", i+1, d, want)
		}
		last = now
		c.Done(send[0], false, now)
	}
}

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
			f := FrozenAccount{Account: Account{Number: fmt.Sprint("a", a)}}
			at := noon
			for s := range rapid.IntRange(1, 4).Draw(t, "stops") {
				id := fmt.Sprint(a, "-", s)
				st := FrozenStop{id, rapid.Int64Range(1, 1_000_000_000_000).Draw(t, "left"), fmt.Sprint("v", rapid.IntRange(0, victims-1).Draw(t, "of"))}
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
		return FrozenAccount{Account: Account{Number: "a", Bank: "B"}, Stops: stops, Flows: flows}
	}
	claims := []Claim{{"v1", 1000, 0}, {"v2", 500, 0}, {"v3", 1, 0}}
	for name, c := range map[string]struct {
		account FrozenAccount
		method  string
		want    map[string]int64
	}{
		"one remittance": {acct([]Flow{{1, 1000, "v1"}, {2, -400, ""}}, FrozenStop{"s", 600, "v1"}), MethodSingle, map[string]int64{"v1": 600}},
		"told apart by time": {acct([]Flow{{1, 1000, "v1"}, {2, -1000, ""}, {3, 500, "v2"}, {4, -100, ""}}, FrozenStop{"s", 400, "v1"}),
			MethodByTime, map[string]int64{"v2": 400}},
		"mixed": {acct([]Flow{{1, 1000, "v1"}, {2, 500, "v2"}, {3, -600, ""}}, FrozenStop{"s1", 500, "v1"}, FrozenStop{"s2", 400, "v2"}),
			MethodProportional, map[string]int64{"v1": 600, "v2": 300}}, // 900 × 1000/1501 = 599.6, 900 × 500/1501 = 299.8, 900/1501 = 0.6: two fen to the largest rests
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

// Working days: the day itself does not count, nor weekends and holidays; the
// weekend days that are worked in exchange do.
func TestCalendar(t *testing.T) {
	day := func(text string) event.Instant {
		d, err := time.ParseInLocation(time.DateOnly, text, event.Zone)
		if err != nil {
			t.Fatal(err)
		}
		return event.InstantOf(d)
	}
	for from, want := range map[string]string{
		"2026-11-24": "2026-11-28", // Tuesday: to the end of Friday
		"2026-11-27": "2026-12-03", // Friday: over the weekend
		"2026-09-30": "2026-10-11", // over National Day: 8, 9 and the Saturday that is worked
	} {
		if got := ChinaCalendar.After(day(from)+1, 3); got != day(want) {
			t.Errorf("three working days after %s end at %s, want %s", from, got, day(want))
		}
	}
}

// Differences on a mismatch, and what they probably are.
func TestExplain(t *testing.T) {
	for _, c := range []struct{ field, ours, theirs, want string }{
		{"number", "6217000010098765432", "6217000010098765423", "slip"},
		{"number", "6217000010098765432", "621700001009876543200", "sub-account"},
		{"number", "6217 0000 1009", "621700001009", "spaces"},
		{"holder", "李四", "李*", "fits"},
		{"holder", "李四", "王*", "does not fit"},
		{"holder", "李四", "李小四", "slip"},
		{"holder", "欧阳小四", "欧阳明月", "old name"},
		{"holder", "李四", "王五", "another holder"},
		{"amount", "1.00", "2.00", "payer's bank"},
		{"holder", "李四", "", "did not say"},
	} {
		if got := Explain(&Difference{Field: c.field, Ours: c.ours, Theirs: c.theirs}).Error(); !strings.Contains(got, c.want) {
			t.Errorf("%s %q, %q: %s, want something with %q", c.field, c.ours, c.theirs, got, c.want)
		}
	}
}
