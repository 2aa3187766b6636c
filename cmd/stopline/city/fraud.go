package city

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"stopline.internal/stream/event"
)

// layers is how many accounts stolen money goes through at most, before cash.
const layers = 4

// gang recruits mules and moves money through them.
type gang struct {
	id, recruits int
	layer        [layers][]*account
}

// recruit adds a mule to a layer.
func (g *gang) recruit(c *City, layer int, r *rand.Rand) *account {
	g.recruits++
	bank := r.IntN(len(BankCodes))
	a := &account{number: fmt.Sprintf("6217%02d%03d%d%09d", bank, g.id, layer, g.recruits),
		holder: fmt.Sprintf("卡农%03d-%04d", g.id, g.recruits),
		bank:   bank, awakened: r.IntN(5) == 0, balance: int64(r.IntN(2000))}
	g.layer[layer] = append(g.layer[layer], a)
	c.mules[a.number] = a
	return a
}

// mule picks an account of a layer that the gang still trusts.
func (g *gang) mule(c *City, layer int, r *rand.Rand) *account {
	for range 8 {
		if a := g.layer[layer][r.IntN(len(g.layer[layer]))]; !a.burned {
			return a
		}
	}
	return g.recruit(c, layer, r)
}

// fraudTypes and how often each is tried.
var fraudTypes = []struct {
	name   string
	weight float64
	script func(*City, *fraud)
}{
	{"impersonated-authority", 0.25, (*City).authority},
	{"impersonated-service", 0.20, (*City).service},
	{"account-takeover", 0.12, (*City).takeover},
	{"task-rebate", 0.13, (*City).task},
	{"loan-advance-fee", 0.10, (*City).loan},
	{"impersonated-acquaintance", 0.10, (*City).acquaintance},
	{"investment-romance", 0.10, (*City).investment},
}

// fraud is one campaign against one victim. All that the victim will do is
// drawn from its own randomness, so that it is the same whatever is held.
type fraud struct {
	kind    string
	rng     *rand.Rand
	hops    *rand.Rand
	victim  *person
	gang    *gang
	depth   int
	left    int64 // of the victim's savings
	caller  string
	paid    []reportTransfer
	pending int // payments still to come

	transfers []Paid
	stolen    int64
	gone      []outflow // from the first mules' accounts
}

// campaign begins a fraud, and says when the next one begins.
func (c *City) campaign() {
	c.after(c.exp(c.fraudRng, c.cfg.Rate*c.cfg.Frauds/1000), c.campaign)
	c.truth.Campaigns++
	seed := c.fraudRng.Uint64()
	r := rand.New(rand.NewPCG(seed, 5))
	f := &fraud{rng: r, hops: rand.New(rand.NewPCG(seed, 6)), victim: &c.people[r.IntN(len(c.people))],
		gang: &c.gangs[r.IntN(len(c.gangs))], depth: 2 + r.IntN(layers-1)}
	c.frauds = append(c.frauds, f)
	f.left = f.victim.savings
	f.caller = fmt.Sprintf("138%d%07d", r.IntN(10), r.IntN(10_000_000))
	x := r.Float64()
	for _, t := range fraudTypes {
		if x -= t.weight; x < 0 || t.name == "investment-romance" {
			f.kind = t.name
			t.script(c, f)
			return
		}
	}
}

// steal makes the victim pay a part of what is left, after a while.
func (c *City) steal(f *fraud, after time.Duration, part float64, device string, to *account) {
	minor := max(5000, int64(float64(f.left)*part)/1000*1000)
	minor = min(minor, f.left)
	if minor < 100 {
		return
	}
	balance := f.left
	f.left -= minor
	f.pending++
	if to == nil {
		to = f.gang.mule(c, 0, f.hops)
	}
	c.after(after, func() {
		payee := accountDoc(to)
		if device == "" {
			device = f.victim.device
		}
		id := c.pay(c.party(f.victim), &payee, minor, balance, "mobile", device, f.victim.district, true)
		c.truth.Stolen += minor
		f.stolen += minor
		f.transfers = append(f.transfers, Paid{id, c.now})
		f.paid = append(f.paid, reportTransfer{ID: id, PayerAccount: f.victim.account, PayeeAccount: to.number,
			PayeeBank: BankCodes[to.bank],
			Amount:    yuan(minor), Currency: "CNY", At: c.now})
		c.receive(f, to, minor, 0)
		if f.pending--; f.pending == 0 {
			// A third understand at once; the others when somebody asks.
			wait := time.Duration(float64(90*time.Minute) * math.Exp(f.rng.NormFloat64()*0.9))
			if f.rng.IntN(3) == 0 {
				wait = between(f.rng, 2*time.Minute, 15*time.Minute)
			}
			c.after(wait, func() { c.report(f) })
		}
	})
}

