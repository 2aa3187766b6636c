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

// visits sends people to those who are being talked out of money.
type visits struct{ *base }

func (s *visits) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodPost, Path: "/v1/cases/{id}/visits", ID: "assign-visit",
			Roles: center, Errors: []int{404, 409, 422, 503}, Handler: route.Handle(s.assignVisit),
			EN: "Send somebody of the district's grid to a person who is being talked out of money",
			ZH: "派属地网格员上门劝阻正在受骗的人"},
		{Method: http.MethodGet, Path: "/v1/visits", ID: "list-visits",
			Roles: readers, Errors: []int{422}, Handler: route.Handle(s.listVisits),
			EN: "Visits that are not confirmed, by when they are due",
			ZH: "尚未确认的上门劝阻，按到期时间排序"},
		{Method: http.MethodPost, Path: "/v1/visits/{id}/confirmation", ID: "confirm-visit",
			Roles: readers, Errors: []int{404, 409, 422, 503}, Handler: route.Handle(s.confirmVisit),
			EN: "What the visit found",
			ZH: "上门劝阻的结果"},
	}
}

type visitOutput struct{ Body wire.Visit }

func (s *visits) assignVisit(ctx context.Context, in *struct {
	wire.CaseID
	Body wire.VisitBody
}) (*visitOutput, error) {
	c := s.Ledger.Case(in.ID)
	if c == nil {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.case", "case", in.ID)
	}
	b := &in.Body
	for _, id := range c.Visits { // somebody is on the way
		if v := s.Ledger.Visit(id); v != nil && v.State != desk.VisitConfirmed && v.Holder == b.Holder {
			return &visitOutput{wire.NewVisit(ctx, v)}, nil
		}
	}
	id := event.DerivedID("vis", c.ID, b.Holder, strconv.Itoa(len(c.Visits)))
	visit := desk.Visit{District: b.District, Grid: b.Grid, Holder: b.Holder, Phone: b.Phone}
	e := s.Ledger.AssignVisit(id, c.ID, visit, s.Clock(), access.Who(ctx).Name)
	e.Reason = b.Reason
	if _, err := s.record.Append(ctx, e); err != nil {
		return nil, err
	}
	return &visitOutput{wire.NewVisit(ctx, s.Ledger.Visit(id))}, nil
}

type visitsOutput struct{ Body wire.VisitsPage }

func (s *visits) listVisits(ctx context.Context, in *struct {
	District string `query:"district" maxLength:"16" example:"520103"`
	All      bool   `query:"all" doc:"Those that were confirmed as well"`
}) (*visitsOutput, error) {
	out := &visitsOutput{}
	out.Body.Visits = []wire.Visit{}
	for _, v := range s.Ledger.Visits(in.District, in.All) {
		out.Body.Visits = append(out.Body.Visits, wire.NewVisit(ctx, v))
	}
	return out, nil
}

func (s *visits) confirmVisit(ctx context.Context, in *struct {
	ID   string `path:"id" maxLength:"64" example:"vis_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"`
	Body wire.VisitFindingBody
}) (*visitOutput, error) {
	v := s.Ledger.Visit(in.ID)
	if v == nil {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.visit", "visit", in.ID)
	}
	visit := v.Visit
	visit.Found = in.Body.Found
	by := access.Who(ctx).Name
	e := ledger.Entry{ID: event.DerivedID("evt", v.ID, strconv.Itoa(v.Version+1), by, in.Body.Found),
		CaseID: v.CaseID, Subject: v.ID, Version: v.Version + 1, State: string(desk.VisitConfirmed), At: s.Clock(), By: by,
		Reason: in.Body.Reason, Visit: &visit}
	if _, err := s.record.Append(ctx, e); err != nil {
		return nil, err
	}
	return &visitOutput{wire.NewVisit(ctx, s.Ledger.Visit(v.ID))}, nil
}
