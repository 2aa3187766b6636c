package backtest

import (
	"strconv"
	"strings"

	"stopline.internal/stream/event"
)

// Truth is what labels, victims' reports and the outcomes of cases say. The
// engine never sees it.
type Truth struct {
	Frauds    map[string]*Fraud     // by name
	Transfers map[string]string     // fraudulent transfers or calls, by id, and their fraud
	Entities  map[event.Entity]bool // labelled accounts or numbers; nil when the labels are of transfers
	Kinds     map[string]string     // sorts of fraud, by fraud
	Events    int64                 // transfers and calls
	Money     int64                 // transfers

	reported map[string]string              // by payer and payee, the report that names no id
	began    map[event.Entity]event.Instant // first transfer or call of those that are labelled bad
}

// Fraud is one campaign, network, or labelled row.
type Fraud struct {
	Kind      string
	First     event.Instant // of its transfers
	Transfers int
	Deadline  event.Instant // when an alert comes too late; 0: never
}

// NewTruth knows nothing yet.
func NewTruth() *Truth {
	return &Truth{Frauds: map[string]*Fraud{}, Transfers: map[string]string{}, reported: map[string]string{},
		began: map[event.Entity]event.Instant{}}
}

// Entity labels accounts or numbers.
func (t *Truth) Entity(m map[event.Entity]bool) {
	if m == nil {
		return
	}
	if t.Entities == nil {
		t.Entities = map[event.Entity]bool{}
	}
	for e, bad := range m {
		t.Entities[e] = t.Entities[e] || bad
	}
}

// Add labels a transfer or call.
func (t *Truth) Add(fraud, id string, at event.Instant) {
	f := t.Frauds[fraud]
	if f == nil {
		f = &Fraud{Kind: t.Kinds[fraud], First: at}
		t.Frauds[fraud] = f
	}
	f.First = min(f.First, at)
	f.Transfers++
	t.Transfers[id] = fraud
}

// Event counts an event and takes what it says of itself.
func (t *Truth) Event(e *event.Event, fraud string) {
	switch e.Kind {
	case event.KindTransfer:
		t.Money++
		fallthrough
	case event.KindCall:
		t.Events++
		if t.Entities != nil {
			for _, touch := range e.Touched(nil) {
				if who := touch.Entity(); t.Entities[who] {
					if at, ok := t.began[who]; !ok || e.At < at {
						t.began[event.Entity(strings.Clone(string(who)))] = e.At
					}
				}
			}
		}
		if fraud != "" {
			t.Add(strings.Clone(fraud), strings.Clone(e.ID), e.At)
		}
	case event.KindReport:
		t.report(e)
	}
}

// report takes the payments that a victim names as frauds, under the payer's
// account.
func (t *Truth) report(e *event.Event) {
	for i := range e.Report.Transfers {
		r := &e.Report.Transfers[i]
		name := "report of " + strings.Clone(r.PayerAccount)
		if r.ID != "" {
			if _, known := t.Transfers[r.ID]; !known {
				t.Add(name, strings.Clone(r.ID), r.At)
				t.Frauds[name].Kind = strings.Clone(e.Report.FraudType)
			}
			continue
		}
		t.reported[reportKey(r.PayerAccount, r.PayeeAccount)] = name
	}
}

func reportKey(payer, payee string) string { return strconv.Quote(payer) + payee }

// of names the fraud that a finding is about; empty for none.
func (t *Truth) of(f *Finding) string {
	if f.Transfer == "" {
		return ""
	}
	if name, ok := t.Transfers[f.Transfer]; ok {
		return name
	}
	if len(t.reported) > 0 {
		return t.reported[reportKey(f.Payer, f.Payee)]
	}
	return ""
}
