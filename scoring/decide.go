package scoring

import (
	"strconv"
	"strings"

	"stopline.internal/scoring/pattern"
	"stopline.internal/stream/event"
)

// about says which patterns of a leg's role are asked.
type about uint8

const (
	aboutEntity  about = iota // those that look at no payment
	aboutPayment              // those that do
	aboutBoth                 // on the legs of a payment
	aboutRisk                 // on a note of risk
)

// finding is what the patterns of a leg's role say of the entity at hand.
type finding struct {
	hits      []Hit
	stopping  []*entry // live patterns that hit and ask for a stop
	cooling   bool     // every hit is one that has raised an alert lately
	action    pattern.Action
	block     pattern.Block
	evidence  pattern.Evidence
	fraudType string  // of the strongest live pattern; of the last on trial where there is none
	strongest float64 // weight of that
}

// evaluate looks at the patterns of the leg's role and appends the alert that they
// amount to. It says whether a stop was asked for.
func (e *Engine) evaluate(v *View, what about, out *Outcome) (stopped bool) {
	f := e.find(v, what)
	if len(f.hits) == 0 || f.cooling {
		return false
	}
	a := v.alert(v.controls.program.Version, f.evidence.Score(), f.fraudType, f.hits)
	e.decide(v, &f, &a, out)
	if a.Action == pattern.Stop {
		t := &v.pay.transfer
		a.StopID = event.StopID(event.TransferKey(t.Payer.Account, v.pay.id), t.Payee.Account)
		e.beginTrail(&a, out)
	}
	out.Alerts = append(out.Alerts, a)
	return a.Action == pattern.Stop
}

// find asks every pattern that may speak.
func (e *Engine) find(v *View, what about) (f finding) {
	entries := v.controls.program.byRole[v.leg.Role]
	if len(entries) == 0 {
		return f
	}
	f.cooling, f.action, f.block = true, pattern.Warn, pattern.NoBlock
	exempt := v.knownGoodAs() != ""
	for _, p := range entries {
		if what == aboutEntity && p.ofPayment || what == aboutPayment && !p.ofPayment || p.mule && exempt {
			continue
		}
		hit, failed := p.Hits(v)
		if failed {
			e.failed.Add(1)
		}
		if !hit || p.Block != pattern.HardBlock && v.excepted(p.ID) {
			continue
		}
		if f.add(v, p); what == aboutRisk || v.state.startCooldown(p.key, v.now, e.Policy.Cooldown) ||
			p.Then == pattern.Stop {
			f.cooling = false
		}
	}
	return f
}

// add notes a pattern that hit, with the values that it saw.
func (f *finding) add(v *View, p *entry) {
	values := make(map[string]any, len(p.Reads))
	for _, read := range p.Reads {
		values[read.Name] = shown(read, v)
	}
	f.hits = append(f.hits, Hit{Pattern: p.ID, FraudType: p.FraudType, Weight: p.Weight, Shadow: p.Shadow, Values: values})
	f.evidence.Add(p.Weight, p.Shadow)
	if p.Shadow {
		if f.evidence.OnTrial() {
			f.fraudType = p.FraudType
		}
		return
	}
	f.action, f.block = max(f.action, p.Then), max(f.block, p.Block)
	if p.Then == pattern.Stop {
		f.stopping = append(f.stopping, p)
	}
	if p.Weight > f.strongest {
		f.strongest, f.fraudType = p.Weight, p.FraudType
	}
}

// decide sets the alert's action. What decides, in this order: a hard block stops;
// an override (an exception, a known-good party) takes the action away; a soft
// block is reviewed; the score decides; a brake turns a stop into a review.
func (e *Engine) decide(v *View, f *finding, a *Alert, out *Outcome) {
	action := f.action
	if action == pattern.Stop && a.Score < e.Policy.StopScore && f.block != pattern.HardBlock {
		action = pattern.Review
	}
	if action == pattern.Review && a.Score < e.Policy.ReviewScore && f.block == pattern.NoBlock {
		action = pattern.Warn
	}
	if a.Shadow = f.evidence.OnTrial(); a.Shadow {
		action = pattern.Warn
	}
	if f.block != pattern.HardBlock && action > pattern.Warn {
		if a.Override = v.override(); a.Override != "" {
			action = pattern.Warn
		}
	}
	if action == pattern.Stop && !v.canStop() {
		action = pattern.Review
	}
	if action == pattern.Stop {
		if a.Brake = e.brake(v, f.stopping, out); a.Brake != "" {
			action = pattern.Review
		}
	}
	a.Action = action
}

