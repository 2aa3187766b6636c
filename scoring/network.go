package scoring

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"stopline/stream/event"
)

// Network says how far and how strongly a risk spreads over an account's
// neighbours. The numbers are ours but for MaxHops: downstream of a confirmed
// account within 24 hours, to 5 layers, is what regulators publish.
type Network struct {
	MaxHops    int           // transfers from a stopped account
	MaxRing    int           // transfers that a ring may have
	Degree     int           // an entity with more counterparts in a month passes nothing on: a shop, an employer
	Fan        int           // an account with more new payees in the window is no link of a ring
	Floor      int64         // transfers below it tie nobody, minor units
	Window     time.Duration // how long after money came in its going on counts
	HalfLife   time.Duration // of a level
	LevelFloor int           // a level below it is none
}

// DefaultNetwork is what a center starts with.
var DefaultNetwork = Network{MaxHops: 5, MaxRing: 10, Degree: 40, Fan: 3, Floor: 100_00, Window: 72 * time.Hour, HalfLife: 24 * time.Hour, LevelFloor: 100}

// What a level keeps of itself on the way to a neighbour, in percent.
var kept = map[string]int{event.WhyReceived: 70, event.WhyPaid: 50, event.WhyShares: 60}

const (
	maxHops   = 16 // neighbours that an entity remembers by name
	maxTrails = 8  // trails that it is on
)

// hop is a neighbour by name: to be told of a risk that is known later.
type hop struct {
	name  event.Entity
	paid  bool // it was paid; else it paid
	at    event.Instant
	minor int64
	cause string // the transfer's id
}

// trail is one that the entity is on.
type trail struct {
	id     uint64 // of the note
	origin event.Entity
	level  int // at its moment
	hop    int
	at     event.Instant
	minor  int64 // that came in by it
}

// hop remembers a neighbour; the oldest makes room.
func (s *State) hop(h hop) {
	r := s.more()
	i := len(r.hops)
	for i > 0 && (r.hops[i-1].at > h.at || r.hops[i-1].at == h.at && r.hops[i-1].cause > h.cause) {
		i--
	}
	if i > 0 && r.hops[i-1].at == h.at && r.hops[i-1].cause == h.cause {
		return
	}
	r.hops = slices.Insert(r.hops, i, h)
	if len(r.hops) > maxHops {
		r.hops = slices.Delete(r.hops, 0, 1)
	}
}

// join puts the entity on a trail; false when it is on it already.
func (s *State) join(t trail) bool {
	r := s.more()
	if slices.ContainsFunc(r.trails, func(o trail) bool { return o.id == t.id }) {
		return false
	}
	r.trails = append(r.trails, t)
	if len(r.trails) > maxTrails { // the weakest goes, then the oldest
		i := 0
		for j := range r.trails {
			a, b := &r.trails[j], &r.trails[i]
			if cmp.Or(cmp.Compare(a.level, b.level), cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) < 0 {
				i = j
			}
		}
		r.trails = slices.Delete(r.trails, i, i+1)
	}
	return true
}

// levelAt is what is left of a level after a while.
func (n *Network) levelAt(level int, age time.Duration) int {
	if level == 0 || age <= 0 {
		return level
	}
	left := int(math.Round(float64(level) * math.Exp2(-float64(age)/float64(n.HalfLife))))
	if left < n.LevelFloor {
		return 0
	}
	return left
}

// Note is what the engine wants an entity in any partition to be told.
type Note struct {
	At   event.Instant
	Risk event.Risk
}

// stopped begins a trail at an account that a stop was asked for on, and at
// its telephone number.
func (e *Engine) stopped(a *Alert, out *Outcome) {
	t := a.Transfer
	origin := event.Entity(event.PrefixAccount + t.Payee.Account)
	r := event.Risk{Entity: origin, Origin: origin, From: origin, Why: event.WhyStopped, Level: a.Score, Minor: t.Minor(), Cause: a.StopID}
	out.Notes = append(out.Notes, Note{a.At, r})
	if t.Payee.Phone != "" {
		r.Entity, r.Why, r.Hop = event.Entity(event.PrefixNumber+t.Payee.Phone), event.WhyShares, 1
		r.Level = r.Level * kept[event.WhyShares] / 100
		out.Notes = append(out.Notes, Note{a.At, r})
	}
}

// spreads says whether an entity passes anything on: one that is known to be
// good, was cleared, or deals with very many does not.
func (e *Engine) spreads(v *View) bool {
	if v.good() != "" || v.state.peek().watch == "cleared" {
		return false
	}
	return v.state.distinct(debit, v.now, memory, 0)+v.state.distinct(credit, v.now, memory, 0) <= int64(e.Policy.Network.Degree)
}

