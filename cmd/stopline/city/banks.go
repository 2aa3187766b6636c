package city

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"stopline.internal/api/client"
	"stopline.internal/stream/event"
)

// Banks answer the service's stops over its public API, each with its own key
// and its own pace, and keep a journal, so that a city that is started again
// goes on with the same holds.
type Banks struct {
	City *City
	URL  string            // of the API
	Keys map[string]string // by bank
	Log  *slog.Logger
	// Sleep waits for a while of the city's time, or until ctx ends.
	Sleep func(ctx context.Context, d time.Duration)
	Seen  func(stopID string, at time.Time) // a stop became visible to its bank

	mu      sync.Mutex
	journal *os.File
	done    map[string]answer // by stop
	busy    map[string]bool
}

// answer is a bank's outcome, as the journal keeps it.
type answer struct {
	Hold    Hold           `json:"hold"`
	Outcome client.Outcome `json:"outcome"`
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

// Run answers until ctx ends: half of the banks ask again and again, the others
// read their stream.
func (b *Banks) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for i, code := range BankCodes {
		d := &desk{Banks: b, bank: code, pace: 0.6 + 0.3*float64(i), client: b.client(code),
			rng: rand.New(rand.NewPCG(b.City.cfg.Seed, uint64(code[0])<<8|uint64(code[1]))), wg: &wg}
		if i%2 == 0 {
			wg.Go(func() { d.poll(ctx) })
		} else {
			wg.Go(func() { d.listen(ctx) })
		}
	}
	wg.Wait()
	_ = b.journal.Close()
}

func (b *Banks) client(bank string) *client.Client {
	return &client.Client{URL: b.URL, Key: b.Keys[bank]}
}

// desk is where one bank works on its stops; pace is how slow it is against the
// others.
type desk struct {
	*Banks
	bank   string
	pace   float64
	client *client.Client
	rng    *rand.Rand
	wg     *sync.WaitGroup
}

func (d *desk) poll(ctx context.Context) {
	for ctx.Err() == nil {
		stops, err := d.client.Waiting(ctx, 20*time.Second)
		if err != nil {
			if ctx.Err() == nil {
				d.Log.Debug("a bank's poll failed", "bank", d.bank, "err", err)
				sleep(ctx, 200*time.Millisecond)
			}
			continue
		}
		fresh := false
		for _, s := range stops {
			fresh = d.take(ctx, s) || fresh
		}
		if !fresh {
			sleep(ctx, 5*time.Millisecond) // acknowledgements are on their way
		}
	}
}

