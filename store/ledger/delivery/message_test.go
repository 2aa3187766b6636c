package delivery

import (
	"math/rand/v2"
	"testing"
	"time"
)

// A record of the newest message counts; one of an older message, or of none, does not.
func TestJudgeRecord(t *testing.T) {
	m := &Message{Version: 3}
	if got := (*Message)(nil).Judge(&Record{Message: 3}).Code; got != "message.none" {
		t.Errorf("of no message: %q", got)
	}
	for version, want := range map[int]string{2: "message.newer", 3: "", 4: "message.newer"} {
		if got := m.Judge(&Record{Message: version}).Code; got != want {
			t.Errorf("of version %d: %q, want %q", version, got, want)
		}
	}
	if MessageID("stp_1", 3) != "msg_stp_1_3" {
		t.Errorf("it is named %s", MessageID("stp_1", 3))
	}
}

// What records make of a message.
func TestMessageAfterARecord(t *testing.T) {
	for name, c := range map[string]struct {
		before, want Message
		record       Record
	}{
		"delivered":                   {Message{}, Message{Delivered: true}, Record{Delivered: true, Final: true}},
		"one try failed":              {Message{}, Message{}, Record{}},
		"given up":                    {Message{}, Message{Failed: true}, Record{Final: true}},
		"a late try after a delivery": {Message{Delivered: true}, Message{Delivered: true}, Record{}},
		"sent again":                  {Message{Failed: true}, Message{Round: 1}, Record{Again: true}},
		"delivered, and sent again":   {Message{Delivered: true, Round: 1}, Message{Round: 2}, Record{Again: true}},
		"final, and sent again":       {Message{}, Message{Round: 1}, Record{Again: true, Final: true}},
		"one try more after the end":  {Message{Failed: true}, Message{}, Record{}},
	} {
		before := c.before
		got := before.After(&c.record)
		if got.Delivered != c.want.Delivered || got.Failed != c.want.Failed || got.Round != c.want.Round {
			t.Errorf("%s: %+v, want %+v", name, *got, c.want)
		}
		if before.Failed != c.before.Failed || before.Delivered != c.before.Delivered || before.Round != c.before.Round {
			t.Errorf("%s: the message itself was changed", name)
		}
	}
	m := &Message{Version: 2}
	for i := range 70 {
		m = m.After(&Record{Attempts: []Attempt{{Status: i}}})
	}
	if len(m.Attempts) != 64 || m.Attempts[0].Status != 6 || m.Attempts[63].Status != 69 || m.Version != 2 {
		t.Errorf("%d attempts, from %d on; want the last 64", len(m.Attempts), m.Attempts[0].Status)
	}
}

// exact is a policy without chance: waits of one and two seconds, then ten, four tries.
var exact = Policy{Waits: []time.Duration{time.Second, 2 * time.Second}, Slow: 10 * time.Second, Most: 5,
	Concurrency: 2, Failures: 100, Pause: time.Minute, Queue: 3}

// When each attempt is made, to the millisecond, until the message is given up.
func TestSenderTriesOnTime(t *testing.T) {
	s, now := NewSender(exact, rand.New(rand.NewPCG(1, 1))), noon
	if !s.Offer("B", "s", 1, now) {
		t.Fatal("the message is not taken")
	}
	for i, wait := range []time.Duration{0, time.Second, 2 * time.Second, 10 * time.Second, 10 * time.Second} {
		if wait > 0 {
			if send, wake := s.Next(now.Add(wait) - 1); len(send) != 0 || wake != now.Add(wait) {
				t.Fatalf("attempt %d: %d sent too early, awake at %s", i+1, len(send), wake)
			}
		}
		now = now.Add(wait)
		send, _ := s.Next(now)
		if len(send) != 1 || send[0].Tries != i+1 || send[0].StopID != "s" || send[0].Version != 1 {
			t.Fatalf("attempt %d: %+v", i+1, send)
		}
		if again, wake := s.Next(now); len(again) != 0 || wake != 0 {
			t.Fatalf("attempt %d is made twice", i+1)
		}
		if over := s.Done(send[0], false, now); over != (i == 4) {
			t.Fatalf("after attempt %d: over %v", i+1, over)
		}
	}
	if h := s.Health(); len(h) != 1 || h[0] != (Health{"B", 0, 5, 0}) {
		t.Errorf("%+v", h)
	}
}

// Two at a time to one bank; what is delivered makes place for the next; a queue that
// is full takes nothing.
func TestSenderIsBounded(t *testing.T) {
	s := NewSender(exact, rand.New(rand.NewPCG(1, 1)))
	for i, id := range []string{"a", "b", "c", "d"} {
		if got, want := s.Offer("B", id, 1, noon), i < 3; got != want {
			t.Errorf("message %d is taken: %v, want %v", i+1, got, want)
		}
	}
	if !s.Offer("A", "a", 1, noon+1) {
		t.Error("a full queue of one bank shuts another out")
	}
	send, wake := s.Next(noon)
	if len(send) != 2 || send[0].StopID != "a" || send[1].StopID != "b" || wake != noon+1 {
		t.Fatalf("%d sent, awake at %s", len(send), wake)
	}
	if !s.Done(send[1], true, noon) {
		t.Error("what is delivered is not over")
	}
	if next, _ := s.Next(noon); len(next) != 1 || next[0].StopID != "c" {
		t.Errorf("the next is %+v", next)
	}
	if !s.Offer("B", "d", 1, noon) {
		t.Error("there is place for one more")
	}
	if h := s.Health(); len(h) != 2 || h[0] != (Health{"A", 1, 0, 0}) || h[1] != (Health{"B", 3, 0, 0}) {
		t.Errorf("%+v", h)
	}
}

