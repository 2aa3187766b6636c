// What the console says, in Chinese and English. A test finds what one of them
// lacks.
export const words = {
  zh: {
    queue: "队列", cases: "案件", statistics: "统计", operations: "运行", search: "账号、案件、止付编号…", leave: "退出", other: "EN", theme: "明暗", api: "接口",
    key: "API 密钥（分析员、主管、公安或管理员）", enter: "进入", where: "本机运行时，密钥由 make run 打印，保存在数据目录的 keys.json。", refused: "密钥无效，或角色无权查看。", lost: "自 {} 起无法连接，正在重试", live: "实时",
    new: "{} 条新预警", nothing: "暂无待处理。识别到诈骗或收到报案后，这里会出现。", choose: "选一条，右侧显示案件。", claim: "领取", unclaim: "放回", escalate: "上报", dismiss: "排除", approve: "批准", reject: "不批准", freeze: "冻结", extend: "续止", release: "解除",
    confirmed: "确认诈骗", useful: "有用，非诈骗", "false-alarm": "误报", claimed: "{} 处理中", escalated: "已上报", held: "控制", stolen: "金额", since: "距转账", left: "剩余", score: "分数",
    case: "案件", amounts: "金额", reported: "报案", requested_: "请求止付", traced: "追踪", frozen_: "冻结", returned_: "返还", released_: "解除", lapsed: "到期", trail: "资金去向", stops: "止付", reports: "报案", account: "账户", bank: "银行", hop: "层级", amount: "金额", state: "状态", action: "操作",
    returns: "返还", propose: "拟定返还", document: "打印件", notice: "告知书", notrail: "尚无资金去向。", nocases: "暂无案件。", members: "并案 {} 起", opened: "立案", progress: "进展", arrests: "抓获", open: "侦办中", investigating: "侦查中", solved: "已破", closed: "已结",
    from: "自", to: "至", show: "显示", month: "按月", day: "按日", district: "按地区", fraud_type: "按类型", banks: "按银行", hops: "按层级", funnel: "从报案到返还", minutes: "止付成功与距转账分钟数", monthly: "月报", download: "下载", line: "破案 {} 起，抓获 {} 人，止付 {}，返还 {}", heldchart: "请求与止付金额", answer: "银行答复（秒，中位 / 90% / 99%）",
    duties: "待办", due: "期限", what: "事项", noduties: "没有待办。", health: "运行指标", lag: "积压", dead: "死信", delivered: "送达", verify: "核对账目", right: "账目相符：{} 笔止付", wrong: "{} 处不符", behind: "{} 笔在途，稍后再核对", overdue: "逾期",
    proposed: "待批准", requested: "已发出", undelivered: "未答复", acknowledged: "已接收", partial: "部分止付", missed: "已转走", mismatch: "信息不符", refused_s: "拒绝", rejected: "不予批准", extended: "续止", frozen: "已冻结", returning: "返还中", returned: "已返还", released: "已解除", expired: "已到期", held_s: "全额止付",
    cash: "取现", merchant: "商户", small: "金额小", deep: "层级深", review: "复核", stop: "止付", done: "已完成", failed: "未成功：{}", keys: "j/k 移动 · c 领取 · d 排除 · e 上报 · a 批准 · / 搜索", none: "没有找到 {}", cancel: "取消", reason: "理由", by: "由", timeline: "通话与转账", seen: "命中与所见", transfers: "转账",
  },
  en: {
    queue: "Queue", cases: "Cases", statistics: "Statistics", operations: "Operations", search: "account, case, stop id…", leave: "Leave", other: "中文", theme: "Light or dark", api: "API",
    key: "API key (analyst, supervisor, police or admin)", enter: "Enter", where: "In a local run, make run prints the keys; they are in keys.json of the data directory.", refused: "The key is not known, or its role may not see this.", lost: "no answer since {}; trying again", live: "live",
    new: "{} new", nothing: "Nothing waits. What is recognised or reported appears here.", choose: "Choose one: its case is shown here.", claim: "Claim", unclaim: "Give back", escalate: "Escalate", dismiss: "Dismiss", approve: "Approve", reject: "Reject", freeze: "Freeze", extend: "Extend", release: "Release",
    confirmed: "Confirmed fraud", useful: "Useful, no fraud", "false-alarm": "False alarm", claimed: "{} works on it", escalated: "escalated", held: "held", stolen: "amount", since: "since transfer", left: "left", score: "score",
    case: "Case", amounts: "Amounts", reported: "Reported", requested_: "Requested", traced: "Traced", frozen_: "Frozen", returned_: "Returned", released_: "Released", lapsed: "Lapsed", trail: "Where the money went", stops: "Stops", reports: "Reports", account: "Account", bank: "Bank", hop: "Hop", amount: "Amount", state: "State", action: "Action",
    returns: "Returns", propose: "Work a return out", document: "Document", notice: "Notice", notrail: "No trail yet.", nocases: "No cases yet.", members: "with {} cases that are part of it", opened: "opened", progress: "Progress", arrests: "arrests", open: "open", investigating: "investigating", solved: "solved", closed: "closed",
    from: "From", to: "to", show: "Show", month: "by month", day: "by day", district: "by district", fraud_type: "by type of fraud", banks: "by bank", hops: "by hop", funnel: "From reported to returned", minutes: "Success, by minutes since the transfer", monthly: "Monthly report", download: "Download", line: "{} solved, {} arrested, {} stopped, {} returned", heldchart: "Requested and held", answer: "Banks' answers (seconds: median / 90th / 99th)",
    duties: "What waits for a person", due: "Due", what: "What", noduties: "Nothing waits.", health: "Health", lag: "Lag", dead: "Dead letters", delivered: "Delivered", verify: "Check the books", right: "the books are right: {} stops", wrong: "{} differences", behind: "{} on their way; ask again", overdue: "overdue",
    proposed: "for approval", requested: "requested", undelivered: "no answer", acknowledged: "acknowledged", partial: "partly held", missed: "gone", mismatch: "mismatch", refused_s: "refused", rejected: "rejected", extended: "extended", frozen: "frozen", returning: "going back", returned: "returned", released: "released", expired: "lapsed", held_s: "held",
    cash: "cash", merchant: "merchant", small: "small", deep: "deep", review: "review", stop: "stop", done: "done", failed: "failed: {}", keys: "j/k move · c claim · d dismiss · e escalate · a approve · / search", none: "nothing found for {}", cancel: "Cancel", reason: "Reason", by: "by", timeline: "Calls and payments", seen: "What was seen", transfers: "Transfers",
  },
};
