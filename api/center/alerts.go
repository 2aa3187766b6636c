package center

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"stopline.internal/api/access"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/stream/event"
)

// alerts is what people do about single alerts.
type alerts struct{ *base }

func (s *alerts) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Path: "/v1/alerts", ID: "list-alerts",
			Roles: center, Errors: []int{422, 503}, Handler: route.Handle(s.listAlerts),
			EN: "Alerts, newest first",
			ZH: "预警，最新的在前"},
		{Method: http.MethodGet, Path: "/v1/alerts/{id}", ID: "get-alert",
			Roles: center, Errors: []int{404, 503}, Handler: route.Handle(s.getAlert),
			EN: "One alert with the values that each pattern saw",
			ZH: "一个预警及各规则所见的值"},
		{Method: http.MethodPost, Path: "/v1/alerts/{id}/claim", ID: "claim-alert",
			Roles: center, Errors: []int{404, 409, 422, 503}, Handler: route.Handle(s.work(desk.TaskClaimed)),
			EN: "Take an alert, or a stop that no alert asked for, with its whole case: it is yours for ten " +
				"minutes; again: ten more",
			ZH: "领取一个预警，或一笔没有预警的止付：十分钟内归你，再次领取再加十分钟"},
		{Method: http.MethodPost, Path: "/v1/alerts/{id}/unclaim", ID: "unclaim-alert",
			Roles: center, Errors: []int{404, 409, 422, 503}, Handler: route.Handle(s.work(desk.TaskOpen)),
			EN: "Give an alert back",
			ZH: "放回预警"},
		{Method: http.MethodPost, Path: "/v1/alerts/{id}/escalation", ID: "escalation-alert",
			Roles: center, Errors: []int{404, 409, 422, 503}, Handler: route.Handle(s.work(desk.TaskEscalated)),
			EN: "Hand an alert to a supervisor",
			ZH: "把预警上报主管"},
		{Method: http.MethodPost, Path: "/v1/alerts/{id}/dismissal", ID: "dismiss-alert",
			Roles: center, Errors: []int{404, 409, 422, 503}, Handler: route.Handle(s.dismiss),
			EN: "Say what an alert was: it teaches how good its patterns are",
			ZH: "判定预警的性质：用于衡量模式的准确率"},
		{Method: http.MethodPost, Path: "/v1/alerts/{id}/report", ID: "report-alert",
			Roles: center, Errors: []int{404, 409, 422, 503}, Handler: route.Handle(s.reportAlert),
			EN: "The payer has confirmed the fraud: the alert's payment is taken as a victim's report, with its " +
				"stop",
			ZH: "付款人已确认受骗：按报案处理，止付该笔付款"},
	}
}

type alertsOutput struct{ Body wire.AlertsPage }

func (s *alerts) listAlerts(ctx context.Context, in *struct {
	wire.Page
	Action string `query:"action" enum:"warn,review,stop"`
}) (*alertsOutput, error) {
	var before event.Instant
	id := ""
	if in.After != "" {
		ms, rest, _ := strings.Cut(in.After, "_")
		n, err := strconv.ParseInt(ms, 10, 64)
		if err != nil {
			return nil, wire.NewProblem(http.StatusUnprocessableEntity, "request.page")
		}
		before, id = event.Instant(n), rest
	}
	docs, err := s.Warehouse.Alerts(ctx, before, id, in.Action, in.Limit)
	if err != nil {
		return nil, s.fail.Books(ctx, err)
	}
	out := &alertsOutput{}
	out.Body.Alerts = []wire.RawAlert{}
	for _, d := range docs {
		out.Body.Alerts = append(out.Body.Alerts, wire.RawAlert(d))
	}
	if len(docs) == in.Limit {
		var last struct {
			ID string        `json:"id"`
			At event.Instant `json:"at"`
		}
		if err := json.Unmarshal([]byte(docs[len(docs)-1]), &last); err == nil {
			out.Body.Next = fmt.Sprintf("%d_%s", last.At, last.ID)
		}
	}
	return out, nil
}

type alertOutput struct{ Body wire.RawAlert }

