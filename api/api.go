package api

import (
	"context"
	"log/slog"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"stopline.internal/api/access"
	"stopline.internal/api/bank"
	"stopline.internal/api/center"
	"stopline.internal/api/public"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/store/ledger"
	"stopline.internal/stream/event"
)

// Dependencies are what the rooms of routes work with.
type Dependencies struct {
	Version     string // of the program, with its commit
	Center      string // its name, for papers and reports
	Numbering   string // what the numbers of its papers begin with; empty: 反诈止
	Partitions  int    // of the ledger's log, which number the papers
	Ledger      *ledger.Ledger
	Log         route.Log
	Rules       center.Rules
	Book        center.Rulebook
	Intake      center.Intake
	Screener    bank.Screener
	Watcher     center.Watcher
	DeadLetters center.DeadLetters
	Backtest    center.Backtest
	Screening   bank.Screening
	Warehouse   center.Warehouse
	Identities  *access.Identities
	Banks       *event.Banks // that are known
	Parser      *event.Parser
	Clock       func() event.Instant
	Simulation  *center.Simulation              `optional:"the time is everybody's"`
	Ready       func(ctx context.Context) error // what is missing, in words
	Alive       func() error                    `optional:"it lives as long as it answers"`
	Metrics     http.Handler                    `optional:"there is no /metrics"`
	Logger      *slog.Logger
}

// New is the handler of every route. It fails where a dependency is missing.
func New(d Dependencies) (http.Handler, error) {
	if err := route.Require("api", d); err != nil {
		return nil, err
	}
	people, err := center.New(center.Dependencies{Center: d.Center, Numbering: d.Numbering, Partitions: d.Partitions,
		Ledger: d.Ledger, Log: d.Log, Rules: d.Rules, Book: d.Book, Intake: d.Intake, Watcher: d.Watcher,
		DeadLetters: d.DeadLetters, Backtest: d.Backtest, Warehouse: d.Warehouse, Banks: d.Banks, Parser: d.Parser,
		Clock: d.Clock, Simulation: d.Simulation, Logger: d.Logger})
	if err != nil {
		return nil, err
	}
	banks, err := bank.New(bank.Dependencies{Ledger: d.Ledger, Log: people.Observe(d.Log), Taints: d.Intake,
		Screener: d.Screener, Screening: d.Screening, Banks: d.Banks, Parser: d.Parser, Clock: d.Clock, Logger: d.Logger})
	if err != nil {
		return nil, err
	}
	routes := slices.Concat(people.Routes(), banks.Routes())
	huma.NewError = wire.FrameworkProblem
	r := chi.NewRouter()
	r.Use(numbered, secure, d.tellTime, identify(d.Identities), d.accessLog, middleware.Recoverer, headAsGet,
		func(h http.Handler) http.Handler { return compress(h) }, newAnswers(d.Clock).keep)
	r.NotFound(func(w http.ResponseWriter, r *http.Request) {
		route.WriteProblem(w, r, wire.NewProblem(http.StatusNotFound, "request.route", "path", r.URL.Path))
	})
	r.MethodNotAllowed(notAllowed(r))
	api := humachi.New(r, config())
	route.Register(api, routes)
	err = public.Mount(r, api.OpenAPI(), routes,
		public.Dependencies{Version: d.Version, Ready: d.Ready, Alive: d.Alive,
			Metrics: d.Metrics})
	return r, err
}

// config is how the framework describes the API.
func config() huma.Config {
	c := huma.DefaultConfig("Stopline", "1")
	c.Info.Description = "The transaction-stop service of an anti-fraud center: reports in, stops to banks, " +
		"recovery statistics out."
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "/v1/openapi", "", ""
	c.CreateHooks = nil
	c.Transformers = append(c.Transformers, named)
	c.Components.Schemas = huma.NewMapRegistry(wire.SchemaPrefix, huma.DefaultSchemaNamer)
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"key": {Type: "http", Scheme: "bearer",
		Description: "An API key: Authorization: Bearer KEY"}}
	return c
}

// policy lets the console's pages have what is theirs, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// secure sets the headers that every answer carries.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", policy)
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
