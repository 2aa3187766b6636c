package center

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"stopline.internal/api/access"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// stops is what people see and decide of single stops.
type stops struct{ *base }

func (s *stops) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Path: "/v1/stops", ID: "list-stops",
			Roles: readers, Errors: []int{422}, Handler: route.Handle(s.listStops),
			EN: "Stops, newest first",
			ZH: "止付，最新的在前"},
		{Method: http.MethodGet, Path: "/v1/stops/{id}", ID: "get-stop",
			Roles: readers, Errors: []int{404}, Handler: route.Handle(s.getStop),
			EN: "One stop with its whole timeline",
			ZH: "一笔止付及其完整时间线"},
		{Method: http.MethodPost, Path: "/v1/stops", ID: "propose-stop",
			Roles: center, Errors: []int{409, 422, 503}, Handler: route.Handle(s.proposeStop),
			EN: "Propose a stop on one account",
			ZH: "提议止付一个账户"},
		{Method: http.MethodPost, Path: "/v1/stops/{id}/approval", ID: "approval",
			Roles: deciders, Errors: []int{404, 409, 412, 422, 503},
			Handler: route.Handle(s.decide(stop.Requested)),
			EN:      "Approve a proposed stop: it goes to the bank",
			ZH:      "批准拟议的止付，发往银行"},
		{Method: http.MethodPost, Path: "/v1/stops/{id}/rejection", ID: "rejection",
			Roles: deciders, Errors: []int{404, 409, 412, 422, 503},
			Handler: route.Handle(s.decide(stop.Rejected)),
			EN:      "Reject a proposed stop",
			ZH:      "否决拟议的止付"},
		{Method: http.MethodPost, Path: "/v1/stops/{id}/extension", ID: "extension",
			Roles: deciders, Errors: []int{404, 409, 412, 422, 503},
			Handler: route.Handle(s.decide(stop.Extended)),
			EN:      "Hold for a second term",
			ZH:      "延长止付一个期限"},
		{Method: http.MethodPost, Path: "/v1/stops/{id}/freeze", ID: "freeze",
			Roles: deciders, Errors: []int{404, 409, 412, 422, 503},
			Handler: route.Handle(s.decide(stop.Frozen)),
			EN:      "Note the freeze that follows the hold; of a frozen stop: renew it for another term",
			ZH:      "登记止付之后的冻结；已冻结的，续冻一个期限"},
		{Method: http.MethodPost, Path: "/v1/stops/{id}/release", ID: "release",
			Roles: deciders, Errors: []int{404, 409, 412, 422, 503},
			Handler: route.Handle(s.decide(stop.Released)),
			EN:      "Release held money at once, all or a part; before the bank has answered: take the request back",
			ZH:      "立即解除全部或部分；银行答复之前则撤回请求"},
	}
}

type stopsOutput struct{ Body wire.StopsPage }

func (s *stops) listStops(ctx context.Context, in *struct {
	wire.Page
	State string `query:"state" maxLength:"20"`
	Bank  string `query:"bank" maxLength:"64"`
	Case  string `query:"case" maxLength:"64"`
}) (*stopsOutput, error) {
	stops, more := s.Ledger.List(ledger.Filter{State: stop.State(in.State), Bank: in.Bank, CaseID: in.Case,
		After: in.After, Limit: in.Limit})
	return &stopsOutput{wire.NewStopsPage(ctx, stops, more, s.Ledger.Terms())}, nil
}

type stopOutput struct {
	ETag string `header:"ETag"`
	Body wire.StopDetail
}

func (s *base) stopOutput(ctx context.Context, st *stop.Stop) *stopOutput {
	return &stopOutput{ETag: tag(st.Version), Body: wire.NewStopDetail(ctx, st, s.Ledger.Terms())}
}

// tag is the ETag of a version.
func tag(version int) string { return strconv.Quote(strconv.Itoa(version)) }

// otherVersion says whether If-Match names another version than the newest.
func otherVersion(ifMatch string, version int) bool {
	v := strings.Trim(ifMatch, `"`)
	return v != "" && v != strconv.Itoa(version)
}

func (s *stops) getStop(ctx context.Context, in *wire.StopID) (*stopOutput, error) {
	st := s.Ledger.Stop(in.ID)
	if st == nil {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.stop", "stop", in.ID)
	}
	return s.stopOutput(ctx, st), nil
}

// proposeStop proposes a stop; a supervisor approves it.
func (s *stops) proposeStop(ctx context.Context, in *struct{ Body wire.ProposalBody }) (*stopOutput, error) {
	p, err := s.proposal(&in.Body)
	if err != nil {
		return nil, err
	}
	id := event.DerivedID("stp", "analyst", in.Body.CaseID, p.Account.Number, p.Transfer.ID)
	terms := s.Ledger.Terms()
	terms.AutoLimit = -1 // a person's proposal waits for another person
	e := ledger.StopEntries(stop.Propose(terms, id, in.Body.CaseID, *p, s.Clock(), access.Who(ctx).Name))[0]
	res, err := s.record.Append(ctx, e)
	if err != nil {
		return nil, err
	}
	return s.stopOutput(ctx, res.Stop), nil
}

