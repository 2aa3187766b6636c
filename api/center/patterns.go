package center

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"stopline.internal/api/access"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/scoring"
	"stopline.internal/stream/event"
)

// patterns is the catalogue: read it, check it, publish it, see how its patterns turned out.
type patterns struct{ *base }

func (s *patterns) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Path: "/v1/patterns", ID: "get-patterns",
			Roles: center, Errors: []int{404}, Handler: route.Handle(s.getPatterns),
			EN: "The catalogue in force",
			ZH: "现行规则目录"},
		{Method: http.MethodPut, Path: "/v1/patterns", ID: "publish-patterns",
			Roles: admin, Errors: []int{412, 422, 503}, Handler: route.Handle(s.publishPatterns),
			EN: "Publish a catalogue alone, when there is no time for a second person: it is checked, and " +
				"swapped in without losing an event",
			ZH: "来不及第二人批准时单独发布目录：检查后换入，不丢一个事件"},
		{Method: http.MethodPost, Path: "/v1/patterns/check", ID: "check-patterns",
			Roles: center, Errors: []int{422}, Handler: route.Handle(s.checkPatterns),
			EN: "Check a catalogue and say everything that is wrong with it",
			ZH: "检查目录，列出全部错误"},
		{Method: http.MethodGet, Path: "/v1/patterns/versions", ID: "list-pattern-versions",
			Roles: center, Handler: route.Handle(s.listVersions),
			EN: "Every catalogue that was published, newest first",
			ZH: "发布过的全部目录，最新的在前"},
		{Method: http.MethodGet, Path: "/v1/patterns/versions/{version}", ID: "get-pattern-version",
			Roles: center, Errors: []int{404}, Handler: route.Handle(s.getVersion),
			EN: "One of them, as it was written",
			ZH: "某一版目录的原文"},
		{Method: http.MethodGet, Path: "/v1/patterns/statistics", ID: "pattern-statistics",
			Roles: readers, Errors: []int{422, 503}, Handler: route.Handle(s.patternFigures),
			EN: "How the patterns' alerts turned out, by week: what people confirmed, and what was a false alarm",
			ZH: "各规则预警的结果，按周：多少被确认，多少是误报"},
	}
}

type catalogueOutput struct {
	ETag string `header:"ETag"`
	Body wire.Catalogue
}

func newCatalogueOutput(p scoring.Published) *catalogueOutput {
	return &catalogueOutput{strconv.Quote(p.Version), wire.NewCatalogue(p, true)}
}

func (s *patterns) getPatterns(context.Context, *struct{}) (*catalogueOutput, error) {
	p, ok := s.Book.Current()
	if !ok {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.catalogue")
	}
	return newCatalogueOutput(p), nil
}

// checked reads a catalogue, or answers with everything that is wrong in it.
func checked(text []byte) (*scoring.Catalogue, error) {
	c, err := scoring.ParseCatalogue("catalogue.yaml", text)
	if err == nil && len(c.Patterns) == 0 {
		return nil, wire.NewProblem(http.StatusUnprocessableEntity, "catalogue.empty")
	}
	if err == nil {
		return c, nil
	}
	var errs []error
	for line := range strings.SplitSeq(err.Error(), "\n") {
		errs = append(errs, errors.New(line))
	}
	return nil, wire.NewProblem(http.StatusUnprocessableEntity, "catalogue.refused").With(errs...)
}

// CatalogueInput is a catalogue as it is written.
type CatalogueInput struct {
	RawBody []byte `contentType:"application/yaml" doc:"The whole catalogue, YAML"`
}

type checkOutput struct{ Body wire.CatalogueCheck }

func (s *patterns) checkPatterns(_ context.Context, in *CatalogueInput) (*checkOutput, error) {
	c, err := checked(in.RawBody)
	if err != nil {
		return nil, err
	}
	out := &checkOutput{}
	out.Body.Version, out.Body.Patterns = c.Version, len(c.Patterns)
	return out, nil
}

// publishInput is a catalogue that is to be in force.
type publishInput struct {
	CatalogueInput
	IfMatch string `header:"If-Match" doc:"The ETag of the catalogue that was changed; another one in force answers 412"`
	Reason  string `query:"reason" maxLength:"256" doc:"Why, for those who read the versions"`
}

func (s *patterns) publishPatterns(ctx context.Context, in *publishInput) (*catalogueOutput, error) {
	c, err := s.changed(in)
	if err != nil {
		return nil, err
	}
	if now, _ := s.Book.Current(); now.Version == c.Version {
		return newCatalogueOutput(now), nil
	}
	return s.publish(ctx, c.Version, event.Control{What: event.ControlCatalogue, Text: c.Text,
		By: access.Who(ctx).Name, Reason: in.Reason})
}

type versionsOutput struct{ Body wire.CataloguesPage }

func (s *patterns) listVersions(context.Context, *struct{}) (*versionsOutput, error) {
	out := &versionsOutput{}
	out.Body.Versions = []wire.Catalogue{}
	for _, p := range s.Book.Versions() {
		out.Body.Versions = append(out.Body.Versions, wire.NewCatalogue(p, false))
	}
	return out, nil
}

func (s *patterns) getVersion(_ context.Context, in *struct {
	Version string `path:"version" maxLength:"64"`
}) (*catalogueOutput, error) {
	p, ok := s.Book.Version(in.Version)
	if !ok {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.version", "version", in.Version)
	}
	return newCatalogueOutput(p), nil
}

type patternStatisticsOutput struct{ Body wire.PatternStatistics }

type patternStatisticsInput struct {
	From string `query:"from" example:"2026-11-01" doc:"First day; 90 days ago without it"`
	To   string `query:"to" example:"2026-12-01" doc:"The day after the last; tomorrow without it"`
}

func (s *patterns) patternFigures(ctx context.Context, in *patternStatisticsInput) (*patternStatisticsOutput, error) {
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
		return nil, s.fail.Books(ctx, err)
	}
	out := &patternStatisticsOutput{}
	out.Body.From, out.Body.To, out.Body.Patterns = from.String(), to.String(), wire.NewPatternStatistics(rows)
	return out, nil
}

// day reads the beginning of a day.
func day(field, text string, otherwise event.Instant) (event.Instant, error) {
	if text == "" {
		return otherwise, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, event.Zone)
	if err != nil {
		return 0, wire.BadField("query."+field, "field.day")
	}
	return event.InstantOf(t), nil
}
