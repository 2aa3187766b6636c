package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/stream/event"
)

// registerRoutes hand out what codes mean: banks, and who answers there; districts.
func (s *server) registerRoutes(api huma.API) {
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/banks", "list-banks",
		"The banks that are known: their names, and whom to telephone there", readers), s.listBanks)
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/districts", "list-districts",
		"Names of districts by their code of GB/T 2260", readers), s.listDistricts)
}

// BankDocument is a bank as the register has it.
type BankDocument struct {
	Code    string `json:"code" example:"PCBC"`
	ZH      string `json:"zh" example:"中国建设银行"`
	EN      string `json:"en" example:"China Construction Bank"`
	Hotline string `json:"hotline,omitempty" example:"95533" doc:"Where a person is reached who can stop an account"`
	OnDuty  string `json:"on_duty,omitempty" example:"风险监控中心 24 小时" doc:"Who that is, or when"`
}

// BanksPage is the register of banks.
type BanksPage struct {
	Banks []BankDocument `json:"banks" nullable:"false"`
}

func (s *server) listBanks(context.Context, *struct{}) (*struct{ Body BanksPage }, error) {
	out := &struct{ Body BanksPage }{BanksPage{[]BankDocument{}}}
	for _, b := range s.Banks.All() {
		out.Body.Banks = append(out.Body.Banks, BankDocument(b))
	}
	return out, nil
}

// DistrictsPage is the register of districts.
type DistrictsPage struct {
	Districts []DistrictDocument `json:"districts" nullable:"false"`
}

// DistrictDocument is a district.
type DistrictDocument struct {
	Code string `json:"code" example:"520103"`
	Name string `json:"name" example:"云岩区"`
}

type districtsOutput struct {
	Cache string `header:"Cache-Control"`
	Body  DistrictsPage
}

func (s *server) listDistricts(_ context.Context, in *struct {
	Of string `query:"of" pattern:"^([0-9]{2}|[0-9]{4})?$" example:"52" doc:"The first two digits: a province; four: a city. All without it"`
}) (*districtsOutput, error) {
	out := &districtsOutput{Cache: "private, max-age=86400", Body: DistrictsPage{[]DistrictDocument{}}}
	for _, d := range event.Districts(in.Of) {
		out.Body.Districts = append(out.Body.Districts, DistrictDocument(d))
	}
	return out, nil
}
