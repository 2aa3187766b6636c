package giveback

import (
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// How an account's money is given back.
const (
	MethodSingle       = "single"       // one remittance
	MethodByTime       = "by-time"      // several, told apart by time
	MethodProportional = "proportional" // mixed
)

// Return is a proposal with its arithmetic.
type Return struct {
	Round    int             `json:"round"`
	Currency event.Currency  `json:"currency"`
	Accounts []AccountReturn `json:"accounts"`
	Pool     int64           `json:"pool_minor"`       // frozen money that is given back in proportion
	Losses   int64           `json:"losses_minor"`     // the sum that the proportions are of
	Lines    []Line          `json:"lines"`            // by victim
	Reports  int             `json:"reports"`          // of the case, as this was worked out
	Objects  *Objection      `json:"object,omitempty"` // an objection, or how one was decided
}

// AccountReturn is how one frozen account was judged.
type AccountReturn struct {
	Account stop.Account `json:"account"`
	Stops   []string     `json:"stops"`
	Minor   int64        `json:"frozen_minor"`
	Victims []string     `json:"victims"` // whose money came in
	Method  string       `json:"method"`
	Why     string       `json:"why"`             // one of the Why constants
	Mixed   *Flow        `json:"mixed,omitempty"` // with WhyMixed: what went out
}

// Why an account is given back as it is.
const (
	WhyOne     = "one-remitter"  // one victim's money came into the account
	WhyApart   = "told-apart"    // no money left while two victims' lay in it together
	WhyLess    = "less-frozen"   // less is frozen than was left of the remittances
	WhyUnknown = "not-known"     // the account's movements are not known
	WhyMixed   = "left-together" // money went out while that of several lay together
)

// Line is one victim's part.
type Line struct {
	Victim    string    `json:"victim"` // the account that paid, and is paid back to
	Loss      int64     `json:"loss_minor"`
	Before    int64     `json:"before_minor"` // paid back in earlier rounds
	Direct    int64     `json:"direct_minor"` // traced to this victim alone
	Weight    int64     `json:"weight_minor"` // loss less before and direct
	Share     int64     `json:"share_minor"`  // pool × weight ÷ losses, rounded down, and a fen where Extra
	Remainder uint64    `json:"remainder"`    // of that division; its divisor is losses
	Extra     bool      `json:"extra"`        // one fen more: among the largest remainders
	Minor     int64     `json:"amount_minor"` // direct and share
	From      []PayFrom `json:"from"`
}

// PayFrom is the part of a victim's line that is paid out of one stop's money.
type PayFrom struct {
	Stop  string `json:"stop_id"`
	Minor int64  `json:"amount_minor"`
}

// Objection is what somebody concerned says during the announcement.
type Objection struct {
	ID    string `json:"id"`
	Who   string `json:"who"`
	Text  string `json:"text"`
	State string `json:"state"` // one of the Objection constants
}

// The states of an objection.
const (
	ObjectionOpen      = "open"
	ObjectionDismissed = "dismissed"
	ObjectionUpheld    = "upheld"
)

// Total is what the round gives back.
func (r *Return) Total() (sum int64) {
	for i := range r.Lines {
		sum += r.Lines[i].Minor
	}
	return sum
}
