package bank

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"stopline.internal/api/access"
	"stopline.internal/api/wire"
	"stopline.internal/scoring/pattern"
	"stopline.internal/stream/event"
)

type screenInput struct {
	Body    wire.ScreeningBody
	RawBody []byte
}

type screenOutput struct{ Body wire.Screening }

// screen sends a transfer the way of any source's and waits for what scoring says.
func (s *Server) screen(ctx context.Context, in *screenInput) (*screenOutput, error) {
	var e event.Event
	if err := s.Parser.ParseAs("transfer", in.RawBody, s.Clock(), &e); err != nil {
		return nil, wire.NewProblem(http.StatusUnprocessableEntity, "transfer.refused").With(err)
	}
	if e.Kind != event.KindTransfer {
		return nil, wire.BadField("body.kind", "field.kind", "kind", "transfer")
	}
	if bank := access.Who(ctx).Bank; e.Transfer.Payer.Bank != bank && e.Transfer.Payee.Bank != bank {
		return nil, wire.NewProblem(http.StatusForbidden, "access.screening", "bank", bank)
	}
	doc := in.RawBody
	if in.Body.Kind == "" {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(doc, &fields); err != nil {
			return nil, wire.NewProblem(http.StatusUnprocessableEntity, "request.object")
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
	out := &screenOutput{wire.Screening{Decision: "allow", Hits: []wire.ScreeningHit{}}}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		out.Body.Decision, out.Body.Default = s.Screening.Default, true
		return out, nil
	case err != nil:
		return nil, s.fail.Log(ctx, err)
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
			out.Body.Hits = append(out.Body.Hits, wire.ScreeningHit{Pattern: h.Pattern, Weight: h.Weight, Values: h.Values})
		}
	}
	return out, nil
}
