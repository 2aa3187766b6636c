package center

import (
	"context"
	"encoding/json"
	"net/http"

	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/stream/event"
)

// watchlist is the list of entities that are watched.
type watchlist struct{ *base }

func (s *watchlist) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodPut, Path: "/v1/watchlist/{entity}", ID: "watch",
			Roles: center, Errors: []int{422, 503}, Handler: route.Handle(s.watch),
			EN: "Put an entity on the watchlist",
			ZH: "把实体列入名单"},
		{Method: http.MethodDelete, Path: "/v1/watchlist/{entity}", ID: "unwatch",
			Roles: center, Errors: []int{422, 503}, Handler: route.Handle(s.unwatch),
			EN: "Take an entity off the watchlist",
			ZH: "从名单中移除实体"},
	}
}

func (s *watchlist) watch(ctx context.Context, in *struct {
	Entity string `path:"entity" maxLength:"256" example:"acct:6217000010098765432"`
	Body   wire.WatchBody
}) (*struct{}, error) {
	doc, err := json.Marshal(map[string]string{"kind": "watch", "entity": in.Entity, "risk": in.Body.Risk,
		"reason": in.Body.Reason, "until": in.Body.Until})
	if err != nil {
		return nil, err
	}
	var e event.Event
	if err := s.Parser.Parse(doc, s.Clock(), &e); err != nil {
		return nil, wire.NewProblem(http.StatusUnprocessableEntity, "watch.refused").With(err)
	}
	if err := s.Intake.Watch(ctx, string(e.Watch.Entity), doc); err != nil {
		return nil, s.fail.Log(ctx, err)
	}
	return nil, nil
}

func (s *watchlist) unwatch(ctx context.Context, in *struct {
	Entity string `path:"entity" maxLength:"256"`
}) (*struct{}, error) {
	var e event.Event
	if err := event.ParseWatchRemoval([]byte(in.Entity), s.Clock(), &e); err != nil {
		return nil, wire.NewProblem(http.StatusUnprocessableEntity, "watch.entity").With(err)
	}
	if err := s.Intake.Watch(ctx, in.Entity, nil); err != nil {
		return nil, s.fail.Log(ctx, err)
	}
	return nil, nil
}