// canStop says whether there is an account to stop: a withdrawal has none.
func (v *View) canStop() bool { return v.pay != nil && v.pay.transfer.Payee.Account != "" }

// brake spends a stop from the budget of the first of the patterns that has
// any left, the strongest first; else it names the brake.
func (e *Engine) brake(v *View, stopping []*entry, out *Outcome) (forbiddenBy string) {
	for len(stopping) > 0 {
		i := 0
		for j := range stopping {
			if stopping[j].Weight > stopping[i].Weight {
				i = j
			}
		}
		by := v.controls.spend(e, stopping[i].Pattern, homeMinor(v.pay.transfer.Amount), v.now, out)
		if by == "" || by == Service {
			return by
		}
		forbiddenBy = by
		stopping = append(stopping[:i:i], stopping[i+1:]...)
	}
	return forbiddenBy
}

// knownGoodAs says what the entity at hand is known to be.
func (v *View) knownGoodAs() string { return v.controls.knownGoodAs(v.state.Entity, v.now) }

// excepted says whether one of those that the alert would be about is excepted
// from the pattern.
func (v *View) excepted(id string) bool {
	if len(v.controls.exceptions) == 0 {
		return false
	}
	if v.controls.excepted(v.state.Entity, id, v.now) {
		return true
	}
	if v.pay == nil {
		return false
	}
	t := &v.pay.transfer
	return v.controls.excepted(event.Entity(event.PrefixAccount+t.Payer.Account), id, v.now) ||
		t.Payee.Account != "" && v.controls.excepted(event.Entity(event.PrefixAccount+t.Payee.Account), id, v.now)
}

// override says in words what keeps a score from acting.
func (v *View) override() string {
	if as := v.knownGoodAs(); as != "" {
		return "known to be good: " + as
	}
	if v.state.readCold().watch == "cleared" {
		return "cleared"
	}
	if v.pay != nil && v.pay.transfer.Payee.Account != "" {
		if as := v.controls.knownGoodAs(event.Entity(event.PrefixAccount+v.pay.transfer.Payee.Account), v.now); as != "" {
			return "the payee is known to be good: " + as
		}
	}
	return ""
}

// alert begins the alert on what is at hand. Its texts are clones: those at
// hand belong to a block of legs.
func (v *View) alert(version string, score int, fraudType string, hits []Hit) Alert {
	l := v.leg
	a := Alert{At: v.now, Entity: event.Entity(strings.Clone(string(l.Entity))),
		Event: EventRef{l.Event.Kind.String(), strings.Clone(l.Event.ID)}, Score: score,
		FraudType: fraudType, Hits: hits, Catalogue: version}
	subject := a.Event.Kind + a.Event.ID
	if v.pay != nil {
		t := event.CloneTransfer(v.pay.transfer)
		a.Transfer = transferRef(strings.Clone(v.pay.id), v.pay.at, &t)
		a.District = t.District
		a.CaseID = event.CaseID(t.Payer.Account)
		subject = "transfer" + strconv.FormatUint(event.TransferKey(t.Payer.Account, v.pay.id), 16)
	}
	if l.Role == event.RoleRisk {
		r := &l.Event.Risk
		a.Trail = &TrailRef{event.Entity(strings.Clone(string(r.From))), strings.Clone(r.Why), strings.Clone(r.Cause)}
	}
	a.ID = event.DerivedID("alt", subject, string(a.Entity), a.Event.Kind, a.Event.ID)
	return a
}
