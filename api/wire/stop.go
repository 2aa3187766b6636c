package wire

import (
	"context"
	"encoding/json"

	"stopline.internal/api/access"
	"stopline.internal/store/ledger/delivery"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// StopID is the stop in a route.
type StopID struct {
	ID string `path:"id" maxLength:"64" example:"stp_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"`
}

// Stop is a stop as banks and analysts see it.
type Stop struct {
	ID          string      `json:"id" example:"stp_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"`
	Version     int         `json:"version"`
	CaseID      string      `json:"case_id"`
	State       string      `json:"state" enum:"proposed,rejected,requested,undelivered,acknowledged,held,partial,missed,mismatch,refused,extended,frozen,returning,returned,released,expired"`
	RequestedAt string      `json:"requested_at,omitempty" format:"date-time"`
	RespondBy   string      `json:"respond_by,omitempty" format:"date-time"`
	Account     AccountRef  `json:"account"`
	Amount      string      `json:"amount"`
	Currency    string      `json:"currency"`
	Transfer    TransferRef `json:"transfer"`
	HoldHours   int         `json:"hold_hours"`
	Hop         int         `json:"hop" doc:"1: the account that the victim paid"`
	LegalBasis  string      `json:"legal_basis"`
	Reason      ReasonRef   `json:"reason"`
	IssuedBy    string      `json:"issued_by,omitempty"`
	ProposedBy  string      `json:"proposed_by,omitempty" doc:"While it waits for approval: another must approve it. For the center alone"`
	HeldAmount  string      `json:"held_amount,omitempty" example:"30000.00" doc:"Once the bank holds it"`
	Claim       string      `json:"claim,omitempty" example:"19800.00" doc:"What of a later credit is to be held as well"`
	EndsAt      string      `json:"ends_at,omitempty" format:"date-time" example:"2026-11-25T10:20:31.000+08:00" doc:"When the hold or freeze lapses"`
	Return      *ReturnRef  `json:"return,omitempty" doc:"What the bank is told to pay back"`
}

// ReturnRef is an instruction to pay back.
type ReturnRef struct {
	ID     string     `json:"id" example:"ret_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"`
	Amount string     `json:"amount" example:"30000.00"`
	By     string     `json:"by" format:"date-time" example:"2026-12-02T00:00:00.000+08:00" doc:"The end of the third working day"`
	Payees []PayeeRef `json:"payees" nullable:"false"`
}

// PayeeRef is one who is paid back.
type PayeeRef struct {
	Account string `json:"account" example:"6222020200112233445"`
	Amount  string `json:"amount" example:"30000.00"`
}

// AccountRef is an account at a bank.
type AccountRef struct {
	Number string `json:"number"`
	Bank   string `json:"bank"`
	Holder string `json:"holder,omitempty"`
}

// TransferRef is the payment that brought the money.
type TransferRef struct {
	ID     string `json:"id"`
	Amount string `json:"amount"`
	At     string `json:"at,omitempty" format:"date-time"`
}

func accountRef(ctx context.Context, a stop.Account) AccountRef {
	return AccountRef{Number: a.Number, Bank: a.Bank, Holder: Mask(ctx, a.Holder)}
}

func transferRef(t stop.Transfer, c event.Currency) TransferRef {
	return TransferRef{ID: t.ID, Amount: event.Money{Minor: t.Minor, Currency: c}.Decimal(), At: t.At.String()}
}

// ReasonRef is why, as ISO 20022 codes it and in words.
type ReasonRef struct {
	Code string `json:"code" example:"FRAD"`
	Text string `json:"text"`
}

// NewStop is a stop as the reader may see it, under the terms in force.
func NewStop(ctx context.Context, s *stop.Stop, t law.Terms) Stop {
	d := Stop{ID: s.ID, Version: s.Version, CaseID: s.CaseID, State: string(s.State), RequestedAt: s.RequestedAt.String(),
		Account: accountRef(ctx, s.Account),
		Amount:  s.Amount().Decimal(), Currency: string(s.Currency),
		Transfer:  transferRef(s.Transfer, s.Currency),
		HoldHours: int(t.Hold.Hours()), Hop: s.Hop, LegalBasis: law.Basis,
		Reason: ReasonRef{"FRAD", s.Text}, IssuedBy: s.IssuedBy}
	if s.State.Awaits() {
		d.RespondBy = s.Until.String()
	}
	if s.State == stop.Proposed && access.Who(ctx).AtCenter() {
		d.ProposedBy = s.Timeline[0].By
	}
	if s.State.Holds() || s.State == stop.Returned || s.ReleasedMinor > 0 {
		d.HeldAmount = s.Decimal(s.Left())
	}
	if (s.State.Holds() || s.State == stop.Missed) && s.Claim() > 0 {
		d.Claim = s.Decimal(s.Claim())
	}
	if s.State.Holds() {
		d.EndsAt = s.Until.String()
		if s.State == stop.Returning {
			d.EndsAt = s.FreezeUntil.String()
		}
	}
	if in := s.Instruction; in != nil {
		d.Return = &ReturnRef{ID: in.ReturnID, Amount: s.Decimal(in.Minor), By: s.Until.String(), Payees: []PayeeRef{}}
		for _, p := range in.Payees {
			d.Return.Payees = append(d.Return.Payees, PayeeRef{p.Account, s.Decimal(p.Minor)})
		}
	}
	return d
}

// StopsPage is a part of a list of stops.
type StopsPage struct {
	Stops []Stop `json:"stops" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"The cursor of the next page"`
}

// NewStopsPage is stops as they are now; with more, the last one's id is the cursor
// of the next page.
func NewStopsPage(ctx context.Context, stops []*stop.Stop, more bool, t law.Terms) StopsPage {
	page := StopsPage{Stops: []Stop{}}
	for _, st := range stops {
		page.Stops = append(page.Stops, NewStop(ctx, st, t))
	}
	if more {
		page.Next = stops[len(stops)-1].ID
	}
	return page
}

// Envelope is a message as webhooks and streams carry it: Standard Webhooks'
// type, timestamp and data. The data is the stop as it is now.
func Envelope(st *stop.Stop, kind string, version int, t law.Terms) []byte {
	at := st.ProposedAt
	for i := range st.Timeline {
		if st.Timeline[i].Version == version {
			at = st.Timeline[i].At
		}
	}
	b, err := json.Marshal(&EnvelopeBody{ID: delivery.MessageID(st.ID, version), Type: kind, Timestamp: at.String(),
		Data: NewStop(context.Background(), st, t)})
	if err != nil {
		panic(err) // its types always encode
	}
	return b
}

// EnvelopeBody is what a webhook and an event of the stream carry.
type EnvelopeBody struct {
	ID        string `json:"id" doc:"The same for every attempt: do the work once"`
	Type      string `json:"type"`
	Timestamp string `json:"timestamp" format:"date-time"`
	Data      Stop   `json:"data"`
}

// StreamEvent is one event of a bank's stream.
type StreamEvent struct {
	ID    string       `json:"id,omitempty" example:"0-18.1-4" doc:"A place to go on behind; what is open at the start has none"`
	Event string       `json:"event" enum:"stop.requested,stop.extended,stop.frozen,stop.changed,stop.released,stop.expired,return.instructed,current,reset"`
	Data  EnvelopeBody `json:"data" doc:"Of current and reset an empty object"`
}
