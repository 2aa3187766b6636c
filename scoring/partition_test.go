package scoring

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"stopline.internal/stream/event"
)

// What was evicted stays at hand until it is written; who asks is told of both.
func TestHotAndEvicted(t *testing.T) {
	w := newTown(t, 2)
	w.score(transfer("a", 0, "1111", "2222", 100, 5000)) // three entities, two of them hot
	p := w.part
	if p.Len() != 2 || p.Waiting() != 1 {
		t.Fatalf("%d hot, %d waiting", p.Len(), p.Waiting())
	}
	names := []event.Entity{"acct:1111", "acct:2222", "tel:+8613800001111"}
	for _, e := range names {
		if !p.Has(e) || p.Peek(e) == nil || p.Peek(e).Entity != e {
			t.Errorf("%s is not at hand", e)
		}
	}
	if p.Has("acct:9") || p.Peek("acct:9") != nil {
		t.Error("an entity that nobody has seen is at hand")
	}
	block := w.block(transfer("b", minute, "1111", "3333", 1, 5000), transfer("c", minute, "1111", "3333", 1, 5000))
	missing, err := p.Missing(block, nil)
	if err != nil || !slices.Equal(missing, []event.Entity{"acct:3333"}) {
		t.Errorf("missing: %v, %v", missing, err)
	}
	if _, err := p.Missing([]byte("nonsense"), nil); err == nil {
		t.Error("nonsense is a block")
	}
	if err := p.Apply(99, []byte("nonsense"), nil); err == nil {
		t.Error("nonsense is applied")
	}
	taken := p.Snapshot()
	if len(taken) != 3 || len(p.Snapshot()) != 0 {
		t.Errorf("%d states have changed, want 3, once", len(taken))
	}
	p.Written(taken, false)
	if p.Waiting() != 1 || len(p.Snapshot()) != 3 {
		t.Error("what was not written is lost")
	}
	w.score(transfer("d", minute, "1111", "2222", 7, 4900))
	p.Written(taken, true)
	for _, e := range names { // each has changed since
		if !p.Has(e) {
			t.Errorf("%s was dropped", e)
		}
	}
	p.Snapshot()
	if p.Written(nil, true); p.Waiting() != 0 || p.Len() != 2 {
		t.Errorf("%d wait though they are written", p.Waiting())
	}
}

// Late payments are dropped from every state as it is taken.
func TestSnapshotDropsLatePayments(t *testing.T) {
	v := newTown(t, 10)
	v.score(transfer("a", 0, "1111", "2222", 100, 5000), transfer("b", time.Hour+minute, "1111", "2222", 100, 5000))
	number := v.part.Peek("tel:+8613800001111")
	if v.part.Snapshot(); number.keptCount() != 2 {
		t.Errorf("%d payments, want both: an hour is within the lateness", number.keptCount())
	}
	v.score(transfer("c", 2*time.Hour+time.Second, "5555", "6666", 100, 5000)) // moves the clock
	if v.part.Snapshot(); number.keptCount() != 1 {
		t.Errorf("%d payments, want the one that a record may complete", number.keptCount())
	}
}

