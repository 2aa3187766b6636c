package center

import (
	"context"
	"net/http"

	"stopline.internal/api/access"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/scoring"
	"stopline.internal/stream/event"
)

// rules is exceptions, entities known to be good, and the brakes on automatic stops.
type rules struct{ *base }

func (s *rules) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Path: "/v1/exceptions", ID: "list-exceptions",
			Roles: center, Handler: route.Handle(s.exceptions),
			EN: "Entities that are excepted from patterns",
			ZH: "不受某些规则约束的实体"},
		{Method: http.MethodPut, Path: "/v1/exceptions/{entity}/{pattern}", ID: "except",
			Roles: deciders, Errors: []int{409, 422, 503}, Handler: route.Handle(s.except),
			EN: "Except an entity from a pattern (* is every pattern) until a date, for a reason",
			ZH: "在某日之前，因某理由，使某实体不受某规则（* 为全部）约束"},
		{Method: http.MethodDelete, Path: "/v1/exceptions/{entity}/{pattern}", ID: "end-exception",
			Roles: deciders, Errors: []int{404, 422, 503}, Handler: route.Handle(s.endException),
			EN: "End an exception now",
			ZH: "立即结束一项例外"},
		{Method: http.MethodGet, Path: "/v1/known-good", ID: "list-known-good",
			Roles: center, Handler: route.Handle(s.knownGood),
			EN: "Merchants, payrolls, utilities and others that are known to be good",
			ZH: "可信实体：商户、代发工资、公用事业等"},
		{Method: http.MethodPut, Path: "/v1/known-good/{entity}", ID: "know-good",
			Roles: deciders, Errors: []int{409, 422, 503}, Handler: route.Handle(s.knowGood),
			EN: "Note that an entity is known to be good: nothing but a hard block stops payments to it",
			ZH: "登记可信实体：除硬性拦截外，付给它的款不止付"},
		{Method: http.MethodDelete, Path: "/v1/known-good/{entity}", ID: "forget-good",
			Roles: deciders, Errors: []int{404, 422, 503}, Handler: route.Handle(s.forgetGood),
			EN: "It is not known to be good any more",
			ZH: "不再认定为可信实体"},
		{Method: http.MethodGet, Path: "/v1/brakes", ID: "list-brakes",
			Roles: center, Handler: route.Handle(s.brakes),
			EN: "Brakes that have fallen: automatic stops of these patterns (* is all) wait for a person",
			ZH: "已熔断的规则：这些规则（* 为全部）的自动止付等待人工"},
		{Method: http.MethodPost, Path: "/v1/brakes/{pattern}/release", ID: "release-brake",
			Roles: deciders, Errors: []int{404, 503}, Handler: route.Handle(s.releaseBrake),
			EN: "Lift a brake: its budget begins anew",
			ZH: "解除熔断：额度重新起算"},
	}
}

type decisionsOutput struct{ Body wire.DecisionsPage }

func (s *rules) exceptions(context.Context, *struct{}) (*decisionsOutput, error) {
	return &decisionsOutput{wire.NewDecisionsPage(s.Book.Exceptions())}, nil
}

func (s *rules) knownGood(context.Context, *struct{}) (*decisionsOutput, error) {
	return &decisionsOutput{wire.NewDecisionsPage(s.Book.Known())}, nil
}

func (s *rules) brakes(context.Context, *struct{}) (*decisionsOutput, error) {
	return &decisionsOutput{wire.NewDecisionsPage(s.Book.Brakes())}, nil
}

// decideRule writes a decision about scoring in the caller's name.
func (s *base) decideRule(ctx context.Context, c event.Control) error {
	c.By = access.Who(ctx).Name
	if err := s.Rules.Decide(ctx, c); err != nil {
		return s.fail.Log(ctx, err)
	}
	return nil
}

// entity reads an account or number as people write it.
func (s *rules) entity(text string) (event.Entity, error) {
	e := s.Parser.NormalEntity(text)
	if !e.IsAccount() && !e.IsNumber() {
		return "", wire.BadField("path.entity", "field.entity")
	}
	return e, nil
}

