package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
)

// patternRoutes are those of the catalogue: read it, check it, publish it, and
// see how its patterns turned out.
func (s *server) patternRoutes(api huma.API) {
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/patterns", "get-patterns", "The catalogue in force", center, 404), s.getPatterns)
	put := s.operation(api, http.MethodPut, "/v1/patterns", "publish-patterns", "Publish a catalogue alone, when there is no time for a second person: it is checked, and swapped in without losing an event", []Role{Admin}, 412, 422, 503)
	huma.Register(api, put, s.publishPatterns)
	s.proposalRoutes(api)
	s.backtestRoute(api)
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/patterns/check", "check-patterns", "Check a catalogue and say everything that is wrong with it", center, 422), s.checkPatterns)
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/patterns/versions", "list-pattern-versions", "Every catalogue that was published, newest first", center), s.listVersions)
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/patterns/versions/{version}", "get-pattern-version", "One of them, as it was written", center, 404), s.getVersion)
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/patterns/statistics", "pattern-statistics", "How the patterns' alerts turned out, by week: what people confirmed, and what was a false alarm", readers, 422, 503), s.patternStatistics)
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/alerts/{id}/dismissal", "dismiss-alert", "Say what an alert was: it teaches how good its patterns are", center, 404, 409, 422, 503), s.dismiss)
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/alerts/{id}/report", "report-alert",
		"The payer has confirmed the fraud: the alert's payment is taken as a victim's report, with its stop", center, 404, 409, 422, 503), s.reportAlert)
}

// CatalogueDocument is a version of the catalogue.
type CatalogueDocument struct {
	Version     string            `json:"version" example:"d2cea1af1a80"`
	PublishedAt string            `json:"published_at" format:"date-time"`
	By          string            `json:"by"`
	Reason      string            `json:"reason,omitempty"`
	Patterns    []PatternDocument `json:"patterns,omitempty"`
	Text        string            `json:"text,omitempty" doc:"As it was written: YAML"`
	Unusable    string            `json:"unusable,omitempty" doc:"Why this program cannot follow it; what was in force before stays"`
}

// PatternDocument is one pattern.
type PatternDocument struct {
	ID        string   `json:"id"`
	NameZH    string   `json:"name_zh"`
	NameEN    string   `json:"name_en"`
	FraudType string   `json:"fraud_type"`
	On        []string `json:"on"`
	When      string   `json:"when"`
	Weight    float64  `json:"weight"`
	Then      string   `json:"then" enum:"warn,review,stop"`
	Stage     string   `json:"stage" enum:"live,shadow"`
	Grade     string   `json:"grade"`
	Source    string   `json:"source"`
}

func catalogueDocument(p scoring.Published, whole bool) CatalogueDocument {
	d := CatalogueDocument{Version: p.Version, PublishedAt: p.At.String(), By: p.By, Reason: p.Reason, Unusable: p.Unusable}
	if !whole {
		return d
	}
	d.Text = p.Text
	c, err := scoring.ParseCatalogue("the published catalogue", []byte(p.Text))
	if err != nil {
		return d
	}
	for _, pt := range c.Patterns {
		stage := "live"
		if pt.Shadow {
			stage = "shadow"
		}
		d.Patterns = append(d.Patterns, PatternDocument{pt.ID, pt.Name.ZH, pt.Name.EN, pt.FraudType, pt.Legs(), pt.When, pt.Weight, pt.Then.String(), stage, pt.Grade, pt.Source})
	}
	return d
}

type catalogueOutput struct {
	ETag string `header:"ETag"`
	Body CatalogueDocument
}

func newCatalogueOutput(p scoring.Published) *catalogueOutput {
	return &catalogueOutput{strconv.Quote(p.Version), catalogueDocument(p, true)}
}

func (s *server) getPatterns(context.Context, *struct{}) (*catalogueOutput, error) {
	p, ok := s.Book.Current()
	if !ok {
		return nil, problem(http.StatusNotFound, "not-found.catalogue")
	}
	return newCatalogueOutput(p), nil
}

// checked reads a catalogue, or answers with everything that is wrong in it.
func checked(text []byte) (*scoring.Catalogue, error) {
	c, err := scoring.ParseCatalogue("catalogue.yaml", text)
	if err == nil && len(c.Patterns) == 0 {
		return nil, problem(http.StatusUnprocessableEntity, "catalogue.empty")
	}
	if err == nil {
		return c, nil
	}
	var errs []error
	for line := range strings.SplitSeq(err.Error(), "\n") {
		errs = append(errs, errors.New(line))
	}
	return nil, problem(http.StatusUnprocessableEntity, "catalogue.refused").with(errs...)
}

// CatalogueInput is a catalogue as it is written.
type CatalogueInput struct {
	RawBody []byte `contentType:"application/yaml" doc:"The whole catalogue, YAML"`
}

