package scoring

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"stopline.internal/stream/event"
)

// Network says how far and how strongly a risk spreads from a stopped account
// over payments between strangers. The numbers are ours but for MaxHops:
// downstream of a confirmed account, to 5 layers, is what regulators publish.
//
// Notes travel through Kafka and arrive in any order. So whether an entity is
// notified of a transfer never depends on which note came first, only on whether
// some trail leads there; and what an alert says follows from the transfer.
type Network struct {
	MaxHops    int           // transfers from a stopped account
	MaxRing    int           // transfers that a ring may have
	Degree     int           // an entity with more counterparts in a month passes nothing on: a shop, an employer
	Fan        int           // an account with more new payees in the window is no link of a ring
	Floor      int64         // transfers below it tie nobody, minor units
	Window     time.Duration // how long after money came in its going on can be the same money
	HalfLife   time.Duration // of a level
	Keep       float64       // what a level keeps of itself over one transfer
	LevelFloor int           // a level below it is none
}

// DefaultNetwork is what a center starts with.
var DefaultNetwork = Network{MaxHops: 5, MaxRing: 10, Degree: 40, Fan: 3, Floor: 300_00, Window: 72 * time.Hour,
	HalfLife: 24 * time.Hour, Keep: 0.7, LevelFloor: 100}

const (
	maxNeighbours = 64 // neighbours that an entity remembers by name
	maxTrails     = 64 // stopped accounts' trails that it is on
	maxLinks      = 64 // trails without suspicion, to find rings
	maxNotified   = 64 // notes of which an alert was asked

	reach = 5 * 24 * time.Hour // how long a neighbour is remembered by name
)

// way is how a neighbour is one.
type way uint8

const (
	paid     way = iota // it was paid by the entity
	received            // it paid the entity
	shares              // it pays under the same telephone number, or is that number
)

// neighbour is a neighbour by name: to be notified of a risk that is found later.
type neighbour struct {
	name  event.Entity
	way   way
	at    event.Instant
	minor int64
	cause string // the transfer's id
}

// trail is one that the entity is on: of a stopped account, or, with a score of
// zero, of money that merely passes on.
type trail struct {
	origin event.Entity
	since  event.Instant // the stop's moment
	score  int           // the stop's, 0 to 1000
	hop    int           // transfers from the origin
	at     event.Instant // when it came here
	minor  int64         // that came by it
	cause  string        // the transfer that brought it
}

// level is how strong a trail is at a moment, some transfers further on.
func (n *Network) level(t *trail, further int, at event.Instant) int {
	age := max(0, at.Sub(t.since))
	level := int(math.Round(float64(t.score) * math.Pow(n.Keep,
		float64(t.hop+further)) * math.Exp2(-float64(age)/float64(n.HalfLife))))
	if level < n.LevelFloor {
		return 0
	}
	return level
}

// covers says whether whatever o leads to is also led to by t. A stop on the
// entity itself is covered by no other: it tells who paid for a reason of its own.
func (n *Network) covers(t, o *trail) bool {
	strength := func(t *trail) float64 {
		return math.Log2(float64(t.score)) + float64(t.hop)*math.Log2(n.Keep) +
			float64(t.since)/float64(n.HalfLife.Milliseconds())
	}
	return t.score > 0 && o.score > 0 && o.hop > 0 && t.hop <= o.hop && t.at <= o.at && strength(t) >= strength(o)
}

// compare orders neighbours by time, and those of one moment such that the order of
// arrival does not show.
func (h *neighbour) compare(o *neighbour) int {
	return cmp.Or(cmp.Compare(h.at, o.at), cmp.Compare(h.cause, o.cause), cmp.Compare(h.way, o.way),
		cmp.Compare(h.name, o.name))
}

// rememberNeighbour remembers a neighbour, by time; the oldest makes room.
func (s *State) rememberNeighbour(h neighbour) {
	i := len(s.hops)
	for i > 0 && s.hops[i-1].compare(&h) > 0 {
		i--
	}
	if i > 0 && s.hops[i-1].compare(&h) == 0 {
		return
	}
	s.hops = slices.Insert(grow(s.hops), i, h)
	old := 0 // no risk reaches back further
	for newest := s.hops[len(s.hops)-1].at; s.hops[old].way != shares && s.hops[old].at < newest.Add(-reach); {
		old++
	}
	s.hops = slices.Delete(s.hops, 0, max(old, len(s.hops)-maxNeighbours))
}