// receive lets money come into a mule's account, from where it goes on soon.
func (c *City) receive(f *fraud, a *account, minor int64, layer int) {
	a.balance += minor
	a.tainted += minor
	// Most mules are at their telephones, some are asleep.
	wait := max(time.Minute, time.Duration(float64(9*time.Minute)*math.Exp(f.hops.NormFloat64()*1.2)))
	c.after(wait, func() { c.moveOn(f, a, minor, layer) })
}

// moveOn passes on what came in, or what of it is not held: to the next layer,
// or at the end out as cash.
func (c *City) moveOn(f *fraud, a *account, minor int64, layer int) {
	if a.held > 0 {
		a.burned = true
	}
	minor = min(minor, a.available(), a.tainted)
	if minor <= 0 {
		return
	}
	if layer+1 >= f.depth || layer+1 >= layers {
		c.cashOut(a, minor, f)
		return
	}
	parts := int64(1 + f.hops.IntN(3))
	for i := range parts {
		part := minor / parts
		if i == parts-1 {
			part = minor - part*(parts-1)
		}
		if part <= 0 {
			continue
		}
		to := f.gang.mule(c, layer+1, f.hops)
		payee := accountDoc(to)
		id := c.pay(accountDoc(a), &payee, part, a.balance, "mobile", fmt.Sprintf("g-%d", f.gang.id), "", true)
		c.leave(a, id, to.number, BankCodes[to.bank], part)
		f.transfers = append(f.transfers, Paid{id, c.now})
		if layer == 0 {
			f.gone = append(f.gone, outflow{minor: part, at: c.now})
		}
		c.receive(f, to, part, layer+1)
	}
}

// cashOut withdraws up to 20,000 yuan at a time, until nothing is left.
func (c *City) cashOut(a *account, minor int64, f *fraud) {
	const most = 2_000_000
	part := min(minor, most, a.available(), a.tainted)
	if part <= 0 {
		return
	}
	id := c.pay(accountDoc(a), nil, part, a.balance, "cash", "", "", true)
	c.leave(a, id, "", "", part)
	f.transfers = append(f.transfers, Paid{id, c.now})
	c.truth.CashedOut += part
	if minor -= part; minor > 0 {
		c.after(between(f.hops, 30*time.Second, 4*time.Minute), func() { c.cashOut(a, minor, f) })
	}
}

// leave books money out of a mule's account.
func (c *City) leave(a *account, id, to, bank string, minor int64) {
	a.balance -= minor
	a.tainted -= minor
	if len(a.out) == 200 {
		a.out = a.out[:copy(a.out, a.out[100:])]
	}
	a.out = append(a.out, outflow{id, to, bank, minor, c.now})
}

// report is the victim's call to a hotline, who does not always know the
// transfers' ids.
func (c *City) report(f *fraud) {
	id := c.id("110")
	paid := f.paid
	if f.rng.IntN(3) == 0 {
		paid = nil
		for _, t := range f.paid {
			t.ID = ""
			paid = append(paid, t)
		}
	}
	c.send(Reports, "report", f.victim.account, id, c.now,
		&reportDoc{Kind: "report", ID: id, At: c.now, Source: pick(f.rng, "96110", "110", "12345"),
			District: f.victim.district, FraudType: f.kind, Victim: partyDoc{Holder: f.victim.holder, Phone: f.victim.phone},
			Transfers: paid, Callers: []string{f.caller}})
	if c.baseline > 0 {
		c.after(c.baseline, func() {
			for _, t := range f.paid {
				minor, err := event.ParseMinor(t.Amount, 2)
				if err == nil {
					c.hold(Hold{Account: t.PayeeAccount, Minor: minor})
				}
			}
		})
	}
}

