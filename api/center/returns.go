package center

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"stopline.internal/api/access"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/giveback"
	"stopline.internal/stream/event"
	"stopline.internal/stream/event/words"
)

// returns gives frozen money back to victims.
type returns struct{ *base }

func (s *returns) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodPost, Path: "/v1/cases/{id}/returns", ID: "propose-return",
			Roles: center, Errors: []int{404, 409, 422, 503}, Handler: route.Handle(s.proposeReturn),
			EN: "Work out a return of the case's frozen money: traced where it can be, in proportion where it " +
				"is mixed",
			ZH: "拟定案件冻结资金的返还：能追溯的追溯，混同的按比例"},
		{Method: http.MethodGet, Path: "/v1/returns/{id}", ID: "get-return",
			Roles: readers, Errors: []int{404}, Handler: route.Handle(s.getReturn),
			EN: "One return with its arithmetic",
			ZH: "一项返还及其计算过程"},
		{Method: http.MethodPost, Path: "/v1/returns/{id}/announcement", ID: "return-announcement",
			Roles: center, Errors: []int{404, 409, 422, 503},
			Handler: route.Handle(s.decide(giveback.Announced)),
			EN:      "Announce a return in proportion: for 30 days anyone concerned may object",
			ZH:      "公告按比例返还：30 天内利害关系人可提出异议"},
		{Method: http.MethodPost, Path: "/v1/returns/{id}/approval", ID: "return-approval",
			Roles: deciders, Errors: []int{404, 409, 422, 503},
			Handler: route.Handle(s.decide(giveback.Approved)),
			EN:      "Approve a return; the second person's approval instructs the banks",
			ZH:      "批准返还；第二人批准后指令发往银行"},
		{Method: http.MethodPost, Path: "/v1/returns/{id}/withdrawal", ID: "return-withdrawal",
			Roles: center, Errors: []int{404, 409, 422, 503},
			Handler: route.Handle(s.decide(giveback.Withdrawn)),
			EN:      "Withdraw a return, to work it out anew",
			ZH:      "撤回返还，重新拟定"},
		{Method: http.MethodPost, Path: "/v1/returns/{id}/objections", ID: "object",
			Roles: center, Errors: []int{404, 409, 422, 503}, Handler: route.Handle(s.object),
			EN: "Note an objection to an announced return",
			ZH: "登记对公告中返还的异议"},
		{Method: http.MethodPost, Path: "/v1/returns/{id}/objections/{objection}/decision", ID: "decide-objection",
			Roles: deciders, Errors: []int{404, 409, 422, 503}, Handler: route.Handle(s.decideObjection),
			EN: "Decide an objection",
			ZH: "裁定一项异议"},
	}
}

// maxMovements bounds what a return is worked out from on one account.
const maxMovements = 10_000

type returnOutput struct{ Body wire.Return }

func (s *returns) proposeReturn(ctx context.Context, in *wire.CaseID) (*returnOutput, error) {
	c := s.Ledger.Case(in.ID)
	if c == nil {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.case", "case", in.ID)
	}
	accounts, claims := s.Ledger.Frozen(c.ID)
	for i := range accounts {
		if err := s.flows(ctx, c.ID, &accounts[i]); err != nil {
			return nil, s.fail.Books(ctx, err)
		}
	}
	r, err := giveback.Divide(accounts, claims)
	if err != nil {
		var why words.Message
		if errors.As(err, &why) {
			err = route.Refused(why)
		}
		return nil, err
	}
	r.Currency = event.CNY
	e := s.Ledger.ProposeReturn(c.ID, *r, s.Clock(), access.Who(ctx).Name)
	if _, err := s.record.Append(ctx, e); err != nil {
		return nil, err
	}
	return &returnOutput{wire.NewReturn(s.Ledger, s.Ledger.Return(e.Subject))}, nil
}

