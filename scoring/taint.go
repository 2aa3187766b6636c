package scoring

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"stopline.internal/stream/event"
)

// Money of a stop is followed from account to account, first in, first out.
// Each account's partition does its own part: it is notified of what came in, knows
// what went out, and tells the next account. The money that ever came into an
// account is one line; a credit is a stretch of it, a debit takes the next
// stretch, and what a debit took of a tainted stretch is tainted. So which part
// of a payment is tainted follows from the movements alone, in whatever order
// the partition learns of them.

// Trail says how far money is followed.
type Trail struct {
	MaxHops int   // accounts from the victim's payment on
	Min     int64 // parts below it are not followed, minor units
}

// DefaultTrail follows money over six accounts; Pix MED 2.0 follows five.
var DefaultTrail = Trail{MaxHops: 6, Min: 100_00}

const (
	maxTaints = 64                 // stops whose money an account remembers
	maxOuts   = 64                 // payments that it remembers by name
	tracedFor = 7 * 24 * time.Hour // how long money that came in is followed
)

// taint is a stretch of what came in: Minor of a transfer of Whole, from Offset
// on.
type taint struct {
	event.Taint               // the account's own name is left out
	credit      uint64        // names the transfer among the movements
	held        int64         // of it, by the bank
	since       event.Instant // when the hold took effect
}

// spent is a payment by name.
type spent struct {
	key                   uint64 // names it among the movements
	at                    event.Instant
	minor, balance        int64 // balance before it, or [event.Unknown]
	id                    string
	account, bank, holder string // empty: cash
	shop                  bool
}

// End is where a trail ends without a stop, and why.
type End struct {
	event.Taint
	Why string
}

// Why a trail ends. The ledger's leaves are named alike.
const (
	EndCash     = "cash"
	EndMerchant = "merchant"
	EndSmall    = "small"
	EndDeep     = "deep"
)

// traced is what an account needs to have its money followed; it is made when it
// is first needed.
func (s *State) traced() *traced {
	r := s.makeCold()
	if r.traced == nil {
		r.traced = &traced{}
	}
	return r.traced
}

// trace is the same for reading.
func (s *State) trace() *traced {
	if r := s.readCold(); r.traced != nil {
		return r.traced
	}
	return &untraced
}

// untraced stands in for what is not there; it is never written.
var untraced traced

// traced is the part of a state by which money is followed.
type traced struct {
	taints        []taint    // money of stops that came in
	outs          []spent    // payments by name, since there are any
	reports       []cooldown // that the holder made: their ids and times
	needsPayments bool       // for payments by name, until cold storage has told them
}

// NeedsPayments says whether the account still asks for payments by name, so that the
// search for them goes on after a crash.
func (s *State) NeedsPayments() bool { return s.trace().needsPayments }

// taintWith remembers a stop's money; false when it is known. The oldest makes
// room.
func (s *State) taintWith(t taint) bool {
	r := s.traced()
	if slices.ContainsFunc(r.taints, func(o taint) bool { return o.StopID == t.StopID }) {
		return false
	}
	r.taints = slices.DeleteFunc(r.taints, func(o taint) bool { return t.At.Sub(o.At) > tracedFor })
	if len(r.taints) == maxTaints {
		oldest := 0
		for i := range r.taints {
			if r.taints[i].At < r.taints[oldest].At {
				oldest = i
			}
		}
		r.taints = slices.Delete(r.taints, oldest, oldest+1)
	}
	r.taints = append(grow(r.taints), t)
	return true
}

// spend remembers a payment by name, by time.
func (s *State) spend(o spent) {
	r := s.traced()
	if slices.ContainsFunc(r.outs, func(x spent) bool { return x.key == o.key }) {
		return
	}
	i := len(r.outs)
	for i > 0 && (r.outs[i-1].at > o.at || r.outs[i-1].at == o.at && r.outs[i-1].key > o.key) {
		i--
	}
	r.outs = slices.Insert(grow(r.outs), i, o)
	old := 0
	for newest := r.outs[len(r.outs)-1].at; r.outs[old].at < newest.Add(-tracedFor); {
		old++
	}
	r.outs = slices.Delete(r.outs, 0, max(old, len(r.outs)-maxOuts))
}