// passOn tells a payee of the trails that the payer is on, when a payment
// leaves: the money that came to the payer within the window may be in it.
func (e *Engine) passOn(v *View, isNew bool, out *Outcome) {
	l := v.leg
	t := &l.Event.Transfer
	n := &e.Policy.Network
	if t.Payee.Account == "" || homeMinor(t.Amount) < n.Floor {
		return
	}
	h := hop{paid: true, at: l.Event.At, minor: t.Amount.Minor}
	r := v.state.peek()
	if isNew {
		h.name, h.cause = event.Entity(event.PrefixAccount+t.Payee.Account), strings.Clone(l.Event.ID)
		v.state.hop(h)
		r = v.state.rare
	} else if len(r.trails) == 0 {
		return
	} else {
		h.name, h.cause = event.Entity(event.PrefixAccount+t.Payee.Account), l.Event.ID
	}
	if len(r.trails) == 0 && !slices.ContainsFunc(r.hops, func(o hop) bool { return !o.paid }) || !e.spreads(v) {
		return
	}
	for i := range r.trails {
		e.down(v, &r.trails[i], &h, isNew, out)
		if tr := &r.trails[i]; tr.hop == 0 && t.Payer.Phone != "" {
			e.tell(v, tr, event.Entity(event.PrefixNumber+t.Payer.Phone), event.WhyShares, &h, out)
		}
	}
	if !isNew {
		return
	}
	for i := range r.hops { // those who paid begin trails of their own
		if in := &r.hops[i]; !in.paid {
			e.down(v, &trail{origin: in.name, hop: 1, at: in.at, minor: in.minor}, &h, true, out)
		}
	}
}

// down follows a trail over one payment, if it may be followed so far.
func (e *Engine) down(v *View, t *trail, h *hop, isNew bool, out *Outcome) {
	n := &e.Policy.Network
	age := h.at.Sub(t.at)
	level := n.levelAt(t.level, age) * kept[event.WhyReceived] / 100
	switch {
	case age < 0 || age > n.Window:
		return
	case level >= n.LevelFloor && t.hop < n.MaxHops:
	case isNew && t.hop < n.MaxRing && 2*h.minor >= t.minor && 10*h.minor <= 11*t.minor && v.state.distinct(debit, v.now, n.Window, markNew) <= int64(n.Fan): // without suspicion only the same money among strangers: to find rings
		level = 0
	default:
		return
	}
	out.Notes = append(out.Notes, Note{h.at, event.Risk{Entity: event.Entity(strings.Clone(string(h.name))), Origin: t.origin, From: v.state.Entity,
		Why: event.WhyReceived, Hop: t.hop + 1, Level: level, Minor: h.minor, Cause: strings.Clone(h.cause)}})
}

// tell tells a neighbour that is no payee: who paid a stopped account, or
// shares its number.
func (e *Engine) tell(v *View, t *trail, who event.Entity, why string, h *hop, out *Outcome) {
	n := &e.Policy.Network
	at := max(h.at, t.at)
	level := n.levelAt(t.level, at.Sub(t.at)) * kept[why] / 100
	if level < n.LevelFloor || t.hop >= n.MaxHops || who == v.state.Entity {
		return
	}
	out.Notes = append(out.Notes, Note{at, event.Risk{Entity: who, Origin: t.origin, From: v.state.Entity, Why: why, Hop: t.hop + 1, Level: level, Minor: h.minor, Cause: strings.Clone(h.cause)}})
}

// cameFrom notes who paid a stranger's account, and tells who pays a stopped one.
func (e *Engine) cameFrom(v *View, isNew bool, out *Outcome) {
	l := v.leg
	t := &l.Event.Transfer
	if homeMinor(t.Amount) < e.Policy.Network.Floor {
		return
	}
	h := hop{at: l.Event.At, minor: t.Amount.Minor}
	if !isNew {
		return // who has paid it for long is no victim of today
	}
	h.name, h.cause = event.Entity(event.PrefixAccount+t.Payer.Account), strings.Clone(l.Event.ID)
	v.state.hop(h)
	trails := v.state.rare.trails
	for i := range trails {
		if tr := &trails[i]; tr.hop == 0 && e.spreads(v) {
			e.tell(v, tr, h.name, event.WhyPaid, &h, out)
		}
	}
}

// shares tells an account that pays under the number of a stopped one.
func (e *Engine) shares(v *View, out *Outcome) {
	l := v.leg
	trails := v.state.peek().trails
	for i := range trails {
		if tr := &trails[i]; tr.hop <= 1 && e.spreads(v) {
			h := hop{at: l.Event.At, minor: l.Event.Transfer.Amount.Minor, cause: l.Event.ID}
			e.tell(v, tr, event.Entity(event.PrefixAccount+l.Event.Transfer.Payer.Account), event.WhyShares, &h, out)
		}
	}
}

// risk takes a note: the entity joins the trail, is scored again, and tells
// the neighbours that it had before it knew.
func (e *Engine) risk(v *View, out *Outcome) {
	l := v.leg
	n := &l.Event.Risk
	if n.Hop > 0 && !e.spreads(v) {
		return
	}
	t := trail{id: event.Hash(l.Event.ID), origin: event.Entity(strings.Clone(string(n.Origin))), level: n.Level, hop: n.Hop, at: l.Event.At, minor: n.Minor}
	if !v.state.join(t) {
		return
	}
	e.ask(v, aboutRisk, out)
	if n.Why == event.WhyPaid || n.Hop >= 3 && n.Origin == v.state.Entity {
		return // a victim passes nothing on, and a ring is closed
	}
	hops := v.state.peek().hops
	for i := range hops {
		switch h := &hops[i]; {
		case h.paid:
			e.down(v, &t, h, true, out)
		case t.hop == 0 && h.at >= t.at.Add(-newFor):
			e.tell(v, &t, h.name, event.WhyPaid, h, out)
		}
	}
	if n.Why == event.WhyShares && v.state.Entity.IsNumber() {
		var p payment
		v.state.eachKept(&p, func() bool {
			h := hop{at: p.at, minor: p.transfer.Amount.Minor, cause: p.id}
			e.tell(v, &t, event.Entity(event.PrefixAccount+strings.Clone(p.transfer.Payer.Account)), event.WhyShares, &h, out)
			return false
		})
	}
}
