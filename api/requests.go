package api

import (
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"stopline.internal/api/access"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
)

// requestHeader carries a request's id, both ways.
const requestHeader = "X-Request-Id"

// saneID is an id of the caller's that may stand in a log and in a header.
var saneID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// numbered gives each request an id: the caller's where it is sane, else one of
// ours. It is on the answer, in problem documents and in the log.
func numbered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestHeader)
		if !saneID.MatchString(id) {
			raw := make([]byte, 10)
			_, _ = rand.Read(raw) // never fails
			id = hex.EncodeToString(raw)
		}
		w.Header().Set(requestHeader, id)
		next.ServeHTTP(w, r.WithContext(route.WithRequestID(r.Context(), id)))
	})
}

// named puts the request's id into problem documents, and says them in the
// language that was asked for.
func named(ctx huma.Context, _ string, v any) (any, error) {
	if p, is := v.(*wire.Problem); is {
		p.RequestID = route.RequestID(ctx.Context())
		p.In(wire.LanguageOf(ctx.Header("Accept-Language")))
	}
	return v, nil
}

// identify puts the caller's identity into the request's context.
func identify(ids *access.Identities) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
				if id := ids.Find(key); id != nil {
					r = r.WithContext(access.With(r.Context(), id))
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

// accessLog writes a line for each request that failed or by which a person
// changed something; for banks' answers, of which there are thousands, and for
// every other at debug level. It has the route and not the path: there are
// account numbers in some.
func (d Dependencies) accessLog(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		seen := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		next.ServeHTTP(seen, r)
		level := slog.LevelDebug
		if seen.Status() >= 500 || changes(r) && access.Who(r.Context()).Role != access.Bank {
			level = slog.LevelInfo
		}
		pattern := chi.RouteContext(r.Context()).RoutePattern()
		d.Logger.Log(r.Context(), level, "request", "method", r.Method, "route", pattern, "status", seen.Status(),
			"ms", time.Since(begun).Milliseconds(), "by", access.Who(r.Context()).Name,
			"request_id", route.RequestID(r.Context()))
	})
}

// changes says whether a request is one that changes something.
func changes(r *http.Request) bool {
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return strings.HasPrefix(r.URL.Path, "/v1/")
	}
	return false
}

// endless are the routes whose answer has no end, and so no HEAD.
var endless = map[string]bool{"/v1/bank/stops/stream": true, "/v1/live": true}

// headAsGet answers HEAD wherever GET is answered.
func headAsGet(next http.Handler) http.Handler {
	get := middleware.GetHead(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if endless[r.URL.Path] {
			next.ServeHTTP(w, r)
			return
		}
		get.ServeHTTP(w, r)
	})
}

var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
}

// notAllowed answers a method that a path does not have with those that it has.
func notAllowed(routes chi.Routes) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var allowed []string
		for _, m := range methods {
			as := m
			if m == http.MethodHead && !endless[r.URL.Path] {
				as = http.MethodGet
			}
			if routes.Match(chi.NewRouteContext(), as, r.URL.Path) {
				allowed = append(allowed, m)
			}
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		route.WriteProblem(w, r, wire.NewProblem(http.StatusMethodNotAllowed, "request.method",
			"method", r.Method, "path", r.URL.Path, "allowed", allowed))
	}
}
