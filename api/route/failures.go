package route

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"stopline.internal/api/wire"
)

// Failures turns what fails behind the API into problems. What was said is for the
// service's own log, not for the caller.
type Failures struct{ Logger *slog.Logger }

// Log answers for a log that cannot be written.
func (f Failures) Log(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return wire.NewProblem(http.StatusServiceUnavailable, "unavailable.confirmation")
	}
	f.Logger.ErrorContext(ctx, "the log cannot be reached", "err", err, "request_id", RequestID(ctx))
	return wire.NewProblem(http.StatusServiceUnavailable, "unavailable.log")
}

// Books answers for books that cannot be read.
func (f Failures) Books(ctx context.Context, err error) error {
	f.Logger.ErrorContext(ctx, "ClickHouse cannot be read", "err", err, "request_id", RequestID(ctx))
	return wire.NewProblem(http.StatusServiceUnavailable, "unavailable.books")
}

type requestKey struct{}

// WithRequestID is the context of a request with an id.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// RequestID is the id of the request that a context belongs to: on the answer, in
// problem documents and in the log.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// WriteProblem answers with a problem outside of the routes, in the reader's
// language.
func WriteProblem(w http.ResponseWriter, r *http.Request, p *wire.Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	p.RequestID = RequestID(r.Context())
	p.In(wire.LanguageOf(r.Header.Get("Accept-Language")))
	_ = json.NewEncoder(w).Encode(p) // the client has gone when it fails
}