// joinTrail puts the entity on a trail; false when that leads nowhere new.
func (s *State) joinTrail(n *Network, t trail) bool {
	r := s.makeCold()
	most, same := maxLinks, func(o trail) bool { return o.score == 0 }
	if t.score > 0 {
		if slices.ContainsFunc(r.trails, func(o trail) bool { return n.covers(&o, &t) }) {
			return false
		}
		r.trails = slices.DeleteFunc(r.trails, func(o trail) bool { return n.covers(&t, &o) })
		most, same = maxTrails, func(o trail) bool { return o.score > 0 }
	} else if slices.ContainsFunc(r.trails, func(o trail) bool {
		return o.score == 0 && o.origin == t.origin && o.hop == t.hop && o.cause == t.cause
	}) {
		return false
	}
	r.trails = append(grow(r.trails), t)
	oldest, count := -1, 0
	for i := range r.trails {
		if a := &r.trails[i]; same(*a) {
			count++
			if oldest < 0 || cmp.Or(cmp.Compare(a.at, r.trails[oldest].at), cmp.Compare(a.cause, r.trails[oldest].cause)) < 0 {
				oldest = i
			}
		}
	}
	if count > most {
		r.trails = slices.Delete(r.trails, oldest, oldest+1)
	}
	return true
}

// partnerOf notes the number that an account pays under, or the account of a
// number; false when it was noted before.
func (s *State) partnerOf(prefix, name string, at event.Instant) (fresh bool) {
	matches := func(e event.Entity) bool {
		return len(e) == len(prefix)+len(name) && strings.HasPrefix(string(e), prefix) && string(e[len(prefix):]) == name
	}
	if s.partner == "" {
		s.partner = event.Entity(prefix + name)
		return true
	}
	if matches(s.partner) || slices.ContainsFunc(s.hops,
		func(h neighbour) bool { return h.way == shares && matches(h.name) }) {
		return false
	}
	s.rememberNeighbour(neighbour{name: event.Entity(prefix + name), way: shares, at: at})
	return true
}

// Note is what the engine wants to notify an entity of, in any partition.
type Note struct {
	At   event.Instant
	Risk event.Risk
}

// beginTrail begins a trail at an account that a stop was asked for on, and at
// its telephone number.
func (e *Engine) beginTrail(a *Alert, out *Outcome) {
	t := a.Transfer
	if t.Currency == event.CNY {
		out.Taints = append(out.Taints, event.Taint{Account: t.Payee.Account, Bank: t.Payee.Bank, Holder: t.Payee.Holder,
			CaseID: a.CaseID, StopID: a.StopID,
			Payer: t.Payer.Account, Transfer: t.ID, At: t.At, Minor: t.Minor(), Whole: t.Minor(), Hop: 1, Type: a.FraudType,
			District: a.District, Pattern: a.Hits[0].Pattern})
	}
	origin := event.Entity(event.PrefixAccount + t.Payee.Account)
	r := event.Risk{Entity: origin, Origin: origin, Since: a.At, Score: a.Score, From: origin, Why: event.WhyStopped,
		Minor: t.Minor(), Cause: a.StopID}
	out.Notes = append(out.Notes, Note{a.At, r})
	if t.Payee.Phone != "" {
		r.Entity, r.Why, r.Hop, r.Minor, r.Cause = event.Entity(event.PrefixNumber+t.Payee.Phone), event.WhyShares, 1, 0, ""
		out.Notes = append(out.Notes, Note{a.At, r})
	}
}

// spreads says whether an entity passes anything on at a moment: one that is
// known to be good, was cleared, or deals with very many does not.
func (e *Engine) spreads(v *View, at event.Instant) bool {
	if v.knownGoodAs() != "" || v.state.readCold().watch == "cleared" {
		return false
	}
	return v.state.distinct(debit, at, memory, 0)+v.state.distinct(credit, at, memory, 0) <= int64(e.Policy.Network.Degree)
}

// notifyPayee tells a stranger who is paid of the trails that the payer is on: the
// money that came to the payer may be in it.
func (e *Engine) notifyPayee(v *View, isNew bool, out *Outcome) {
	l := v.leg
	t := &l.Event.Transfer
	if t.Payer.Phone != "" && v.state.partnerOf(event.PrefixNumber, t.Payer.Phone, l.Event.At) {
		e.notifySharers(v, event.Entity(event.PrefixNumber+t.Payer.Phone), out)
	}
	if !isNew || t.Payee.Account == "" || t.Channel == "pos" || homeMinor(t.Amount) < e.Policy.Network.Floor {
		return
	}
	h := neighbour{name: event.Entity(event.PrefixAccount + t.Payee.Account), way: paid, at: l.Event.At,
		minor: t.Amount.Minor, cause: strings.Clone(l.Event.ID)}
	v.state.rememberNeighbour(h)
	trails, hops := v.state.readCold().trails, v.state.hops
	if len(trails) == 0 && !slices.ContainsFunc(hops, func(o neighbour) bool { return o.way == received }) ||
		!e.spreads(v, h.at) {
		return
	}
	for i := range trails {
		e.followPayment(v, &trails[i], &h, out)
	}
	for i := range hops { // those who paid begin trails of their own
		if in := &hops[i]; in.way == received {
			e.followPayment(v, in.ownTrail(), &h, out)
		}
	}
}

// ownTrail is the trail of money that a stranger paid in.
func (h *neighbour) ownTrail() *trail {
	return &trail{origin: h.name, hop: 1, at: h.at, minor: h.minor, cause: h.cause}
}

