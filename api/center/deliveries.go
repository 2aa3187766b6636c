package center

import (
	"context"
	"net/http"
	"strconv"

	"stopline.internal/api/access"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/delivery"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// deliveries sends messages to banks once more.
type deliveries struct{ *base }

func (s *deliveries) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodPost, Path: "/v1/stops/{id}/delivery", ID: "deliver-again",
			Roles: center, Errors: []int{404, 409, 503}, Handler: route.Handle(s.deliverAgain),
			EN: "Send the newest message on the stop to its bank once more",
			ZH: "把该止付的最新消息再次发给银行"},
		{Method: http.MethodPost, Path: "/v1/banks/{bank}/delivery", ID: "deliver-bank-again",
			Roles: deciders, Errors: []int{404, 503}, Handler: route.Handle(s.deliverBankAgain),
			EN: "Send a bank everything that did not reach it once more, at most 500 messages",
			ZH: "把一家银行未收到的消息全部重发，最多 500 条"},
	}
}

func (s *deliveries) deliverAgain(ctx context.Context, in *wire.StopID) (*stopOutput, error) {
	st := s.Ledger.Stop(in.ID)
	if st == nil {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.stop", "stop", in.ID)
	}
	if st.Message == nil {
		return nil, route.Refuse("delivery.none")
	}
	res, err := s.record.Append(ctx, s.again(ctx, st))
	if err != nil {
		return nil, err
	}
	return s.stopOutput(ctx, res.Stop), nil
}

// again asks for a message to be sent once more.
func (s *deliveries) again(ctx context.Context, st *stop.Stop) ledger.Entry {
	now := s.Clock()
	return ledger.Entry{ID: event.DerivedID("evt", st.ID, "again", strconv.Itoa(st.Message.Version), now.String()),
		CaseID: st.CaseID, StopID: st.ID, At: now, By: access.Who(ctx).Name,
		Delivery: &delivery.Record{Message: st.Message.Version, Again: true}}
}

// maxAgain bounds the messages that one request sends again.
const maxAgain = 500

type againOutput struct{ Body wire.Again }

func (s *deliveries) deliverBankAgain(ctx context.Context, in *struct {
	Bank string `path:"bank" maxLength:"64" example:"PCBC"`
}) (*againOutput, error) {
	out := &againOutput{}
	after := ""
	for more := true; more && out.Body.Messages < maxAgain; {
		var stops []*stop.Stop
		stops, more = s.Ledger.List(ledger.Filter{Bank: in.Bank, After: after, Limit: page})
		if len(stops) == 0 && after == "" {
			return nil, wire.NewProblem(http.StatusNotFound, "not-found.bank", "bank", in.Bank)
		}
		var events []ledger.Entry
		for _, st := range stops {
			after = st.ID
			if m := st.Message; m != nil && !m.Delivered && out.Body.Messages < maxAgain {
				events = append(events, s.again(ctx, st))
				out.Body.Messages++
			}
		}
		if err := s.record.Write(ctx, events...); err != nil {
			return nil, err
		}
	}
	return out, nil
}