// CatalogueCheck is what a catalogue would be, were it published.
type CatalogueCheck struct {
	Version  string `json:"version"`
	Patterns int    `json:"patterns"`
}

type checkOutput struct{ Body CatalogueCheck }

func (s *server) checkPatterns(_ context.Context, in *CatalogueInput) (*checkOutput, error) {
	c, err := checked(in.RawBody)
	if err != nil {
		return nil, err
	}
	out := &checkOutput{}
	out.Body.Version, out.Body.Patterns = c.Version, len(c.Patterns)
	return out, nil
}

// PublishInput is a catalogue that is to be in force.
type PublishInput struct {
	CatalogueInput
	IfMatch string `header:"If-Match" doc:"The ETag of the catalogue that was changed; another one in force answers 412"`
	Reason  string `query:"reason" maxLength:"256" doc:"Why, for those who read the versions"`
}

func (s *server) publishPatterns(ctx context.Context, in *PublishInput) (*catalogueOutput, error) {
	c, err := s.changed(in)
	if err != nil {
		return nil, err
	}
	if now, _ := s.Book.Current(); now.Version == c.Version {
		return newCatalogueOutput(now), nil
	}
	return s.publish(ctx, c.Version, event.Control{What: event.ControlCatalogue, Text: c.Text, By: who(ctx).Name, Reason: in.Reason})
}

// CataloguesPage is a list of the catalogue's versions.
type CataloguesPage struct {
	Versions []CatalogueDocument `json:"versions" nullable:"false"`
}

type versionsOutput struct{ Body CataloguesPage }

func (s *server) listVersions(context.Context, *struct{}) (*versionsOutput, error) {
	out := &versionsOutput{}
	out.Body.Versions = []CatalogueDocument{}
	for _, p := range s.Book.Versions() {
		out.Body.Versions = append(out.Body.Versions, catalogueDocument(p, false))
	}
	return out, nil
}

func (s *server) getVersion(_ context.Context, in *struct {
	Version string `path:"version" maxLength:"64"`
}) (*catalogueOutput, error) {
	p, ok := s.Book.Version(in.Version)
	if !ok {
		return nil, problem(http.StatusNotFound, "not-found.version", "version", in.Version)
	}
	return newCatalogueOutput(p), nil
}

// PatternStatistic is how one pattern's alerts turned out.
type PatternStatistic struct {
	Pattern    string        `json:"pattern"`
	Alerts     uint64        `json:"alerts"`
	Stops      uint64        `json:"stops" doc:"Alerts that asked for a stop"`
	Confirmed  uint64        `json:"confirmed" doc:"By a person, a case's outcome or a victim's report"`
	FalseAlarm uint64        `json:"false_alarms"`
	Useful     uint64        `json:"useful" doc:"No fraud, and right to look at: counts neither way"`
	Open       uint64        `json:"open" doc:"Nobody has said yet"`
	Precision  *float64      `json:"precision" doc:"confirmed / (confirmed + false alarms); null while nobody has said anything"`
	Weeks      []PatternWeek `json:"weeks"`
}

// PatternWeek is one week of it.
type PatternWeek struct {
	Week       string `json:"week" format:"date" doc:"Its Monday"`
	Alerts     uint64 `json:"alerts"`
	Confirmed  uint64 `json:"confirmed"`
	FalseAlarm uint64 `json:"false_alarms"`
}

func patternStatistics(rows []warehouse.PatternOutcome) []PatternStatistic {
	out := []PatternStatistic{}
	for _, r := range rows {
		if len(out) == 0 || out[len(out)-1].Pattern != r.Pattern {
			out = append(out, PatternStatistic{Pattern: r.Pattern, Weeks: []PatternWeek{}})
		}
		p := &out[len(out)-1]
		p.Alerts += r.Alerts
		p.Stops += r.Stops
		p.Confirmed += r.Confirmed
		p.FalseAlarm += r.False
		p.Useful += r.Useful
		p.Open += r.Alerts - r.Confirmed - r.False - r.Useful
		p.Weeks = append(p.Weeks, PatternWeek{r.Week.Format(time.DateOnly), r.Alerts, r.Confirmed, r.False})
	}
	for i := range out {
		if p := &out[i]; p.Confirmed+p.FalseAlarm > 0 {
			v := float64(p.Confirmed) / float64(p.Confirmed+p.FalseAlarm)
			p.Precision = &v
		}
	}
	return out
}

// PatternStatistics are how the patterns' alerts of some days turned out.
type PatternStatistics struct {
	From     string             `json:"from" format:"date-time"`
	To       string             `json:"to" format:"date-time"`
	Patterns []PatternStatistic `json:"patterns" nullable:"false"`
}

type patternStatisticsOutput struct{ Body PatternStatistics }

