package ledger

import (
	"cmp"
	"slices"

	"stopline.internal/store/ledger/law"
	"stopline.internal/stream/event"
)

// ReportNote is what a case keeps of a victim's report.
type ReportNote struct {
	ID        string         `json:"id"`                 // the source and its own number
	Source    string         `json:"source"`             // such as 110 or 96110
	District  string         `json:"district,omitempty"` // GB/T 2260
	FraudType string         `json:"fraud_type,omitempty"`
	Minor     int64          `json:"amount_minor"`
	Currency  event.Currency `json:"currency,omitempty"`
	Stops     []string       `json:"stops"`            // ids of the stops that it asks for
	Holder    string         `json:"holder,omitempty"` // the victim's name
	Phone     string         `json:"phone,omitempty"`  // the victim's, E.164
	Callers   []string       `json:"callers,omitempty"`
	Payments  []Payment      `json:"payments,omitempty"`
	Digest    string         `json:"digest,omitempty"` // of what it says; empty in logs that are older than it

	// What follows is the fold's, not the log's.
	CaseID  string        `json:"-"` // in which it was noted
	At      event.Instant `json:"-"` // when it was made
	Brought []Loss        `json:"-"` // payments that no report of the case had before it
}

// Payment is one that a victim reports.
type Payment struct {
	Payer    string         `json:"payer"` // account
	Payee    string         `json:"payee"` // account
	Minor    int64          `json:"amount_minor"`
	Currency event.Currency `json:"currency,omitempty"` // empty in older logs: the report's
	At       event.Instant  `json:"at"`
	Stop     string         `json:"stop,omitempty"` // id of the stop that it asks for
}

// CodeReportDiffers refuses a report that came again under its id and says
// something else. The first one stands.
const CodeReportDiffers = "report.differs"

// reportIndex keeps the reports, and who is named in them, where they are looked for.
type reportIndex struct {
	byID     map[string][]notedReport // one for each partition of the log that has it
	accounts map[string]string        // account in a report to the first case with it
	callers  map[string]string        // the same of numbers that called victims
}

func newReportIndex() reportIndex {
	return reportIndex{map[string][]notedReport{}, map[string]string{}, map[string]string{}}
}

// notedReport is where a report was noted, and the digest of what it says.
type notedReport struct {
	caseID, digest string
	partition      int // of the log: what another one has decides nothing here
}

// differs compares digests; an older log has none, and then nothing differs.
func (n notedReport) differs(digest string) bool {
	return n.digest != "" && digest != "" && n.digest != digest
}

// noteReport keeps a victim's report once, and finds the cases that it shows
// to be one: those with a report of the same accounts or callers.
func (l *Ledger) noteReport(e *Entry) law.Refusal {
	r := *e.Report
	for _, before := range l.reported.byID[r.ID] {
		switch {
		case before.partition != e.Place.Partition:
		case before.differs(r.Digest):
			return law.Refuse(CodeReportDiffers)
		default:
			return law.Refuse("report.known")
		}
	}
	l.reported.byID[r.ID] = append(l.reported.byID[r.ID], notedReport{e.CaseID, r.Digest, e.Place.Partition})
	c := l.caseOf(e)
	r.CaseID = e.CaseID
	r.bring(c.losses, e.At)
	c.Reports = append(c.Reports, r)
	for _, p := range r.Payments {
		l.tie(l.reported.accounts, p.Payer, e.CaseID)
		l.tie(l.reported.accounts, p.Payee, e.CaseID)
	}
	for _, n := range r.Callers {
		l.tie(l.reported.callers, n, e.CaseID)
	}
	return law.Accepted
}

// tie notes who was named, and that two cases which name the same are one.
func (l *Ledger) tie(names map[string]string, name, caseID string) {
	first, named := names[name]
	if !named {
		names[name] = caseID
		return
	}
	a, b := l.cases[l.root(first)], l.cases[l.root(caseID)]
	if a == b {
		return
	}
	if older(b, a) {
		a, b = b, a
	}
	l.merges[b.ID] = a.ID
}

// CaseOfReport is the case that a report was noted in, empty when there is none,
// and whether what was noted differs from what has this digest.
func (l *Ledger) CaseOfReport(id, digest string) (caseID string, differs bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, noted := range l.reported.byID[id] {
		if caseID, differs = noted.caseID, noted.differs(digest); !differs {
			break
		}
	}
	return caseID, differs
}

// Reports lists every report that the fold keeps, by its id and case.
func (l *Ledger) Reports() []ReportNote {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []ReportNote
	for _, c := range l.cases {
		out = append(out, c.Reports...)
	}
	slices.SortFunc(out, func(a, b ReportNote) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.CaseID, b.CaseID))
	})
	return out
}
