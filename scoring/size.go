package scoring

import (
	"slices"
	"unsafe"
)

// Size is about how many bytes a hot entity takes: its state with everything
// that hangs on it, its name, and its place in the LRU.
func (s *State) Size() int {
	const place = 80 + 40 // an entry of the LRU's list; a slot of its map, at a usual load
	n := place + int(unsafe.Sizeof(*s)) + len(s.Entity) + len(s.partner) +
		cap(s.moves)*int(unsafe.Sizeof(move{})) + cap(s.contacts)*int(unsafe.Sizeof(contact{})) + cap(s.kept) +
		cap(s.hops)*int(unsafe.Sizeof(neighbour{}))
	for i := range s.hops {
		n += len(s.hops[i].name) + len(s.hops[i].cause)
	}
	r := s.cold
	if r == nil {
		return n
	}
	n += int(unsafe.Sizeof(*r)) + cap(r.buckets)*int(unsafe.Sizeof(bucket{})) + cap(r.devices)*8 +
		cap(r.cooldowns)*int(unsafe.Sizeof(cooldown{})) + cap(r.notified)*8
	for i := range r.trails {
		n += len(r.trails[i].origin) + len(r.trails[i].cause)
	}
	n += cap(r.trails) * int(unsafe.Sizeof(trail{}))
	if t := r.traced; t != nil {
		n += int(unsafe.Sizeof(*t)) + cap(t.taints)*int(unsafe.Sizeof(taint{})) +
			cap(t.outs)*int(unsafe.Sizeof(spent{})) + cap(t.reports)*int(unsafe.Sizeof(cooldown{}))
		for i := range t.outs {
			n += len(t.outs[i].id) + len(t.outs[i].account) + len(t.outs[i].bank) + len(t.outs[i].holder)
		}
	}
	if c := r.caller; c != nil {
		n += int(unsafe.Sizeof(*c)) + cap(c.days)*int(unsafe.Sizeof(callDay{})) +
			(cap(c.handsets)+cap(c.cells))*int(unsafe.Sizeof(sighting{}))
	}
	return n
}

// Sizes are the sizes of the hot entities, in order.
func (p *Partition) Sizes() []int {
	var out []int
	for _, s := range p.hot.Values() {
		out = append(out, s.Size())
	}
	slices.Sort(out)
	return out
}
