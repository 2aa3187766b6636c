package center

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/stream/event"
)

// reports takes what victims say.
type reports struct{ *base }

func (s *reports) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodPost, Path: "/v1/reports", ID: "report",
			Roles: center, Errors: []int{409, 413, 422, 503},
			Handler: route.Handle(s.report), Describe: route.OwnRules,
			EN: "A victim's report opens a case and its stops",
			ZH: "被害人报案：建单并发起止付"},
	}
}

type reportInput struct {
	Body    wire.ReportBody
	RawBody []byte
}

func (s *reports) report(ctx context.Context, in *reportInput) (*caseOutput, error) {
	return s.takeReport(ctx, in.RawBody)
}

// caseWait is how long a report may take to come back as a case.
const caseWait = 10 * time.Second

// takeReport sends a report the way of any source's, and waits for its case.
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
	return nil, wire.NewProblem(http.StatusServiceUnavailable, "unavailable.case")
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
