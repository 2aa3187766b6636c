package event

import (
	"strings"
	"time"
)

// Kind is what sort of document an event came in.
type Kind uint8

// The kinds, as the documents' "kind" names them.
const (
	KindTransfer Kind = iota + 1
	KindCall
	KindMessage
	KindSIM
	KindReport
	KindWatch
	KindRisk    // on stopline.risk: what scoring tells an entity of another
	KindControl // on stopline.controls: what people decide about scoring
	KindTaint   // on stopline.risk: a stop's money came into an account
)

var kindNames = [...]string{"", "transfer", "call", "message", "sim", "report", "watch", "risk", "control", "taint"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Status is how far a transfer has got. One transfer may be reported in
// several; it counts once.
type Status uint8

// A transfer's statuses; only an initiated one may still be held by its payer's bank.
const (
	StatusInitiated Status = iota + 1
	StatusPosted
	StatusReversed
)

var statusNames = [...]string{"", "initiated", "posted", "reversed"}

func (s Status) String() string { return statusNames[min(int(s), len(statusNames)-1)] }

// ChannelCash is the channel of a withdrawal; it has no payee account.
const ChannelCash = "cash"

// Event is one thing that happened. Kind says which of the parts is set.
type Event struct {
	Kind     Kind
	ID       string
	At       Instant
	Transfer Transfer
	Call     Call
	Message  Message
	SIM      SIM
	Watch    Watch
	Risk     Risk
	Report   *Report
	Control  *Control
	Taint    *Taint
}

// Part is the part of the event that its kind says is set.
func (e *Event) Part() any {
	switch e.Kind {
	case KindTransfer:
		return &e.Transfer
	case KindCall:
		return &e.Call
	case KindMessage:
		return &e.Message
	case KindSIM:
		return &e.SIM
	case KindReport:
		return e.Report
	case KindWatch:
		return &e.Watch
	case KindRisk:
		return &e.Risk
	case KindControl:
		return e.Control
	case KindTaint:
		return e.Taint
	}
	return nil
}

// Party is one side of a transfer.
type Party struct{ Account, Bank, Holder, Phone string }

// Unknown stands for a balance that the source did not give.
const Unknown int64 = -1

// Transfer is money that moves from a payer's account to a payee's, or out as cash.
type Transfer struct {
	Payer, Payee Party
	Amount       Money
	Channel      string
	Status       Status
	PayerBalance int64 // before the transfer, minor units; [Unknown] when not given
	PayeeBalance int64
	Device       string
	Purpose      string
	District     string // GB/T 2260
	Screened     bool   // somebody waits for what its legs lead to
}

// CloneTransfer copies a transfer whose texts belong to a block of legs.
func CloneTransfer(t Transfer) Transfer {
	for _, text := range []*string{&t.Payer.Account, &t.Payer.Bank, &t.Payer.Holder, &t.Payer.Phone,
		&t.Payee.Account, &t.Payee.Bank, &t.Payee.Holder, &t.Payee.Phone, &t.Channel, &t.Device, &t.Purpose, &t.District} {
		*text = strings.Clone(*text)
	}
	t.Amount.Currency = currencies[t.Amount.Currency]
	return t
}

// Call is reported when it starts and again when it ends.
type Call struct {
	Ended          bool
	Caller, Callee string // E.164
	IMEI           string // the caller's handset
	CallerCell     string
	CalleeCell     string
	Seconds        int64 // how long it lasted; 0 until it has ended
	Spoofed        bool  // the telecom found that the caller's number is forged
	Foreign        bool  // the caller's number is of another country
}

// Message is a text message.
type Message struct{ Sender, Recipient, LinkHost string }

// SIM is a change of a number's SIM card or of its forwarding.
type SIM struct{ Number, Change string }

// Watch is an entry of the list of known-bad and cleared entities. Removed is
// set for the null value that takes the entry away.
type Watch struct {
	Entity  Entity
	Risk    string // confirmed, suspected, cleared
	Reason  string
	Until   Instant // 0: for ever
	Removed bool
}

// Report is what a victim told a hotline.
type Report struct {
	Source    string
	District  string
	FraudType string
	Victim    Party
	Transfers []ReportedTransfer
	Callers   []string
	Owner     string // the first payer's account, by which the case is named; empty where there is none
}

// Share is what the leg of a payer carries: of the owner's the whole report, of any
// other its own payments, so that a report of a thousand payers is not written a
// thousand times.
func (r *Report) Share(payer string) Report {
	if payer == r.Owner || r.Owner == "" {
		return *r
	}
	out := *r
	out.Callers, out.Transfers = nil, nil
	for i := range r.Transfers {
		if r.Transfers[i].PayerAccount == payer {
			out.Transfers = append(out.Transfers, r.Transfers[i])
		}
	}
	return out
}

// ReportedWithin is how far from a payment its time may lie as a victim tells it, or
// as another hotline wrote it down: where nobody names the transfer, this, the accounts
// and the amount do.
const ReportedWithin = 2 * time.Hour

// ReportedTransfer is one payment as the victim names it; ID may be empty.
type ReportedTransfer struct {
	ID           string
	PayerAccount string
	PayeeAccount string
	PayeeBank    string
	Amount       Money
	At           Instant
	Index        int // in the report, from 0 on
}

// Risk ties an entity to the origin of a trail of money: a stopped account, or
// one whose money merely passes on. The event's moment is that of the transfer
// or stop that caused it, so that the same cause makes the same note whenever it
// is made.
type Risk struct {
	Entity Entity  `json:"entity"`          // whom it is about
	Origin Entity  `json:"origin"`          // where the trail began
	Since  Instant `json:"since,omitempty"` // the stop's moment
	Score  int     `json:"score"`           // the stop's, 0 to 1000; 0 follows money without suspicion
	From   Entity  `json:"from"`            // the neighbour that it came from; the origin itself at hop 0
	Why    string  `json:"why"`             // one of the Why constants
	Hop    int     `json:"hop"`             // transfers from the origin
	Minor  int64   `json:"minor"`           // of the transfer that ties, in fen
	Cause  string  `json:"cause"`           // the stop or transfer
}

// Why an entity is tied to a trail.
const (
	WhyStopped  = "stopped"       // a stop was asked for on this account
	WhyReceived = "received"      // it received money of a stopped account
	WhyPassedOn = "passed-on"     // it received money that a stranger had received from a stranger: no suspicion yet
	WhyPaid     = "paid"          // it paid a stopped account: perhaps another victim
	WhyShares   = "shares-number" // it shares a telephone number with a stopped account
)

// Taint tells an account that money of a case came into it: first in, first
// out, it can be followed from there. The account's partition asks for the stop
// where it is not the first hop. With Held set it tells what the bank holds of
// the stop's money since a moment; nothing of that goes on.
type Taint struct {
	Account  string  `json:"account"`
	Bank     string  `json:"bank,omitempty"`
	Holder   string  `json:"holder,omitempty"`
	CaseID   string  `json:"case_id"`
	StopID   string  `json:"stop_id"`
	Parent   string  `json:"parent,omitempty"` // the stop whose money it was; empty at the first hop
	Payer    string  `json:"payer,omitempty"`  // account that the transfer came from
	Transfer string  `json:"transfer,omitempty"`
	Key      uint64  `json:"key,omitempty"` // names the transfer where its id is not known; 0: payer and id do
	At       Instant `json:"-"`             // of the transfer, or since when it is held: the event's moment
	Minor    int64   `json:"amount_minor,omitempty"`
	Offset   int64   `json:"offset_minor,omitempty"` // of the tainted part within the transfer
	Whole    int64   `json:"transfer_minor,omitempty"`
	Hop      int     `json:"hop,omitempty"`
	Type     string  `json:"fraud_type,omitempty"`
	District string  `json:"district,omitempty"`
	Pattern  string  `json:"pattern,omitempty"`
	Held     bool    `json:"held,omitempty"`
}

// CloneTaint copies a taint whose texts belong to a block of legs.
func CloneTaint(t *Taint) Taint {
	c := *t
	for _, text := range []*string{&c.Account, &c.Bank, &c.Holder, &c.CaseID, &c.StopID, &c.Parent, &c.Payer,
		&c.Transfer, &c.Type, &c.District, &c.Pattern} {
		*text = strings.Clone(*text)
	}
	return c
}

// ControlEntity is the name under which each partition keeps its controls.
const ControlEntity = "controls"

// Control is a decision of people about scoring. It goes to every partition,
// in the order of stopline.controls, and takes effect at its place there.
type Control struct {
	What    string // one of the Control constants
	Entity  Entity // of an exception or a known-good
	Pattern string // of an exception or a brake; "*" is every pattern, or the whole service
	As      string // merchant, payroll, utility, or another word for what a known-good is
	Until   Instant
	Removed bool // the exception or known-good ends now
	Reason  string
	By      string
	Text    string // of a catalogue: YAML
}

// What a control is about.
const (
	ControlCatalogue = "catalogue"
	// of a catalogue, which waits for a second person; Pattern is the version that it changes
	ControlProposal  = "proposal"
	ControlException = "exception"
	ControlKnown     = "known"
	ControlTrip      = "trip" // of a brake: a partition has spent its share of a budget
	ControlLift      = "lift" // of a brake, by a person
)

// Leg roles: what the event was to the entity that the leg belongs to.
const (
	RoleDebit     Role = iota + 1 // money left this account
	RolePayment                   // the person at this number paid
	RoleCredit                    // money came into this account
	RoleCallee                    // this number was called
	RoleCaller                    // this number called
	RoleRecipient                 // this number received a message
	RoleSender                    // this number sent a message
	RoleSIM                       // this number's SIM changed
	RoleReport                    // the holder of this account or number reported a fraud
	RoleWatch                     // this entity was put on the watchlist or taken off
	RoleRisk                      // money or a number ties this entity to another
	RoleControl                   // people decided something that every partition must know
	RoleTaint                     // money of a stop came into this account, or is held there
)

// Roles is one more than the highest role.
const Roles = int(RoleTaint) + 1

// Role is an entity's part in an event.
type Role uint8

var roleNames = [...]string{"", "debit", "payment", "credit", "callee", "caller", "recipient", "sender", "sim",
	"report", "watch", "risk", "control", "taint"}

func (r Role) String() string { return roleNames[min(int(r), len(roleNames)-1)] }

// Source is where an event was read: it names the event for ever, and tells a
// reader of legs which ones it has seen.
type Source struct {
	Topic     uint8 // index in the list of source topics
	Partition int32
	Offset    int64
}

// Leg is one entity's share of an event.
type Leg struct {
	Role   Role
	Entity Entity
	Source Source
	Event  Event
}

// Touched appends the entity and role of every leg of the event.
func (e *Event) Touched(dst []Touch) []Touch {
	switch e.Kind {
	case KindTransfer:
		dst = append(dst, Touch{RoleDebit, PrefixAccount, e.Transfer.Payer.Account})
		if e.Transfer.Payer.Phone != "" {
			dst = append(dst, Touch{RolePayment, PrefixNumber, e.Transfer.Payer.Phone})
		}
		if e.Transfer.Payee.Account != "" {
			dst = append(dst, Touch{RoleCredit, PrefixAccount, e.Transfer.Payee.Account})
		}
	case KindCall:
		dst = append(dst, Touch{RoleCallee, PrefixNumber, e.Call.Callee}, Touch{RoleCaller, PrefixNumber, e.Call.Caller})
	case KindMessage:
		dst = append(dst, Touch{RoleRecipient, PrefixNumber, e.Message.Recipient},
			Touch{RoleSender, PrefixNumber, e.Message.Sender})
	case KindSIM:
		dst = append(dst, Touch{RoleSIM, PrefixNumber, e.SIM.Number})
	case KindWatch:
		dst = append(dst, Touch{RoleWatch, "", string(e.Watch.Entity)})
	case KindRisk:
		dst = append(dst, Touch{RoleRisk, "", string(e.Risk.Entity)})
	case KindControl:
		dst = append(dst, Touch{RoleControl, "", ControlEntity})
	case KindTaint:
		dst = append(dst, Touch{RoleTaint, PrefixAccount, e.Taint.Account})
	case KindReport:
		seen := map[string]bool{}
		for _, t := range e.Report.Transfers {
			if !seen[t.PayerAccount] {
				seen[t.PayerAccount] = true
				dst = append(dst, Touch{RoleReport, PrefixAccount, t.PayerAccount})
			}
		}
		if len(e.Report.Transfers) == 0 {
			dst = append(dst, Touch{RoleReport, PrefixNumber, e.Report.Victim.Phone})
		}
	}
	return dst
}

// Share is the event as the leg of a payer carries it: see [Report.Share].
func (e *Event) Share(payer string) *Event {
	out := *e
	part := e.Report.Share(payer)
	out.Report = &part
	return &out
}

// Touch names an entity in two parts, so that listing them costs no memory.
type Touch struct {
	Role         Role
	Prefix, Name string
}

// Entity joins the parts.
func (t Touch) Entity() Entity { return Entity(t.Prefix + t.Name) }
