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
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	r.Get("/readyz", readyz(d.Ready))
	if d.Metrics != nil {
		r.Method(http.MethodGet, "/metrics", d.Metrics)
	}
	r.Get("/docs", docs(doc, routes, d.Version))
	console.Mount(r)
	return nil
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