func (s *alerts) getAlert(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"64"`
}) (*alertOutput, error) {
	doc, err := s.Warehouse.Alert(ctx, in.ID)
	if err != nil {
		return nil, s.fail.Books(ctx, err)
	}
	if doc == "" {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.alert", "alert", in.ID)
	}
	return &alertOutput{wire.RawAlert(doc)}, nil
}

type workInput struct {
	ID   string `path:"id" maxLength:"64" example:"alt_2Q0J7Z1K8M5N3P6R9S4T7V1W2X" doc:"Of an alert, or of a stop that no alert asked for"`
	Body wire.WorkBody
}

type workOutput struct{ Body wire.Task }

// work notes who works on an alert.
func (s *alerts) work(to desk.TaskState) func(context.Context, *workInput) (*workOutput, error) {
	return func(ctx context.Context, in *workInput) (*workOutput, error) { return s.worked(ctx, to, in) }
}

func (s *alerts) worked(ctx context.Context, to desk.TaskState, in *workInput) (*workOutput, error) {
	if to == desk.TaskEscalated && strings.TrimSpace(in.Body.Reason) == "" {
		return nil, wire.BadField("body.reason", "field.why")
	}
	key, err := s.workKey(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	e := s.Ledger.Work(in.ID, key, to, s.Clock(), access.Who(ctx).Name, in.Body.Reason)
	if _, err := s.record.Append(ctx, e); err != nil {
		return nil, err
	}
	return &workOutput{wire.NewTask(s.Ledger.Task(in.ID), s.Clock())}, nil
}

// workKey is the case of an alert or a stop that somebody works on; the alert
// itself where it has none.
func (s *alerts) workKey(ctx context.Context, id string) (string, error) {
	if st := s.Ledger.Stop(id); st != nil {
		return st.CaseID, nil
	}
	a, err := s.alert(ctx, id)
	if err == nil {
		if st := s.Ledger.Stop(a.StopID); st != nil {
			return st.CaseID, nil
		}
		return cmp.Or(a.CaseID, a.ID), nil
	}
	for _, st := range s.Ledger.Watched() { // a stop is known before its alert is in the books
		if st.AlertID == id {
			return st.CaseID, nil
		}
	}
	return "", err
}

// alert is one that was looked at lately, or is in the books.
func (s *alerts) alert(ctx context.Context, id string) (*scoring.Alert, error) {
	if a, ok := s.reviews.decoded.Get(id); ok {
		return a, nil
	}
	doc, err := s.Warehouse.Alert(ctx, id)
	if err != nil {
		return nil, s.fail.Books(ctx, err)
	}
	var a scoring.Alert
	if doc == "" || json.Unmarshal([]byte(doc), &a) != nil {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.book-alert", "alert", id)
	}
	return &a, nil
}

// dismiss keeps what a person says of an alert.
func (s *alerts) dismiss(ctx context.Context, in *struct {
	ID   string `path:"id" maxLength:"64"`
	Body wire.VerdictBody
}) (*struct{}, error) {
	if s.Ledger.Stop(in.ID) != nil {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.stop-alert")
	}
	key, err := s.workKey(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if a, err := s.alert(ctx, in.ID); err == nil && in.Body.Verdict == desk.VerdictConfirmed {
		if id := subjectStop(a); id != "" && s.Ledger.Stop(cmp.Or(a.StopID, id)) == nil {
			return nil, route.Refuse("alert.confirmed", "alert", in.ID)
		}
	}
	e := s.Ledger.Work(in.ID, key, desk.TaskDismissed, s.Clock(), access.Who(ctx).Name, in.Body.Verdict)
	if _, err := s.record.Append(ctx, e); err != nil {
		return nil, err
	}
	return nil, s.verdict(ctx, in.ID, in.ID, in.Body)
}

// reportAlert takes an alert as its payer's report: of a fraud that is confirmed
// the payment is stopped, and a case is opened.
func (s *alerts) reportAlert(ctx context.Context, in *struct {
	ID   string `path:"id" maxLength:"64"`
	Body wire.ConfirmationBody
}) (*caseOutput, error) {
	a, err := s.alert(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	t := a.Transfer
	if subjectStop(a) == "" {
		return nil, route.Refuse("alert.no-payment", "entity", string(a.Entity))
	}
	doc, err := json.Marshal(wire.ReportBody{ID: a.ID, At: s.Clock().String(), Source: "96110", District: a.District,
		FraudType: a.FraudType, Victim: wire.ReportVictim{Holder: t.Payer.Holder, Phone: t.Payer.Phone},
		Transfers: []wire.ReportTransfer{{ID: t.ID, PayerAccount: t.Payer.Account, PayeeAccount: t.Payee.Account,
			PayeeBank: t.Payee.Bank, Amount: wire.Amount(t.Amount), Currency: string(t.Currency), At: t.At.String()}}})
	if err != nil {
		return nil, err
	}
	out, err := s.takeReport(ctx, doc)
	if err != nil {
		return nil, err
	}
	confirmed := wire.VerdictBody{Verdict: desk.VerdictConfirmed, Reason: in.Body.Reason}
	return out, s.verdict(ctx, out.Body.ID, a.ID, confirmed)
}

// subjectStop is the stop that the payment of an alert has, or would have.
func subjectStop(a *scoring.Alert) string {
	t := a.Transfer
	if t == nil || t.Payee.Account == "" {
		return ""
	}
	return event.StopID(event.TransferKey(t.Payer.Account, t.ID), t.Payee.Account)
}

// verdict appends to the ledger's log: what teaches is kept for ever. key is
// the case, or the alert where only that is judged.
func (s *base) verdict(ctx context.Context, key, alert string, v wire.VerdictBody) error {
	now, by := s.Clock(), access.Who(ctx).Name
	return s.record.Write(ctx, ledger.Entry{ID: event.DerivedID("evt", key, alert, v.Verdict, by, now.String()),
		CaseID: key, At: now, By: by, Reason: v.Reason, Verdict: &desk.Verdict{AlertID: alert, Verdict: v.Verdict}})
}
