package center_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"stopline.internal/api/access"
	"stopline.internal/api/apitest"
	"stopline.internal/api/wire"
	"stopline.internal/scoring"
	"stopline.internal/stream/event"
)

const yaml = "application/yaml"

// catalogue puts the program's own catalogue in force.
func catalogue(t *testing.T, s *apitest.Service) {
	t.Helper()
	if err := s.Rules.Decide(t.Context(), event.Control{What: event.ControlCatalogue,
		Text: string(scoring.DefaultCatalogue), By: "built in"}); err != nil {
		t.Fatal(err)
	}
}

// changed is the catalogue with another name in it.
func changed(name string) string {
	return strings.Replace(string(scoring.DefaultCatalogue), "Impersonated police or prosecutor", name, 1)
}

// One person proposes a catalogue, another publishes it; who wrote it on another one
// than is in force must write it anew.
func TestCatalogueByTwo(t *testing.T) {
	s := apitest.Start(t)
	s.Ask(s.Key(access.Analyst), "GET", "/v1/patterns", "").Want(404, "code", "not-found.catalogue")
	catalogue(t, s)
	now := s.Ask(s.Key(access.Analyst), "GET", "/v1/patterns", "").Want(200, "by", "built in", "patterns.0.id",
		"authority-call-then-transfer", "patterns.0.stage", "live", "patterns.0.weight", "0.7")
	propose := func(text string, headers ...string) *apitest.Answer {
		return s.Ask(s.Key(access.Supervisor), "POST", "/v1/patterns/proposals?reason=words", text, append(headers,
			"Content-Type", yaml)...)
	}
	propose("- id: [").Want(422, "code", "catalogue.refused")
	propose("[]").Want(422, "code", "catalogue.empty")
	propose(string(scoring.DefaultCatalogue)).Want(422, "code", "catalogue.same")
	propose(changed("one"), "If-Match", `"old"`).Want(412, "code", "version.catalogue", "values.sent", "old")
	p := propose(changed("one"), "If-Match", now.Header.Get("ETag")).Want(200, "proposed_by", "supervisor", "reason",
		"words",
		"base", now.Get("version"))
	other := propose(changed("two")).Want(200)
	s.Ask(s.Key(access.Analyst), "GET", "/v1/patterns/proposals", "").Want(200, "proposals.#", "2",
		"proposals.0.version", other.Get("version"))
	approve := func(role access.Role, version string) *apitest.Answer {
		return s.Ask(s.Key(role), "POST", "/v1/patterns/proposals/"+version+"/approval", "")
	}
	approve(access.Supervisor, p.Get("version")).Want(403, "code", "four-eyes.catalogue")
	approve(access.Admin, "none").Want(404, "code", "not-found.proposal")
	approve(access.Admin, p.Get("version")).Want(200, "by", "supervisor, admin", "patterns.0.name_en", "one")
	approve(access.Admin, other.Get("version")).Want(412, "code", "version.base", "values.version", p.Get("version"))
	s.Ask(s.Key(access.Analyst), "DELETE", "/v1/patterns/proposals/"+other.Get("version"), "").Want(204)
	s.Ask(s.Key(access.Analyst), "GET", "/v1/patterns/proposals", "").Want(200, "proposals.#", "0")
	s.Ask(s.Key(access.Analyst), "GET", "/v1/patterns/versions", "").Want(200, "versions.#", "2", "versions.0.version",
		p.Get("version"),
		"versions.0.text", "")
	s.Ask(s.Key(access.Analyst), "GET", "/v1/patterns/versions/"+now.Get("version"), "").Want(200, "by", "built in")
	s.Ask(s.Key(access.Analyst), "GET", "/v1/patterns/versions/none", "").Want(404, "code", "not-found.version")
}

// An admin publishes alone; the same again changes nothing; a log that fails says so.
func TestPublishAlone(t *testing.T) {
	s := apitest.Start(t)
	catalogue(t, s)
	put := func(role access.Role, text string) *apitest.Answer {
		return s.Ask(s.Key(role), "PUT", "/v1/patterns?reason=now", text, "Content-Type", yaml)
	}
	put(access.Supervisor, changed("one")).Want(403)
	put(access.Admin, changed("one")).Want(200, "by", "admin", "reason", "now", "patterns.0.name_en", "one")
	n := len(s.Rules.Taken())
	put(access.Admin, changed("one")).Want(200)
	if len(s.Rules.Taken()) != n {
		t.Error("the same catalogue was published twice")
	}
	s.Ask(s.Key(access.Analyst), "POST", "/v1/patterns/check", changed("two"), "Content-Type", yaml).Want(200)
	s.Rules.Fail(errors.New("no leader"))
	put(access.Admin, changed("two")).Want(503, "code", "unavailable.log")
}