// followDebit follows tainted money that goes on with a payment.
func (e *Engine) followDebit(v *View, key uint64, out *Outcome) {
	s, l := v.state, v.leg
	t := &l.Event.Transfer
	if t.Amount.Currency != event.CNY || len(s.trace().taints) == 0 {
		return
	}
	s.spend(spent{key: key, at: l.Event.At, minor: t.Amount.Minor, balance: t.PayerBalance, id: strings.Clone(l.Event.ID),
		account: strings.Clone(t.Payee.Account), bank: strings.Clone(t.Payee.Bank), holder: strings.Clone(t.Payee.Holder),
		shop: t.Channel == "pos"})
	e.follow(v, out, func(*taint) bool { return true }, func(k uint64) bool { return k == key })
}

// taint takes the news that a stop's money came in, or that the bank holds some.
func (e *Engine) taint(v *View, out *Outcome) {
	n, s := v.leg.Event.Taint, v.state
	if n.Held {
		r := s.traced()
		for i := range r.taints {
			if t := &r.taints[i]; t.StopID == n.StopID && n.At >= t.since {
				t.held, t.since = min(n.Minor, t.Minor), n.At
			}
		}
		return
	}
	if t := event.CloneTaint(n); s.taintWith(keepTaint(&t)) {
		if t.Parent != "" {
			if v.sells() {
				out.Ends = append(out.Ends, End{t, EndMerchant})
				return
			}
			out.Hops = append(out.Hops, t)
		}
		e.follow(v, out, func(o *taint) bool { return o.StopID == t.StopID }, func(uint64) bool { return true })
	}
}

// keepTaint is what an account remembers of a taint.
func keepTaint(n *event.Taint) taint {
	t := taint{Taint: *n, credit: n.Key}
	if t.credit == 0 {
		t.credit = event.TransferKey(n.Payer, n.Transfer)
	}
	t.Account, t.Bank, t.Holder, t.Parent, t.Payer, t.Transfer = "", "", "", "", "", ""
	return t
}

// follow tells the next accounts what came to them of some taints by some
// payments.
func (e *Engine) follow(v *View, out *Outcome, which func(*taint) bool, payments func(uint64) bool) {
	s := v.state
	for i := range s.moves {
		m := &s.moves[i]
		if key := m.tag & idBits; m.counts(debit) && payments(key) {
			e.followOne(v, m, out, which)
		}
	}
}

// followOne does so for one payment.
func (e *Engine) followOne(v *View, m *move, out *Outcome, which func(*taint) bool) {
	s, key := v.state, m.tag&idBits
	outs := s.trace().outs
	i := slices.IndexFunc(outs, func(o spent) bool { return o.key == key })
	balance := event.Unknown
	if i >= 0 {
		balance = outs[i].balance
	}
	account := strings.TrimPrefix(string(s.Entity), event.PrefixAccount)
	s.taken(m, balance, func(t *taint, offset, minor int64) {
		if !which(t) {
			return
		}
		if i < 0 { // it was made before this account had any: cold storage knows whom it went to
			out.NeedsPayments, s.traced().needsPayments = true, true
			return
		}
		o := &outs[i]
		next := event.Taint{Account: o.account, Bank: o.bank, Holder: o.holder, CaseID: t.CaseID,
			StopID: event.DerivedID("stp", t.StopID, o.id, o.account), Parent: t.StopID,
			Payer: account, Transfer: o.id, At: o.at, Minor: minor, Offset: offset, Whole: o.minor, Hop: t.Hop + 1,
			Type: t.Type, District: t.District, Pattern: t.Pattern}
		switch {
		case o.account == "":
			out.Ends = append(out.Ends, End{next, EndCash})
		case o.shop || v.controls.knownGoodAs(next.Entity(), v.now) != "":
			out.Ends = append(out.Ends, End{next, EndMerchant})
		case t.Hop >= e.Policy.Trail.MaxHops:
			out.Ends = append(out.Ends, End{next, EndDeep})
		case minor < e.Policy.Trail.Min:
			out.Ends = append(out.Ends, End{next, EndSmall})
		default:
			out.Taints = append(out.Taints, next)
		}
	})
}