// authority: "this is the police": a long call, and the savings go while it runs.
func (c *City) authority(f *fraud) {
	spoofed := false
	switch f.rng.IntN(5) {
	case 0, 1:
		f.caller = fmt.Sprintf("+8525%07d", f.rng.IntN(10_000_000))
	case 2:
		f.caller, spoofed = "085112345"+fmt.Sprintf("%03d", f.rng.IntN(1000)), true
	}
	length := between(f.rng, 25*time.Minute, 80*time.Minute)
	c.call(f.caller, f.victim.phone, length, spoofed)
	at := between(f.rng, length*6/10, length)
	for range 1 + f.rng.IntN(3) {
		c.steal(f, at, 0.5+0.45*f.rng.Float64(), "", nil)
		at += between(f.rng, time.Minute, 8*time.Minute)
	}
}

// service: "your refund": a call, a small payment to verify, then the large one.
func (c *City) service(f *fraud) {
	length := between(f.rng, 8*time.Minute, 30*time.Minute)
	c.call(f.caller, f.victim.phone, length, false)
	if f.rng.IntN(3) == 0 {
		c.after(length/4, func() { c.sim(f.victim.phone, "forwarding_on") })
	}
	to := f.gang.mule(c, 0, f.hops)
	c.steal(f, length/2, 0.0001, "", to)
	at := between(f.rng, length*2/3, length+10*time.Minute)
	for range 1 + f.rng.IntN(2) {
		c.steal(f, at, 0.4+0.5*f.rng.Float64(), "", to)
		at += between(f.rng, time.Minute, 6*time.Minute)
	}
}

// takeover: the SIM is swapped, another handset signs in, the account is drained.
func (c *City) takeover(f *fraud) {
	c.sim(f.victim.phone, pick(f.rng, "swapped", "swapped", "ported"))
	at := between(f.rng, 10*time.Minute, 90*time.Minute)
	device := fmt.Sprintf("x-%x", f.rng.Uint32())
	for range 2 + f.rng.IntN(3) {
		c.steal(f, at, 0.3+0.5*f.rng.Float64(), device, nil)
		at += between(f.rng, 30*time.Second, 4*time.Minute)
	}
}

// task: small payments come back with a gain, until they do not.
func (c *City) task(f *fraud) {
	to := f.gang.mule(c, 0, f.hops)
	at := between(f.rng, time.Minute, 20*time.Minute)
	for range 3 {
		minor := int64(50+f.rng.IntN(150)) * 100
		c.after(at, func() {
			payee := accountDoc(to)
			id := c.pay(c.party(f.victim), &payee, minor, f.victim.savings, "mobile", f.victim.device, f.victim.district, true)
			f.transfers = append(f.transfers, Paid{id, c.now})
		})
		c.after(at+5*time.Minute, func() {
			payee := c.party(f.victim)
			id := c.pay(accountDoc(to), &payee, minor*12/10, minor*2, "mobile", "", "", true)
			f.transfers = append(f.transfers, Paid{id, c.now})
		})
		at += between(f.rng, 10*time.Minute, 30*time.Minute)
	}
	for _, part := range []float64{0.03, 0.1, 0.3, 0.6} {
		c.steal(f, at, part, "", nil)
		at += between(f.rng, 10*time.Minute, 50*time.Minute)
	}
}

// loan: a message with a link, then one fee after another.
func (c *City) loan(f *fraud) {
	c.message("1069"+fmt.Sprintf("%07d", 5000+f.rng.IntN(5000)), f.victim.phone, "loan.example")
	at := between(f.rng, 20*time.Minute, 2*time.Hour)
	for range 2 + f.rng.IntN(3) {
		c.steal(f, at, 0.02+0.1*f.rng.Float64(), "", nil)
		at += between(f.rng, 15*time.Minute, 70*time.Minute)
	}
}

// acquaintance: "this is your manager": a short call, large round amounts.
func (c *City) acquaintance(f *fraud) {
	c.call(f.caller, f.victim.phone, between(f.rng, 2*time.Minute, 6*time.Minute), false)
	at := between(f.rng, 5*time.Minute, time.Hour)
	for range 1 + f.rng.IntN(2) {
		c.steal(f, at, 0.3+0.3*f.rng.Float64(), "", nil)
		at += between(f.rng, 3*time.Minute, 30*time.Minute)
	}
}

// investment: growing payments to a few new payees over days.
func (c *City) investment(f *fraud) {
	at := between(f.rng, time.Minute, time.Hour)
	for _, part := range []float64{0.02, 0.05, 0.12, 0.3, 0.5} {
		c.steal(f, at, part, "", nil)
		at += between(f.rng, 3*time.Hour, 20*time.Hour)
	}
}
