package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// outOfOrder sends the request for a stop that has been taken back meanwhile.
func (k *Kit) outOfOrder(ctx context.Context) error {
	k.flaky.hold(true)
	id := k.propose(ctx, 4, k.Account, k.Holder, func() {})
	if err := k.until(ctx, id, "the request", func(s *stop.Stop) bool { return s.State == stop.Requested }); err != nil {
		k.flaky.hold(false)
		return err
	}
	name, body := k.message(id) // as it was
	e := stop.Lift(k.center.Ledger.Stop(id), 0, "", "taken back", k.center.Clock(), "kit")
	err := k.enter(ctx, e)
	k.flaky.hold(false)
	if err != nil {
		return fmt.Errorf("the kit could not take its stop back: %w", err)
	}
	if status, err := k.send(ctx, body, k.signed(name+"_late", body, time.Now())); err != nil || status >= 500 {
		return fmt.Errorf("the late request was answered with %d %w", status, err)
	}
	if err := k.until(ctx, id, "the release was not taken",
		func(s *stop.Stop) bool { return s.Message.Delivered }); err != nil {
		return err
	}
	if s := k.center.Ledger.Stop(id); s.State != stop.Released {
		return fmt.Errorf("the stop is %s", s.State)
	}
	return nil
}

func (k *Kit) mismatch(ctx context.Context) error {
	id := k.propose(ctx, 5, k.Account, "不是"+k.Holder, func() {})
	if err := k.answered(ctx, id); err != nil {
		return err
	}
	s := k.center.Ledger.Stop(id)
	switch {
	case s.State != stop.Mismatch:
		return fmt.Errorf("the bank compared account, holder, amount and time and must not stop; it answered %s", s.State)
	case len(s.Outcome.Differs) == 0:
		return errors.New("the answer does not say what differs: differs[].field")
	}
	return nil
}

// decide changes a stop, and waits until the bank has taken the message.
func (k *Kit) decide(ctx context.Context, id string, change func(*stop.Step, *stop.Stop)) error {
	s := k.center.Ledger.Stop(id)
	e := s.Next(k.center.Clock(), "kit")
	change(&e, s)
	e.ID = event.DerivedID("evt", id, fmt.Sprint(e.Version), string(e.State))
	if err := k.enter(ctx, e); err != nil {
		return fmt.Errorf("the kit could not decide: %w", err)
	}
	return k.until(ctx, id, "the message was not taken", func(s *stop.Stop) bool {
		return s.Message != nil && s.Message.Version >= e.Version && s.Message.Delivered
	})
}

// enter writes a step of the kit's own to the ledger, which has to take it.
func (k *Kit) enter(ctx context.Context, e stop.Step) error {
	res, err := k.center.Log.Append(ctx, ledger.StopEntry(e))
	if err == nil && !res.Accepted {
		err = res.Why
	}
	return err
}

func (k *Kit) payBack(ctx context.Context, id string) error {
	s := k.center.Ledger.Stop(id)
	if s.State != stop.Frozen {
		return fmt.Errorf("%w: the stop is %s", errUnreached, s.State)
	}
	e := s.Next(k.center.Clock(), "kit")
	e.ID, e.State, e.Until = event.DerivedID("evt", id,
		"return"), stop.Returning, k.center.Ledger.Terms().Calendar.After(e.At, 3)
	e.Change = &stop.Change{Kind: stop.ChangeReturn, ReturnID: event.DerivedID("ret", id), Minor: s.Left(),
		Payees: []stop.Pay{{Victim: s.Payer, Account: s.Payer, Minor: s.Left()}}}
	if err := k.enter(ctx, e); err != nil {
		return fmt.Errorf("the kit could not instruct: %w", err)
	}
	return k.until(ctx, id, "no confirmation", func(s *stop.Stop) bool { return s.State == stop.Returned })
}