// sells says whether an account is a shop's or a utility's, whose money is not
// the fraudster's: known to be good, cleared, or paid at its tills.
func (v *View) sells() bool {
	if v.knownGoodAs() != "" || v.state.readCold().watch == "cleared" {
		return true
	}
	tills, credits := 0, 0
	for i := range v.state.moves {
		if m := &v.state.moves[i]; m.counts(credit) {
			credits++
			if m.has(markRetail) {
				tills++
			}
		}
	}
	return tills >= tillsOfShop && 2*tills >= credits
}

// tillsOfShop is how many payments at tills make a shop of an account. The
// number is ours: one a mule can arrange.
const tillsOfShop = 5

// stretch is a part of the line of money that came into an account.
type stretch struct{ from, to int64 }

// taken calls yield for each taint that a payment took some of: how much, and
// where within the payment it lies. What lay in the account before its first
// remembered movement is what the payment's balance (where it is known) has more
// than the movements; it leaves first. Of money of which nothing is known there
// is none, so that the victim's is followed.
func (s *State) taken(payment *move, balance int64, yield func(t *taint, offset, minor int64)) {
	taints := s.trace().taints
	begin := make([]int64, len(taints)) // where each lies on the line
	for i := range begin {
		begin[i] = -1
	}
	came, gone := int64(0), int64(0)
	if balance != event.Unknown {
		came = max(0, balance-s.known(payment))
	}
	arrive := func(until event.Instant, inclusive bool) {
		for i := range taints { // whose credit is not among the movements (yet)
			if t := &taints[i]; begin[i] < 0 && (t.At < until || inclusive && t.At == until) && s.find(credit, t.credit) == nil {
				came = max(came, gone)
				begin[i] = came + t.Offset
				came += t.Whole
			}
		}
	}
	for i := range s.moves {
		switch m := &s.moves[i]; {
		case m.counts(credit):
			arrive(m.at, false)
			came = max(came, gone)
			for j := range taints {
				if taints[j].credit == m.tag&idBits && begin[j] < 0 {
					begin[j] = came + taints[j].Offset
				}
			}
			came += m.amount
		case m.counts(debit):
			arrive(m.at, true)
			take := yield
			if m != payment {
				take = nil
			}
			gone = s.take(m, gone, begin, take)
			if m == payment {
				return
			}
		}
	}
}

// known is what the movements before a payment leave in the account.
func (s *State) known(payment *move) (sum int64) {
	for i := range s.moves {
		switch m := &s.moves[i]; {
		case m == payment:
			return sum
		case m.counts(credit):
			sum += m.amount
		case m.counts(debit):
			sum = max(0, sum-m.amount)
		}
	}
	return sum
}

// take lets a debit take its stretches of the line from where it has come to,
// passing over what the bank held by then; it returns where the next begins.
func (s *State) take(m *move, gone int64, begin []int64, yield func(t *taint, offset, minor int64)) int64 {
	taints := s.trace().taints
	var held []stretch
	for i := range taints {
		if t := &taints[i]; begin[i] >= 0 && t.held > 0 && t.since <= m.at {
			held = append(held, stretch{begin[i] + t.Minor - t.held, begin[i] + t.Minor})
		}
	}
	slices.SortFunc(held, func(a, b stretch) int { return cmp.Compare(a.from, b.from) })
	offset := int64(0)
	for rest := m.amount; rest > 0; {
		part := stretch{gone, gone + rest}
		for _, h := range held {
			if h.to > part.from && h.from <= part.from { // it lies in what is held: pass over
				part.from, part.to = h.to, h.to+rest
			}
		}
		for _, h := range held {
			if h.from > part.from && h.from < part.to {
				part.to = h.from
			}
		}
		for i := range taints {
			from, to := max(part.from, begin[i]), min(part.to, begin[i]+taints[i].Minor)
			if begin[i] >= 0 && to > from && yield != nil {
				yield(&taints[i], offset+from-part.from, to-from)
			}
		}
		offset += part.to - part.from
		rest -= part.to - part.from
		gone = part.to
	}
	return gone
}