func (d *desk) listen(ctx context.Context) {
	err := d.client.Listen(ctx, "", func(_ context.Context, m client.Message) error {
		switch {
		case m.Type == client.StopRequested && (m.Data.State == "requested" || m.Data.State == "undelivered"):
			d.take(ctx, m.Data)
		case m.Type == client.ReturnInstructed && m.Data.Return != nil:
			d.wg.Go(func() {
				if _, err := d.client.Returned(ctx, m.Data.ID, m.Data.Return.Amount, "R-"+m.Data.Return.ID); err != nil &&
					ctx.Err() == nil {
					d.Log.Warn("a payment back could not be confirmed", "bank", d.bank, "stop", m.Data.ID, "err", err)
				}
			})
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		d.Log.Error("a bank's stream ended", "bank", d.bank, "err", err)
	}
}

// take begins to work on a stop; false when it is worked on already.
func (d *desk) take(ctx context.Context, s client.Stop) bool {
	d.mu.Lock()
	busy := d.busy[s.ID]
	d.busy[s.ID] = true
	d.mu.Unlock()
	if busy {
		return false
	}
	d.Seen(s.ID, time.Now())
	// The time to answer, of the city: seconds where the bank's system holds by
	// itself, minutes where a clerk does.
	delay := time.Duration(d.pace * float64(8*time.Second) * math.Exp(d.rng.NormFloat64()*0.7))
	if d.rng.IntN(20) == 0 {
		delay += time.Duration(d.rng.IntN(240)) * time.Second
	}
	d.wg.Go(func() { d.answer(ctx, d.client, d.bank, s, delay) })
	return true
}

// answer acknowledges a stop, takes its time, and tells the outcome.
func (b *Banks) answer(ctx context.Context, c *client.Client, bank string, s client.Stop, delay time.Duration) {
	defer func() {
		b.mu.Lock()
		delete(b.busy, s.ID)
		b.mu.Unlock()
	}()
	if _, err := c.Acknowledge(ctx, s.ID); err != nil {
		b.Log.Debug("an acknowledgement failed", "bank", bank, "stop", s.ID, "err", err)
		return
	}
	b.Sleep(ctx, delay)
	if ctx.Err() != nil {
		return
	}
	o, err := b.decide(bank, s)
	if err != nil {
		b.Log.Error("the banks' journal cannot be written", "err", err)
		return
	}
	if _, err := c.Answer(ctx, s.ID, o); err != nil && ctx.Err() == nil {
		b.Log.Warn("an outcome was not taken", "bank", bank, "stop", s.ID, "err", err)
	}
}

// Unanswered answers the stops that were acknowledged and not answered before
// the last end.
func (b *Banks) Unanswered(ctx context.Context) {
	for _, bank := range BankCodes {
		c := b.client(bank)
		stops, err := c.Open(ctx, "acknowledged")
		if err != nil {
			b.Log.Warn("a bank could not read its unanswered stops", "bank", bank, "err", err)
			continue
		}
		for _, s := range stops {
			b.answer(ctx, c, bank, s, 0)
		}
	}
}

// decide holds what there is to hold, and notes the answer before it is given.
func (b *Banks) decide(bank string, s client.Stop) (client.Outcome, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a, known := b.done[s.ID]; known {
		return a.Outcome, nil
	}
	a := b.City.answerStop(bank, s)
	line, err := json.Marshal(&a)
	if err != nil {
		return client.Outcome{}, err
	}
	if _, err := b.journal.Write(append(line, '\n')); err != nil {
		return client.Outcome{}, err
	}
	b.done[s.ID] = a
	return a.Outcome, nil
}

// answerStop compares a stop with the account and holds what is there.
func (c *City) answerStop(bank string, s client.Stop) answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	minor, err := event.ParseMinor(s.Amount, 2)
	// The service's clock may be ahead: it goes on while the city stands still.
	at := c.now.Time()
	if at.Before(s.RequestedAt) {
		at = s.RequestedAt
	}
	a := answer{Hold: Hold{StopID: s.ID, Account: s.Account.Number, At: c.now}}
	if err != nil || s.Account.Bank != bank {
		a.Outcome = client.Outcome{Result: client.Mismatch}
		return a
	}
	m := c.mules[s.Account.Number]
	if m == nil { // an honest account, wrongly stopped: the money is there
		a.Outcome = client.Outcome{Result: client.Held, EffectiveAt: at, HeldAmount: yuan(minor)}
		return a
	}
	a.Hold.Minor = c.hold(Hold{Account: s.Account.Number, Minor: minor})
	a.Outcome = client.Outcome{Result: client.Partial, Balance: yuan(m.balance)}
	switch a.Hold.Minor {
	case 0:
		a.Outcome.Result = "missed"
	case minor:
		a.Outcome.Result = "held"
	}
	if a.Hold.Minor > 0 {
		a.Outcome.EffectiveAt, a.Outcome.HeldAmount = at, yuan(a.Hold.Minor)
	}
	gone := minor - a.Hold.Minor
	for _, o := range m.out {
		if gone <= 0 {
			break
		}
		if o.at >= event.InstantOf(s.Transfer.At) {
			a.Outcome.Onward = append(a.Outcome.Onward,
				client.Onward{ID: o.id, ToAccount: o.to, ToBank: o.bank, Amount: yuan(o.minor), At: o.at.Time()})
			gone -= o.minor
		}
	}
	return a
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
