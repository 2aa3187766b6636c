package api

import (
	"context"
	"errors"
	"net/http"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/stream/event/words"
)

// ErrGone says that a dead letter is not there (any more).
var ErrGone = errors.New("there is no dead letter at that place; they are kept for 30 days")

// DeadLetters are the documents that were refused.
type DeadLetters interface {
	Newest(ctx context.Context, limit int) ([]DeadLetterDocument, error)
	Replay(ctx context.Context, partition int, offset int64) error // ErrGone
}

// DeadLetterDocument is a refused document, as it came in.
type DeadLetterDocument struct {
	Partition int                 `json:"partition"`
	Offset    int64               `json:"offset"`
	Topic     string              `json:"topic" doc:"That it came in by"`
	Reason    string              `json:"reason" example:"missing-field" doc:"As they are counted; docs/messages.md"`
	Error     string              `json:"error"`
	At        string              `json:"at,omitempty" format:"date-time"`
	Bytes     int                 `json:"bytes"`
	Problems  []DeadLetterProblem `json:"problems" nullable:"false" doc:"The error in codes: the first 20"`
	Document  string              `json:"document" doc:"Its first 4,096 bytes; what is no UTF-8 is replaced"`
}

// DeadLetterProblem is one mistake in a refused document.
type DeadLetterProblem struct {
	Field  string       `json:"field,omitempty" example:"/amount"`
	Code   string       `json:"code" example:"bad-amount.negative"`
	Values words.Values `json:"values,omitempty"`
}

// DeadLettersPage is a list of refused documents.
type DeadLettersPage struct {
	Items []DeadLetterDocument `json:"items" nullable:"false"`
}

// Shown cuts a document to what a person looks at.
func Shown(document []byte) string {
	const most = 4096
	out := make([]rune, 0, min(len(document), most))
	for b := document[:min(len(document), most)]; len(b) > 0; {
		r, n := utf8.DecodeRune(b)
		out = append(out, r)
		b = b[n:]
	}
	return string(out)
}

func (s *server) deadLetterRoutes(api huma.API) {
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/dead-letters", "list-dead-letters", "Documents that were refused, the newest first, with the reason and what came", deciders, 422, 503), s.deadLetters)
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/dead-letters/{partition}/{offset}/replay", "replay-dead-letter", "Send a refused document the way it came in, byte for byte: it is judged anew", deciders, 404, 422, 503), s.replayDeadLetter)
}

func (s *server) deadLetters(ctx context.Context, in *struct {
	Limit int `query:"limit" minimum:"1" maximum:"200" default:"50"`
}) (*struct{ Body DeadLettersPage }, error) {
	items, err := s.DeadLetters.Newest(ctx, in.Limit)
	if err != nil {
		return nil, s.unavailable(ctx, err)
	}
	return &struct{ Body DeadLettersPage }{DeadLettersPage{append([]DeadLetterDocument{}, items...)}}, nil
}

func (s *server) replayDeadLetter(ctx context.Context, in *struct {
	Partition int   `path:"partition" minimum:"0" maximum:"10000" example:"0"`
	Offset    int64 `path:"offset" minimum:"0" example:"17"`
}) (*struct{}, error) {
	err := s.DeadLetters.Replay(ctx, in.Partition, in.Offset)
	if errors.Is(err, ErrGone) {
		return nil, problem(http.StatusNotFound, "not-found.dead-letter")
	}
	if err != nil {
		return nil, s.unavailable(ctx, err)
	}
	s.Logger.Info("a dead letter was sent in again", "partition", in.Partition, "offset", in.Offset, "by", who(ctx).Name, "request_id", requestID(ctx))
	return nil, nil
}
