package ledger

import (
	"cmp"
	"slices"

	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// Node is a place that a case's money came to: an account with its stop, or
// where the trail ends.
type Node struct {
	Stop     *stop.Stop // nil at a leaf
	Leaf     *stop.Leaf // nil at a stop
	Children []*Node
}

// At is when the money came.
func (n *Node) At() event.Instant {
	if n.Stop != nil {
		return n.Stop.Transfer.At
	}
	return n.Leaf.Transfer.At
}

// Trail is a case's money as trees, one for each payment of a victim, by time.
func (l *Ledger) Trail(caseID string) []*Node {
	l.mu.RLock()
	defer l.mu.RUnlock()
	c := l.whole(caseID)
	if c == nil {
		return nil
	}
	nodes := map[string]*Node{}
	for _, id := range c.Stops {
		nodes[id] = &Node{Stop: l.stops[id].Copy()}
	}
	var roots []*Node
	place := func(n *Node, parent string) {
		if p := nodes[parent]; p != nil {
			p.Children = append(p.Children, n)
		} else {
			roots = append(roots, n)
		}
	}
	for _, id := range c.Stops {
		place(nodes[id], nodes[id].Stop.Parent)
	}
	for i := range c.Leaves {
		place(&Node{Leaf: &c.Leaves[i]}, c.Leaves[i].Parent)
	}
	byTime := func(a, b *Node) int { return cmp.Or(cmp.Compare(a.At(), b.At()), cmp.Compare(a.id(), b.id())) }
	slices.SortFunc(roots, byTime)
	for _, n := range nodes {
		slices.SortFunc(n.Children, byTime)
	}
	return roots
}

func (n *Node) id() string {
	if n.Stop != nil {
		return n.Stop.ID
	}
	return n.Leaf.ID
}

// origin is the stop at the first hop of a trail.
func (l *Ledger) origin(s *stop.Stop) *stop.Stop {
	for range 64 {
		p := l.stops[s.Parent]
		if s.Parent == "" || p == nil {
			break
		}
		s = p
	}
	return s
}

// noteLeaf keeps where a trail ends, once.
func (l *Ledger) noteLeaf(e *Entry) law.Refusal {
	c, leaf := l.caseOf(e), e.Leaf
	if c.noted[leaf.ID] {
		return law.Refuse("trail.end")
	}
	if parent := l.stops[leaf.Parent]; parent != nil && leaf.Minor > parent.Unfollowed(c.traced[parent.ID]) {
		return law.Refuse("trail.more")
	}
	c.noted[leaf.ID] = true
	c.traced[leaf.Parent] += leaf.Minor
	c.Leaves = append(c.Leaves, *leaf)
	return law.Accepted
}

// Follow lists the accounts that a stop's money went on to, as the bank's answer
// names them, and where it ends: what the trail has not so far. See [stop.Stop.Follow].
func (l *Ledger) Follow(s *stop.Stop) (hops []stop.NextHop, leaves []stop.Leaf) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	c := l.cases[s.CaseID]
	if c == nil {
		return nil, nil
	}
	return s.Follow(&l.terms, c.traced[s.ID], c.inTrail)
}

// inTrail says whether the trail has a payment already.
func (c *Case) inTrail(p *stop.Proposal) bool {
	return slices.ContainsFunc(c.stops, func(s *stop.Stop) bool { return s.Has(p) }) ||
		slices.ContainsFunc(c.Leaves, func(f stop.Leaf) bool { return f.Has(p) })
}

// excess sums what is held along the trail of each payment beyond the payment
// itself: accounts mix, and a bank may hold what another's money replaced.
func (l *Ledger) excess() map[*stop.Stop]int64 {
	sums := map[*stop.Stop]int64{}
	for _, s := range l.stops {
		if s.State.Holds() && s.Left() > 0 {
			sums[l.origin(s)] += s.Left()
		}
	}
	for first, sum := range sums {
		if sum -= first.Minor; sum > 0 && first.Parent == "" {
			sums[first] = sum
		} else {
			delete(sums, first)
		}
	}
	return sums
}
