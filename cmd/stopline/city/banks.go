package city

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"time"

	"stopline/stream/event"
)

// Banks answer the service's stops over its public API, each with its own key
// and its own pace, and keep a journal, so that a city that is started again
// goes on with the same holds.
type Banks struct {
	City  *City
	URL   string            // of the API
	Keys  map[string]string // by bank
	Speed float64           // of the city's clock against the wall's
	Log   *slog.Logger
	Seen  func(stopID string, at time.Time) // a stop became visible to its bank

	mu      sync.Mutex
	journal *os.File
	done    map[string]answer // by stop
	busy    map[string]bool
}

// answer is a bank's outcome, as the journal keeps it.
type answer struct {
	Hold    Hold       `json:"hold"`
	Outcome outcomeDoc `json:"outcome"`
}

type stopDoc struct {
	ID      string `json:"id"`
	Account struct {
		Number string `json:"number"`
		Bank   string `json:"bank"`
	} `json:"account"`
	Amount   string `json:"amount"`
	Transfer struct {
		ID string        `json:"id"`
		At event.Instant `json:"at"`
	} `json:"transfer"`
}

type outcomeDoc struct {
	Result      string        `json:"result"`
	EffectiveAt event.Instant `json:"effective_at,omitzero"`
	HeldAmount  string        `json:"held_amount,omitempty"`
	Balance     string        `json:"balance,omitempty"`
	Onward      []onwardDoc   `json:"onward,omitempty"`
	Reason      string        `json:"reason,omitempty"`
}

type onwardDoc struct {
	ID        string        `json:"id"`
	ToAccount string        `json:"to_account,omitempty"`
	ToBank    string        `json:"to_bank,omitempty"`
	Amount    string        `json:"amount"`
	At        event.Instant `json:"at"`
}

// OpenJournal reads the journal of earlier runs, and gives their holds to the
// city.
func (b *Banks) OpenJournal(path string) error {
	b.done, b.busy = map[string]answer{}, map[string]bool{}
	var holds []Hold
	f, err := os.Open(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the banks' journal: %w", err)
	}
	if err == nil {
		sc := bufio.NewScanner(f)
		sc.Buffer(nil, 1<<20)
		for sc.Scan() {
			var a answer
			if json.Unmarshal(sc.Bytes(), &a) != nil {
				continue // a line cut short by a crash: that answer was never given
			}
			if _, known := b.done[a.Hold.StopID]; !known {
				b.done[a.Hold.StopID] = a
				holds = append(holds, a.Hold)
			}
		}
		_ = f.Close()
		if err := sc.Err(); err != nil {
			return fmt.Errorf("the banks' journal: %w", err)
		}
	}
	b.City.Restore(holds)
	b.journal, err = os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return err
}

// Run answers until ctx ends.
func (b *Banks) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for i, code := range BankCodes {
		wg.Go(func() { b.poll(ctx, code, 0.6+0.3*float64(i), &wg) })
	}
	wg.Wait()
	_ = b.journal.Close()
}

// poll asks for the bank's stops and answers each; pace is how slow this bank
// is against the others.
func (b *Banks) poll(ctx context.Context, bank string, pace float64, wg *sync.WaitGroup) {
	r := rand.New(rand.NewPCG(b.City.cfg.Seed, uint64(bank[0])<<8|uint64(bank[1])))
	for ctx.Err() == nil {
		var page struct {
			Stops []stopDoc `json:"stops"`
		}
		status, err := b.do(ctx, bank, http.MethodGet, "/v1/bank/stops?wait=20s&limit=500", nil, &page)
		if err != nil || status != http.StatusOK {
			if ctx.Err() == nil {
				b.Log.Debug("a bank's poll failed", "bank", bank, "status", status, "err", err)
				sleep(ctx, 200*time.Millisecond)
			}
			continue
		}
		now := time.Now()
		fresh := false
		for _, s := range page.Stops {
			b.mu.Lock()
			busy := b.busy[s.ID]
			b.busy[s.ID] = true
			b.mu.Unlock()
			if busy {
				continue
			}
			fresh = true
			b.Seen(s.ID, now)
			// The time to answer, of the city: seconds where the bank's system
			// holds by itself, minutes where a clerk does.
			delay := time.Duration(pace * float64(8*time.Second) * math.Exp(r.NormFloat64()*0.7))
			if r.IntN(20) == 0 {
				delay += time.Duration(r.IntN(240)) * time.Second
			}
			wg.Go(func() { b.answer(ctx, bank, s, delay) })
		}
		if !fresh {
			sleep(ctx, 5*time.Millisecond) // acknowledgements are on their way
		}
	}
}

