package ledger

import (
	"time"

	"stopline/stream/event"
)

// State is where a stop is in its life.
type State string

// The states of a stop.
const (
	Proposed     State = "proposed"     // waits for a person's approval
	Rejected     State = "rejected"     // a person said no
	Requested    State = "requested"    // waits for the bank
	Undelivered  State = "undelivered"  // the bank did not answer in time; it still may
	Acknowledged State = "acknowledged" // the bank has it
	Held         State = "held"         // the whole amount is held
	Partial      State = "partial"      // a part is held
	Missed       State = "missed"       // the money was gone
	Mismatch     State = "mismatch"     // holder, number, amount or time differ: the bank must not stop
	Refused      State = "refused"
	Extended     State = "extended" // held for a second term
	Frozen       State = "frozen"
	Released     State = "released"
	Expired      State = "expired" // the term ended with nobody acting
)

// next lists what a state may become. What is absent is final.
var next = map[State][]State{
	"":           {Proposed},
	Proposed:     {Requested, Rejected},
	Requested:    {Acknowledged, Held, Partial, Missed, Mismatch, Refused, Undelivered},
	Undelivered:  {Acknowledged, Held, Partial, Missed, Mismatch, Refused},
	Acknowledged: {Held, Partial, Missed, Mismatch, Refused, Undelivered},
	Held:         {Extended, Frozen, Released, Expired},
	Partial:      {Extended, Frozen, Released, Expired},
	Extended:     {Frozen, Released, Expired},
	Frozen:       {Released, Expired},
}

// May says whether a stop can go from one state to another.
func May(from, to State) bool {
	for _, s := range next[from] {
		if s == to {
			return true
		}
	}
	return false
}

// Awaits says whether the bank's answer is still open.
func (s State) Awaits() bool { return s == Requested || s == Acknowledged || s == Undelivered }

// Holds says whether money is held.
func (s State) Holds() bool { return s == Held || s == Partial || s == Extended || s == Frozen }

// Closed says whether nothing can follow.
func (s State) Closed() bool { return len(next[s]) == 0 }

// Terms are how long things may take. Every center sets its own.
type Terms struct {
	Hold      time.Duration // a stop, from the moment it took effect: 48 hours (PBoC 86/2016, art. 2)
	Stops     int           // terms of one stop in all: twice (same)
	Freeze    time.Duration // 6 months, renewable (criminal procedure rules on freezing, 2013)
	Respond   time.Duration // how long a bank has before a person is called; ours
	AutoLimit int64         // minor units up to which no person need approve; ours
	MaxHops   int           // how deep money is followed; ours
}

// DefaultTerms are those of China's rules, and ours where they are silent.
var DefaultTerms = Terms{Hold: 48 * time.Hour, Stops: 2, Freeze: 183 * 24 * time.Hour, Respond: time.Minute, AutoLimit: 50_000_000, MaxHops: 6}

// LegalBasis is what a request cites.
const LegalBasis = "银发〔2016〕86号 第二条; 反电信网络诈骗法 第二十条"

// Event is one entry of the log. A stop's events carry the version that they
// make; a case's note carries none, and is kept once by its id.
type Event struct {
	ID       string        `json:"event_id"`
	CaseID   string        `json:"case_id"`
	StopID   string        `json:"stop_id,omitempty"`
	Version  int           `json:"version,omitempty"` // of the stop, once this is accepted
	State    State         `json:"state,omitempty"`
	At       event.Instant `json:"at"`
	By       string        `json:"by"`
	Reason   string        `json:"reason,omitempty"`
	Proposal *Proposal     `json:"proposal,omitempty"` // with proposed
	Outcome  *Outcome      `json:"outcome,omitempty"`  // with the bank's answer
	Report   *ReportNote   `json:"report,omitempty"`   // of a case
	Verdict  *Verdict      `json:"verdict,omitempty"`  // on an alert, or on a case
	Until    event.Instant `json:"until,omitempty"`    // when the state lapses: respond by, hold ends
}

// Proposal is what is asked for.
type Proposal struct {
	Account   Account        `json:"account"`
	Minor     int64          `json:"amount_minor"`
	Currency  event.Currency `json:"currency"`
	Transfer  Transfer       `json:"transfer"`
	Hop       int            `json:"hop"` // 1: the account that the victim paid
	FraudType string         `json:"fraud_type"`
	District  string         `json:"district,omitempty"`
	Pattern   string         `json:"pattern,omitempty"`
	AlertID   string         `json:"alert_id,omitempty"`
	ReportID  string         `json:"report_id,omitempty"`
	Parent    string         `json:"parent,omitempty"` // the stop whose money went on
	Text      string         `json:"text"`             // the reason, in words
}

// Account is an account at a bank.
type Account struct {
	Number string `json:"number"`
	Bank   string `json:"bank"`
	Holder string `json:"holder,omitempty"`
}

// Transfer is the payment that brought the money into the account.
type Transfer struct {
	ID    string        `json:"id"`
	Minor int64         `json:"amount_minor"`
	At    event.Instant `json:"at"`
}

// Outcome is a bank's answer.
type Outcome struct {
	Result      State         `json:"result"` // held, partial, missed, mismatch, refused
	EffectiveAt event.Instant `json:"effective_at,omitempty"`
	HeldMinor   int64         `json:"held_minor"`
	Balance     int64         `json:"balance_minor"`
	Onward      []Onward      `json:"onward,omitempty"`
	Reason      string        `json:"reason,omitempty"`
}

// Onward is a payment by which money left the account before the hold.
type Onward struct {
	ID        string        `json:"id"`
	ToAccount string        `json:"to_account"`
	ToBank    string        `json:"to_bank"`
	Minor     int64         `json:"amount_minor"`
	At        event.Instant `json:"at"`
}

// ReportNote is what a case keeps of a victim's report.
type ReportNote struct {
	ID        string         `json:"id"`
	Source    string         `json:"source"`
	District  string         `json:"district,omitempty"`
	FraudType string         `json:"fraud_type,omitempty"`
	Minor     int64          `json:"amount_minor"`
	Currency  event.Currency `json:"currency,omitempty"`
	Stops     []string       `json:"stops"`
}

// Verdict is what people found out: it teaches how good each pattern is.
type Verdict struct {
	AlertID string `json:"alert_id,omitempty"` // empty: it holds for every alert of the case
	Verdict string `json:"verdict"`            // one of the Verdict constants
}

// Verdicts on an alert.
const (
	VerdictConfirmed  = "confirmed"   // it was a fraud
	VerdictUseful     = "useful"      // not a fraud, and right to look at: counts neither way
	VerdictFalseAlarm = "false-alarm" // it was honest
)