// proposal reads what a person proposes.
func (s *stops) proposal(b *wire.ProposalBody) (*stop.Proposal, error) {
	currency := event.Currency(b.Currency)
	if _, known := currency.Digits(); !known {
		return nil, wire.BadField("body.currency", "field.currency")
	}
	minor, err := b.Amount.Minor(currency)
	if err != nil || minor == 0 {
		return nil, wire.BadField("body.amount", "field.decimal-of")
	}
	if s.Ledger.Case(b.CaseID) == nil {
		return nil, wire.BadField("body.case_id", "field.case")
	}
	var at event.Instant
	if err := at.UnmarshalText([]byte(b.Transfer.At)); err != nil {
		return nil, wire.UnreadField("body.transfer.at", err)
	}
	transferMinor, err := b.Transfer.Amount.Minor(currency)
	if err != nil {
		return nil, wire.UnreadField("body.transfer.amount", err)
	}
	bank := strings.ToUpper(b.Account.Bank)
	if err := wire.UnknownBank(s.Banks, "/account/bank", bank); err != nil {
		return nil, err
	}
	fraudType, _ := event.FraudOf(b.FraudType)
	return &stop.Proposal{Account: stop.Account{Number: b.Account.Number, Bank: bank, Holder: b.Account.Holder},
		Minor: minor, Currency: currency, Hop: 1, FraudType: fraudType, Text: b.Reason, Payer: b.Payer,
		Transfer: stop.Transfer{ID: b.Transfer.ID, Minor: transferMinor, At: at}, Order: b.Order.LedgerOrder()}, nil
}

type decisionInput struct {
	wire.StopID
	IfMatch string `header:"If-Match" example:"\"3\"" doc:"The ETag of the version that was decided on; another version answers 412"`
	Body    wire.DecisionBody
}

// decide takes a stop into another state.
func (s *stops) decide(to stop.State) func(context.Context, *decisionInput) (*stopOutput, error) {
	return func(ctx context.Context, in *decisionInput) (*stopOutput, error) { return s.decided(ctx, to, in) }
}

func (s *stops) decided(ctx context.Context, to stop.State, in *decisionInput) (*stopOutput, error) {
	st := s.Ledger.Stop(in.ID)
	if st == nil {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.stop", "stop", in.ID)
	}
	if otherVersion(in.IfMatch, st.Version) {
		return nil, wire.NewProblem(http.StatusPreconditionFailed, "version.if-match-stop",
			"version", st.Version, "sent", strings.Trim(in.IfMatch, `"`))
	}
	e, err := s.decisionStep(to, st, in, access.Who(ctx).Name)
	if err != nil {
		return nil, err
	}
	res, err := s.record.Append(ctx, ledger.StopEntry(e))
	if err != nil {
		return nil, err
	}
	switch to {
	case stop.Requested: // its money is followed from now on
		err = s.record.Follow(ctx, st.Taint(st.ID, st.CaseID, st.Payer))
	case stop.Released:
		err = s.record.Follow(ctx, res.Stop.HeldTaint())
	}
	return s.stopOutput(ctx, res.Stop), err
}

// decisionStep is the step of a decision; whether it may be made, the fold
// says.
func (s *stops) decisionStep(to stop.State, st *stop.Stop, in *decisionInput, by string) (stop.Step, error) {
	terms, now := s.Ledger.Terms(), s.Clock()
	if to == stop.Released {
		minor := st.Left()
		if in.Body.Amount != "" {
			var err error
			if minor, err = in.Body.Amount.Minor(st.Currency); err != nil || minor == 0 {
				return stop.Step{}, wire.BadField("body.amount", "field.decimal")
			}
		}
		return stop.Lift(st, minor, "", in.Body.Reason, now, by), nil
	}
	e := st.Next(now, by)
	e.ID = event.DerivedID("evt", st.ID, strconv.Itoa(e.Version), by, string(to), now.String())
	e.State, e.Reason = to, in.Body.Reason
	switch to {
	case stop.Requested:
		e.Until = now.Add(terms.Respond)
	case stop.Extended:
		e.Until = st.Until.Add(terms.Hold)
	case stop.Frozen:
		e.Until = now.Add(terms.Freeze)
		if st.State == stop.Frozen {
			e.Until, e.Change = st.Until.Add(terms.Freeze), &stop.Change{Kind: stop.ChangeRenew}
		}
	}
	return e, nil
}
