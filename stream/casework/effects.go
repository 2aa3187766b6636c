package casework

import (
	"fmt"
	"strconv"

	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// Document is an encoded document of one of the service's topics.
type Document struct {
	Key   string // by which its topic is divided
	Value []byte // JSON
}

// Effects are what a batch of legs calls for, in the order of the legs. A zero
// value is empty; it is filled by its methods and emptied by [Effects.Reset].
type Effects struct {
	Entries  []ledger.Entry // for the ledger's log, by case
	Alerts   []Document     // by entity
	Risk     []Document     // notes for other entities, and money that came to an account; by entity
	Controls []Document     // brakes that fell
}

// Reset empties the effects and keeps their memory.
func (f *Effects) Reset() {
	f.Entries, f.Alerts, f.Risk, f.Controls = f.Entries[:0], f.Alerts[:0], f.Risk[:0], f.Controls[:0]
}

// Outcome adds what one leg's outcome calls for. Partition is the one that scored
// it. Nothing of the outcome is kept: its owner uses it again.
func (f *Effects) Outcome(t *law.Terms, out *scoring.Outcome, partition int, now event.Instant) {
	for i := range out.Alerts {
		f.alert(t, &out.Alerts[i], now)
	}
	for i := range out.Notes {
		n := &out.Notes[i]
		f.Risk = append(f.Risk, Document{string(n.Risk.Entity), event.Encode(event.RiskDocument(n.At, &n.Risk))})
	}
	for i := range out.Hops {
		f.hop(t, &out.Hops[i], now)
	}
	for i := range out.Ends {
		f.end(&out.Ends[i], now)
	}
	for i := range out.Taints {
		f.taint(&out.Taints[i])
	}
	for i := range out.Trips {
		f.trip(&out.Trips[i], partition)
	}
}

// alert publishes an alert and, where it asks for one, proposes the stop.
func (f *Effects) alert(t *law.Terms, a *scoring.Alert, now event.Instant) {
	f.Alerts = append(f.Alerts, Document{string(a.Entity), event.Encode(a)})
	if a.StopID == "" {
		return
	}
	p := a.Transfer
	f.propose(t, a.StopID, a.CaseID, stop.Proposal{
		Account: stop.Account{Number: p.Payee.Account, Bank: p.Payee.Bank, Holder: p.Payee.Holder},
		Minor:   p.Minor(), Currency: p.Currency,
		Transfer: stop.Transfer{ID: p.ID, Minor: p.Minor(), At: p.At},
		Hop:      1, FraudType: a.FraudType, District: a.District, Pattern: a.Hits[0].Pattern, AlertID: a.ID,
		Payer: p.Payer.Account, Text: fmt.Sprintf("%s, score %d", a.FraudType, a.Score),
		Explanation: &stop.Explanation{Catalogue: a.Catalogue, Score: a.Score, At: a.At,
			Event: a.Event.Kind + ":" + a.Event.ID, Hits: event.Encode(a.Hits)},
	}, now, "scoring")
}

// hop proposes the stop on the next account of a trail.
func (f *Effects) hop(t *law.Terms, h *event.Taint, now event.Instant) {
	f.propose(t, h.StopID, h.CaseID, stop.Proposal{
		Account: stop.Account{Number: h.Account, Bank: h.Bank, Holder: h.Holder},
		Minor:   h.Minor, Currency: event.CNY,
		Transfer: stop.Transfer{ID: h.Transfer, Minor: h.Whole, At: h.At},
		Hop:      h.Hop, FraudType: h.Type, District: h.District, Pattern: h.Pattern,
		Parent: h.Parent, Via: stop.ViaTransfer, Text: "money of stop " + h.Parent + " went on to this account",
	}, now, "trail")
}

// end notes where a trail ends without a stop.
func (f *Effects) end(e *scoring.End, now event.Instant) {
	f.Entries = append(f.Entries, ledger.LeafEntry(e.CaseID, &stop.Leaf{
		ID: e.StopID, Parent: e.Parent,
		Account: stop.Account{Number: e.Account, Bank: e.Bank, Holder: e.Holder},
		Minor:   e.Minor, Transfer: stop.Transfer{ID: e.Transfer, Minor: e.Whole, At: e.At}, Hop: e.Hop, Why: e.Why,
	}, now))
}

// trip tells every partition of a brake that fell in one.
func (f *Effects) trip(t *scoring.Trip, partition int) {
	asked := event.Money{Minor: t.Minor, Currency: event.CNY}.Text()
	c := &event.Control{What: event.ControlTrip, Pattern: t.Pattern, By: "scoring",
		Reason: fmt.Sprintf("partition %d had asked for %d stops of %s within the hour", partition, t.Stops, asked)}
	id := event.DerivedID("ctl", t.Pattern, t.At.String(), strconv.Itoa(partition))
	f.Controls = append(f.Controls, Document{string(event.ControlEntity),
		event.Encode(event.ControlDocument(id, t.At, c))})
}

// taint tells an account of money that came into it, by way of its partition.
func (f *Effects) taint(t *event.Taint) { f.Risk = append(f.Risk, TaintDocument(t)) }

// TaintDocument tells an account of a stop's money, by way of its partition.
func TaintDocument(t *event.Taint) Document {
	return Document{string(t.Entity()), event.Encode(event.TaintDocument(t))}
}

func (f *Effects) propose(t *law.Terms, stopID, caseID string, p stop.Proposal, now event.Instant, by string) {
	f.Entries = append(f.Entries, ledger.StopEntries(stop.Propose(*t, stopID, caseID, p, now, by))...)
}
