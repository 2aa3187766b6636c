package event

// OtherFraud is the type of fraud of a document whose own is not known.
const OtherFraud = "other"

// frauds are the types of fraud that documents may name, with their Chinese
// names: those of the reports' forms, and those that scoring gives by itself.
var frauds = map[string]string{
	"impersonated-authority":    "冒充公检法",
	"impersonated-service":      "冒充客服退款",
	"task-rebate":               "刷单返利",
	"investment-romance":        "虚假投资",
	"loan-advance-fee":          "虚假贷款",
	"impersonated-acquaintance": "冒充领导熟人",
	"account-takeover":          "账户盗用",
	"mule-pass-through":         "快进快出",
	"mule-fan-in":               "汇集",
	"mule-fan-out":              "分散",
	"mule-awakened":             "休眠激活",
	"mule-ring":                 "资金回流",
	"mule-network":              "涉案网络",
	"sim-box":                   "GoIP 窝点",
	"mass-message":              "群发短信",
	"possible-victim":           "疑似被害人",
	"watchlist":                 "名单命中",
	OtherFraud:                  "其他",
}

// Fraud is the Chinese name of a type of fraud; empty where the type is not known.
func Fraud(kind string) string { return frauds[kind] }

// FraudOf is a type of fraud as it is kept: what nobody knows is [OtherFraud], so
// that statistics have no line for each way of writing. Known says whether it was.
func FraudOf(kind string) (kept string, known bool) {
	if kind != "" && frauds[kind] == "" {
		return OtherFraud, false
	}
	return kind, true
}
