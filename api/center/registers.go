package center

import (
	"context"
	"net/http"

	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/stream/event"
)

// registers hands out what codes mean: banks, and who answers there; districts.
type registers struct{ *base }

func (s *registers) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Path: "/v1/banks", ID: "list-banks",
			Roles: readers, Handler: route.Handle(s.listBanks),
			EN: "The banks that are known: their names, and whom to telephone there",
			ZH: "已登记的银行：名称，以及打电话找谁"},
		{Method: http.MethodGet, Path: "/v1/districts", ID: "list-districts",
			Roles: readers, Handler: route.Handle(s.listDistricts),
			EN: "Names of districts by their code of GB/T 2260",
			ZH: "行政区划代码 (GB/T 2260) 的名称"},
	}
}

type banksOutput struct{ Body wire.BanksPage }

func (s *registers) listBanks(context.Context, *struct{}) (*banksOutput, error) {
	out := &banksOutput{wire.BanksPage{Banks: []wire.Bank{}}}
	for _, b := range s.Banks.All() {
		out.Body.Banks = append(out.Body.Banks, wire.Bank(b))
	}
	return out, nil
}

type districtsOutput struct {
	Cache string `header:"Cache-Control"`
	Body  wire.DistrictsPage
}

func (s *registers) listDistricts(_ context.Context, in *struct {
	Of string `query:"of" pattern:"^([0-9]{2}|[0-9]{4})?$" example:"52" doc:"The first two digits: a province; four: a city. All without it"`
}) (*districtsOutput, error) {
	out := &districtsOutput{Cache: "private, max-age=86400", Body: wire.DistrictsPage{Districts: []wire.District{}}}
	for _, d := range event.Districts(in.Of) {
		out.Body.Districts = append(out.Body.Districts, wire.District(d))
	}
	return out, nil
}
