package stream

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"stopline.internal/scoring"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
)

// The bounds of the search for payments: accounts that are looked for at all and at once, how often each
// gets an answer, and how far back. The first pauses are alike, since the books are a second or two behind
// and the money goes on; then each is twice the one before, for books that were away.
const (
	maxWanted  = 10_000
	maxAtOnce  = 500
	soonTries  = 5
	maxTries   = 16
	searchBack = 7 * 24 * time.Hour
)

// paymentSearch looks in the books for payments by which tainted money had gone on before the account's
// partition knew that it was tainted. Nothing waits for it, and only answers count: while ClickHouse is away
// the banks' answers tell, and the books when they are back. Who is looked for is in the checkpoint.
type paymentSearch struct {
	*worker
	wanted  map[event.Entity]*tries
	answers chan answered // nil: nobody is asked now
}

// tries is how often an account has been looked for.
type tries struct {
	next time.Time // not before
	n    int       // that were answered
}

// answered is what the books said.
type answered struct {
	accounts []string
	payments map[string][]warehouse.Payment
	err      error
}

// want begins the search for an account's payments by name, where its state asks for it.
func (p *paymentSearch) want(s *scoring.State) {
	if s.NeedsPayments() && p.wanted[s.Entity] == nil && len(p.wanted) < maxWanted {
		p.wanted[s.Entity] = &tries{}
	}
}

// look takes an answer that has come, and asks for those whose time has.
func (p *paymentSearch) look(ctx context.Context) error {
	if p.provisional {
		return nil
	}
	if p.answers != nil {
		select {
		case a := <-p.answers:
			p.answers = nil
			return p.take(ctx, &a)
		default:
			return nil
		}
	}
	accounts := p.due(time.Now())
	if len(accounts) == 0 {
		return nil
	}
	answers, from := make(chan answered, 1), p.Clock().Add(-searchBack)
	p.answers = answers
	p.background(ctx, func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, remoteTime)
		defer cancel()
		found, err := p.States.Payments(ctx, accounts, from)
		answers <- answered{accounts, found, err}
	})
	return nil
}

// take follows what the books know. The accounts are brought to hand before.
func (p *paymentSearch) take(ctx context.Context, a *answered) error {
	if a.err != nil {
		p.Log.Warn("ClickHouse did not answer; trails go on with what is known, and it is asked again",
			"partition", p.claim.Partition, "accounts", len(a.accounts), "err", a.err)
		return nil
	}
	var missing []event.Entity
	for _, account := range a.accounts {
		if e := event.Entity(event.PrefixAccount + account); !p.part.Has(e) {
			missing = append(missing, e)
		}
	}
	if err := p.past.fetch(ctx, missing); errors.Is(err, errAway) {
		return nil // it is asked again, and nothing else hangs on it
	} else if err != nil {
		return err
	}
	for _, account := range a.accounts {
		p.found(event.Entity(event.PrefixAccount+account), a.payments[account])
	}
	return nil
}

// due lists the accounts to look for now, by name.
func (p *paymentSearch) due(now time.Time) []string {
	var accounts []string
	for e, t := range p.wanted {
		if now.After(t.next) && len(accounts) < maxAtOnce {
			accounts = append(accounts, strings.TrimPrefix(string(e), event.PrefixAccount))
			t.next = now.Add(min(p.patience.payments<<max(0, t.n-soonTries), p.patience.lastsUpTo))
		}
	}
	slices.Sort(accounts)
	return accounts
}

// found follows an account's payments, and ends the search when all have names or the books have answered
// often enough.
func (p *paymentSearch) found(e event.Entity, list []warehouse.Payment) {
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
	if t := p.wanted[e]; t != nil {
		if t.n++; t.n == maxTries {
			delete(p.wanted, e)
			p.part.EndSearch(e)
		}
	}
}

// encode is who is looked for, as a checkpoint keeps it: how often each was, by name.
func (p *paymentSearch) encode() []byte {
	if len(p.wanted) == 0 {
		return []byte{}
	}
	out := make(map[event.Entity]int, len(p.wanted))
	for e, t := range p.wanted {
		out[e] = t.n
	}
	return event.Encode(out)
}

// read restores it.
func (p *paymentSearch) read(doc []byte) error {
	if len(doc) == 0 {
		return nil
	}
	var in map[event.Entity]int
	if err := json.Unmarshal(doc, &in); err != nil {
		return err
	}
	for e, n := range in {
		p.wanted[e] = &tries{n: n}
	}
	return nil
}
