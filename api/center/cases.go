package center

import (
	"context"
	"net/http"
	"strconv"

	"stopline.internal/api/access"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/stream/event"
)

// cases is what belongs together, where the money went, and what people did.
type cases struct{ *base }

func (s *cases) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Path: "/v1/cases", ID: "list-cases",
			Roles: readers, Errors: []int{422}, Handler: route.Handle(s.listCases),
			EN: "Cases, newest first",
			ZH: "案件，最新的在前"},
		{Method: http.MethodGet, Path: "/v1/cases/{id}", ID: "get-case",
			Roles: readers, Errors: []int{404}, Handler: route.Handle(s.getCase),
			EN: "One case, whole: its reports and stops, with those of the cases that proved to be part of it",
			ZH: "一个案件的全部：报案、止付，以及后来并入的案件"},
		{Method: http.MethodPatch, Path: "/v1/cases/{id}", ID: "change-case",
			Roles: center, Errors: []int{404, 409, 412, 422, 503}, Handler: route.Handle(s.changeCase),
			EN: "Say how far a case is, how many were arrested, and what it was: an outcome holds for all its " +
				"alerts that nobody judged by themselves",
			ZH: "登记案件进展、抓获人数与案件定性；定性适用于所有未单独判定的预警"},
		{Method: http.MethodGet, Path: "/v1/cases/{id}/trail", ID: "trail",
			Roles: readers, Errors: []int{404}, Handler: route.Handle(s.trail),
			EN: "The case's money as trees: one for each payment of a victim, with every account that it came " +
				"to, and where it ends",
			ZH: "下游追查的树：被害人的每笔付款一棵，列出流经的每个账户与终点"},
	}
}

type caseOutput struct {
	Status int
	ETag   string `header:"ETag"`
	Body   wire.Case
}

func (s *base) caseOutput(ctx context.Context, id string) (*caseOutput, error) {
	c := s.Ledger.Case(id)
	if c == nil {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.case", "case", id)
	}
	return &caseOutput{http.StatusOK, tag(c.Version), wire.NewCase(ctx, s.Ledger, c)}, nil
}

func (s *cases) getCase(ctx context.Context, in *wire.CaseID) (*caseOutput, error) {
	return s.caseOutput(ctx, in.ID)
}

type casesOutput struct{ Body wire.CasesPage }

func (s *cases) listCases(ctx context.Context, in *struct {
	wire.Page
	State string `query:"state" enum:"open,investigating,solved,closed"`
}) (*casesOutput, error) {
	cases, more := s.Ledger.Cases(desk.CaseState(in.State), in.After, in.Limit)
	out := &casesOutput{}
	out.Body.Cases = []wire.Case{}
	for _, c := range cases {
		out.Body.Cases = append(out.Body.Cases, wire.NewCase(ctx, s.Ledger, c))
	}
	if more {
		out.Body.Next = cases[len(cases)-1].ID
	}
	return out, nil
}

func (s *cases) changeCase(ctx context.Context, in *struct {
	wire.CaseID
	IfMatch string `header:"If-Match" doc:"The ETag of the version that was read; another version answers 412"`
	Body    wire.CaseChange
}) (*caseOutput, error) {
	c := s.Ledger.Case(in.ID)
	if c == nil {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.case", "case", in.ID)
	}
	if otherVersion(in.IfMatch, c.Version) {
		return nil, wire.NewProblem(http.StatusPreconditionFailed, "version.if-match-case", "version", c.Version)
	}
	b := &in.Body
	if b.State == "" && b.Arrests == nil && b.Outcome == "" {
		return nil, wire.BadField("body", "field.any-of", "allowed", []string{"state", "arrests", "outcome"})
	}
	if b.State != "" || b.Arrests != nil {
		if _, err := s.record.Append(ctx, s.progress(ctx, c, b)); err != nil {
			return nil, err
		}
	}
	if b.Outcome != "" {
		verdict := desk.VerdictConfirmed
		if b.Outcome == "unfounded" {
			verdict = desk.VerdictFalseAlarm
		}
		for _, id := range append([]string{c.ID}, c.Members...) {
			if err := s.verdict(ctx, id, "", wire.VerdictBody{Verdict: verdict, Reason: b.Reason}); err != nil {
				return nil, err
			}
		}
	}
	return s.caseOutput(ctx, c.ID)
}

// progress is the event that takes a case further.
func (s *cases) progress(ctx context.Context, c *ledger.Case, b *wire.CaseChange) ledger.Entry {
	now, name := s.Clock(), access.Who(ctx).Name
	e := ledger.Entry{ID: event.DerivedID("evt", c.ID, strconv.Itoa(c.Version+1), name, now.String()), CaseID: c.ID,
		Version: c.Version + 1, State: string(c.State), At: now, By: name, Reason: b.Reason,
		Progress: &desk.Progress{Arrests: c.Arrests}}
	if b.State != "" {
		e.State = b.State
	}
	if b.Arrests != nil {
		e.Progress.Arrests = *b.Arrests
	}
	return e
}

type trailOutput struct{ Body wire.Trail }

func (s *cases) trail(ctx context.Context, in *wire.CaseID) (*trailOutput, error) {
	c := s.Ledger.Case(in.ID)
	if c == nil {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.case", "case", in.ID)
	}
	out := &trailOutput{wire.Trail{CaseID: c.ID, At: s.Clock().String(), Limited: c.Limited,
		Amounts: wire.NewCase(ctx, s.Ledger, c).Amounts, Trees: []wire.TrailNode{}}}
	for _, n := range s.Ledger.Trail(c.ID) {
		out.Body.Trees = append(out.Body.Trees, wire.NewTrailNode(ctx, n, event.CNY))
	}
	return out, nil
}