// flows adds what moved on an account: the books' movements, with the victims' parts
// in them told apart, and what was reported and never seen as a transfer.
func (s *returns) flows(ctx context.Context, caseID string, a *giveback.FrozenAccount) error {
	known := s.Ledger.Remittances(caseID, a.Account.Number)
	from := event.Instant(1 << 62)
	for _, flows := range known {
		for _, f := range flows {
			from = min(from, f.At)
		}
	}
	moves, err := s.Warehouse.Movements(ctx, a.Account.Number, from, event.CNY, maxMovements)
	if err != nil {
		return err
	}
	for _, m := range moves {
		rest := m.Minor
		for _, f := range known[m.ID] {
			a.Flows = append(a.Flows, giveback.Flow{At: m.At, Minor: f.Minor, Victim: f.Victim})
			rest -= f.Minor
		}
		if rest != 0 && (m.Minor < 0 || rest > 0) {
			a.Flows = append(a.Flows, giveback.Flow{At: m.At, Minor: rest})
		}
		delete(known, m.ID)
	}
	for _, flows := range known {
		a.Flows = append(a.Flows, flows...)
	}
	slices.SortStableFunc(a.Flows, func(x, y giveback.Flow) int { return int(x.At - y.At) })
	return nil
}

func (s *base) findReturn(id string) (*giveback.Round, error) {
	r := s.Ledger.Return(id)
	if r == nil {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.return", "return", id)
	}
	return r, nil
}

func (s *returns) getReturn(_ context.Context, in *wire.ReturnID) (*returnOutput, error) {
	r, err := s.findReturn(in.ID)
	if err != nil {
		return nil, err
	}
	return &returnOutput{wire.NewReturn(s.Ledger, r)}, nil
}

type returnDecision struct {
	wire.ReturnID
	Body wire.ReturnDecisionBody
}

// decide takes a return into another state.
func (s *returns) decide(to giveback.State) func(context.Context, *returnDecision) (*returnOutput, error) {
	return func(ctx context.Context, in *returnDecision) (*returnOutput, error) { return s.decided(ctx, to, in) }
}

func (s *returns) decided(ctx context.Context, to giveback.State, in *returnDecision) (*returnOutput, error) {
	r, err := s.findReturn(in.ID)
	if err != nil {
		return nil, err
	}
	if to == giveback.Approved {
		if wire.Stale(s.Ledger, r) {
			return nil, route.Refuse("version.victim")
		}
		if r.State == giveback.Approved {
			to = giveback.Instructed
		}
	}
	e := r.Next(to, s.Clock(), access.Who(ctx).Name)
	e.Reason = in.Body.Reason
	if to == giveback.Announced {
		e.Until = e.At.Add(s.Ledger.Terms().Announce)
	}
	if _, err := s.record.Append(ctx, ledger.ReturnEntry(e)); err != nil {
		return nil, err
	}
	return &returnOutput{wire.NewReturn(s.Ledger, s.Ledger.Return(r.ID))}, nil
}

func (s *returns) object(ctx context.Context, in *struct {
	wire.ReturnID
	Body wire.ObjectionBody
}) (*returnOutput, error) {
	r, err := s.findReturn(in.ID)
	if err != nil {
		return nil, err
	}
	o := giveback.Objection{ID: strconv.Itoa(len(r.Objections) + 1), Who: in.Body.Who, Text: in.Body.Text, State: "open"}
	return s.objection(ctx, r, o, "")
}

func (s *returns) decideObjection(ctx context.Context, in *struct {
	wire.ReturnID
	Objection string `path:"objection" maxLength:"16" example:"1"`
	Body      wire.ObjectionDecisionBody
}) (*returnOutput, error) {
	r, err := s.findReturn(in.ID)
	if err != nil {
		return nil, err
	}
	for _, o := range r.Objections {
		if o.ID == in.Objection {
			o.State = in.Body.Decision
			return s.objection(ctx, r, o, in.Body.Reason)
		}
	}
	return nil, wire.NewProblem(http.StatusNotFound, "not-found.objection", "objection", in.Objection)
}

func (s *returns) objection(ctx context.Context, r *giveback.Round, o giveback.Objection,
	reason string) (*returnOutput, error) {
	e := r.Next(giveback.Announced, s.Clock(), access.Who(ctx).Name)
	e.Reason, e.Return = reason, &giveback.Return{Objects: &o}
	if _, err := s.record.Append(ctx, ledger.ReturnEntry(e)); err != nil {
		return nil, err
	}
	return &returnOutput{wire.NewReturn(s.Ledger, s.Ledger.Return(r.ID))}, nil
}