// A catalogue is tried on the past: one at a time, and not on more than a service may.
func TestBacktest(t *testing.T) {
	s := apitest.Start(t)
	try := func() *apitest.Answer {
		return s.Ask(s.Key(access.Analyst), "POST", "/v1/patterns/backtest?days=3", changed("one"), "Content-Type", yaml)
	}
	try().Want(404, "code", "not-found.baseline")
	catalogue(t, s)
	try().Want(422, "code", "backtest.size", "values.events", "0")
	s.Books.Rows = 2_000_001
	try().Want(422, "code", "backtest.size", "values.limit", "2000000")
	s.Books.Rows = 7
	s.Backtest.Say(wire.Backtest{Events: 7, Candidate: wire.BacktestFigures{Caught: 2}}, nil, func() {
		try().Want(409, "code", "backtest.running")
	})
	try().Want(200, "events", "7", "candidate.caught", "2")
	s.Backtest.Say(wire.Backtest{}, errors.New("no ClickHouse"), nil)
	try().Want(503, "code", "unavailable.books")
	s.Books.Fail(errors.New("no ClickHouse"))
	try().Want(503, "code", "unavailable.books")
}

// Exceptions and known-good entities end; they are written as people write accounts and
// numbers, and taken away once.
func TestExceptionsAndKnownGood(t *testing.T) {
	s := apitest.Start(t)
	ask := func(method, path, body string) *apitest.Answer {
		return s.Ask(s.Key(access.Supervisor), method, path, body)
	}
	until := s.Now().Add(24 * time.Hour)
	except := fmt.Sprintf(`{"reason":"a payroll","until":"%s"}`, until)
	ask("PUT", "/v1/exceptions/acct:62170001/mule", except).Want(503, "code", "unavailable.rules")
	catalogue(t, s)
	ask("PUT", "/v1/exceptions/acct:62170001/none", except).Want(422, "errors.0.code", "field.rule")
	ask("PUT", "/v1/exceptions/nobody/*", except).Want(422, "errors.0.pointer", "path.entity", "errors.0.code",
		"field.entity")
	ask("PUT", "/v1/exceptions/acct:62170001/*", `{"reason":"x","until":"2020-01-01T00:00:00Z"}`).Want(422,
		"errors.0.code", "field.over")
	ask("PUT", "/v1/exceptions/acct:62170001/authority-call-then-transfer", except).Want(204)
	ask("GET", "/v1/exceptions", "").Want(200, "items.#", "1", "items.0.entity", "acct:62170001", "items.0.by",
		"supervisor",
		"items.0.until", until.String(), "items.0.reason", "a payroll")
	ask("DELETE", "/v1/exceptions/acct:62170001/*", "").Want(404, "code", "not-found.exception")
	ask("DELETE", "/v1/exceptions/acct:62170001/authority-call-then-transfer", "").Want(204)
	ask("GET", "/v1/exceptions", "").Want(200, "items.#", "0")

	ask("PUT", "/v1/known-good/tel:13800138000", `{"as":"utility","reason":"the waterworks"}`).Want(204)
	ask("GET", "/v1/known-good", "").Want(200, "items.0.entity", "tel:+8613800138000", "items.0.as", "utility")
	ask("DELETE", "/v1/known-good/tel:+8613800138001", "").Want(404, "code", "not-found.known-good")
	ask("DELETE", "/v1/known-good/tel:+8613800138000", "").Want(204)
	ask("GET", "/v1/known-good", "").Want(200, "items.#", "0")
	s.Ask(s.Key(access.Analyst), "PUT", "/v1/known-good/tel:1", `{"as":"utility","reason":"x"}`).Want(403)
	s.Rules.Fail(errors.New("no leader"))
	ask("PUT", "/v1/known-good/tel:13800138000", `{"as":"utility","reason":"x"}`).Want(503)
}

// A brake that has fallen is lifted by a person; one that has not cannot be.
func TestBrakes(t *testing.T) {
	s := apitest.Start(t)
	if err := s.Rules.Decide(t.Context(), event.Control{What: event.ControlTrip, Pattern: "mule",
		By: "scoring"}); err != nil {
		t.Fatal(err)
	}
	s.Ask(s.Key(access.Analyst), "GET", "/v1/brakes", "").Want(200, "items.#", "1", "items.0.pattern", "mule")
	s.Ask(s.Key(access.Supervisor), "POST", "/v1/brakes/other/release", "").Want(404, "code", "not-found.brake")
	s.Ask(s.Key(access.Supervisor), "POST", "/v1/brakes/mule/release", "").Want(204)
	s.Ask(s.Key(access.Analyst), "GET", "/v1/brakes", "").Want(200, "items.#", "0")
	s.Ask(s.Key(access.Supervisor), "POST", "/v1/brakes/*/release", "").Want(204)
	if taken := s.Rules.Taken(); taken[len(taken)-1].By != "supervisor" || taken[len(taken)-1].What != event.ControlLift {
		t.Errorf("%+v", taken)
	}
}
