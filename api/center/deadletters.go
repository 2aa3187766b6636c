package center

import (
	"context"
	"errors"
	"net/http"

	"stopline.internal/api/access"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
)

// deadLetters is the documents that were refused.
type deadLetters struct{ *base }

func (s *deadLetters) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Path: "/v1/dead-letters", ID: "list-dead-letters",
			Roles: deciders, Errors: []int{422, 503}, Handler: route.Handle(s.deadLetters),
			EN: "Documents that were refused, the newest first, with the reason and what came",
			ZH: "被拒收的文档，最新的在前，附理由与原文"},
		{Method: http.MethodPost, Path: "/v1/dead-letters/{partition}/{offset}/replay", ID: "replay-dead-letter",
			Roles: deciders, Errors: []int{404, 422, 503}, Handler: route.Handle(s.replayDeadLetter),
			EN: "Send a refused document the way it came in, byte for byte: it is judged anew",
			ZH: "把被拒收的文档原样重新送入，再次判定"},
	}
}

// ErrGone says that a dead letter is not there (any more).
var ErrGone = errors.New("there is no dead letter at that place")

// DeadLetters are the documents that were refused.
type DeadLetters interface {
	Newest(ctx context.Context, limit int) ([]wire.DeadLetter, error)
	Replay(ctx context.Context, partition int, offset int64) error // ErrGone
}

type deadLettersOutput struct{ Body wire.DeadLettersPage }

func (s *deadLetters) deadLetters(ctx context.Context, in *struct {
	Limit int `query:"limit" minimum:"1" maximum:"200" default:"50"`
}) (*deadLettersOutput, error) {
	items, err := s.DeadLetters.Newest(ctx, in.Limit)
	if err != nil {
		return nil, s.fail.Log(ctx, err)
	}
	return &deadLettersOutput{wire.DeadLettersPage{Items: append([]wire.DeadLetter{}, items...)}}, nil
}

func (s *deadLetters) replayDeadLetter(ctx context.Context, in *struct {
	Partition int   `path:"partition" minimum:"0" maximum:"10000" example:"0"`
	Offset    int64 `path:"offset" minimum:"0" example:"17"`
}) (*struct{}, error) {
	err := s.DeadLetters.Replay(ctx, in.Partition, in.Offset)
	if errors.Is(err, ErrGone) {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.dead-letter")
	}
	if err != nil {
		return nil, s.fail.Log(ctx, err)
	}
	s.Logger.Info("a dead letter was sent in again", "partition", in.Partition, "offset", in.Offset,
		"by", access.Who(ctx).Name, "request_id", route.RequestID(ctx))
	return nil, nil
}
