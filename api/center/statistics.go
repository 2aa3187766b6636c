package center

import (
	"context"
	"net/http"
	"time"

	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
)

// statistics is the figures of recovered funds.
type statistics struct{ *base }

func (s *statistics) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Path: "/v1/statistics/recovery", ID: "recovery-statistics",
			Roles: policeFirst, Errors: []int{422, 503}, Handler: route.Handle(s.recovery),
			EN: "Recovered funds",
			ZH: "追回资金统计"},
		{Method: http.MethodGet, Path: "/v1/statistics/report", ID: "monthly-report",
			Roles: policeFirst, Errors: []int{422, 503},
			Handler: route.Handle(s.monthly), Describe: describeMonthly,
			EN: "The monthly report, the same figures in each form; a closed month's is kept as it was first " +
				"given out, with what has become otherwise since",
			ZH: "月度报告，各种格式数字一致；已结月份保留首次发布的版本，并列出此后的变化"},
		{Method: http.MethodGet, Path: "/v1/statistics/verification", ID: "verify",
			Roles: verifiers, Errors: []int{503}, Handler: route.Handle(s.verify),
			EN: "Compare the books with the ledger, every stop and the sums over them, and every table by day with Kafka's log",
			ZH: "核对账簿：每一笔止付及其汇总与台账核对，各表按日与 Kafka 日志核对"},
	}
}

type recoveryInput struct {
	From     string `query:"from" required:"true" format:"date" example:"2026-11-01"`
	To       string `query:"to" required:"true" format:"date" example:"2026-12-01" doc:"The first day that is not in it"`
	By       string `query:"by" enum:"month,day,district,fraud_type,bank,hop,pattern" default:"month"`
	Currency string `query:"currency" default:"CNY"`
}

type recoveryOutput struct{ Body wire.RecoveryStatistics }

func (s *statistics) recovery(ctx context.Context, in *recoveryInput) (*recoveryOutput, error) {
	currency := event.Currency(in.Currency)
	if _, known := currency.Digits(); !known {
		return nil, wire.BadField("query.currency", "field.currency")
	}
	from, err1 := time.ParseInLocation(time.DateOnly, in.From, event.Zone)
	to, err2 := time.ParseInLocation(time.DateOnly, in.To, event.Zone)
	if err1 != nil || err2 != nil || !from.Before(to) {
		return nil, wire.BadField("query.to", "field.after-from")
	}
	rows, err := s.Warehouse.Recoveries(ctx, event.InstantOf(from), event.InstantOf(to), in.By, currency)
	if err != nil {
		return nil, s.fail.Books(ctx, err)
	}
	out := wire.RecoveryStatistics{From: in.From, To: in.To, By: in.By, Currency: in.Currency,
		Rows: []wire.RecoveryRow{}}
	for i := range rows {
		row := wire.NewRecoveryRow(&rows[i], currency)
		if i == len(rows)-1 {
			out.Total = row
		} else {
			out.Rows = append(out.Rows, row)
		}
	}
	return &recoveryOutput{out}, nil
}

// patience is how long the books have to learn what the ledger knows before it
// counts as a difference.
const patience = 10 * time.Second

type verifyOutput struct{ Body warehouse.Verification }

// verify compares the books with the ledger that this replica has folded.
func (s *statistics) verify(ctx context.Context, _ *struct{}) (*verifyOutput, error) {
	v, err := s.Warehouse.Verify(ctx, s.Ledger, patience)
	if err != nil {
		return nil, s.fail.Books(ctx, err)
	}
	return &verifyOutput{*v}, nil
}
