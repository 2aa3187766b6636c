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
		"unknown-bank": {"未登记的银行", "unknown bank"},
		"bad-time":     {"时间格式有误", "no time"}, "too-old": {"时间过早", "too old"}, "too-far-ahead": {"时间超前", "too far ahead"},
		"too-long": {"内容过长", "too long"}, "unknown-field": {"字段未知", "unknown field"},
	},
}
