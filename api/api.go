package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"stopline.internal/api/console"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
)

// Log is where changes of stops go.
type Log interface {
	// Append writes an event and waits until the fold has judged it.
	Append(ctx context.Context, e ledger.Entry) (ledger.Result, error)
	// Write appends events without waiting.
	Write(ctx context.Context, e ...ledger.Entry) error
}

// Intake is where documents from outside go, to be read like any source's.
type Intake interface {
	Report(ctx context.Context, id string, document []byte) error
	Watch(ctx context.Context, entity string, document []byte) error // nil removes
	Taint(ctx context.Context, t ...*event.Taint) error              // money to follow
}

// Screener asks scoring about one transfer, through the log.
type Screener interface {
	// Screen sends the document and waits until every leg of it is scored, or
	// the context ends.
	Screen(ctx context.Context, document []byte, e *event.Event) (*scoring.Verdict, error)
}

// Rules is where decisions about scoring go.
type Rules interface {
	// Decide writes a decision and waits until it has come back.
	Decide(ctx context.Context, c event.Control) error
}

// Dependencies are what the routes work with.
type Dependencies struct {
	Version     string // of the program, with its commit
	Center      string // its name, for papers and reports
	Numbering   string // what the numbers of its papers begin with; empty: 反诈止
	Partitions  int    // of the ledger's log, which number the papers
	Ledger      *ledger.Ledger
	Log         Log
	Rules       Rules
	Book        *scoring.Rulebook
	Intake      Intake
	Screener    Screener
	Watcher     Watcher
	DeadLetters DeadLetters
	Backtest    Backtest
	Screening   Screening
	Endpoints   []string // banks with a webhook
	Warehouse   *warehouse.Warehouse
	Identities  *Identities
	Banks       *event.Banks // that are known; nil: those that come with the program
	Parser      *event.Parser
	Clock       func() event.Instant
	Simulation  *Simulation                     // nil: the time is everybody's
	Ready       func(ctx context.Context) error // what is missing, in words
	Metrics     http.Handler
	Logger      *slog.Logger
}

// maxBody bounds the body of any request, in bytes.
const maxBody = 1 << 20

type server struct {
	Dependencies

	testing sync.Mutex // one backtest at a time
	names   atomic.Pointer[catalogueNames]
	reviews *reviews

	mu      sync.Mutex
	waiters map[string]int // polls and streams that wait, by bank
}

// New returns the handler of every route.
func New(d Dependencies) http.Handler {
	huma.NewError = newProblem
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	if d.Banks == nil {
		d.Banks = event.BuiltInBanks()
	}
	s := &server{Dependencies: d, waiters: map[string]int{}, reviews: newReviews()}
	s.Log = ownChanges{d.Log, s.reviews.changed}
	r := chi.NewRouter()
	r.Use(numbered, secure, s.tellTime, d.Identities.identify, s.accessLog, middleware.Recoverer, headAsGet,
		func(h http.Handler) http.Handler { return compress(h) }, newAnswers(d.Clock).keep)
	r.NotFound(func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, r, problem(http.StatusNotFound, "request.route", "path", r.URL.Path))
	})
	r.MethodNotAllowed(notAllowed(r))
	config := huma.DefaultConfig("Stopline", "1")
	config.Info.Description = "The transaction-stop service of an anti-fraud center: reports in, stops to banks, recovery statistics out."
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "/v1/openapi", "", ""
	config.CreateHooks = nil
	config.Transformers = append(config.Transformers, named)
	config.Components.Schemas = huma.NewMapRegistry(schemaPrefix, schemaName)
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"key": {Type: "http", Scheme: "bearer", Description: "An API key: Authorization: Bearer KEY"}}
	api := humachi.New(r, config)
	s.centerRoutes(api)
	s.bankRoutes(api)
	s.statisticsRoutes(api)
	s.patternRoutes(api)
	s.ruleRoutes(api)
	s.caseRoutes(api)
	s.returnRoutes(api)
	s.appealRoutes(api)
	s.dutyRoutes(api)
	s.screeningRoutes(api)
	s.queueRoutes(api)
	s.deadLetterRoutes(api)
	s.registerRoutes(api)
	finish(api.OpenAPI())
	downgraded(r, api.OpenAPI())
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	r.Get("/readyz", s.readyz)
	if d.Metrics != nil {
		r.Method(http.MethodGet, "/metrics", d.Metrics)
	}
	r.Get("/docs", docs(api.OpenAPI(), d.Version))
	console.Mount(r)
	return r
}

// secure sets the headers that every answer carries.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// writeProblem answers with a problem outside of the routes.
func writeProblem(w http.ResponseWriter, r *http.Request, p *Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	p.RequestID = requestID(r.Context())
	p.in(languageOf(r.Header.Get("Accept-Language")))
	_ = json.NewEncoder(w).Encode(p) // the client has gone when it fails
}

func (s *server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		writeProblem(w, r, problem(http.StatusServiceUnavailable, "unavailable.ready", "cause", err.Error()))
		return
	}
	_, _ = w.Write([]byte("ready\n"))
}

// operation describes a route and who may use it.
func (s *server) operation(api huma.API, method, path, id, summary string, roles []Role, errs ...int) huma.Operation {
	op := huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, MaxBodyBytes: maxBody,
		Security: []map[string][]string{{"key": {}}}, Errors: append([]int{http.StatusUnauthorized, http.StatusForbidden}, errs...)}
	if method != http.MethodGet && method != http.MethodDelete { // what any body may meet
		op.Errors = append(op.Errors, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if method != http.MethodGet {
		op.Errors = append(op.Errors, http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity)
		op.Parameters = append(op.Parameters, idempotencyParameter)
	}
	slices.Sort(op.Errors)
	op.Errors = slices.Compact(op.Errors)
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	op.Description = "For: " + strings.Join(names, ", ") + "."
	op.Tags = names[:1]
	op.Middlewares = huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) {
		id, _ := ctx.Context().Value(identityKey{}).(*Identity)
		switch {
		case id == nil:
			ctx.SetHeader("WWW-Authenticate", challenge(ctx.Header("Authorization")))
			_ = huma.WriteErr(api, ctx, http.StatusUnauthorized, "", problem(http.StatusUnauthorized, "access.key"))
		case !slices.Contains(roles, id.Role):
			_ = huma.WriteErr(api, ctx, http.StatusForbidden, "",
				problem(http.StatusForbidden, "access.role", "role", id.Role, "allowed", names))
		default:
			next(ctx)
		}
	}}
	return op
}
