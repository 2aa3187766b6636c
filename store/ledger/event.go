package ledger

import (
	"encoding/json"
	"time"

	"stopline.internal/stream/event"
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
	Returning    State = "returning" // the bank is told to pay back a part or all of it
	Returned     State = "returned"  // nothing is left: all went back to victims
	Released     State = "released"
	Expired      State = "expired" // the term ended with nobody acting
)

// next lists what a state may become. What is absent is final. A state that
// may become itself changes its amount or its term.
var next = map[State][]State{
	"":           {Proposed},
	Proposed:     {Requested, Rejected},
	Requested:    {Acknowledged, Held, Partial, Missed, Mismatch, Refused, Undelivered, Released},
	Undelivered:  {Acknowledged, Held, Partial, Missed, Mismatch, Refused, Released},
	Acknowledged: {Held, Partial, Missed, Mismatch, Refused, Undelivered, Released},
	Held:         {Held, Partial, Extended, Frozen, Released, Expired},
	Partial:      {Held, Partial, Extended, Frozen, Released, Expired},
	Missed:       {Held, Partial, Expired}, // by a later credit
	Extended:     {Extended, Frozen, Released, Expired},
	Frozen:       {Frozen, Returning, Released, Expired},
	Returning:    {Frozen, Returned},
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
func (s State) Holds() bool {
	return s == Held || s == Partial || s == Extended || s == Frozen || s == Returning
}

// Stops says whether the account is under a stop, whose terms are counted.
func (s State) Stops() bool { return s == Held || s == Partial || s == Extended }

// Closed says whether nothing can follow.
func (s State) Closed() bool { return len(next[s]) == 0 }

// Terms are what a center may ask for and how long things may take. Every
// center sets its own; every replica must have the same, since the fold judges
// by them.
type Terms struct {
	Hold        time.Duration // a stop, from the moment it took effect: 48 hours (PBoC 86/2016, art. 2)
	Stops       int           // terms of one account in a case, in all: twice (same)
	Freeze      time.Duration // 6 months, renewable (criminal procedure rules on freezing, 2013)
	Respond     time.Duration // how long a bank has before a person is called; ours
	Announce    time.Duration // a proportional return, for objections: 30 days (rules on returning frozen funds, 2016)
	ReturnDays  int           // working days that a bank has to pay back: 3 (same)
	Appeal      time.Duration // until an appeal is decided; the law says at once when verified (2022, art. 32), the number is ours
	Visit       time.Duration // until a dissuasion visit is confirmed, at each level; ours
	VisitLevels int           // grid, district, city; ours
	AutoLimit   int64         // minor units up to which no person need approve; ours
	MaxHops     int           // how deep money is followed: 6; Pix MED 2.0 follows 5 layers
	MaxStops    int           // of one case that follow from its trail; ours
	MinTrace    int64         // minor units below which a part is not followed; ours
	Notice      time.Duration // how long before a hold ends a person is told; ours
	Tiny        int64         // minor units below which a report alone stops nothing by itself; ours
	Reporter    int           // reports of one account in 30 days, from which on a person looks first; ours
	Claim       time.Duration // how long a case is locked to who took it, unless they go on; ours
	Calendar    *Calendar
}

// DefaultTerms are those of China's rules, and ours where they are silent.
var DefaultTerms = Terms{Hold: 48 * time.Hour, Stops: 2, Freeze: 183 * 24 * time.Hour, Respond: time.Minute, Announce: 30 * 24 * time.Hour, ReturnDays: 3,
	Appeal: 24 * time.Hour, Visit: 30 * time.Minute, VisitLevels: 3, AutoLimit: 50_000_000, MaxHops: 6, MaxStops: 500, MinTrace: 100_00, Notice: 12 * time.Hour, Tiny: 200_00, Reporter: 4, Claim: 10 * time.Minute, Calendar: ChinaCalendar}

// LegalBasis is what a request cites.
const LegalBasis = "银发〔2016〕86号 第二条; 反电信网络诈骗法 第二十条"

// Event is one entry of the log. What has a life (a stop, a return, an appeal,
// a visit, a case's progress) carries the version that the event makes, and the
// fold takes the first event for a version. A case's notes carry none, and are
// kept once by their id.
type Event struct {
	ID       string        `json:"event_id"`
	CaseID   string        `json:"case_id"`
	StopID   string        `json:"stop_id,omitempty"`
	Subject  string        `json:"subject,omitempty"` // the return, appeal or visit; empty with Progress: the case
	Version  int           `json:"version,omitempty"` // once this is accepted
	State    State         `json:"state,omitempty"`
	At       event.Instant `json:"at"`
	By       string        `json:"by"`
	Bank     string        `json:"bank,omitempty"` // set when a bank says so: it must own the stop
	Reason   string        `json:"reason,omitempty"`
	Until    event.Instant `json:"until,omitempty"`    // when the state lapses: respond by, hold ends
	Proposal *Proposal     `json:"proposal,omitempty"` // with proposed
	Outcome  *Outcome      `json:"outcome,omitempty"`  // with the bank's answer
	Change   *Change       `json:"change,omitempty"`   // of a held amount

	Report   *ReportNote `json:"report,omitempty"`   // of a case
	Verdict  *Verdict    `json:"verdict,omitempty"`  // on an alert, or on a case
	Leaf     *Leaf       `json:"leaf,omitempty"`     // where a trail ends without a stop
	Into     string      `json:"into,omitempty"`     // the case is part of this older one
	Progress *Progress   `json:"progress,omitempty"` // of a case
	Return   *Return     `json:"return,omitempty"`
	Appeal   *Appeal     `json:"appeal,omitempty"`
	Visit    *Visit      `json:"visit,omitempty"`
	Task     *Task       `json:"task,omitempty"`     // work on an alert
	Delivery *Delivery   `json:"delivery,omitempty"` // what became of a message to a bank

	Place Place `json:"-"` // in the log
}

// Place is where an entry lies in the log.
type Place struct {
	Partition int
	Offset    int64
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
	Via       string         `json:"via,omitempty"`    // how the hop is known: ViaTransfer or ViaAnswer
	Text      string         `json:"text"`             // the reason, in words
	Doubt     string         `json:"doubt,omitempty"`  // why a person must look first: one of the Doubt constants
	Payer     string         `json:"payer,omitempty"`  // account that the victim paid from, at hop 1

	Explanation *Explanation `json:"explanation,omitempty"` // of a stop that scoring asked for
	Order       *Order       `json:"order,omitempty"`       // what the law's form asks beyond that
}

// How a hop of the trail is known.
const (
	ViaTransfer = "transfer" // the service saw the payment
	ViaAnswer   = "answer"   // the bank's answer names it
)

// Why a stop that a report asks for waits for a person: what abuse of such
// reports looks like (Korea's sellers are extorted by a small sum and a report).
const (
	DoubtTiny     = "tiny-amount"       // too small a sum to stop an account for by itself
	DoubtRepeated = "repeated-reporter" // who reports has reported often
	DoubtCircular = "circular"          // who reports was paid by the one reported
)

// Explanation is what scoring saw, so that the decision can be repeated.
type Explanation struct {
	Catalogue string          `json:"catalogue"` // version in force
	Score     int             `json:"score"`     // 0 to 1000
	At        event.Instant   `json:"at"`
	Event     string          `json:"event"` // that completed it: kind and id
	Hits      json.RawMessage `json:"hits"`  // each pattern with its weight and the values seen
}

// Order is what the national platform's form asks of a stop.
type Order struct {
	Type         string  `json:"type,omitempty"`     // normal, bank-reported, back-filled; empty is normal
	Original     string  `json:"original,omitempty"` // application id that a back-filled one is for
	CaseNumber   string  `json:"case_number,omitempty"`
	Urgency      string  `json:"urgency,omitempty"` // normal, urgent; empty is urgent
	Operator     Officer `json:"operator"`
	Investigator Officer `json:"investigator"`
	Authority    string  `json:"authority,omitempty"`
	Document     string  `json:"document,omitempty"` // number of the legal document
	Remark       string  `json:"remark,omitempty"`
	Entity       bool    `json:"entity,omitempty"` // the account is an organisation's
}

// Officer is who signs.
type Officer struct {
	Name  string `json:"name,omitempty"`
	Badge string `json:"badge,omitempty"`
	Phone string `json:"phone,omitempty"`
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
	Differs     []Difference  `json:"differs,omitempty"` // with a mismatch
	Prior       []Freeze      `json:"prior,omitempty"`   // freezes of others that come first
}

// Difference is a field that the bank found to differ on a mismatch.
type Difference struct {
	Field  string `json:"field"`           // holder, number, amount, time
	Theirs string `json:"theirs"`          // as the bank has it; it may be masked with *
	Ours   string `json:"ours,omitempty"`  // as the request had it
	Cause  string `json:"cause,omitempty"` // likely: see [Explain]
}

// Freeze is one of another authority, in the account's queue.
type Freeze struct {
	Authority string        `json:"authority"`
	Minor     int64         `json:"amount_minor"`
	Until     event.Instant `json:"until,omitempty"`
}

// Change is of the amount that a stop holds.
type Change struct {
	Kind      string `json:"kind"` // one of the Change constants
	Minor     int64  `json:"amount_minor"`
	ReturnID  string `json:"return_id,omitempty"`
	Credit    string `json:"credit,omitempty"` // the later credit that was swept
	AppealID  string `json:"appeal_id,omitempty"`
	Reference string `json:"reference,omitempty"` // the bank's, of a payment back
	Payees    []Pay  `json:"payees,omitempty"`    // of a return
}

// What changes an amount.
const (
	ChangeSweep    = "sweep"     // a later credit is held for the rest of the claim
	ChangePart     = "part"      // a part is released
	ChangeRenew    = "renew"     // the freeze goes on for another term
	ChangeReturn   = "return"    // the bank is told to pay back
	ChangeReturned = "returned"  // the bank did
	ChangeFailed   = "returning" // the bank could not
)

// Pay is what one victim is paid back from one stop.
type Pay struct {
	Victim  string `json:"victim"`  // as the return names the claim
	Account string `json:"account"` // to pay to
	Minor   int64  `json:"amount_minor"`
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
	Holder    string         `json:"holder,omitempty"`
	Phone     string         `json:"phone,omitempty"`
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
	Payer    string         `json:"payer"`
	Payee    string         `json:"payee"`
	Minor    int64          `json:"amount_minor"`
	Currency event.Currency `json:"currency,omitempty"` // empty in older logs: the report's
	At       event.Instant  `json:"at"`
	Stop     string         `json:"stop,omitempty"`
}

// Leaf is where a trail ends without a stop, and why.
type Leaf struct {
	ID       string   `json:"id"`
	Parent   string   `json:"parent"` // the stop whose money it is
	Account  Account  `json:"account"`
	Minor    int64    `json:"amount_minor"`
	Transfer Transfer `json:"transfer"`
	Hop      int      `json:"hop"`
	Why      string   `json:"why"` // one of the Leaf constants
}

// Why a trail ends.
const (
	LeafCash     = "cash"
	LeafMerchant = "merchant" // a shop or utility: its money is not the fraudster's
	LeafSmall    = "small"    // below what is followed
	LeafDeep     = "deep"     // as far as it is followed
)

// Progress is what people have done about a case. Its state is the event's:
// open, investigating, solved, closed.
type Progress struct {
	Arrests int `json:"arrests"` // people, in all so far
}

// The states of a case.
const (
	CaseOpen          State = "open"
	CaseInvestigating State = "investigating"
	CaseSolved        State = "solved"
	CaseClosed        State = "closed"
)

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
