package bank

import (
	"context"
	_ "embed"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/api/iso20022"
	"stopline.internal/api/wire"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// messageInput is a message of ISO 20022.
type messageInput struct {
	ContentType string `header:"Content-Type" doc:"application/xml"`
	RawBody     []byte `contentType:"application/xml"`
}

// describeMessage says that XML comes in.
func describeMessage(_ huma.API, op *huma.Operation) {
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		xmlType: {Schema: &huma.Schema{Type: huma.TypeString}, Example: camt029Example}}}
}

type messageOutput struct{ Body wire.MessageResults }

// isoMessage takes a bank's answers in the banks' own standard. Everything is looked
// at before anything is done.
func (s *Server) isoMessage(ctx context.Context, in *messageInput) (*messageOutput, error) {
	answers, err := iso20022.Parse(in.RawBody)
	if err != nil {
		return nil, wire.NewProblem(http.StatusUnprocessableEntity, "message.refused", "cause", err.Error())
	}
	paid, err := s.paidIn(ctx, answers)
	if err != nil {
		return nil, err
	}
	out := &messageOutput{wire.MessageResults{Results: []wire.MessageResult{}}}
	for i := range answers {
		st, err := s.own(ctx, answers[i].StopID)
		if err != nil {
			return nil, err
		}
		if st, err = s.transaction(ctx, st, &answers[i], paid); err != nil {
			return nil, err
		}
		out.Body.Results = append(out.Body.Results, wire.MessageResult{StopID: st.ID, State: string(st.State)})
	}
	return out, nil
}

// payback is what a message says was paid back of one stop, in one transaction or
// several.
type payback struct {
	minor      int64
	references []string
}

// paidIn sums what a message says was paid back, by stop. It refuses a message that
// names a stop of another bank, or an amount that cannot be its stop's.
func (s *Server) paidIn(ctx context.Context, answers []iso20022.Answer) (map[string]*payback, error) {
	paid := map[string]*payback{}
	for i := range answers {
		a := &answers[i]
		st, err := s.own(ctx, a.StopID)
		if err != nil {
			return nil, err
		}
		if a.Currency != "" && a.Currency != string(st.Currency) {
			return nil, wire.NewProblem(http.StatusUnprocessableEntity, "message.currency",
				"stop", st.ID, "currency", st.Currency, "sent", a.Currency)
		}
		if a.Result != "returned" {
			continue
		}
		minor, err := wire.Amount(a.Amount).Minor(st.Currency)
		if err != nil {
			return nil, wire.NewProblem(http.StatusUnprocessableEntity, "message.amount",
				"field", "RtrdIntrBkSttlmAmt", "cause", err.Error())
		}
		if paid[st.ID] == nil {
			paid[st.ID] = &payback{}
		}
		paid[st.ID].minor += minor
		paid[st.ID].references = append(paid[st.ID].references, a.Reference)
	}
	return paid, nil
}

// transaction does what one transaction of a message says. What was paid back of a
// stop is recorded with the first that says so.
func (s *Server) transaction(ctx context.Context, st *stop.Stop, a *iso20022.Answer,
	paid map[string]*payback) (*stop.Stop, error) {
	switch a.Result {
	case "acknowledged":
		return s.acknowledged(ctx, st)
	case "returned":
		p := paid[st.ID]
		if p == nil {
			return st, nil
		}
		delete(paid, st.ID)
		return s.paidBack(ctx, st, true, p.minor, strings.Join(p.references, " "), "")
	}
	o := stop.Outcome{Result: stop.State(a.Result), Balance: event.Unknown, Reason: a.Reason}
	if o.Result == stop.Held || o.Result == stop.Partial {
		o.EffectiveAt, o.HeldMinor = event.InstantOf(a.At), st.Minor
		if a.Amount != "" {
			var err error
			if o.HeldMinor, err = wire.Amount(a.Amount).Minor(st.Currency); err != nil {
				return nil, wire.NewProblem(http.StatusUnprocessableEntity, "message.amount",
					"field", "IntrBkSttlmAmt", "cause", err.Error())
			}
		}
	}
	return s.answered(ctx, st, o, sameMessage)
}

//go:embed examples/camt.029.xml
var camt029Example string
