package route_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/humatest"

	"stopline.internal/api/access"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/law"
	"stopline.internal/stream/event"
	"stopline.internal/stream/event/words"
)

type greeting struct{ Body struct{ Hello string } }

func greet(ctx context.Context, _ *struct{}) (*greeting, error) {
	out := &greeting{}
	out.Body.Hello = access.Who(ctx).Name
	return out, nil
}

// The table says who may do what: nobody without a key, and no other role.
func TestRolesOfARoute(t *testing.T) {
	_, api := humatest.New(t)
	route.Register(api, []route.Route{{Method: http.MethodPost, Path: "/x", ID: "x", EN: "Says hello",
		Roles: []access.Role{access.Supervisor, access.Admin}, Errors: []int{404}, Handler: route.Handle(greet)}})
	for role, want := range map[access.Role]int{access.Supervisor: 200, access.Admin: 200, access.Analyst: 403,
		access.Bank: 403} {
		ctx := access.With(t.Context(), &access.Identity{Name: "li", Role: role})
		if resp := api.PostCtx(ctx, "/x"); resp.Code != want || (want == 200) != strings.Contains(resp.Body.String(),
			`"li"`) {
			t.Errorf("%s: %d %s, want %d", role, resp.Code, resp.Body, want)
		}
	}
	for header, want := range map[string]string{"": `Bearer realm="stopline"`,
		"Authorization: Bearer wrong": `Bearer realm="stopline", error="invalid_token"`} {
		args := []any{}
		if header != "" {
			args = append(args, header)
		}
		if resp := api.Post("/x", args...); resp.Code != 401 || resp.Header().Get("WWW-Authenticate") != want {
			t.Errorf("%q: %d %q", header, resp.Code, resp.Header().Get("WWW-Authenticate"))
		}
	}
	op := api.OpenAPI().Paths["/x"].Post
	if op.Description != "For: supervisor, admin." || op.Tags[0] != "supervisor" || op.Summary != "Says hello" {
		t.Errorf("%+v", op)
	}
	for _, status := range []string{"400", "401", "403", "404", "409", "413", "415", "422"} {
		if op.Responses[status] == nil {
			t.Errorf("the document does not name %s", status)
		}
	}
	if len(op.Parameters) != 1 || op.Parameters[0].Name != route.IdempotencyHeader {
		t.Errorf("%+v", op.Parameters)
	}
}

// A reading has no key of its own and no conflict; what a route describes comes last.
func TestReadingRoute(t *testing.T) {
	_, api := humatest.New(t)
	paper := route.Document("The paper", map[string]*huma.MediaType{"text/html": {}})
	route.Register(api, []route.Route{{Method: http.MethodGet, Path: "/x", ID: "x", Roles: []access.Role{access.Police},
		Handler: route.Handle(greet), Describe: paper}})
	op := api.OpenAPI().Paths["/x"].Get
	if len(op.Parameters) != 0 || op.Responses["409"] != nil || op.Responses["413"] != nil {
		t.Errorf("%+v", op)
	}
	if op.Responses["200"].Content["text/html"] == nil || op.Responses["200"].Description != "The paper" {
		t.Errorf("%+v", op.Responses["200"])
	}
	var own huma.Operation
	if route.OwnRules(api, &own); !own.SkipValidateBody {
		t.Error("the framework checks what has rules of its own")
	}
}

// stubLog answers as it is told.
type stubLog struct {
	result  ledger.Result
	err     error
	written int
}

func (l *stubLog) Append(context.Context, ledger.Entry) (ledger.Result, error) {
	return l.result, l.err
}

func (l *stubLog) Write(_ context.Context, e ...ledger.Entry) error {
	l.written += len(e)
	return l.err
}

func (l *stubLog) Taint(_ context.Context, taints ...*event.Taint) error {
	l.written += len(taints)
	return l.err
}

func problem(t *testing.T, err error) *wire.Problem {
	t.Helper()
	var p *wire.Problem
	if !errors.As(err, &p) {
		t.Fatalf("%v is no problem", err)
	}
	return p
}

