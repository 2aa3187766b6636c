package ledger

import (
	"cmp"
	"strconv"

	"stopline.internal/stream/event"
)

// Loss is a payment that a report was the first to bring.
type Loss struct {
	Position int // in the report, from 0
	Payment
}

// losses are the payments that the reports of a case brought, each once, however
// many hotlines report it.
type losses struct {
	stops map[string]*loss
	like  map[lossKey][]*loss
}

// loss is a payment that was reported.
type loss struct {
	at    event.Instant
	named bool // its transfer is known, which tells it from others like it
}

// lossKey is what two hotlines say alike of one payment: all but its time.
type lossKey struct {
	payer, payee string
	minor        int64
	currency     event.Currency
}

func newLosses() *losses { return &losses{map[string]*loss{}, map[lossKey][]*loss{}} }

// count takes a report's payments and returns those that nobody reported before.
// The stop of its transfer tells a payment from others where it is known; else
// one of the same accounts and amount within two hours is the same. A report that
// lists two like payments means two: each of them is one of the others' at most.
func (l *losses) count(r *ReportNote) (brought []Loss) {
	seen, used := make([]*loss, len(r.Payments)), map[*loss]bool{}
	for i := range r.Payments {
		if k := l.stops[r.Payments[i].Stop]; k != nil {
			seen[i], used[k] = k, true
		}
	}
	for i := range r.Payments {
		p, k := r.payment(i), seen[i]
		named := p.Stop != "" && p.Stop != r.unseen(i)
		if k == nil {
			k = l.stops[p.Stop] // the report has it twice
		}
		if k == nil {
			k = l.similar(p, named, used)
		}
		if k == nil {
			k = &loss{at: p.At}
			l.like[p.key()] = append(l.like[p.key()], k)
			brought = append(brought, Loss{i, p})
		}
		used[k] = true
		k.named = k.named || named
		if p.Stop != "" {
			l.stops[p.Stop] = k
		}
	}
	return brought
}

// similar is the loss that a payment can be, the nearest in time; nil when there
// is none. Two whose transfers are known are two.
func (l *losses) similar(p Payment, named bool, used map[*loss]bool) (nearest *loss) {
	for _, k := range l.like[p.key()] {
		switch far := k.at.Apart(p.At); {
		case used[k] || named && k.named || far > event.ReportedWithin:
		case nearest == nil || far < nearest.at.Apart(p.At):
			nearest = k
		}
	}
	return nearest
}

func (p *Payment) key() lossKey { return lossKey{p.Payer, p.Payee, p.Minor, p.Currency} }

// payment is one of a report's, with its currency: logs that are older than that
// have the report's for all.
func (r *ReportNote) payment(i int) Payment {
	p := r.Payments[i]
	p.Currency = cmp.Or(p.Currency, r.Currency)
	return p
}

// UnseenTransfer names a payment that a report tells of and the service did not
// see, for the id of its stop.
func UnseenTransfer(reportID string, position int) string {
	return reportID + "/" + strconv.Itoa(position)
}

// unseen is the stop that a report's payment has when its transfer is not known:
// another hotline's report of the same payment has another.
func (r *ReportNote) unseen(i int) string {
	p := &r.Payments[i]
	return event.StopID(event.TransferKey(p.Payer, UnseenTransfer(r.ID, i)), p.Payee)
}

// Repeats says whether a report brought nothing that others had not.
func (r *ReportNote) Repeats() bool { return len(r.Payments) > 0 && len(r.Brought) == 0 }

// bring sets when a report was made, and which payments no earlier report of its
// case had. One without payments
// is of a log that is older than those: it brought its amount.
func (r *ReportNote) bring(l *losses, at event.Instant) {
	r.At = at
	if r.Brought = l.count(r); len(r.Payments) == 0 && r.Minor > 0 {
		r.Brought = []Loss{{0, Payment{Minor: r.Minor, Currency: r.Currency, At: at}}}
	}
}

// Lost lists the payments that a case's reports tell of, each once: those of the
// cases that proved to be part of it as well. The second result has the stops of
// all of them, by whichever report they are known.
func (c *Case) Lost() (lost []Payment, stops map[string]bool) {
	all := newLosses()
	for i := range c.Reports {
		for _, k := range all.count(&c.Reports[i]) {
			lost = append(lost, k.Payment)
		}
	}
	stops = map[string]bool{}
	for id := range all.stops {
		stops[id] = true
	}
	return lost, stops
}
