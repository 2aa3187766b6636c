package wire

// Bank is a bank as the register has it.
type Bank struct {
	Code    string `json:"code" example:"PCBC"`
	ZH      string `json:"zh" example:"中国建设银行"`
	EN      string `json:"en" example:"China Construction Bank"`
	Hotline string `json:"hotline,omitempty" example:"95533" doc:"Where a person is reached who can stop an account"`
	OnDuty  string `json:"on_duty,omitempty" example:"风险监控中心 24 小时" doc:"Who that is, or when"`
}

// BanksPage is the register of banks.
type BanksPage struct {
	Banks []Bank `json:"banks" nullable:"false"`
}

// DistrictsPage is the register of districts.
type DistrictsPage struct {
	Districts []District `json:"districts" nullable:"false"`
}

// District is a district.
type District struct {
	Code string `json:"code" example:"520103"`
	Name string `json:"name" example:"云岩区"`
}
