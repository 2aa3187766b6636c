package words

// names are the words of values that come from a fixed list, by group. In English
// a state is called what the API calls it.
var names = map[string]map[string]phrase{
	"stop": {
		"new": {"尚未建立", "not there yet"}, "proposed": {"待批准", "proposed"}, "rejected": {"不予批准", "rejected"},
		"requested": {"待银行反馈", "requested"}, "undelivered": {"银行未反馈", "undelivered"},
		"acknowledged": {"银行已受理", "acknowledged"}, "held": {"全额止付", "held"}, "partial": {"部分止付", "partial"},
		"missed": {"已转走", "missed"}, "mismatch": {"信息不符", "mismatch"}, "refused": {"银行拒绝", "refused"},
		"extended": {"延长止付", "extended"}, "frozen": {"已冻结", "frozen"}, "returning": {"返还中", "returning"},
		"returned": {"已返还", "returned"}, "released": {"已解除", "released"}, "expired": {"已到期", "expired"},
	},
	"return": {
		"proposed": {"已拟定", "proposed"}, "announced": {"公告中", "announced"}, "approved": {"已一人批准", "approved"},
		"instructed": {"已通知银行", "instructed"}, "completed": {"已完成", "completed"}, "withdrawn": {"已撤回", "withdrawn"},
	},
	"fraud": {
		"impersonated-authority":    {"冒充公检法", "impersonated authority"},
		"impersonated-service":      {"冒充客服退款", "impersonated service"},
		"task-rebate":               {"刷单返利", "task rebate"},
		"investment-romance":        {"虚假投资", "investment or romance"},
		"loan-advance-fee":          {"虚假贷款", "loan, fee in advance"},
		"impersonated-acquaintance": {"冒充领导熟人", "impersonated acquaintance"},
		"account-takeover":          {"账户盗用", "account taken over"},
		"mule-pass-through":         {"快进快出", "mule, passed through"},
		"mule-fan-in":               {"汇集", "mule, gathered"},
		"mule-fan-out":              {"分散", "mule, scattered"},
		"mule-awakened":             {"休眠激活", "mule, awakened"},
		"mule-ring":                 {"资金回流", "mule ring"},
		"sim-box":                   {"GoIP 窝点", "SIM box"},
		"mass-message":              {"群发短信", "mass messages"},
		"mule-network":              {"涉案网络", "network of a stopped account"},
		"possible-victim":           {"疑似被害人", "possible victim"},
		"watchlist":                 {"名单命中", "on the watchlist"},
		"other":                     {"其他", "other"},
	},
	"role": {
		"analyst": {"分析员", "analyst"}, "supervisor": {"主管", "supervisor"}, "police": {"民警", "police"},
		"bank": {"银行", "bank"}, "admin": {"管理员", "admin"},
	},
	// Who signs without being a person, and the keys that the demonstration makes.
	"author": {
		"scoring": {"系统识别", "scoring"}, "report": {"被害人报案", "report"}, "trail": {"资金追查", "trail"},
		"deadline": {"到期自动", "deadline"}, "ledger": {"系统并案", "ledger"}, "dispatch": {"系统发送", "dispatch"},
		"appeal": {"申诉成立", "appeal"}, "built-in": {"内置", "built-in"}, "kit": {"对接检验", "kit"},
		"analyst": {"分析员", "analyst"}, "supervisor": {"主管", "supervisor"}, "police": {"民警", "police"},
		"admin": {"管理员", "admin"},
	},
	"field": {
		"holder": {"户名", "holder"}, "number": {"账号", "number"}, "amount": {"金额", "amount"}, "time": {"时间", "time"},
	},
	// Why documents are refused: what the dead letters are counted by.
	"reason": {
		"too-large": {"文件过大", "too large"},
		"not-utf8":  {"编码不是 UTF-8", "not UTF-8"}, "not-json": {"不是 JSON", "not JSON"},
		"unknown-kind": {"类型未知", "unknown kind"}, "wrong-topic": {"主题不符", "wrong topic"},
		"missing-field": {"缺少必填项", "a field is missing"}, "bad-value": {"取值有误", "a value that cannot be"},
		"bad-amount": {"金额有误", "an amount that cannot be"}, "unknown-currency": {"币种未知", "unknown currency"},
		"unknown-bank": {"未登记的银行", "unknown bank"}, "conflict": {"与首次报送不一致", "says something else than the first"},
		"bad-time": {"时间格式有误", "no time"}, "too-old": {"时间过早", "too old"}, "too-far-ahead": {"时间超前", "too far ahead"},
		"unreadable": {"无法读取", "unreadable"},
		"too-long":   {"内容过长", "too long"}, "unknown-field": {"字段未知", "unknown field"},
	},
}
