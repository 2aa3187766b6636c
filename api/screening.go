package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/scoring/pattern"
	"stopline.internal/stream/event"
)

// Screening says how long a bank waits at most, and what it is told then.
type Screening struct {
	Deadline time.Duration
	Default  string // allow, hold, stop
}

// DefaultScreening lets a payment go that could not be looked at in time: a
// center that would rather hold it says so. The deadline is ours.
var DefaultScreening = Screening{Deadline: 300 * time.Millisecond, Default: "allow"}

func (s *server) screeningRoutes(api huma.API) {
	op := s.operation(api, http.MethodPost, "/v1/screenings", "screen", "May this transfer go? It is scored once, through the same log as every other; after the deadline the answer is the configured default, and says so", []Role{Bank}, 403, 413, 422, 503)
	op.SkipValidateBody = true // the documents' own rules say more, and name every field
	huma.Register(api, op, s.screen)
}

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

// ScreeningDocument is the answer.
type ScreeningDocument struct {
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

func (s *server) screen(ctx context.Context, in *struct {
	Body    ScreeningBody
	RawBody []byte
}) (*struct{ Body ScreeningDocument }, error) {
	var e event.Event
	if err := s.Parser.ParseAs("transfer", in.RawBody, s.Clock(), &e); err != nil {
		return nil, problem(http.StatusUnprocessableEntity, "transfer.refused").with(err)
	}
	if e.Kind != event.KindTransfer {
		return nil, fieldError("body.kind", "field.kind", "kind", "transfer")
	}
	if bank := who(ctx).Bank; e.Transfer.Payer.Bank != bank && e.Transfer.Payee.Bank != bank {
		return nil, problem(http.StatusForbidden, "access.screening", "bank", bank)
	}
	doc := in.RawBody
	if in.Body.Kind == "" {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(doc, &fields); err != nil {
			return nil, problem(http.StatusUnprocessableEntity, "request.object")
		}
		fields["kind"] = json.RawMessage(`"transfer"`)
		var err error
		if doc, err = json.Marshal(fields); err != nil {
			return nil, err
		}
	}
	wait, cancel := context.WithTimeout(ctx, s.Screening.Deadline)
	defer cancel()
	v, err := s.Screener.Screen(wait, doc, &e)
	out := &struct{ Body ScreeningDocument }{ScreeningDocument{Decision: "allow", Hits: []ScreeningHit{}}}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		out.Body.Decision, out.Body.Default = s.Screening.Default, true
		return out, nil
	case err != nil:
		return nil, s.unavailable(ctx, err)
	}
	switch v.Action {
	case pattern.Stop:
		out.Body.Decision = "stop"
	case pattern.Review:
		out.Body.Decision = "hold"
	}
	out.Body.Score, out.Body.StopID, out.Body.AlertID = v.Score, v.StopID, v.AlertID
	for _, h := range v.Hits {
		if !h.Shadow {
			out.Body.Hits = append(out.Body.Hits, ScreeningHit{h.Pattern, h.Weight, h.Values})
		}
	}
	return out, nil
}
