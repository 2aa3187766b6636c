package api

import (
	"context"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// maxWait bounds a long poll.
const maxWait = time.Minute

// bankRoutes are those of a bank's own system.
func (s *server) bankRoutes(api huma.API) {
	bank := []Role{Bank}
	huma.Register(api, s.inBothForms(api, reflect.TypeFor[StopsPage](), s.operation(api, http.MethodGet, "/v1/bank/stops", "bank-stops", "The stops that wait for this bank, oldest first; with wait, the answer comes when there is one. As application/xml: camt.056", bank, 422, 429)), s.bankStops)
	huma.Register(api, s.inBothForms(api, reflect.TypeFor[StopDocument](), s.operation(api, http.MethodGet, "/v1/bank/stops/{id}", "bank-stop", "One stop of this bank, as it is now. As application/xml: camt.056", bank, 404)), s.bankStop)
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/bank/stops/{id}/acknowledgement", "acknowledge", "The bank has the stop and works on it", bank, 404, 409, 503), s.acknowledge)
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/bank/stops/{id}/outcome", "answer", "What became of the stop", bank, 404, 409, 422, 503), s.answer)
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/bank/stops/{id}/sweeps", "sweep", "A later credit to the account is held for the rest of the claim", bank, 404, 409, 422, 503), s.sweep)
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/bank/stops/{id}/return", "confirm-return", "The bank has paid back what it was told to, or could not", bank, 404, 409, 422, 503), s.confirmReturn)
	s.streamRoute(api)
	s.messageRoute(api)
}

func (s *server) bankStops(ctx context.Context, in *struct {
	Wait  string `query:"wait" example:"30s" doc:"How long to wait for a stop, at most 1m"`
	State string `query:"state" enum:"requested,acknowledged,returning,open" default:"requested" doc:"acknowledged: those that this bank has not answered yet; returning: those that it is told to pay back; open: all that are not over, to begin anew"`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
	After string `query:"after" maxLength:"64" doc:"The cursor \"next\" of the page before; not with state=requested, where what is acknowledged leaves the list"`
	Form
}) (*pageOutput, error) {
	var wait time.Duration
	if in.Wait != "" {
		var err error
		if wait, err = time.ParseDuration(in.Wait); err != nil || wait < 0 || wait > maxWait {
			return nil, fieldError("query.wait", "field.wait")
		}
	}
	code := who(ctx).Bank
	if wait > 0 {
		leave, err := s.wait(code)
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

// maxWaiters bounds the polls and streams of one bank that wait at a time.
const maxWaiters = 64

// wait takes one of the bank's places to wait, until leave is called.
func (s *server) wait(bank string) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiters[bank] >= maxWaiters {
		return nil, problem(http.StatusTooManyRequests, "request.many-polls", "limit", maxWaiters)
	}
	s.waiters[bank]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.waiters[bank]--
	}, nil
}

// own finds a stop of the caller's bank. Another bank's is not there at all.
func (s *server) own(ctx context.Context, id string) (*stop.Stop, error) {
	st := s.Ledger.Stop(id)
	if st == nil || st.Account.Bank != who(ctx).Bank || st.RequestedAt == 0 {
		return nil, problem(http.StatusNotFound, "not-found.bank-stop", "stop", id)
	}
	return st, nil
}

type bankOutput struct {
	ETag string `header:"ETag"`
	Body StopDocument
}

func (s *server) bankOutput(ctx context.Context, st *stop.Stop) *bankOutput {
	return &bankOutput{strconv.Quote(strconv.Itoa(st.Version)), stopDocument(ctx, st, s.Ledger.Terms())}
}

// StopID is the stop in a route.
type StopID struct {
	ID string `path:"id" maxLength:"64" example:"stp_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"`
}

func (s *server) bankStop(ctx context.Context, in *struct {
	StopID
	Form
}) (*pageOutput, error) {
	st, err := s.own(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return s.one(ctx, st, in.Form)
}

// AcknowledgementBody has no fields so far; it may be left out.
type AcknowledgementBody struct{}

func (s *server) acknowledge(ctx context.Context, in *struct {
	StopID
	Body *AcknowledgementBody `required:"false"`
}) (*bankOutput, error) {
	st, err := s.own(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if st, err = s.acknowledged(ctx, st); err != nil {
		return nil, err
	}
	return s.bankOutput(ctx, st), nil
}

// acknowledged notes that the bank has the stop, if that is news.
func (s *server) acknowledged(ctx context.Context, st *stop.Stop) (*stop.Stop, error) {
	for range 5 {
		if st.State != stop.Requested && st.State != stop.Undelivered {
			return st, nil // acknowledged or answered before: nothing to change
		}
		e := st.Next(s.Clock(), who(ctx).Name)
		e.ID = event.DerivedID("evt", st.ID, strconv.Itoa(e.Version), "acknowledged", e.At.String())
		e.Bank, e.State, e.Until = who(ctx).Bank, stop.Acknowledged, e.At.Add(s.Ledger.Terms().Respond)
		res, err := s.Log.Append(ctx, ledger.StopEntry(e))
		if err != nil {
			return nil, s.unavailable(ctx, err)
		}
		if st = s.Ledger.Stop(st.ID); res.Accepted {
			return st, nil
		}
	}
	return nil, problem(http.StatusConflict, "version.changing")
}

func (s *server) answer(ctx context.Context, in *struct {
	StopID
	Body OutcomeBody
}) (*bankOutput, error) {
	st, err := s.own(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	o, err := in.Body.outcome(st, s.Banks)
	if err != nil {
		return nil, err
	}
	if st, err = s.answered(ctx, st, o, sameOutcome); err != nil {
		return nil, err
	}
	return s.bankOutput(ctx, st), nil
}

// answered records a bank's outcome and, where the money went on, asks the next
// banks at once. The same answer again, by the rule of its form, is the same.
func (s *server) answered(ctx context.Context, st *stop.Stop, o stop.Outcome,
	same func(was, is stop.Outcome) bool) (*stop.Stop, error) {
	for range 5 {
		now := s.Clock()
		if !st.State.Awaits() {
			if st.Outcome == nil || !same(*st.Outcome, o) {
				return nil, problem(http.StatusConflict, "version.answered", "state", st.State)
			}
			return st, s.follow(ctx, st, now)
		}
		if why := o.Check(st, now); !why.None() {
			return nil, badField("body", why)
		}
		e := stop.Answer(s.Ledger.Terms(), st, o, now, who(ctx).Name)
		e.ID = event.DerivedID("evt", st.ID, strconv.Itoa(e.Version), "outcome", now.String())
		res, err := s.Log.Append(ctx, ledger.StopEntry(e))
		if err != nil {
			return nil, s.unavailable(ctx, err)
		}
		if st = s.Ledger.Stop(st.ID); res.Accepted {
			return res.Stop, s.follow(ctx, res.Stop, now)
		}
	}
	return nil, problem(http.StatusConflict, "version.changing")
}

// sameOutcome compares what the bank said, without what we added to it.
func sameOutcome(a, b stop.Outcome) bool {
	plain := func(o *stop.Outcome) {
		o.Differs = append([]stop.Difference(nil), o.Differs...)
		for i := range o.Differs {
			o.Differs[i].Ours, o.Differs[i].Cause = "", ""
		}
	}
	plain(&a)
	plain(&b)
	return reflect.DeepEqual(a, b)
}

// sameMessage compares answers as camt.029. It has no time of its own for the
// hold, only that of the message, which is another when it is sent again: the
// recorded one stays.
func sameMessage(was, is stop.Outcome) bool {
	is.EffectiveAt = was.EffectiveAt
	return sameOutcome(was, is)
}

// follow asks for the stops on the next hops, and tells the accounts' partitions
// to look further, before the bank has its answer: a bank that gets none sends
// its outcome again, and so they are never forgotten.
func (s *server) follow(ctx context.Context, st *stop.Stop, now event.Instant) error {
	terms := s.Ledger.Terms()
	hops, leaves := s.Ledger.Follow(st)
	var events []ledger.Entry
	var taints []*event.Taint
	for i := range hops {
		h := &hops[i]
		events = append(events, ledger.StopEntries(stop.Propose(terms, h.StopID, st.CaseID, h.Proposal, now, "trail"))...)
		taints = append(taints, h.Proposal.Taint(h.StopID, st.CaseID, st.Account.Number))
	}
	for i := range leaves {
		events = append(events, ledger.LeafEntry(st.CaseID, &leaves[i], now))
	}
	if len(events) > 0 {
		if err := s.Log.Write(ctx, events...); err != nil {
			return s.unavailable(ctx, err)
		}
	}
	return s.tell(ctx, append(taints, st.HeldTaint())...)
}

// tell sends taints; none of them need be there.
func (s *server) tell(ctx context.Context, taints ...*event.Taint) error {
	var send []*event.Taint
	for _, t := range taints {
		if t != nil {
			send = append(send, t)
		}
	}
	if len(send) == 0 {
		return nil
	}
	if err := s.Intake.Taint(ctx, send...); err != nil {
		return s.unavailable(ctx, err)
	}
	return nil
}

// SweepBody is a later credit that was held.
type SweepBody struct {
	Credit     string `json:"credit" minLength:"1" maxLength:"256" example:"CCB-20261124-77" doc:"The bank's id of the credit; the same again is the same"`
	HeldAmount Amount `json:"held_amount" doc:"What of it is held, at most the rest of the claim"`
}

func (s *server) sweep(ctx context.Context, in *struct {
	StopID
	Body SweepBody
}) (*bankOutput, error) {
	for range 5 {
		st, err := s.own(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		minor, err := in.Body.HeldAmount.minor(st.Currency)
		if err != nil || minor <= 0 {
			return nil, fieldError("body.held_amount", "field.decimal")
		}
		if st.Swept(in.Body.Credit) {
			return s.bankOutput(ctx, st), nil
		}
		if !st.State.Holds() && st.State != stop.Missed {
			return nil, problem(http.StatusConflict, "sweep.none", "state", st.State)
		}
		if minor > st.Claim() {
			left := event.Money{Minor: st.Claim(), Currency: st.Currency}
			return nil, fieldError("body.held_amount", "field.claim", "left", left)
		}
		res, err := s.Log.Append(ctx, ledger.StopEntry(stop.Sweep(s.Ledger.Terms(), st, minor, in.Body.Credit, s.Clock(), who(ctx).Name)))
		if err != nil {
			return nil, s.unavailable(ctx, err)
		}
		if res.Accepted {
			return s.bankOutput(ctx, res.Stop), s.tell(ctx, res.Stop.HeldTaint())
		}
		if s.Ledger.Stop(st.ID).Version == st.Version {
			return nil, refused(http.StatusConflict, res.Why)
		}
	}
	return nil, problem(http.StatusConflict, "version.changing")
}

// ReturnBody is a bank's word on a payment back.
type ReturnBody struct {
	Result    string `json:"result" enum:"returned,failed" example:"returned"`
	Amount    Amount `json:"amount" doc:"As instructed"`
	Reference string `json:"reference,omitempty" maxLength:"256" example:"CCB-R-20261201-3"`
	Reason    string `json:"reason,omitempty" maxLength:"256" doc:"Required for failed"`
}

func (s *server) confirmReturn(ctx context.Context, in *struct {
	StopID
	Body ReturnBody
}) (*bankOutput, error) {
	st, err := s.own(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	minor, err := in.Body.Amount.minor(st.Currency)
	if err != nil {
		return nil, badField("body.amount", err)
	}
	if in.Body.Result == "failed" && in.Body.Reason == "" {
		return nil, fieldError("body.reason", "field.reason")
	}
	if st, err = s.paidBack(ctx, st, in.Body.Result == "returned", minor, in.Body.Reference, in.Body.Reason); err != nil {
		return nil, err
	}
	return s.bankOutput(ctx, st), nil
}

// paidBack records a bank's word on a return. The same again is the same.
func (s *server) paidBack(ctx context.Context, st *stop.Stop, done bool, minor int64, reference, reason string) (*stop.Stop, error) {
	if st.Instruction == nil {
		for i := range st.Timeline {
			c := st.Timeline[i].Change
			if c != nil && c.Minor == minor && c.Reference == reference && (c.Kind == stop.ChangeReturned && done || c.Kind == stop.ChangeFailed && !done) {
				return st, nil
			}
		}
		return nil, problem(http.StatusConflict, "payback.not-told")
	}
	if minor != st.Instruction.Minor {
		return nil, fieldError("body.amount", "field.instruction",
			"amount", event.Money{Minor: st.Instruction.Minor, Currency: st.Currency})
	}
	res, err := s.Log.Append(ctx, ledger.StopEntry(stop.PaidBack(st, done, reference, reason, s.Clock(), who(ctx).Name)))
	if err != nil {
		return nil, s.unavailable(ctx, err)
	}
	if !res.Accepted {
		return nil, refused(http.StatusConflict, res.Why)
	}
	return res.Stop, nil
}
