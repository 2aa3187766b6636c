package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/scoring"
	"stopline.internal/stream/event"
)

// ruleRoutes are those of exceptions, of entities known to be good, and of the
// brakes on automatic stops.
func (s *server) ruleRoutes(api huma.API) {
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/exceptions", "list-exceptions", "Entities that are excepted from patterns", center), func(context.Context, *struct{}) (*decisionsOutput, error) {
		return newDecisionsOutput(s.Book.Exceptions()), nil
	})
	huma.Register(api, s.operation(api, http.MethodPut, "/v1/exceptions/{entity}/{pattern}", "except", "Except an entity from a pattern (* is every pattern) until a date, for a reason", deciders, 409, 422, 503), s.except)
	huma.Register(api, s.operation(api, http.MethodDelete, "/v1/exceptions/{entity}/{pattern}", "end-exception", "End an exception now", deciders, 404, 422, 503), s.endException)
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/known-good", "list-known-good", "Merchants, payrolls, utilities and others that are known to be good", center), func(context.Context, *struct{}) (*decisionsOutput, error) {
		return newDecisionsOutput(s.Book.Known()), nil
	})
	huma.Register(api, s.operation(api, http.MethodPut, "/v1/known-good/{entity}", "know-good", "Note that an entity is known to be good: nothing but a hard block stops payments to it", deciders, 409, 422, 503), s.knowGood)
	huma.Register(api, s.operation(api, http.MethodDelete, "/v1/known-good/{entity}", "forget-good", "It is not known to be good any more", deciders, 404, 422, 503), s.forgetGood)
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/brakes", "list-brakes", "Brakes that have fallen: automatic stops of these patterns (* is all) wait for a person", center), func(context.Context, *struct{}) (*decisionsOutput, error) {
		return newDecisionsOutput(s.Book.Brakes()), nil
	})
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/brakes/{pattern}/release", "release-brake", "Lift a brake: its budget begins anew", deciders, 404, 503), s.releaseBrake)
}

// DecisionDocument is one exception, known-good entity or fallen brake.
type DecisionDocument struct {
	Entity  string `json:"entity,omitempty" example:"acct:6217000010098765432"`
	Pattern string `json:"pattern,omitempty" example:"authority-call-then-transfer"`
	As      string `json:"as,omitempty" example:"merchant"`
	Until   string `json:"until,omitempty" format:"date-time"`
	At      string `json:"at" format:"date-time"`
	By      string `json:"by"`
	Reason  string `json:"reason,omitempty"`
}

// DecisionsPage is a list of exceptions, known-good entities or fallen brakes.
type DecisionsPage struct {
	Items []DecisionDocument `json:"items" nullable:"false"`
}

type decisionsOutput struct{ Body DecisionsPage }

func newDecisionsOutput(list []scoring.Decision) *decisionsOutput {
	out := &decisionsOutput{}
	out.Body.Items = []DecisionDocument{}
	for _, d := range list {
		out.Body.Items = append(out.Body.Items, DecisionDocument{string(d.Entity), d.Pattern, d.As, d.Until.String(), d.At.String(), d.By, d.Reason})
	}
	return out
}

// decided writes a decision about an entity or a brake.
func (s *server) decided(ctx context.Context, c event.Control) error {
	c.By = who(ctx).Name
	if err := s.Rules.Decide(ctx, c); err != nil {
		return s.unavailable(ctx, err)
	}
	return nil
}

// entity reads an account or number as people write it.
func (s *server) entity(text string) (event.Entity, error) {
	e := s.Parser.NormalEntity(text)
	if !e.IsAccount() && !e.IsNumber() {
		return "", fieldError("path.entity", "field.entity")
	}
	return e, nil
}

func (s *server) until(text string) (event.Instant, error) {
	var i event.Instant
	if err := i.UnmarshalText([]byte(text)); err != nil {
		return 0, badField("body.until", err)
	}
	if i != 0 && i < s.Clock() {
		return 0, fieldError("body.until", "field.over")
	}
	return i, nil
}

// dated reads an entity and until when something holds of it.
func (s *server) dated(entity, until string) (event.Entity, event.Instant, error) {
	e, err := s.entity(entity)
	if err != nil {
		return "", 0, err
	}
	i, err := s.until(until)
	return e, i, err
}

