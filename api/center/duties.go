package center

import (
	"context"
	"net/http"

	"stopline.internal/api/route"
	"stopline.internal/api/wire"
)

// duties is what waits for people.
type duties struct{ *base }

func (s *duties) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Path: "/v1/duties", ID: "duties",
			Roles: readers, Errors: []int{422}, Handler: route.Handle(s.duties),
			EN: "What waits for a person, the most urgent first: approvals, banks to call, holds and freezes " +
				"that end, returns overdue, appeals, visits",
			ZH: "等待人工处理的事项，最紧急的在前：批准、致电银行、即将到期的止付与冻结、逾期返还、申诉、劝阻"},
	}
}

type dutiesOutput struct{ Body wire.DutiesPage }

func (s *duties) duties(ctx context.Context, in *struct {
	Kind  string `query:"kind" enum:"approve,call-bank,hold-ends,freeze-ends,return-overdue,appeal,visit,announcement-over,mismatch,excess,escalation"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"200"`
}) (*dutiesOutput, error) {
	now := s.Clock()
	out := &dutiesOutput{}
	out.Body.At, out.Body.Duties = now.String(), []wire.Duty{}
	for _, d := range s.Ledger.Duties(now) {
		if in.Kind != "" && d.Kind != in.Kind {
			continue
		}
		if out.Body.Total++; out.Body.Total > in.Limit {
			continue
		}
		out.Body.Duties = append(out.Body.Duties, wire.NewDuty(ctx, &d, now))
	}
	return out, nil
}