func (s *rules) until(text string) (event.Instant, error) {
	var i event.Instant
	if err := i.UnmarshalText([]byte(text)); err != nil {
		return 0, wire.UnreadField("body.until", err)
	}
	if i != 0 && i < s.Clock() {
		return 0, wire.BadField("body.until", "field.over")
	}
	return i, nil
}

// dated reads an entity and until when something holds of it.
func (s *rules) dated(entity, until string) (event.Entity, event.Instant, error) {
	e, err := s.entity(entity)
	if err != nil {
		return "", 0, err
	}
	i, err := s.until(until)
	return e, i, err
}

// capacity refuses a decision when there is no place for another.
func (s *rules) capacity() error {
	if s.Book.Full() {
		return route.Refuse("rules.full")
	}
	return nil
}

// ExceptionPath names an exception.
type ExceptionPath struct {
	Entity  string `path:"entity" maxLength:"256" example:"acct:6217000010098765432"`
	Pattern string `path:"pattern" maxLength:"128" example:"authority-call-then-transfer"`
}

func (s *rules) except(ctx context.Context, in *struct {
	ExceptionPath
	Body wire.ExceptionBody
}) (*struct{}, error) {
	e, until, err := s.dated(in.Entity, in.Body.Until)
	if err != nil {
		return nil, err
	}
	if in.Pattern != scoring.Service {
		now, ok := s.Book.Current()
		if !ok {
			return nil, wire.NewProblem(http.StatusServiceUnavailable, "unavailable.rules")
		}
		if c, err := scoring.ParseCatalogue("", []byte(now.Text)); err == nil && c.Find(in.Pattern) == nil {
			return nil, wire.BadField("path.pattern", "field.rule")
		}
	}
	if err := s.capacity(); err != nil {
		return nil, err
	}
	return nil, s.decideRule(ctx, event.Control{What: event.ControlException, Entity: e, Pattern: in.Pattern,
		Until: until, Reason: in.Body.Reason})
}

func (s *rules) endException(ctx context.Context, in *ExceptionPath) (*struct{}, error) {
	e, err := s.entity(in.Entity)
	if err != nil {
		return nil, err
	}
	if !among(s.Book.Exceptions(), e, in.Pattern) {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.exception")
	}
	return nil, s.decideRule(ctx, event.Control{What: event.ControlException, Entity: e, Pattern: in.Pattern,
		Removed: true})
}

func among(list []scoring.Decision, e event.Entity, pattern string) bool {
	for _, d := range list {
		if d.Entity == e && d.Pattern == pattern {
			return true
		}
	}
	return false
}

func (s *rules) knowGood(ctx context.Context, in *struct {
	Entity string `path:"entity" maxLength:"256"`
	Body   wire.KnownGoodBody
}) (*struct{}, error) {
	e, until, err := s.dated(in.Entity, in.Body.Until)
	if err != nil {
		return nil, err
	}
	if err := s.capacity(); err != nil {
		return nil, err
	}
	return nil, s.decideRule(ctx, event.Control{What: event.ControlKnown, Entity: e, As: in.Body.As, Until: until,
		Reason: in.Body.Reason})
}

func (s *rules) forgetGood(ctx context.Context, in *struct {
	Entity string `path:"entity" maxLength:"256"`
}) (*struct{}, error) {
	e, err := s.entity(in.Entity)
	if err != nil {
		return nil, err
	}
	if !among(s.Book.Known(), e, "") {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.known-good")
	}
	return nil, s.decideRule(ctx, event.Control{What: event.ControlKnown, Entity: e, Removed: true})
}

func (s *rules) releaseBrake(ctx context.Context, in *struct {
	Pattern string `path:"pattern" maxLength:"128" doc:"* is the brake on all automatic stops, and lifts the others as well"`
}) (*struct{}, error) {
	if !among(s.Book.Brakes(), "", in.Pattern) && in.Pattern != scoring.Service {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.brake", "pattern", in.Pattern)
	}
	return nil, s.decideRule(ctx, event.Control{What: event.ControlLift, Pattern: in.Pattern})
}