// answer acknowledges a stop, takes its time, and tells the outcome until it
// is taken.
func (b *Banks) answer(ctx context.Context, bank string, s stopDoc, delay time.Duration) {
	defer func() {
		b.mu.Lock()
		delete(b.busy, s.ID)
		b.mu.Unlock()
	}()
	if status, err := b.do(ctx, bank, http.MethodPost, "/v1/bank/stops/"+s.ID+"/acknowledgement", struct{}{}, nil); err != nil || status != http.StatusOK {
		b.Log.Debug("an acknowledgement failed", "bank", bank, "stop", s.ID, "status", status, "err", err)
		return // it is polled again
	}
	sleep(ctx, time.Duration(float64(delay)/b.Speed))
	if ctx.Err() != nil {
		return
	}
	o, err := b.decide(bank, s)
	if err != nil {
		b.Log.Error("the banks' journal cannot be written", "err", err)
		return
	}
	for wait := 50 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 2*time.Second) {
		status, err := b.do(ctx, bank, http.MethodPost, "/v1/bank/stops/"+s.ID+"/outcome", o, nil)
		if err == nil && status < 500 {
			if status != http.StatusOK {
				b.Log.Warn("an outcome was not taken", "bank", bank, "stop", s.ID, "status", status)
			}
			return
		}
		sleep(ctx, wait)
	}
}

// Unanswered polls for stops that were acknowledged and not answered before
// the last end, and answers them.
func (b *Banks) Unanswered(ctx context.Context) {
	for _, bank := range BankCodes {
		var page struct {
			Stops []stopDoc `json:"stops"`
		}
		if status, err := b.do(ctx, bank, http.MethodGet, "/v1/bank/stops?state=acknowledged&limit=500", nil, &page); err != nil || status != http.StatusOK {
			b.Log.Warn("a bank could not read its unanswered stops", "bank", bank, "status", status, "err", err)
			continue
		}
		for _, s := range page.Stops {
			b.answer(ctx, bank, s, 0)
		}
	}
}

// decide holds what there is to hold, and notes the answer before it is given.
func (b *Banks) decide(bank string, s stopDoc) (outcomeDoc, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a, known := b.done[s.ID]; known {
		return a.Outcome, nil
	}
	a := b.City.answerStop(bank, s)
	line, err := json.Marshal(&a)
	if err != nil {
		return outcomeDoc{}, err
	}
	if _, err := b.journal.Write(append(line, '\n')); err != nil {
		return outcomeDoc{}, err
	}
	b.done[s.ID] = a
	return a.Outcome, nil
}

// answerStop compares a stop with the account and holds what is there.
func (c *City) answerStop(bank string, s stopDoc) answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	minor, err := event.ParseMinor(s.Amount, 2)
	a := answer{Hold: Hold{StopID: s.ID, Account: s.Account.Number, At: c.now}}
	if err != nil || s.Account.Bank != bank {
		a.Outcome = outcomeDoc{Result: "mismatch"}
		return a
	}
	m := c.mules[s.Account.Number]
	if m == nil { // an honest account, wrongly stopped: the money is there
		a.Outcome = outcomeDoc{Result: "held", EffectiveAt: c.now, HeldAmount: yuan(minor)}
		return a
	}
	a.Hold.Minor = c.hold(Hold{Account: s.Account.Number, Minor: minor})
	a.Outcome = outcomeDoc{Result: "partial", Balance: yuan(m.balance)}
	switch a.Hold.Minor {
	case 0:
		a.Outcome.Result = "missed"
	case minor:
		a.Outcome.Result = "held"
	}
	if a.Hold.Minor > 0 {
		a.Outcome.EffectiveAt, a.Outcome.HeldAmount = c.now, yuan(a.Hold.Minor)
	}
	gone := minor - a.Hold.Minor
	for _, o := range m.out {
		if gone <= 0 {
			break
		}
		if o.at >= s.Transfer.At {
			a.Outcome.Onward = append(a.Outcome.Onward, onwardDoc{o.id, o.to, o.bank, yuan(o.minor), o.at})
			gone -= o.minor
		}
	}
	return a
}

// maxAnswer bounds what is read of an answer of the service.
const maxAnswer = 4 << 20

// do sends a request as a bank.
func (b *Banks) do(ctx context.Context, bank, method, path string, in, out any) (int, error) {
	var body io.Reader
	if in != nil {
		j, err := json.Marshal(in)
		if err != nil {
			return 0, err
		}
		body = bytes.NewReader(j)
	}
	req, err := http.NewRequestWithContext(ctx, method, b.URL+path, body)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+b.Keys[bank])
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return resp.StatusCode, err
	}
	if out != nil && resp.StatusCode == http.StatusOK {
		return resp.StatusCode, json.Unmarshal(answer, out)
	}
	return resp.StatusCode, nil
}

var client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
