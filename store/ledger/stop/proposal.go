package stop

import (
	"encoding/json"

	"stopline.internal/stream/event"
)

// Proposal is what is asked for.
type Proposal struct {
	Account   Account        `json:"account"`
	Minor     int64          `json:"amount_minor"` // up to which the bank is asked to hold
	Currency  event.Currency `json:"currency"`
	Transfer  Transfer       `json:"transfer"`
	Hop       int            `json:"hop"` // 1: the account that the victim paid
	FraudType string         `json:"fraud_type"`
	District  string         `json:"district,omitempty"` // of the victim, GB/T 2260
	Pattern   string         `json:"pattern,omitempty"`  // that asked for it, or that its first hop has
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
	Bank   string `json:"bank"` // code, such as ICBK
	Holder string `json:"holder,omitempty"`
}

// Transfer is the payment that brought the money into the account.
type Transfer struct {
	ID    string        `json:"id"`
	Minor int64         `json:"amount_minor"` // the whole payment; the stop may be for a part
	At    event.Instant `json:"at"`
}