func (s *server) room() error {
	if s.Book.Full() {
		return problem(http.StatusConflict, "rules.full")
	}
	return nil
}

// ExceptionPath names an exception.
type ExceptionPath struct {
	Entity  string `path:"entity" maxLength:"256" example:"acct:6217000010098765432"`
	Pattern string `path:"pattern" maxLength:"128" example:"authority-call-then-transfer"`
}

// ExceptionBody is why an entity is excepted from a pattern, and until when.
type ExceptionBody struct {
	Reason string `json:"reason" minLength:"1" maxLength:"256"`
	Until  string `json:"until" format:"date-time" doc:"An exception ends: hard blocks are not excepted from at all"`
}

func (s *server) except(ctx context.Context, in *struct {
	ExceptionPath
	Body ExceptionBody
}) (*struct{}, error) {
	e, until, err := s.dated(in.Entity, in.Body.Until)
	if err != nil {
		return nil, err
	}
	if in.Pattern != scoring.Service {
		now, ok := s.Book.Current()
		if !ok {
			return nil, problem(http.StatusServiceUnavailable, "unavailable.rules")
		}
		if c, err := scoring.ParseCatalogue("", []byte(now.Text)); err == nil && c.Find(in.Pattern) == nil {
			return nil, fieldError("path.pattern", "field.rule")
		}
	}
	if err := s.room(); err != nil {
		return nil, err
	}
	return nil, s.decided(ctx, event.Control{What: event.ControlException, Entity: e, Pattern: in.Pattern, Until: until, Reason: in.Body.Reason})
}

func (s *server) endException(ctx context.Context, in *ExceptionPath) (*struct{}, error) {
	e, err := s.entity(in.Entity)
	if err != nil {
		return nil, err
	}
	if !among(s.Book.Exceptions(), e, in.Pattern) {
		return nil, problem(http.StatusNotFound, "not-found.exception")
	}
	return nil, s.decided(ctx, event.Control{What: event.ControlException, Entity: e, Pattern: in.Pattern, Removed: true})
}

func among(list []scoring.Decision, e event.Entity, pattern string) bool {
	for _, d := range list {
		if d.Entity == e && d.Pattern == pattern {
			return true
		}
	}
	return false
}

// KnownGoodBody is what an entity is known to be, and until when.
type KnownGoodBody struct {
	As     string `json:"as" enum:"merchant,payroll,utility,government,own-account,other"`
	Reason string `json:"reason" minLength:"1" maxLength:"256"`
	Until  string `json:"until,omitempty" format:"date-time"`
}

func (s *server) knowGood(ctx context.Context, in *struct {
	Entity string `path:"entity" maxLength:"256"`
	Body   KnownGoodBody
}) (*struct{}, error) {
	e, until, err := s.dated(in.Entity, in.Body.Until)
	if err != nil {
		return nil, err
	}
	if err := s.room(); err != nil {
		return nil, err
	}
	return nil, s.decided(ctx, event.Control{What: event.ControlKnown, Entity: e, As: in.Body.As, Until: until, Reason: in.Body.Reason})
}

func (s *server) forgetGood(ctx context.Context, in *struct {
	Entity string `path:"entity" maxLength:"256"`
}) (*struct{}, error) {
	e, err := s.entity(in.Entity)
	if err != nil {
		return nil, err
	}
	if !among(s.Book.Known(), e, "") {
		return nil, problem(http.StatusNotFound, "not-found.known-good")
	}
	return nil, s.decided(ctx, event.Control{What: event.ControlKnown, Entity: e, Removed: true})
}

func (s *server) releaseBrake(ctx context.Context, in *struct {
	Pattern string `path:"pattern" maxLength:"128" doc:"* is the brake on all automatic stops, and lifts the others as well"`
}) (*struct{}, error) {
	if !among(s.Book.Brakes(), "", in.Pattern) && in.Pattern != scoring.Service {
		return nil, problem(http.StatusNotFound, "not-found.brake", "pattern", in.Pattern)
	}
	return nil, s.decided(ctx, event.Control{What: event.ControlLift, Pattern: in.Pattern})
}
