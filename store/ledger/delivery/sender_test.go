package delivery

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"stopline.internal/stream/event"
)

var (
	noon  = event.InstantOf(time.Date(2026, 11, 23, 12, 0, 0, 0, event.Zone))
	banks = []string{"ICBK", "PCBC", "ABOC"}
)

// A bank that is down delays no other, and gets its messages when it is back.
func TestSimBankDown(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 5))
		c := NewSender(DefaultPolicy, rand.New(rand.NewPCG(seed, 6)))
		now, got := noon, map[string]event.Instant{}
		const back = 20 * time.Second
		offered := 20 + r.IntN(80)
		for i := range offered {
			c.Offer(banks[i%2], fmt.Sprint("s", i), 2, now)
		}
		for now < noon.Add(3*time.Minute) {
			send, wake := c.Next(now)
			for _, p := range send {
				ok := p.Bank != "ICBK" || now >= noon.Add(back)
				if c.Done(p, ok, now) {
					got[p.StopID] = now
				}
			}
			if len(send) == 0 && wake == 0 {
				break
			}
			if now = now.Add(time.Millisecond); len(send) == 0 {
				now = max(now, wake)
			}
		}
		for i := range offered {
			at, ok := got[fmt.Sprint("s", i)]
			if !ok {
				t.Fatalf("seed %d: message %d was not delivered in three minutes", seed, i)
			}
			if banks[i%2] != "ICBK" && at > noon.Add(time.Second) {
				t.Fatalf("seed %d: a bank that is up got its message after %s", seed, at.Sub(noon))
			}
		}
	}
}

// The waits are those of the policy: at once, then 1, 2, 5, 10 and 30 seconds,
// each by a fifth more or less.
func TestSenderWaits(t *testing.T) {
	p := DefaultPolicy
	p.Failures = 100 // no breaker
	c := NewSender(p, rand.New(rand.NewPCG(1, 1)))
	now := noon
	c.Offer("B", "s", 1, now)
	last := now
	for i, want := range append([]time.Duration{0}, p.Waits...) {
		send, wake := c.Next(now)
		for len(send) == 0 {
			now = wake
			send, wake = c.Next(now)
		}
		if d := now.Sub(last); d < want*79/100 || d > want*121/100 {
			t.Errorf("attempt %d after %s, want about %s", i+1, d, want)
		}
		last = now
		c.Done(send[0], false, now)
	}
}
