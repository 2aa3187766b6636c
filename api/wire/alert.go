package wire

import (
	"encoding/json"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// Alert is an alert as it is on stopline.alerts; scoring.Alert writes it.
type Alert struct {
	ID          string         `json:"id" example:"alt_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"`
	At          string         `json:"at" format:"date-time" doc:"Of the payment, or of the event where there is none"`
	Entity      string         `json:"entity" example:"tel:+8613800138000" doc:"Whom it is about"`
	Event       AlertEvent     `json:"event" doc:"What completed the pattern"`
	Transfer    *AlertTransfer `json:"transfer,omitempty" doc:"The payment in question"`
	Score       int            `json:"score" example:"895" doc:"0 to 1000"`
	Action      string         `json:"action" enum:"none,warn,review,stop"`
	FraudType   string         `json:"fraud_type"`
	Hits        []AlertHit     `json:"hits"`
	Catalogue   string         `json:"catalogue" example:"4b71d01d728c" doc:"The version in force then"`
	StopID      string         `json:"stop_id,omitempty"`
	CaseID      string         `json:"case_id,omitempty"`
	District    string         `json:"district,omitempty"`
	Override    string         `json:"override,omitempty" doc:"What kept the score from acting, in words"`
	Brake       string         `json:"brake,omitempty" doc:"What turned a stop into a review: a pattern's brake, or *"`
	Trail       *AlertTrail    `json:"trail,omitempty" doc:"How a risk came to the entity"`
	Shadow      bool           `json:"shadow,omitempty" doc:"Of patterns on trial alone: it acts on nothing"`
	Provisional bool           `json:"provisional,omitempty" doc:"Scored without the past, which could not be read then"`
	Late        bool           `json:"late,omitempty" doc:"Of what had first been scored without its past"`
}

// AlertEvent names an event.
type AlertEvent struct {
	Kind string `json:"kind" example:"call"`
	ID   string `json:"id" example:"CM-77812"`
}

// AlertTransfer is the payment that an alert points at.
type AlertTransfer struct {
	ID       string     `json:"id" example:"ICBC-20261123-0000012345"`
	At       string     `json:"at" format:"date-time"`
	Amount   string     `json:"amount"`
	Currency string     `json:"currency"`
	Payer    AlertParty `json:"payer"`
	Payee    AlertParty `json:"payee"`
	Channel  string     `json:"channel" example:"mobile"`
}

// AlertParty is one side of it; of a withdrawal the payee is empty.
type AlertParty struct {
	Account string `json:"account,omitempty"`
	Bank    string `json:"bank,omitempty"`
	Holder  string `json:"holder,omitempty"`
	Phone   string `json:"phone,omitempty"`
}

// AlertHit is one pattern that held, with the values that it saw.
type AlertHit struct {
	Pattern   string         `json:"pattern" example:"authority-call-then-transfer"`
	FraudType string         `json:"fraud_type"`
	Weight    float64        `json:"weight" example:"0.7"`
	Shadow    bool           `json:"shadow,omitempty" doc:"On trial: it counts for nothing"`
	Values    map[string]any `json:"values" doc:"By the name of the feature; durations as texts such as 26m0s"`
}

// AlertTrail is how a risk came to the entity.
type AlertTrail struct {
	From  string `json:"from" example:"acct:6217000010098765432"`
	Why   string `json:"why" example:"received"`
	Cause string `json:"cause,omitempty" doc:"The transfer or stop"`
}

// AlertsPage is a part of the list of alerts.
type AlertsPage struct {
	Alerts []RawAlert `json:"alerts" nullable:"false"`
	Next   string     `json:"next,omitempty" doc:"The cursor of the next page"`
}

// RawAlert is an [Alert] as it was written, byte for byte: what an older
// version has said of an alert is shown as it was said.
type RawAlert json.RawMessage

// MarshalJSON writes the alert as it is.
func (a RawAlert) MarshalJSON() ([]byte, error) { return a, nil }

// Schema is that of the document.
func (RawAlert) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[Alert](), true, "")
}

// HitList is a list of [AlertHit] as it was written.
type HitList json.RawMessage

// MarshalJSON writes the hits as they are.
func (h HitList) MarshalJSON() ([]byte, error) { return h, nil }

// Schema is that of the list.
func (HitList) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[[]AlertHit](), true, "")
}

// VerdictBody is what somebody found out.
type VerdictBody struct {
	Verdict string `json:"verdict" enum:"confirmed,useful,false-alarm" doc:"useful: no fraud, and right to look at"`
	Reason  string `json:"reason,omitempty" maxLength:"256"`
}

// ConfirmationBody is what the payer said.
type ConfirmationBody struct {
	Reason string `json:"reason,omitempty" maxLength:"256" example:"the payer was reached and confirms"`
}