// What the log says becomes an answer: accepted, refused by code, or unavailable with
// the reason in the service's log alone.
func TestRecord(t *testing.T) {
	var logged strings.Builder
	log := &stubLog{}
	r := &route.Record{Log: log, Taints: log, Failures: route.Failures{Logger: slog.New(slog.NewTextHandler(&logged,
		nil))}}
	ctx := route.WithRequestID(t.Context(), "r-1")

	log.result = ledger.Result{Accepted: true}
	if _, err := r.Append(ctx, ledger.Entry{}); err != nil {
		t.Error(err)
	}
	log.result = ledger.Result{Why: words.New("four-eyes.stop")}
	if _, err := r.Append(ctx, ledger.Entry{}); problem(t, err).Status != 403 {
		t.Error(err)
	}
	if res, err := r.Try(ctx, ledger.Entry{}); err != nil || res.Accepted {
		t.Errorf("%+v, %v", res, err)
	}
	if err := errors.Join(r.Write(ctx), r.Follow(ctx), r.Follow(ctx, nil)); err != nil || log.written != 0 {
		t.Errorf("%v; %d were written, of nothing", err, log.written)
	}
	if err := errors.Join(r.Write(ctx, ledger.Entry{}), r.Follow(ctx, nil, &event.Taint{})); err != nil ||
		log.written != 2 {
		t.Errorf("%v; %d were written, want 2", err, log.written)
	}

	log.err = errors.New("broker 3 is on fire")
	_, err := r.Append(ctx, ledger.Entry{})
	for _, err := range []error{err, r.Write(ctx, ledger.Entry{}), r.Follow(ctx, &event.Taint{})} {
		if p := problem(t, err); p.Status != 503 || p.Code != "unavailable.log" || strings.Contains(p.Detail, "fire") {
			t.Errorf("%+v", p)
		}
	}
	if text := logged.String(); strings.Count(text, "on fire") != 3 || !strings.Contains(text, "request_id=r-1") {
		t.Errorf("the log has %s", text)
	}
	log.err = context.Canceled
	if p := problem(t, r.Write(ctx, ledger.Entry{})); p.Code != "unavailable.confirmation" {
		t.Errorf("%+v", p)
	}
	if p := problem(t, r.Failures.Books(ctx, errors.New("x"))); p.Status != 503 || p.Code != "unavailable.books" {
		t.Errorf("%+v", p)
	}
}

// One name has 64 places to wait, and gets them back.
func TestWaiters(t *testing.T) {
	var w route.Waiters
	leave := make([]func(), 64)
	for i := range leave {
		var err error
		if leave[i], err = w.Enter("PCBC"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Enter("PCBC"); problem(t, err).Status != 429 {
		t.Error(err)
	}
	if _, err := w.Enter("ICBK"); err != nil {
		t.Error(err)
	}
	leave[0]()
	if _, err := w.Enter("PCBC"); err != nil {
		t.Error(err)
	}
}

// All that is missing is named, and what may be missing is not.
func TestRequire(t *testing.T) {
	type dependencies struct {
		Name    string
		Clock   func() int
		Log     route.Log
		Ledger  *ledger.Ledger
		Metrics http.Handler `optional:"there is no /metrics"`
	}
	err := route.Require("api/x", dependencies{Log: &stubLog{}})
	if err == nil || err.Error() != "api/x: the dependency Clock is missing\napi/x: the dependency Ledger is missing" {
		t.Errorf("%v", err)
	}
	if err := route.Require("api/x", dependencies{"", func() int { return 1 }, &stubLog{},
		ledger.New(law.Default), nil}); err != nil {
		t.Error(err)
	}
}

// A problem outside of the routes is said in the reader's language, with the request.
func TestWriteProblem(t *testing.T) {
	r := httptest.NewRequestWithContext(route.WithRequestID(t.Context(), "r-7"), http.MethodGet, "/", nil)
	r.Header.Set("Accept-Language", "zh-CN")
	w := httptest.NewRecorder()
	route.WriteProblem(w, r, wire.NewProblem(404, "not-found.stop", "stop", "stp_9"))
	var p wire.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	if w.Code != 404 || w.Header().Get("Content-Type") != "application/problem+json" || p.Detail != "没有止付 stp_9" ||
		p.RequestID != "r-7" || p.Code != "not-found.stop" {
		t.Errorf("%d %v %+v", w.Code, w.Header(), p)
	}
	if route.RequestID(t.Context()) != "" {
		t.Error("a context without a request has an id")
	}
}
