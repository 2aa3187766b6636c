package bank

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"stopline.internal/api/access"
	"stopline.internal/api/wire"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/stop"
)

// maxWait bounds a long poll.
const maxWait = time.Minute

// stopsInput asks for a bank's stops.
type stopsInput struct {
	Wait  string `query:"wait" example:"30s" doc:"How long to wait for a stop, at most 1m"`
	State string `query:"state" enum:"requested,acknowledged,returning,open" default:"requested" doc:"acknowledged: those that this bank has not answered yet; returning: those that it is told to pay back; open: all that are not over, to begin anew"`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
	After string `query:"after" maxLength:"64" doc:"The cursor \"next\" of the page before; not with state=requested, where what is acknowledged leaves the list"`
	Form
}

func (s *Server) bankStops(ctx context.Context, in *stopsInput) (*pageOutput, error) {
	var wait time.Duration
	if in.Wait != "" {
		var err error
		if wait, err = time.ParseDuration(in.Wait); err != nil || wait < 0 || wait > maxWait {
			return nil, wire.BadField("query.wait", "field.wait")
		}
	}
	code := access.Who(ctx).Bank
	if wait > 0 {
		leave, err := s.waiters.Enter(code)
		if err != nil {
			return nil, err
		}
		defer leave()
	}
	if in.State != "requested" {
		f := ledger.Filter{State: stop.State(in.State), Bank: code, After: in.After, Limit: in.Limit}
		if in.State == "open" {
			f.State, f.Open = "", true
		}
		stops, more := s.Ledger.List(f)
		return s.page(ctx, stops, more, in.Form)
	}
	return s.waitForStops(ctx, code, wait, in)
}

// waitForStops answers as soon as there is a stop, at the latest after wait.
func (s *Server) waitForStops(ctx context.Context, code string, wait time.Duration,
	in *stopsInput) (*pageOutput, error) {
	end := time.NewTimer(wait)
	defer end.Stop()
	for {
		stops, more := s.Ledger.Waiting(code, in.Limit)
		if len(stops) > 0 || wait == 0 {
			return s.page(ctx, stops, false, in.Form)
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
func (s *Server) own(ctx context.Context, id string) (*stop.Stop, error) {
	st := s.Ledger.Stop(id)
	if st == nil || st.Account.Bank != access.Who(ctx).Bank || st.RequestedAt == 0 {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.bank-stop", "stop", id)
	}
	return st, nil
}

type stopOutput struct {
	ETag string `header:"ETag"`
	Body wire.Stop
}

func (s *Server) stopOutput(ctx context.Context, st *stop.Stop) *stopOutput {
	return &stopOutput{strconv.Quote(strconv.Itoa(st.Version)), wire.NewStop(ctx, st, s.Ledger.Terms())}
}

func (s *Server) bankStop(ctx context.Context, in *struct {
	wire.StopID
	Form
}) (*pageOutput, error) {
	st, err := s.own(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return s.one(ctx, st, in.Form)
}
