package api

import (
	"context"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"stopline/store/ledger"
	"stopline/stream/event"
)

// maxWait bounds a long poll.
const maxWait = time.Minute

// bankRoutes are those of a bank's own system.
func (s *server) bankRoutes(api huma.API) {
	bank := []Role{Bank}
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/bank/stops", "bank-stops", "The stops that wait for this bank, oldest first; with wait, the answer comes when there is one", bank, 422), s.bankStops)
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/bank/stops/{id}/acknowledgement", "acknowledge", "The bank has the stop and works on it", bank, 404, 409), s.acknowledge)
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/bank/stops/{id}/outcome", "answer", "What became of the stop", bank, 404, 409, 422), s.answer)
}

func (s *server) bankStops(ctx context.Context, in *struct {
	Wait  string `query:"wait" example:"30s" doc:"How long to wait for a stop, at most 1m"`
	State string `query:"state" enum:"requested,acknowledged" default:"requested" doc:"acknowledged: those that this bank has not answered yet"`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
}) (*stopsOutput, error) {
	var wait time.Duration
	if in.Wait != "" {
		var err error
		if wait, err = time.ParseDuration(in.Wait); err != nil || wait < 0 || wait > maxWait {
			return nil, fieldError("query.wait", "must be a time such as 30s, at most 1m")
		}
	}
	code := who(ctx).Bank
	if in.State == "acknowledged" {
		stops, more := s.Ledger.List(ledger.Filter{State: ledger.Acknowledged, Bank: code, Limit: in.Limit})
		return s.stopsOutput(ctx, stops, more), nil
	}
	end := time.NewTimer(wait)
	defer end.Stop()
	for {
		stops, more := s.Ledger.Waiting(code, in.Limit)
		if len(stops) > 0 || wait == 0 {
			return s.stopsOutput(ctx, stops, false), nil
		}
		select {
		case <-more:
		case <-end.C:
			wait = 0
		case <-ctx.Done():
			wait = 0
		}
	}
}

// own finds a stop of the caller's bank. Another bank's is not there at all.
func (s *server) own(ctx context.Context, id string) (*ledger.Stop, error) {
	st := s.Ledger.Stop(id)
	if st == nil || st.Account.Bank != who(ctx).Bank || st.RequestedAt == 0 {
		return nil, newProblem(http.StatusNotFound, "this bank has no stop "+id)
	}
	return st, nil
}

type bankOutput struct {
	ETag string `header:"ETag"`
	Body StopDocument
}

func (s *server) bankOutput(ctx context.Context, st *ledger.Stop) *bankOutput {
	return &bankOutput{strconv.Quote(strconv.Itoa(st.Version)), stopDocument(ctx, st, s.Ledger.Terms())}
}

func (s *server) acknowledge(ctx context.Context, in *struct {
	ID   string `path:"id" maxLength:"64"`
	Body *struct {
		_ struct{} `json:"-" additionalProperties:"true"`
	} `required:"false"`
}) (*bankOutput, error) {
	for range 5 {
		st, err := s.own(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		if st.State != ledger.Requested && st.State != ledger.Undelivered {
			return s.bankOutput(ctx, st), nil // acknowledged or answered before: nothing to change
		}
		e := st.Event(s.Clock(), who(ctx).Name)
		e.ID = event.DerivedID("evt", st.ID, strconv.Itoa(e.Version), "acknowledged", e.At.String())
		e.State, e.Until = ledger.Acknowledged, e.At.Add(s.Ledger.Terms().Respond)
		res, err := s.Log.Append(ctx, e)
		if err != nil {
			return nil, s.unavailable(err)
		}
		if res.Accepted {
			return s.bankOutput(ctx, res.Stop), nil
		}
	}
	return nil, newProblem(http.StatusConflict, "the stop keeps changing: try again")
}

// answer records a bank's outcome and, where the money went on, asks the next
// banks at once.
func (s *server) answer(ctx context.Context, in *struct {
	ID   string `path:"id" maxLength:"64"`
	Body OutcomeBody
}) (*bankOutput, error) {
	for range 5 {
		st, err := s.own(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		o, err := in.Body.outcome(st)
		if err != nil {
			return nil, err
		}
		now := s.Clock()
		if !st.State.Awaits() {
			if st.Outcome == nil || !reflect.DeepEqual(*st.Outcome, o) {
				return nil, newProblem(http.StatusConflict, "the stop was answered differently before: it is "+string(st.State))
			}
			return s.followed(ctx, st, now)
		}
		if err := o.Check(st, now); err != nil {
			return nil, fieldError("body", err.Error())
		}
		e := ledger.Answer(s.Ledger.Terms(), st, o, now, who(ctx).Name)
		e.ID = event.DerivedID("evt", st.ID, strconv.Itoa(e.Version), "outcome", now.String())
		res, err := s.Log.Append(ctx, e)
		if err != nil {
			return nil, s.unavailable(err)
		}
		if res.Accepted {
			return s.followed(ctx, res.Stop, now)
		}
	}
	return nil, newProblem(http.StatusConflict, "the stop keeps changing: try again")
}

// followed asks for the stops on the next hops before it answers: a bank that
// gets no answer sends its outcome again, and so they are never forgotten.
func (s *server) followed(ctx context.Context, st *ledger.Stop, now event.Instant) (*bankOutput, error) {
	if next := ledger.Follow(s.Ledger.Terms(), st, now, "trail"); len(next) > 0 {
		if err := s.Log.Write(ctx, next...); err != nil {
			return nil, s.unavailable(err)
		}
	}
	return s.bankOutput(ctx, st), nil
}
