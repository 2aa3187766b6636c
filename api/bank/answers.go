package bank

import (
	"context"
	"reflect"
	"strconv"

	"stopline.internal/api/access"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

func (s *Server) acknowledge(ctx context.Context, in *struct {
	wire.StopID
	Body *wire.AcknowledgementBody `required:"false"`
}) (*stopOutput, error) {
	st, err := s.own(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if st, err = s.acknowledged(ctx, st); err != nil {
		return nil, err
	}
	return s.stopOutput(ctx, st), nil
}

// try appends an entry of a stop as it was read. It fails where nobody was first, and
// the law or the state forbids it: trying again changes nothing.
func (s *Server) try(ctx context.Context, st *stop.Stop, e ledger.Entry) (ledger.Result, error) {
	res, err := s.record.Try(ctx, e)
	if err == nil && !res.Accepted && s.Ledger.Stop(st.ID).Version == st.Version {
		err = route.Refused(res.Why)
	}
	return res, err
}

// acknowledged notes that the bank has the stop, if that is news.
func (s *Server) acknowledged(ctx context.Context, st *stop.Stop) (*stop.Stop, error) {
	for range 5 {
		if st.State != stop.Requested && st.State != stop.Undelivered {
			return st, nil // acknowledged or answered before: nothing to change
		}
		e := st.Next(s.Clock(), access.Who(ctx).Name)
		e.ID = event.DerivedID("evt", st.ID, strconv.Itoa(e.Version), "acknowledged", e.At.String())
		e.Bank, e.State, e.Until = access.Who(ctx).Bank, stop.Acknowledged, e.At.Add(s.Ledger.Terms().Respond)
		res, err := s.try(ctx, st, ledger.StopEntry(e))
		if err != nil {
			return nil, err
		}
		if st = s.Ledger.Stop(st.ID); res.Accepted {
			return st, nil
		}
	}
	return nil, route.Refuse("version.changing")
}

func (s *Server) answer(ctx context.Context, in *struct {
	wire.StopID
	Body wire.OutcomeBody
}) (*stopOutput, error) {
	st, err := s.own(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	o, err := in.Body.Outcome(st, s.Banks)
	if err != nil {
		return nil, err
	}
	if st, err = s.answered(ctx, st, o, sameOutcome); err != nil {
		return nil, err
	}
	return s.stopOutput(ctx, st), nil
}

// answered records a bank's outcome and, where the money went on, asks the next
// banks at once. The same answer again, by the rule of its form, is the same.
func (s *Server) answered(ctx context.Context, st *stop.Stop, o stop.Outcome,
	same func(was, is stop.Outcome) bool) (*stop.Stop, error) {
	for range 5 {
		now := s.Clock()
		if !st.State.Awaits() {
			if st.Outcome == nil || !same(*st.Outcome, o) {
				return nil, route.Refuse("version.answered", "state", st.State)
			}
			return st, s.follow(ctx, st, now)
		}
		if why := o.Check(st, now); !why.None() {
			return nil, wire.UnreadField("body", why)
		}
		e := ledger.StopEntry(stop.Answer(s.Ledger.Terms(), st, o, now, access.Who(ctx).Name))
		e.ID = event.DerivedID("evt", st.ID, strconv.Itoa(e.Version), "outcome", now.String())
		res, err := s.try(ctx, st, e)
		if err != nil {
			return nil, err
		}
		if st = s.Ledger.Stop(st.ID); res.Accepted {
			return res.Stop, s.follow(ctx, res.Stop, now)
		}
	}
	return nil, route.Refuse("version.changing")
}

// sameOutcome compares what the bank said, without what we added to it.
func sameOutcome(a, b stop.Outcome) bool {
	plain := func(o *stop.Outcome) {
		o.Differs = append([]stop.Difference(nil), o.Differs...)
		for i := range o.Differs {
			o.Differs[i].Ours, o.Differs[i].Cause = "", ""
		}
	}
	plain(&a)
	plain(&b)
	return reflect.DeepEqual(a, b)
}

// sameMessage compares answers as camt.029. It has no time of its own for the
// hold, only that of the message, which is another when it is sent again: the
// recorded one stays.
func sameMessage(was, is stop.Outcome) bool {
	is.EffectiveAt = was.EffectiveAt
	return sameOutcome(was, is)
}

// follow asks for the stops on the next hops, and tells the accounts' partitions
// to look further, before the bank has its answer: a bank that gets none sends
// its outcome again, and so they are never forgotten.
func (s *Server) follow(ctx context.Context, st *stop.Stop, now event.Instant) error {
	terms := s.Ledger.Terms()
	hops, leaves := s.Ledger.Follow(st)
	var events []ledger.Entry
	var taints []*event.Taint
	for i := range hops {
		h := &hops[i]
		events = append(events, ledger.StopEntries(stop.Propose(terms, h.StopID, st.CaseID, h.Proposal, now, "trail"))...)
		taints = append(taints, h.Proposal.Taint(h.StopID, st.CaseID, st.Account.Number))
	}
	for i := range leaves {
		events = append(events, ledger.LeafEntry(st.CaseID, &leaves[i], now))
	}
	if err := s.record.Write(ctx, events...); err != nil {
		return err
	}
	return s.record.Follow(ctx, append(taints, st.HeldTaint())...)
}

func (s *Server) sweep(ctx context.Context, in *struct {
	wire.StopID
	Body wire.SweepBody
}) (*stopOutput, error) {
	for range 5 {
		st, err := s.own(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		minor, err := in.Body.HeldAmount.Minor(st.Currency)
		if err != nil || minor <= 0 {
			return nil, wire.BadField("body.held_amount", "field.decimal")
		}
		if st.Swept(in.Body.Credit) {
			return s.stopOutput(ctx, st), nil
		}
		if !st.State.Holds() && st.State != stop.Missed {
			return nil, route.Refuse("sweep.none", "state", st.State)
		}
		if minor > st.Claim() {
			left := event.Money{Minor: st.Claim(), Currency: st.Currency}
			return nil, wire.BadField("body.held_amount", "field.claim", "left", left)
		}
		e := ledger.StopEntry(stop.Sweep(s.Ledger.Terms(), st, minor, in.Body.Credit, s.Clock(), access.Who(ctx).Name))
		res, err := s.try(ctx, st, e)
		if err != nil {
			return nil, err
		}
		if res.Accepted {
			return s.stopOutput(ctx, res.Stop), s.record.Follow(ctx, res.Stop.HeldTaint())
		}
	}
	return nil, route.Refuse("version.changing")
}

func (s *Server) confirmReturn(ctx context.Context, in *struct {
	wire.StopID
	Body wire.ReturnBody
}) (*stopOutput, error) {
	st, err := s.own(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	minor, err := in.Body.Amount.Minor(st.Currency)
	if err != nil {
		return nil, wire.UnreadField("body.amount", err)
	}
	if in.Body.Result == "failed" && in.Body.Reason == "" {
		return nil, wire.BadField("body.reason", "field.reason")
	}
	done := in.Body.Result == "returned"
	if st, err = s.paidBack(ctx, st, done, minor, in.Body.Reference, in.Body.Reason); err != nil {
		return nil, err
	}
	return s.stopOutput(ctx, st), nil
}

// paidBack records a bank's word on a return. The same again is the same.
func (s *Server) paidBack(ctx context.Context, st *stop.Stop, done bool, minor int64,
	reference, reason string) (*stop.Stop, error) {
	if st.Instruction == nil {
		kind := stop.ChangeFailed
		if done {
			kind = stop.ChangeReturned
		}
		for i := range st.Timeline {
			c := st.Timeline[i].Change
			if c != nil && c.Minor == minor && c.Reference == reference && c.Kind == kind {
				return st, nil
			}
		}
		return nil, route.Refuse("payback.not-told")
	}
	if minor != st.Instruction.Minor {
		return nil, wire.BadField("body.amount", "field.instruction",
			"amount", event.Money{Minor: st.Instruction.Minor, Currency: st.Currency})
	}
	res, err := s.record.Append(ctx, ledger.StopEntry(stop.PaidBack(st, done, reference, reason, s.Clock(),
		access.Who(ctx).Name)))
	if err != nil {
		return nil, err
	}
	return res.Stop, nil
}