// followPayment follows a trail over one payment to a stranger, if it may be followed so
// far.
func (e *Engine) followPayment(v *View, t *trail, h *neighbour, out *Outcome) {
	n := &e.Policy.Network
	why := event.WhyReceived
	switch {
	case h.at < t.at:
		return
	case t.score > 0:
		if t.hop >= n.MaxHops || n.level(t, 1, h.at) == 0 {
			return
		}
	default: // the same money, from stranger to stranger: it may come round
		if t.hop >= n.MaxRing || h.at.Sub(t.at) > n.Window || 2*h.minor < t.minor || 10*h.minor > 11*t.minor ||
			v.state.distinct(debit, h.at, n.Window, markNew) > int64(n.Fan) {
			return
		}
		why = event.WhyPassedOn
	}
	out.Notes = append(out.Notes, Note{h.at, event.Risk{Entity: h.name, Origin: t.origin, Since: t.since,
		Score: t.score, From: v.state.Entity,
		Why: why, Hop: t.hop + 1, Minor: h.minor, Cause: h.cause}})
}

// notePayer notes which stranger paid, and tells one who pays a stopped account.
func (e *Engine) notePayer(v *View, isNew bool, out *Outcome) {
	l := v.leg
	t := &l.Event.Transfer
	if !isNew || t.Channel == "pos" || homeMinor(t.Amount) < e.Policy.Network.Floor {
		return // who has paid it for long is no victim of today
	}
	h := neighbour{name: event.Entity(event.PrefixAccount + t.Payer.Account), way: received, at: l.Event.At,
		minor: t.Amount.Minor, cause: strings.Clone(l.Event.ID)}
	v.state.rememberNeighbour(h)
	trails := v.state.readCold().trails
	for i := range trails {
		e.warnPayer(v, &trails[i], &h, out)
	}
}

// warnPayer tells a stranger who paid a stopped account, within a day before
// the stop or while it is fresh.
func (e *Engine) warnPayer(v *View, t *trail, h *neighbour, out *Outcome) {
	if t.score == 0 || t.hop != 0 || h.at < t.at.Add(-newFor) || e.Policy.Network.level(t, 1, h.at) == 0 ||
		!e.spreads(v, h.at) {
		return
	}
	payer, payee := strings.TrimPrefix(string(h.name), event.PrefixAccount), strings.TrimPrefix(string(v.state.Entity),
		event.PrefixAccount)
	if t.cause == event.StopID(event.TransferKey(payer, h.cause), payee) {
		return // it is the payment that the stop is for
	}
	out.Notes = append(out.Notes, Note{h.at, event.Risk{Entity: h.name, Origin: t.origin, Since: t.since,
		Score: t.score, From: v.state.Entity,
		Why: event.WhyPaid, Hop: 1, Minor: h.minor, Cause: h.cause}})
}

// notifySharers tells those who pay under one number that one of them is stopped.
func (e *Engine) notifySharers(v *View, who event.Entity, out *Outcome) {
	trails := v.state.readCold().trails
	for i := range trails {
		e.notifySharer(v, &trails[i], who, out)
	}
}

func (e *Engine) notifySharer(v *View, t *trail, who event.Entity, out *Outcome) {
	if t.score == 0 || t.hop > 1 || who == t.origin || v.state.Entity.IsAccount() && t.hop != 0 {
		return
	}
	out.Notes = append(out.Notes, Note{t.at, event.Risk{Entity: who, Origin: t.origin, Since: t.since, Score: t.score,
		From: v.state.Entity, Why: event.WhyShares, Hop: t.hop + 1}})
}

// risk takes a note: the entity is scored again, joins the trail, and tells the
// neighbours that it had before it knew.
func (e *Engine) risk(v *View, out *Outcome) {
	l := v.leg
	n := &l.Event.Risk
	if n.Hop > 0 && !e.spreads(v, v.now) {
		return
	}
	if r := v.state.makeCold(); !slices.Contains(r.notified, event.Hash(l.Event.ID)) {
		if r.notified = append(grow(r.notified), event.Hash(l.Event.ID)); len(r.notified) > maxNotified {
			r.notified = slices.Delete(r.notified, 0, 1)
		}
		e.evaluate(v, aboutRisk, out)
	}
	if n.Why == event.WhyPaid || n.Why == event.WhyPassedOn && n.Origin == v.state.Entity {
		return // a victim passes nothing on, and a ring is closed
	}
	t := trail{origin: event.Entity(strings.Clone(string(n.Origin))), since: n.Since, score: n.Score, hop: n.Hop,
		at: l.Event.At, minor: n.Minor, cause: strings.Clone(n.Cause)}
	if !v.state.joinTrail(&e.Policy.Network, t) {
		return
	}
	if v.state.partner != "" {
		e.notifySharer(v, &t, v.state.partner, out)
	}
	hops := v.state.hops
	for i := range hops {
		switch h := &hops[i]; h.way {
		case paid:
			if n.Why != event.WhyShares && e.spreads(v, h.at) {
				e.followPayment(v, &t, h, out)
			}
		case received:
			e.warnPayer(v, &t, h, out)
		case shares:
			e.notifySharer(v, &t, h.name, out)
		}
	}
}