func (s *server) patternStatistics(ctx context.Context, in *struct {
	From string `query:"from" example:"2026-11-01" doc:"First day; 90 days ago without it"`
	To   string `query:"to" example:"2026-12-01" doc:"The day after the last; tomorrow without it"`
}) (*patternStatisticsOutput, error) {
	day := func(field, s string, otherwise event.Instant) (event.Instant, error) {
		if s == "" {
			return otherwise, nil
		}
		t, err := time.ParseInLocation(time.DateOnly, s, event.Zone)
		if err != nil {
			return 0, fieldError("query."+field, "field.day")
		}
		return event.InstantOf(t), nil
	}
	now := s.Clock()
	from, err := day("from", in.From, now.Add(-90*24*time.Hour))
	if err != nil {
		return nil, err
	}
	to, err := day("to", in.To, now.Add(24*time.Hour))
	if err != nil {
		return nil, err
	}
	rows, err := s.Warehouse.PatternOutcomes(ctx, from, to)
	if err != nil {
		return nil, s.unavailableBooks(ctx, err)
	}
	out := &patternStatisticsOutput{}
	out.Body.From, out.Body.To, out.Body.Patterns = from.String(), to.String(), patternStatistics(rows)
	return out, nil
}

// VerdictBody is what somebody found out.
type VerdictBody struct {
	Verdict string `json:"verdict" enum:"confirmed,useful,false-alarm" doc:"useful: no fraud, and right to look at"`
	Reason  string `json:"reason,omitempty" maxLength:"256"`
}

// dismiss keeps what a person says of an alert.
func (s *server) dismiss(ctx context.Context, in *struct {
	ID   string `path:"id" maxLength:"64"`
	Body VerdictBody
}) (*struct{}, error) {
	if s.Ledger.Stop(in.ID) != nil {
		return nil, problem(http.StatusNotFound, "not-found.stop-alert")
	}
	key, err := s.workKey(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if a, err := s.alert(ctx, in.ID); err == nil && in.Body.Verdict == desk.VerdictConfirmed {
		if id := subjectStop(a); id != "" && s.Ledger.Stop(cmp.Or(a.StopID, id)) == nil {
			return nil, problem(http.StatusConflict, "alert.confirmed", "alert", in.ID)
		}
	}
	if _, err := s.append(ctx, s.Ledger.Work(in.ID, key, desk.TaskDismissed, s.Clock(), who(ctx).Name, in.Body.Verdict)); err != nil {
		return nil, err
	}
	return nil, s.verdict(ctx, in.ID, in.ID, in.Body)
}

// ConfirmationBody is what the payer said.
type ConfirmationBody struct {
	Reason string `json:"reason,omitempty" maxLength:"256" example:"the payer was reached and confirms"`
}

// reportAlert takes an alert as its payer's report: of a fraud that is confirmed
// the payment is stopped, and a case is opened.
func (s *server) reportAlert(ctx context.Context, in *struct {
	ID   string `path:"id" maxLength:"64"`
	Body ConfirmationBody
}) (*caseOutput, error) {
	a, err := s.alert(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	t := a.Transfer
	if subjectStop(a) == "" {
		return nil, problem(http.StatusConflict, "alert.no-payment", "entity", string(a.Entity))
	}
	doc, err := json.Marshal(ReportBody{ID: a.ID, At: s.Clock().String(), Source: "96110", District: a.District, FraudType: a.FraudType,
		Victim: ReportVictim{Holder: t.Payer.Holder, Phone: t.Payer.Phone},
		Transfers: []ReportTransfer{{ID: t.ID, PayerAccount: t.Payer.Account, PayeeAccount: t.Payee.Account, PayeeBank: t.Payee.Bank,
			Amount: Amount(t.Amount), Currency: string(t.Currency), At: t.At.String()}}})
	if err != nil {
		return nil, err
	}
	out, err := s.takeReport(ctx, doc)
	if err != nil {
		return nil, err
	}
	return out, s.verdict(ctx, out.Body.ID, a.ID, VerdictBody{Verdict: desk.VerdictConfirmed, Reason: in.Body.Reason})
}

// verdict appends to the ledger's log: what teaches is kept for ever. key is
// the case, or the alert where only that is judged.
func (s *server) verdict(ctx context.Context, key, alert string, v VerdictBody) error {
	now := s.Clock()
	e := ledger.Entry{ID: event.DerivedID("evt", key, alert, v.Verdict, who(ctx).Name, now.String()), CaseID: key, At: now, By: who(ctx).Name, Reason: v.Reason,
		Verdict: &desk.Verdict{AlertID: alert, Verdict: v.Verdict}}
	if err := s.Log.Write(ctx, e); err != nil {
		return s.unavailable(ctx, err)
	}
	return nil
}
