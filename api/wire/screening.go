package wire

import (
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"
)

// ScreeningBody is a transfer, as on bank.transfers.
type ScreeningBody struct {
	Kind         string         `json:"kind,omitempty" enum:"transfer"`
	ID           string         `json:"id" example:"ICBC-20261123-0000012345"`
	At           string         `json:"at" format:"date-time"`
	Payer        ScreeningParty `json:"payer"`
	Payee        ScreeningParty `json:"payee"`
	Amount       Amount         `json:"amount"`
	Currency     string         `json:"currency" example:"CNY"`
	Channel      string         `json:"channel" enum:"mobile,web,counter,atm,pos,api,cash"`
	Status       string         `json:"status" enum:"initiated,posted,reversed"`
	PayerBalance Amount         `json:"payer_balance,omitempty"`
	PayeeBalance Amount         `json:"payee_balance,omitempty"`
	Device       string         `json:"device,omitempty"`
	Purpose      string         `json:"purpose,omitempty"`
	District     string         `json:"district,omitempty" example:"520103"`
	UETR         carriedText    `json:"uetr,omitempty" doc:"Taken, and not looked at"`
	EndToEndID   carriedText    `json:"end_to_end_id,omitempty" doc:"Taken, and not looked at"`
	MCC          carriedText    `json:"mcc,omitempty" example:"5411" doc:"Of a shop; taken, and not looked at"`
	Clearing     carriedAny     `json:"clearing,omitempty" doc:"Member ids; taken, and not looked at"`
}

// carriedText is a text of the contract that nothing here looks at, whatever it is.
type carriedText struct{ json.RawMessage }

// Schema is that of a text.
func (carriedText) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: huma.TypeString} }

// carriedAny is the same of a value that may have parts.
type carriedAny struct{ json.RawMessage }

// Schema is a text or an object.
func (carriedAny) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{
		{Type: huma.TypeString}, {Type: huma.TypeObject, AdditionalProperties: true},
	}}
}

// ScreeningParty is one side of a transfer.
type ScreeningParty struct {
	Account string `json:"account,omitempty"`
	Bank    string `json:"bank,omitempty"`
	Holder  string `json:"holder,omitempty"`
	Phone   string `json:"phone,omitempty"`
}

// Screening is the answer.
type Screening struct {
	Decision string         `json:"decision" enum:"allow,hold,stop" doc:"hold: a person should look; stop: do not pay"`
	Score    int            `json:"score" doc:"0 to 1000"`
	Hits     []ScreeningHit `json:"hits" nullable:"false"`
	StopID   string         `json:"stop_id,omitempty"`
	AlertID  string         `json:"alert_id,omitempty"`
	Default  bool           `json:"default" doc:"The deadline passed: the decision is the configured default"`
}

// ScreeningHit is one pattern that held.
type ScreeningHit struct {
	Pattern string         `json:"pattern" example:"authority-call-then-transfer"`
	Weight  float64        `json:"weight" example:"0.7"`
	Values  map[string]any `json:"values"`
}
