package center

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/stream/event"
)

// reports takes what victims say.
type reports struct{ *base }

func (s *reports) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodPost, Path: "/v1/reports", ID: "report",
			Roles: center, Errors: []int{409, 413, 422, 503},
			Handler: route.Handle(s.report), Describe: describeReport,
			EN: "A victim's report opens a case and its stops",
			ZH: "被害人报案：建单并发起止付"},
	}
}

// describeReport says what the answers are.
func describeReport(api huma.API, op *huma.Operation) {
	route.OwnRules(api, op)
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	op.Responses["202"] = &huma.Response{Description: "The report is in the log, and this is the case that it will be " +
		"noted in; its stops follow"}
}

type reportInput struct {
	Body    wire.ReportBody
	RawBody []byte
}

func (s *reports) report(ctx context.Context, in *reportInput) (*caseOutput, error) {
	return s.takeReport(ctx, in.RawBody)
}

// caseWait is how long a report is waited for to come back as a case, before its case
// is named all the same: it is in the log by then, and nothing can lose it.
const caseWait = time.Second

// takeReport sends a report the way of any source's, and waits a moment for its case.
// Where that takes longer the answer says what is known: 202, and the case that will
// be.
func (s *base) takeReport(ctx context.Context, raw []byte) (*caseOutput, error) {
	var e event.Event
	if err := s.Parser.ParseAs("report", raw, s.Clock(), &e); err != nil {
		return nil, wire.NewProblem(http.StatusUnprocessableEntity, "report.refused").With(err)
	}
	if e.Kind != event.KindReport {
		return nil, wire.BadField("body.kind", "field.kind", "kind", "report")
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, wire.NewProblem(http.StatusUnprocessableEntity, "request.object")
	}
	fields["kind"] = json.RawMessage(`"report"`)
	doc, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	id, digest := e.Report.Source+":"+e.ID, e.Report.Digest()
	if out, err := s.reported(ctx, id, digest); out != nil || err != nil {
		return out, err
	}
	if err := s.Intake.Report(ctx, e.ID, doc); err != nil {
		return nil, s.fail.Log(ctx, err)
	}
	deadline := time.Now().Add(caseWait)
	for time.Now().Before(deadline) && ctx.Err() == nil {
		if out, err := s.reported(ctx, id, digest); out != nil || err != nil {
			return out, err
		}
		time.Sleep(5 * time.Millisecond)
	}
	return s.coming(ctx, &e), nil
}

// coming is the case of a report that is in the log and not yet noted.
func (s *base) coming(ctx context.Context, e *event.Event) *caseOutput {
	c := &ledger.Case{ID: event.CaseID(e.Report.Owner), OpenedAt: e.At, State: desk.CaseOpen}
	if known := s.Ledger.Case(c.ID); known != nil {
		c = known
	}
	return &caseOutput{http.StatusAccepted, tag(c.Version), wire.NewCase(ctx, s.Ledger, c)}
}

// reported is the case of a report that is noted; nil while it is not.
func (s *base) reported(ctx context.Context, id, digest string) (*caseOutput, error) {
	switch caseID, differs := s.Ledger.CaseOfReport(id, digest); {
	case differs:
		return nil, route.Refuse("version.report", "report", id, "case", caseID)
	case caseID != "":
		s.reviews.changed()
		return s.caseOutput(ctx, caseID)
	}
	return nil, nil
}
