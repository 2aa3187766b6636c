package ledger

import (
	"cmp"
	"slices"

	"stopline.internal/stream/event"
)

// Node is a place that a case's money came to: an account with its stop, or
// where the trail ends.
type Node struct {
	Stop     *Stop // nil at a leaf
	Leaf     *Leaf // nil at a stop
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
		nodes[id] = &Node{Stop: l.stops[id].copy()}
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
