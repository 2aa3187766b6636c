package public

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"stopline.internal/api/console"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
)

// Dependencies are what the pages work with.
type Dependencies struct {
	Version string                          // of the program, with its commit
	Ready   func(ctx context.Context) error // what is missing, in words
	Alive   func() error                    `optional:"it lives as long as it answers"`
	Metrics http.Handler                    `optional:"there is no /metrics"`
}

// Mount adds the pages to a router, once all routes are in the API document, and
// makes that whole.
func Mount(r chi.Router, doc *huma.OpenAPI, routes []route.Route, d Dependencies) error {
	if err := route.Require("api/public", d); err != nil {
		return err
	}
	finish(doc)
	downgraded(r, doc)
	r.Get("/healthz", healthz(d.Alive))
	r.Get("/readyz", readyz(d.Ready))
	if d.Metrics != nil {
		r.Method(http.MethodGet, "/metrics", d.Metrics)
	}
	r.Get("/docs", docs(doc, routes, d.Version))
	console.Mount(r)
	return nil
}

// healthz fails when a part of the service has ended and will not come back by itself.
func healthz(alive func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if alive != nil {
			if err := alive(); err != nil {
				route.WriteProblem(w, r, wire.NewProblem(http.StatusServiceUnavailable, "unavailable.ready", "cause", err.Error()))
				return
			}
		}
		_, _ = w.Write([]byte("ok\n"))
	}
}

// readyWait bounds how long the check may take: who asks does not wait for longer.
const readyWait = 2 * time.Second

func readyz(ready func(context.Context) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyWait)
		defer cancel()
		if err := ready(ctx); err != nil {
			problem := wire.NewProblem(http.StatusServiceUnavailable, "unavailable.ready", "cause", err.Error())
			route.WriteProblem(w, r, problem)
			return
		}
		_, _ = w.Write([]byte("ready\n"))
	}
}
