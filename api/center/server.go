package center

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"stopline.internal/api/access"
	"stopline.internal/api/route"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/stream/event"
)

// Who may do what: the columns of the tables.
var (
	center      = []access.Role{access.Analyst, access.Supervisor, access.Admin}
	readers     = []access.Role{access.Analyst, access.Supervisor, access.Police, access.Admin}
	deciders    = []access.Role{access.Supervisor, access.Admin}
	admin       = []access.Role{access.Admin}
	everybody   = []access.Role{access.Analyst, access.Supervisor, access.Police, access.Admin, access.Bank}
	policeFirst = []access.Role{access.Police, access.Analyst, access.Supervisor, access.Admin}
	verifiers   = []access.Role{access.Police, access.Supervisor, access.Admin}
)

// Intake is where documents from outside go, to be read like any source's.
type Intake interface {
	Report(ctx context.Context, id string, document []byte) error
	Watch(ctx context.Context, entity string, document []byte) error // nil removes
	route.Taints
}

// Rules is where decisions about scoring go.
type Rules interface {
	// Decide writes a decision and waits until it has come back.
	Decide(ctx context.Context, c event.Control) error
}

// Rulebook is what is in force of the catalogue and of decisions about scoring.
type Rulebook interface {
	Current() (scoring.Published, bool)
	Version(version string) (scoring.Published, bool)
	Versions() []scoring.Published
	Proposal(version string) (scoring.Proposal, bool)
	Proposals() []scoring.Proposal
	Exceptions() []scoring.Decision
	Known() []scoring.Decision
	Brakes() []scoring.Decision
	Full() bool
}

// Watcher tells of alerts as they happen.
type Watcher interface {
	// After lists the alerts after the first n, the number seen now, and a channel
	// that is closed when there is more; below 0 it begins now.
	After(n int) (docs [][]byte, seen int, more <-chan struct{})
}

// Dependencies are what the routes work with.
type Dependencies struct {
	Center      string // its name, for papers and reports
	Numbering   string // what the numbers of its papers begin with; empty: 反诈止
	Partitions  int    // of the ledger's log, which number the papers
	Ledger      *ledger.Ledger
	Log         route.Log
	Rules       Rules
	Book        Rulebook
	Intake      Intake
	Watcher     Watcher
	DeadLetters DeadLetters
	Backtest    Backtest
	Warehouse   Warehouse
	Banks       *event.Banks // that are known
	Parser      *event.Parser
	Clock       func() event.Instant
	Simulation  *Simulation `optional:"the time is everybody's"`
	Logger      *slog.Logger
}

// base is what the routes share.
type base struct {
	Dependencies
	record  *route.Record
	fail    route.Failures
	reviews *reviews
	waiters route.Waiters                  // streams to consoles, by person
	names   atomic.Pointer[catalogueNames] // of the catalogue in force, as it was read last
}

// Server answers the people of the center and the police.
type Server struct{ base base }

// New fails where a dependency is missing.
func New(d Dependencies) (*Server, error) {
	if err := route.Require("api/center", d); err != nil {
		return nil, err
	}
	s := &Server{base{Dependencies: d, fail: route.Failures{Logger: d.Logger}, reviews: newReviews()}}
	s.base.record = &route.Record{Log: s.Observe(d.Log), Taints: d.Intake, Failures: s.base.fail}
	return s, nil
}

// Observe is a log that tells the queue of what this replica changes through it:
// whoever decided something sees it in the next answer.
func (s *Server) Observe(log route.Log) route.Log { return ownChanges{log, s.base.reviews.changed} }

// Routes is what people may do.
func (s *Server) Routes() []route.Route {
	b := &s.base
	return slices.Concat(
		(&reports{b}).routes(),
		(&me{b}).routes(),
		(&alerts{b}).routes(),
		(&stops{b}).routes(),
		(&deliveries{b}).routes(),
		(&watchlist{b}).routes(),
		(&cases{b}).routes(),
		(&evidence{b}).routes(),
		(&visits{b}).routes(),
		(&queue{b}).routes(),
		(&search{b}).routes(),
		(&live{b}).routes(),
		(&duties{b}).routes(),
		(&returns{b}).routes(),
		(&appeals{b}).routes(),
		(&papers{b}).routes(),
		(&statistics{b}).routes(),
		(&patterns{b}).routes(),
		(&proposals{b}).routes(),
		(&backtests{base: b, running: &sync.Mutex{}}).routes(),
		(&rules{b}).routes(),
		(&deadLetters{b}).routes(),
		(&registers{b}).routes(),
	)
}
