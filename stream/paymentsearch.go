package stream

import (
	"context"
	"strings"
	"time"

	"stopline.internal/scoring"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
)

// The bounds of the search for payments: accounts that are looked for at all and
// at once, how often each (the books are a second or two behind), and how far back.
const (
	maxWanted    = 10_000
	maxAtOnce    = 500
	maxTries     = 8
	pauseOfTries = time.Second
	searchBack   = 7 * 24 * time.Hour
)

// paymentSearch looks in the books for payments by which tainted money had gone on
// before the account's partition knew that it was tainted. While ClickHouse is away
// the banks' answers tell, and the books when they are back.
type paymentSearch struct {
	*worker
	away   *pauseOfStates
	wanted map[event.Entity]*tries
}

// tries is how often an account has been looked for.
type tries struct {
	next time.Time // not before
	n    int
}

// want begins the search for an account's payments by name, where its state asks
// for it.
func (p *paymentSearch) want(s *scoring.State) {
	if s.NeedsPayments() && p.wanted[s.Entity] == nil && len(p.wanted) < maxWanted {
		p.wanted[s.Entity] = &tries{}
	}
}

// look asks for those whose time has come, and follows what is found.
func (p *paymentSearch) look(ctx context.Context) {
	accounts := p.due(time.Now())
	if len(accounts) == 0 || !p.away.over() {
		return
	}
	asking, cancel := context.WithTimeout(ctx, coldTimeout)
	defer cancel()
	found, err := p.States.Payments(asking, accounts, p.Clock().Add(-searchBack))
	if err != nil && ctx.Err() != nil {
		return // the partition goes to another
	}
	if err != nil {
		p.away.failed()
		p.Log.Warn("ClickHouse did not answer; trails go on with what is known",
			"partition", p.claim.Partition, "accounts", len(accounts), "err", err)
		return
	}
	for _, account := range accounts {
		p.found(event.Entity(event.PrefixAccount+account), found[account])
	}
}

// due lists the accounts to look for now.
func (p *paymentSearch) due(now time.Time) []string {
	var accounts []string
	for e, t := range p.wanted {
		if now.After(t.next) && len(accounts) < maxAtOnce {
			accounts = append(accounts, strings.TrimPrefix(string(e), event.PrefixAccount))
			t.next = now.Add(pauseOfTries)
		}
	}
	return accounts
}

// found follows an account's payments, and ends the search when all have names or
// it has been looked for often enough.
func (p *paymentSearch) found(e event.Entity, list []warehouse.Payment) {
	if t := p.wanted[e]; t != nil {
		if t.n++; t.n == maxTries {
			delete(p.wanted, e)
			p.part.EndSearch(e)
		}
	}
	named := make([]scoring.PaymentByName, len(list))
	for i := range list {
		named[i] = scoring.PaymentByName(list[i])
	}
	if out := p.part.AddPayments(e, named); out != nil {
		p.outcome(out)
		if !out.NeedsPayments {
			delete(p.wanted, e)
		}
	}
}