// Marks are kept and restored: what was applied is skipped, of its source alone.
func TestMarks(t *testing.T) {
	w := newTown(t, 10)
	b := w.block(transfer("a", 0, "1111", "2222", 100, 5000))
	apply := func(p *Partition, offset int64) (n int) {
		if err := p.Apply(offset, b, func(*event.Leg, *Outcome) { n++ }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := apply(w.part, 5); n != 3 {
		t.Fatalf("%d legs", n)
	}
	m := w.part.Marks()
	if m.Clock != noon || !slices.Equal(m.Seen, []Mark{{Offset: 1}}) {
		t.Errorf("%+v", m)
	}
	again := NewPartition(w.part.engine, 10)
	if again.SetMarks(m); apply(again, 6) != 0 || again.Marks().Clock != noon {
		t.Error("what the marks have is applied again")
	}
	for _, other := range []Mark{{Topic: 1, Offset: 1}, {Partition: 1, Offset: 1}, {}} {
		p := NewPartition(w.part.engine, 10)
		if p.SetMarks(Marks{Seen: []Mark{other}}); apply(p, 6) != 3 {
			t.Errorf("%+v marks what is of another source, or comes later", other)
		}
	}
	ahead := NewPartition(w.part.engine, 10)
	s := NewState("acct:2222")
	s.Applied = Place{6, 9}
	ahead.Put(s)
	if n := apply(ahead, 6); n != 2 {
		t.Errorf("%d legs are applied, want those of the states that are behind", n)
	}
	if got := ahead.Peek("acct:1111").Applied.Offset; got != 6 {
		t.Errorf("its last leg is at %d", got)
	}
}

// Controls are taken when they have changed, with a version that grows; what was lost is
// taken again.
func TestControlsAreTaken(t *testing.T) {
	w := newTown(t, 10)
	if v, state := w.part.Controls(); v != 0 || state != nil {
		t.Error("nothing was decided")
	}
	w.decide(event.Control{What: event.ControlKnown, Entity: "acct:9", As: "shop"})
	v1, a := w.part.Controls()
	if v1 != 1 || a == nil {
		t.Errorf("version %d", v1)
	}
	w.part.ControlsLost()
	if v2, b := w.part.Controls(); v2 != 2 || len(a) != len(b) {
		t.Errorf("version %d", v2)
	}
	if w.part.Catalogue() != w.part.controls.program.Version || w.part.Catalogue() == "" {
		t.Errorf("the catalogue is %q", w.part.Catalogue())
	}
	if err := w.part.SetControls([]byte("x")); err == nil {
		t.Error("nonsense is read")
	}
	before := w.part.controls.applied
	w.part.controls.applied = Place{1 << 40, 0}
	w.decide(event.Control{What: event.ControlKnown, Entity: "acct:8", As: "shop"}) // of before the checkpoint
	if _, ok := w.part.controls.knownGood["acct:8"]; ok || before.Offset == 1<<40 {
		t.Error("a control that the checkpoint has is applied again")
	}
}

// A search for payments by name goes on after a crash until it is over.
func TestSearchForPayments(t *testing.T) {
	w := newTown(t, 10)
	w.score(transfer("v", 0, "2000", "1000", 5000, 9000), transfer("o", minute, "1000", "1100", 3000, 5000))
	w.taint(stolen("s", "2000", "v", "1000", 5000, 0))
	s := w.part.Peek("acct:1000")
	if !s.NeedsPayments() {
		t.Fatal("the payment that went on has no name")
	}
	if out := w.part.AddPayments("acct:9", []PaymentByName{{ID: "o"}}); out != nil {
		t.Error("an account that is not at hand")
	}
	if out := w.part.AddPayments("acct:1000", nil); out != nil || !s.NeedsPayments() {
		t.Error("nothing was found")
	}
	out := w.part.AddPayments("acct:1000", []PaymentByName{{ID: "other", At: noon, Minor: 1, Account: "x"}})
	if len(out.Taints) != 0 || out.NeedsPayments || s.NeedsPayments() {
		t.Errorf("another payment: %+v", out)
	}
	s.traced().needsPayments, s.dirty = true, false
	if w.part.EndSearch("acct:1000"); s.NeedsPayments() || !s.dirty {
		t.Error("the search goes on, or its end is not kept")
	}
	s.dirty = false
	w.part.EndSearch("acct:9")
	if w.part.EndSearch("acct:1000"); s.dirty {
		t.Error("a search that is over ends again")
	}
	shop := w.part.AddPayments("acct:1000", []PaymentByName{{ID: "o", At: noon.Add(minute), Minor: 3000_00,
		Balance: 5000_00, Account: "1100", Bank: "B", Holder: "H", Shop: true}})
	if len(shop.Ends) != 1 || shop.Ends[0].Why != EndMerchant || shop.Ends[0].Bank != "B" ||
		shop.Ends[0].Holder != "H" || shop.Ends[0].Minor != 3000_00 || !s.dirty {
		t.Errorf("%+v", shop)
	}
}

// The people's rulebook: what was published, proposed, excepted, known to be good, and
// which brakes have fallen.
func TestRulebook(t *testing.T) {
	b := NewRulebook()
	if _, ok := b.Current(); ok {
		t.Error("nothing was published")
	}
	live := string(DefaultCatalogue)
	shadow := live + "\n# a note\n"
	version := func(text string) string {
		c, err := ParseCatalogue("x", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return c.Version
	}
	do := func(at event.Instant, c event.Control) {
		c.By, c.Reason = "A", "why"
		b.Apply(at, &c)
	}
	do(1, event.Control{What: event.ControlCatalogue, Text: live})
	do(2, event.Control{What: event.ControlProposal, Text: shadow, Pattern: version(live)})
	do(3, event.Control{What: event.ControlProposal, Text: "- id: nonsense"})
	if p, ok := b.Proposal(version(shadow)); !ok || p.Base != version(live) || p.At != 2 || p.By != "A" ||
		p.Reason != "why" || p.Patterns == 0 || p.Text != shadow || len(b.Proposals()) != 1 {
		t.Errorf("%v, %d proposals", ok, len(b.Proposals()))
	}
	if _, ok := b.Proposal("other"); ok {
		t.Error("a proposal that nobody made")
	}
	do(4, event.Control{What: event.ControlProposal, Text: shadow, Removed: true})
	if len(b.Proposals()) != 0 {
		t.Error("what was taken back waits")
	}
	do(5, event.Control{What: event.ControlProposal, Text: shadow})
	do(6, event.Control{What: event.ControlCatalogue, Text: shadow})
	do(7, event.Control{What: event.ControlCatalogue, Text: "- id: nonsense"})
	if len(b.Proposals()) != 0 {
		t.Error("what was published waits")
	}
	if c, ok := b.Current(); !ok || c.At != 6 || c.Version != version(shadow) {
		t.Errorf("in force: %s of %d", c.Version, c.At)
	}
	list := b.Versions()
	if len(list) != 3 || list[0].Unusable == "" || list[0].At != 7 || list[2].At != 1 {
		t.Errorf("%d versions", len(list))
	}
	if p, ok := b.Version(version(live)); !ok || p.At != 1 {
		t.Errorf("%v, %d", ok, p.At)
	}
	if _, ok := b.Version("other"); ok {
		t.Error("a version that nobody published")
	}
	for i := range 3 {
		e := event.Entity(fmt.Sprint("acct:", 3-i))
		do(event.Instant(i), event.Control{What: event.ControlKnown, Entity: e, As: "shop", Until: 9})
		do(event.Instant(i), event.Control{What: event.ControlException, Entity: "acct:1", Pattern: fmt.Sprint("p", 3-i)})
		do(event.Instant(i), event.Control{What: event.ControlTrip, Pattern: fmt.Sprint("p", 3-i)})
	}
	do(8, event.Control{What: event.ControlTrip, Pattern: "p3"})
	want := Decision{Entity: "acct:1", As: "shop", Until: 9, At: 2, By: "A", Reason: "why"}
	if k := b.Known(); len(k) != 3 || k[0] != want {
		t.Errorf("%+v", k)
	}
	if x := b.Exceptions(); len(x) != 3 || x[0].Pattern != "p1" || x[2].Pattern != "p3" {
		t.Errorf("%+v", x)
	}
	if br := b.Brakes(); len(br) != 3 || br[2].Pattern != "p3" || br[2].At != 0 {
		t.Errorf("a brake falls once: %+v", br)
	}
	do(9, event.Control{What: event.ControlKnown, Entity: "acct:1", Removed: true})
	do(9, event.Control{What: event.ControlException, Entity: "acct:1", Pattern: "p1", Removed: true})
	do(9, event.Control{What: event.ControlLift, Pattern: "p1"})
	if len(b.Known()) != 2 || len(b.Exceptions()) != 2 || len(b.Brakes()) != 2 {
		t.Error("what was taken back is there")
	}
	if do(10, event.Control{What: event.ControlLift, Pattern: Service}); len(b.Brakes()) != 0 {
		t.Error("the service's brake lifts all")
	}
}

// The rulebook is bounded: proposals, versions, exceptions and known-good entities.
func TestRulebookIsBounded(t *testing.T) {
	b := NewRulebook()
	for i := range maxProposals + 1 {
		text := fmt.Sprintf("%s\n# %d\n", DefaultCatalogue, i)
		b.Apply(event.Instant(i), &event.Control{What: event.ControlProposal, Text: text})
	}
	if p := b.Proposals(); len(p) != 20 || p[0].At != 1 {
		t.Errorf("%d proposals from %d on", len(p), p[0].At)
	}
	for i := range maxVersions + 1 {
		b.Apply(event.Instant(i), &event.Control{What: event.ControlCatalogue, Text: "- nonsense"})
	}
	if v := b.Versions(); len(v) != 500 || v[499].At != 1 {
		t.Errorf("%d versions", len(v))
	}
	for i := range MaxControls - 1 {
		b.known[event.Entity(fmt.Sprint(i))] = Decision{}
	}
	if b.Full() {
		t.Error("there is place for one more")
	}
	if b.exceptions[exception{"acct:1", "p"}] = (Decision{}); !b.Full() {
		t.Error("200,000 are the most")
	}
}
