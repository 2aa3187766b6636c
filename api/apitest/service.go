package apitest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stopline.internal/api"
	"stopline.internal/api/access"
	"stopline.internal/api/bank"
	"stopline.internal/api/center"
	"stopline.internal/api/route"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/law"
	"stopline.internal/stream/event"
)

// Noon is the time of a service that begins: 23 November 2026, 12:00 in Beijing.
var Noon = event.InstantOf(time.Date(2026, 11, 23, 12, 0, 0, 0, event.Zone))

// Service is the API with all that is behind it.
type Service struct {
	URL     string
	Handler http.Handler
	Keys    *access.Identities

	Ledger      *ledger.Ledger
	Log         *Log
	Rules       *Rules
	Intake      *Intake
	Screener    *Screener
	Watcher     *Watcher
	DeadLetters *DeadLetters
	Backtest    *Backtest
	Books       *Books

	t     testing.TB
	now   atomic.Int64
	ready atomic.Pointer[error]
	lines logged
}

// Start serves the API, with keys for each role and for the banks PCBC and ICBK. A
// change may put other dependencies in the place of these.
func Start(t testing.TB, change ...func(*api.Dependencies)) *Service {
	t.Helper()
	keys, err := access.LocalIdentities(filepath.Join(t.TempDir(), "keys.json"), []string{"PCBC", "ICBK"})
	if err != nil {
		t.Fatal(err)
	}
	l := ledger.New(law.Default)
	s := &Service{Keys: keys, Ledger: l, Log: &Log{ledger: l}, Rules: &Rules{Book: scoring.NewRulebook()},
		Intake: &Intake{}, Screener: &Screener{}, Watcher: &Watcher{}, DeadLetters: &DeadLetters{},
		Backtest: &Backtest{}, Books: &Books{}, t: t}
	s.now.Store(int64(Noon))
	s.Rules.clock = s.Now
	parser := &event.Parser{Limits: event.DefaultLimits, Numbers: event.NewNumbers("CN"), Banks: event.BuiltInBanks()}
	s.Intake.service, s.Intake.parser = s, parser
	d := api.Dependencies{Version: "9.8.7 (commit abc)", Partitions: Partitions, Ledger: l, Log: s.Log, Rules: s.Rules,
		Book: s.Rules.Book, Intake: s.Intake, Screener: s.Screener, Screening: bank.DefaultScreening, Watcher: s.Watcher,
		DeadLetters: s.DeadLetters, Backtest: s.Backtest.run, Warehouse: s.Books, Identities: keys,
		Banks: event.BuiltInBanks(), Parser: parser, Clock: s.Now, Ready: s.isReady,
		Logger: slog.New(slog.NewTextHandler(&s.lines, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, c := range change {
		c(&d)
	}
	if s.Handler, err = api.New(d); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Routes are the tables of all rooms.
func Routes(t testing.TB) []route.Route {
	t.Helper()
	s := Start(t)
	people, err := center.New(center.Dependencies{Ledger: s.Ledger, Log: s.Log, Rules: s.Rules, Book: s.Rules.Book,
		Intake: s.Intake, Watcher: s.Watcher, DeadLetters: s.DeadLetters, Backtest: s.Backtest.run, Warehouse: s.Books,
		Banks: event.BuiltInBanks(), Parser: s.Intake.parser, Clock: s.Now, Logger: slog.Default()})
	if err != nil {
		t.Fatal(err)
	}
	banks, err := bank.New(bank.Dependencies{Ledger: s.Ledger, Log: s.Log, Taints: s.Intake, Screener: s.Screener,
		Banks: event.BuiltInBanks(), Parser: s.Intake.parser, Clock: s.Now, Logger: slog.Default()})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(people.Routes(), banks.Routes())
}

// Now is the service's time.
func (s *Service) Now() event.Instant { return event.Instant(s.now.Load()) }

// Pass lets time pass.
func (s *Service) Pass(d time.Duration) { s.now.Store(int64(s.Now().Add(d))) }

// NotReady makes the service say that something is missing; empty: nothing is.
func (s *Service) NotReady(why string) {
	err := errors.New(why)
	if why == "" {
		err = nil
	}
	s.ready.Store(&err)
}

func (s *Service) isReady(context.Context) error {
	if err := s.ready.Load(); err != nil {
		return *err
	}
	return nil
}

// Key is the key of a role.
func (s *Service) Key(role access.Role) string { return s.Keys.Local(role, "") }

// Bank is the key of a bank.
func (s *Service) Bank(code string) string { return s.Keys.Local(access.Bank, code) }

// Logged returns the text of the service's own log so far.
func (s *Service) Logged() string { return s.lines.String() }

// Send asks the service as the owner of a key, and returns the status, the headers
// and the body.
func (s *Service) Send(key, method, path, body string, headers ...string) (int, http.Header, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

// logged keeps what is written, from many goroutines.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
