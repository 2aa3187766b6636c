package city

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// life is what an honest person does next, and when the next one does.
func (c *City) life() {
	c.after(c.exp(c.rng, c.cfg.Rate/1.45), c.life) // 1.45 events a deed, as calls have two
	if !c.honest {
		return
	}
	r := c.rng
	p := &c.people[r.IntN(len(c.people))]
	friend := &c.people[p.known[r.IntN(len(p.known))]]
	switch x := r.Float64(); {
	case x < 0.37: // shopping
		shop := accountDoc(&c.shops[int(float64(len(c.shops))*math.Pow(r.Float64(), 2))])
		c.spend(p, &shop, lognormal(r, 60, 1), pick(r, "pos", "mobile"))
	case x < 0.48: // family and friends
		to := c.party(friend)
		c.spend(p, &to, lognormal(r, 300, 1), "mobile")
	case x < 0.485: // money for a child, or for parents: the same people, larger
		to := c.party(friend)
		c.spend(p, &to, lognormal(r, 2500, 0.8), "mobile")
	case x < 0.50: // rent and bills
		to := c.party(&c.people[p.landlord])
		c.spend(p, &to, lognormal(r, 1800, 0.4), "mobile")
	case x < 0.503:
		c.shareRent(p)
	case x < 0.515: // a stall, a market, a driver: a person who trades on their own account
		c.buyFromTrader(p)
	case x < 0.54: // somebody new: a repair, a second-hand telephone, a deposit
		to := c.party(&c.people[r.IntN(len(c.people))])
		if to.Account != p.account {
			c.spend(p, &to, lognormal(r, 400, 1.3), "mobile")
		}
	case x < 0.56:
		c.spend(p, nil, int64(1+r.IntN(20))*10_000, "cash")
	case x < 0.562: // a car, a course, a down payment: large, and somebody new
		to := c.party(&c.people[r.IntN(len(c.people))])
		if to.Account != p.account {
			c.spend(p, &to, p.savings*int64(40+r.IntN(50))/100, pick(r, "mobile", "counter"))
		}
	case x < 0.5635: // nearly everything to their own account at another bank
		c.spend(p, &partyDoc{Account: p.second, Bank: BankCodes[bankOf(p.second)], Holder: p.holder, Phone: p.phone},
			p.savings*int64(60+r.IntN(40))/100, "mobile")
	case x < 0.57: // wages
		firm := accountDoc(&c.firms[p.employer])
		to := c.party(p)
		c.pay(firm, &to, lognormal(r, 5500, 0.4), 500_000_000, "api", "", "", false)
	case x < 0.5702: // sold by telephone: a policy, a course; a company, new, and a long call before
		c.phoneSale(p)
	case x < 0.90: // people who know each other talk
		c.call(friend.phone, p.phone, time.Duration(lognormal(r, 60, 1))*time.Second/100+5*time.Second, false)
	case x < 0.93: // sales, surveys
		c.call(fmt.Sprintf("139%08d", r.IntN(100_000_000)), p.phone, time.Duration(10+r.IntN(170))*time.Second, false)
	case x < 0.965: // a courier at the door
		if len(c.couriers) > 0 {
			c.call(c.people[c.couriers[r.IntN(len(c.couriers))]].phone, p.phone, time.Duration(8+r.IntN(40))*time.Second, false)
		}
	case x < 0.967: // a stranger on the line for long: support, a doctor, an insurer
		c.call(fmt.Sprintf("137%08d", r.IntN(100_000_000)), p.phone, time.Duration(10+r.IntN(35))*time.Minute, false)
	case x < 0.9672: // abroad, and talkative
		c.call(fmt.Sprintf("+8529%07d", r.IntN(10_000_000)), p.phone, time.Duration(5+r.IntN(30))*time.Minute, false)
	case x < 0.968: // a new handset, sometimes with a new SIM
		p.swapped++
		p.device = fmt.Sprintf("d-%x-%d", r.IntN(1<<30), p.swapped)
		if r.IntN(2) == 0 {
			c.sim(p.phone, "swapped")
		}
	default:
		c.message(fmt.Sprintf("1069%07d", r.IntN(3000)), p.phone, pick(r, "", "", "shop.example"))
	}
}

func bankOf(account string) int { return int(account[5] - '0') }

// shareRent lets the flatmates pay the same to the one who pays the landlord.
func (c *City) shareRent(p *person) {
	part := int64(400+c.rng.IntN(900)) * 100
	for _, k := range p.known[:min(3, len(p.known))] {
		to := c.party(p)
		c.spend(&c.people[k], &to, part, "mobile")
	}
	c.after(time.Duration(1+c.rng.IntN(60))*time.Minute, func() {
		to := c.party(&c.people[p.landlord])
		c.spend(p, &to, part*int64(1+min(3, len(p.known))), "mobile")
	})
}