// What is newer goes in the place of what waits, not of what is on its way.
func TestSenderSendsTheNewest(t *testing.T) {
	s := NewSender(exact, rand.New(rand.NewPCG(1, 1)))
	s.Offer("B", "s", 1, noon)
	send, _ := s.Next(noon)
	if s.Offer("B", "s", 2, noon) {
		t.Error("version 2 is taken while version 1 is on its way")
	}
	if !s.Offer("B", "s", 1, noon) {
		t.Error("version 1 is the sender's")
	}
	s.Done(send[0], false, noon)
	if !s.Offer("B", "s", 2, noon+1) || !s.Offer("B", "s", 1, noon+1) {
		t.Error("version 2 goes in the place of version 1, and has it")
	}
	if send, _ = s.Next(noon + 1); len(send) != 1 || send[0].Version != 2 || send[0].Tries != 1 {
		t.Errorf("%+v", send)
	}
	s.Drop(func(*Outgoing) bool { return false })
	if s.Health()[0].Waiting != 1 {
		t.Error("what is on its way was dropped")
	}
	s.Done(send[0], false, noon+1)
	s.Drop(func(m *Outgoing) bool { return m.Version == 2 })
	if s.Health()[0].Waiting != 1 {
		t.Error("what was to be kept was dropped")
	}
	s.Drop(func(*Outgoing) bool { return false })
	if s.Health()[0].Waiting != 0 {
		t.Error("what nobody needs was kept")
	}
}

// After so many failures in a row a bank is left alone for a while; then one message
// tries; a delivery ends it.
func TestSenderLeavesABankAlone(t *testing.T) {
	p := exact
	p.Failures, p.Waits, p.Slow, p.Concurrency = 3, nil, time.Second, 8
	s := NewSender(p, rand.New(rand.NewPCG(1, 1)))
	for _, id := range []string{"a", "b", "c"} {
		s.Offer("B", id, 1, noon)
	}
	send, _ := s.Next(noon)
	for _, m := range send[:2] {
		s.Done(m, false, noon)
	}
	if h := s.Health()[0]; h.Failures != 2 || h.Open != 0 {
		t.Fatalf("after two failures: %+v", h)
	}
	s.Done(send[2], false, noon)
	back := noon.Add(time.Minute)
	if h := s.Health()[0]; h.Failures != 3 || h.Open != back {
		t.Fatalf("after three: %+v", h)
	}
	if send, wake := s.Next(back - 1); len(send) != 0 || wake != back {
		t.Fatalf("left alone: %d sent, awake at %s", len(send), wake)
	}
	send, _ = s.Next(back)
	if len(send) != 1 {
		t.Fatalf("%d try, want one", len(send))
	}
	if s.Done(send[0], true, back); s.Health()[0] != (Health{"B", 2, 0, 0}) {
		t.Errorf("after a delivery: %+v", s.Health()[0])
	}
	if send, _ = s.Next(back); len(send) != 2 {
		t.Errorf("%d sent, want the two that are left", len(send))
	}
	s.Done(send[0], false, back)
	if h := s.Health()[0]; h.Failures != 1 || h.Open != 0 {
		t.Errorf("failures are counted anew: %+v", h)
	}
}

// A bank that is left alone, with nothing to send, wakes nobody.
func TestSenderSleeps(t *testing.T) {
	p := exact
	p.Failures, p.Most = 1, 1
	s := NewSender(p, rand.New(rand.NewPCG(1, 1)))
	s.Offer("B", "a", 1, noon)
	send, _ := s.Next(noon)
	s.Done(send[0], false, noon)
	if send, wake := s.Next(noon); len(send) != 0 || wake != 0 {
		t.Errorf("%d sent, awake at %s", len(send), wake)
	}
	if earlier(0, 5) != 5 || earlier(5, 9) != 5 || earlier(9, 5) != 5 {
		t.Error("the earlier of two moments, of which 0 is none")
	}
}

// What docs/banks.md says of the default: at once and after 1, 2, 5, 10 and 30 seconds,
// then every minute for an hour.
func TestDefaultPolicy(t *testing.T) {
	p, in := DefaultPolicy, 0*time.Second
	for _, w := range p.Waits {
		in += w
	}
	if in != 48*time.Second || len(p.Waits) != 5 || p.Slow != 60*time.Second {
		t.Errorf("waits of %s in all, then %s", in, p.Slow)
	}
	if slow := p.Most - 1 - len(p.Waits); slow != 60 {
		t.Errorf("%d slow attempts, want an hour's", slow)
	}
	if p.Concurrency != 8 || p.Failures != 5 || p.Pause != 5*time.Second || p.Queue != 10_000 || p.Jitter != 0.2 {
		t.Errorf("%+v", p)
	}
}
