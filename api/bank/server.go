package bank

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"stopline.internal/api/access"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/stream/event"
)

// Screener asks scoring about one transfer, through the log.
type Screener interface {
	// Screen sends the document and waits until every leg of it is scored, or
	// the context ends.
	Screen(ctx context.Context, document []byte, e *event.Event) (*scoring.Verdict, error)
}

// Screening says how long a bank waits at most, and what it is told then.
type Screening struct {
	Deadline time.Duration
	Default  string // allow, hold, stop
}

// DefaultScreening lets a payment go that could not be looked at in time: a
// center that would rather hold it says so. The deadline is ours.
var DefaultScreening = Screening{Deadline: 300 * time.Millisecond, Default: "allow"}

// Dependencies are what the routes work with.
type Dependencies struct {
	Ledger    *ledger.Ledger
	Log       route.Log
	Taints    route.Taints
	Screener  Screener
	Screening Screening
	Banks     *event.Banks // that are known
	Parser    *event.Parser
	Clock     func() event.Instant
	Logger    *slog.Logger
}

// Server answers a bank's own system.
type Server struct {
	Dependencies

	record  *route.Record
	fail    route.Failures
	waiters route.Waiters
}

// New fails where a dependency is missing.
func New(d Dependencies) (*Server, error) {
	if err := route.Require("api/bank", d); err != nil {
		return nil, err
	}
	fail := route.Failures{Logger: d.Logger}
	return &Server{Dependencies: d, fail: fail, record: &route.Record{Log: d.Log, Taints: d.Taints, Failures: fail}}, nil
}

var bank = []access.Role{access.Bank}

// Routes is what a bank's system may do.
func (s *Server) Routes() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Path: "/v1/bank/stops", ID: "bank-stops",
			Roles: bank, Errors: []int{422, 429},
			Handler: route.Handle(s.bankStops), Describe: inBothForms[wire.StopsPage],
			EN: "The stops that wait for this bank, oldest first; with wait, the answer comes when there is " +
				"one. As application/xml: camt.056",
			ZH: "等待本行处理的止付，最早的在前；带 wait 时有新止付才答复。application/xml 为 camt.056"},
		{Method: http.MethodGet, Path: "/v1/bank/stops/{id}", ID: "bank-stop",
			Roles: bank, Errors: []int{404}, Handler: route.Handle(s.bankStop), Describe: inBothForms[wire.Stop],
			EN: "One stop of this bank, as it is now. As application/xml: camt.056",
			ZH: "本行的一笔止付的现状。application/xml 为 camt.056"},
		{Method: http.MethodPost, Path: "/v1/bank/stops/{id}/acknowledgement", ID: "acknowledge",
			Roles: bank, Errors: []int{404, 409, 503}, Handler: route.Handle(s.acknowledge),
			EN: "The bank has the stop and works on it",
			ZH: "银行已收到止付并开始处理"},
		{Method: http.MethodPost, Path: "/v1/bank/stops/{id}/outcome", ID: "answer",
			Roles: bank, Errors: []int{404, 409, 422, 503}, Handler: route.Handle(s.answer),
			EN: "What became of the stop",
			ZH: "止付的结果"},
		{Method: http.MethodPost, Path: "/v1/bank/stops/{id}/sweeps", ID: "sweep",
			Roles: bank, Errors: []int{404, 409, 422, 503}, Handler: route.Handle(s.sweep),
			EN: "A later credit to the account is held for the rest of the claim",
			ZH: "账户后来的入账在剩余额度内继续控制"},
		{Method: http.MethodPost, Path: "/v1/bank/stops/{id}/return", ID: "confirm-return",
			Roles: bank, Errors: []int{404, 409, 422, 503}, Handler: route.Handle(s.confirmReturn),
			EN: "The bank has paid back what it was told to, or could not",
			ZH: "银行已按指令返还，或无法返还"},
		{Method: http.MethodGet, Path: "/v1/bank/stops/stream", ID: "bank-stream",
			Roles: bank, Errors: []int{422, 429}, Handler: route.Handle(s.openStream), Describe: describeStream,
			EN: "Server-sent events: each is a message as a webhook would carry it (stop.requested, " +
				"stop.extended, stop.frozen, stop.changed, stop.released, stop.expired, return.instructed). " +
				"What is open comes first, without ids; the event named current ends it and has the id to go on " +
				"behind. An event named reset says that the place asked for is no longer kept: what is open " +
				"follows, up to the next current",
			ZH: "服务器推送事件：与 webhook 相同的消息（stop.requested、stop.extended、" +
				"stop.frozen、stop.changed、stop.released、stop.expired、" +
				"return.instructed）。事件 reset 表示所请求的位置已不保留，随后是全部未结事项"},
		{Method: http.MethodPost, Path: "/v1/bank/messages", ID: "iso-message",
			Roles: bank, Errors: []int{404, 409, 413, 422, 503},
			Handler: route.Handle(s.isoMessage), Describe: describeMessage,
			EN: "Answers as ISO 20022, alone or in an envelope with their header: camt.029.001.09 (CNCL held, " +
				"PECR partial, PDCR acknowledged, RJCR with AM04 or PTNA missed, with NOOR, AC01 or BE01 " +
				"mismatch, with any other reason refused), pacs.004.001.09 (paid back)",
			ZH: "以 ISO 20022 答复：camt.029.001.09（CNCL 已止付，PECR 部分，PDCR " +
				"已收到，RJCR 带 AM04 或 PTNA 为未及，带 NOOR、AC01 或 BE01 " +
				"为不符，其他理由为拒绝），pacs.004.001.09（已返还）"},
		{Method: http.MethodPost, Path: "/v1/screenings", ID: "screen",
			Roles: bank, Errors: []int{403, 413, 422, 503},
			Handler: route.Handle(s.screen), Describe: route.OwnRules,
			EN: "May this transfer go? It is scored once, through the same log as every other; after the " +
				"deadline the answer is the configured default, and says so",
			ZH: "这笔转账可否放行：经同一日志评分一次；超过时限则按配置的默认答复，并注明"},
	}
}