// buyFromTrader pays a trader, who passes what came in on to a supplier when it
// is enough.
func (c *City) buyFromTrader(p *person) {
	if len(c.traders) == 0 {
		return
	}
	t := &c.people[c.traders[int(float64(len(c.traders))*math.Pow(c.rng.Float64(), 2))]]
	if t == p {
		return
	}
	to := c.party(t)
	minor := lognormal(c.rng, 150, 1.2)
	c.spend(p, &to, minor, "mobile")
	if t.taken += minor; t.taken < 600_000 {
		return
	}
	paid := t.taken * 85 / 100
	t.taken = 0
	supplier := c.party(&c.people[t.landlord])
	c.pay(c.party(t), &supplier, paid, paid*10/9, "mobile", t.device, t.district, false)
}

// phoneSale is an honest company's long call, and what the customer then buys.
func (c *City) phoneSale(p *person) {
	length := time.Duration(8+c.rng.IntN(30)) * time.Minute
	c.call(fmt.Sprintf("400%07d", c.rng.IntN(len(c.firms))), p.phone, length, false)
	c.after(length+time.Duration(c.rng.IntN(20))*time.Minute, func() {
		to := accountDoc(&c.firms[c.rng.IntN(len(c.firms))])
		c.spend(p, &to, lognormal(c.rng, 1500, 0.8), "mobile")
	})
}

// spend pays from a person's savings, which salaries fill up again.
func (c *City) spend(p *person, to *partyDoc, minor int64, channel string) {
	minor = max(100, min(minor, p.savings))
	c.pay(c.party(p), to, minor, p.savings, channel, p.device, p.district, false)
}

// History is the city's past: who knows whom, what is usual, and which
// accounts have slept. It comes before everything that Advance returns.
func (c *City) History() []Doc {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = nil
	now, sent, transfers := c.now, c.truth.Events, c.truth.Transfers
	r := rand.New(rand.NewPCG(c.cfg.Seed, 4))
	for g := range c.gangs {
		for _, layer := range c.gangs[g].layer {
			for _, a := range layer {
				if a.awakened {
					c.now = c.cfg.Start.Add(-time.Duration(190+r.IntN(100)) * 24 * time.Hour)
					shop := accountDoc(&c.shops[0])
					c.pay(accountDoc(a), &shop, 1000, 5000, "mobile", "", "", false)
				}
			}
		}
	}
	for i := range c.people {
		p := &c.people[i]
		for _, day := range []int{33, 9, 4} {
			c.now = c.cfg.Start.Add(-time.Duration(day*24)*time.Hour + time.Duration(r.IntN(80_000))*time.Second)
			friend := &c.people[p.known[r.IntN(len(p.known))]]
			to := c.party(friend)
			c.pay(c.party(p), &to, lognormal(r, 300, 1), p.savings, "mobile", p.device, p.district, false)
			seconds := int64(30 + r.IntN(240))
			id := c.id("CM")
			c.send(Telecom, "call", p.phone, id, c.now, &callDoc{Kind: "call", ID: id, At: c.now, Phase: "ended",
				Caller: numberDoc{friend.phone}, Callee: numberDoc{p.phone}, Duration: &seconds})
		}
		c.now = c.cfg.Start.Add(-time.Duration(28*24+r.IntN(24)) * time.Hour)
		to := c.party(&c.people[p.landlord])
		c.pay(c.party(p), &to, lognormal(r, 1800, 0.4), p.savings, "mobile", p.device, p.district, false)
		wage := lognormal(r, 5500, 0.4)
		for _, day := range []int{56, 26} {
			c.now = c.cfg.Start.Add(-time.Duration(day*24+r.IntN(24)) * time.Hour)
			to = c.party(p)
			c.pay(accountDoc(&c.firms[p.employer]), &to, wage, 500_000_000, "api", "", "", false)
		}
	}
	docs := c.out
	slices.SortStableFunc(docs, func(a, b Doc) int { return cmp.Compare(a.At, b.At) })
	c.out, c.now, c.truth.Events, c.truth.Transfers = nil, now, sent, transfers
	return docs
}

// lognormal draws an amount in fen around a median in yuan.
func lognormal(r *rand.Rand, median, sigma float64) int64 {
	return int64(math.Exp(r.NormFloat64()*sigma)*median*100) + 1
}

func pick(r *rand.Rand, options ...string) string { return options[r.IntN(len(options))] }

// between draws a time.
func between(r *rand.Rand, lo, hi time.Duration) time.Duration {
	return lo + time.Duration(r.Int64N(int64(hi-lo)+1))
}
