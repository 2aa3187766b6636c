package national

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

const timeLayout = "20060102150405"

// formatTime writes the platform's second with our milliseconds behind it, which other
// readers may cut off: so that nothing is lost.
func formatTime(i event.Instant) string {
	if i == 0 {
		return ""
	}
	return i.Time().Format(timeLayout + ".000")
}

func parseTime(text string) (event.Instant, error) {
	if text == "" {
		return 0, nil
	}
	for _, layout := range []string{timeLayout + ".000", timeLayout} {
		if t, err := time.ParseInLocation(layout, text, event.Zone); err == nil {
			return event.InstantOf(t), nil
		}
	}
	return 0, fmt.Errorf("%q is no time as yyyyMMddHHmmss", text)
}

var orderTypes = [][2]string{{"", TypeNormal}, {"bank-reported", TypeBank}, {"back-filled", TypeBackFilled}}

// ApplicationOf writes a stop as an application of the code.
func ApplicationOf(s *stop.Stop, code string, t law.Terms) Application {
	o := s.Order
	if o == nil {
		o = &stop.Order{}
	}
	n := Application{
		Code: code, ApplicationID: s.ID, OriginalID: o.Original, CaseNumber: cmp.Or(o.CaseNumber, s.CaseID),
		CaseType: s.FraudType, Urgency: UrgencyUrgent, Type: TypeNormal,
		TransferID: s.Transfer.ID, TransferAccount: s.Payer, TransferCurrency: string(s.Currency),
		TransferAmount: s.Decimal(s.Transfer.Minor), TransferTime: formatTime(s.Transfer.At),
		Bank: s.Account.Bank, SubjectType: SubjectPerson, AccountName: s.Account.Holder,
		AccountNumber: s.Account.Number, Amount: s.Amount().Decimal(),
		Reason: s.Text, Remark: o.Remark, Authority: o.Authority, Operator: o.Operator,
		Investigator: o.Investigator, Document: o.Document,
	}
	for _, p := range orderTypes {
		if p[0] == o.Type {
			n.Type = p[1]
		}
	}
	if o.Urgency == "normal" {
		n.Urgency = UrgencyNormal
	}
	if o.Entity {
		n.SubjectType = SubjectEntity
	}
	switch code {
	case CodeStop:
		n.Start, n.Expiry = formatTime(s.RequestedAt), formatTime(s.RequestedAt.Add(t.Hold))
	case CodeExtend, CodeFreeze, CodeRenew:
		n.OriginalID, n.Start, n.Expiry = s.ID, formatTime(s.Last().At), formatTime(s.Until)
	case CodeRelease, CodeThaw:
		n.OriginalID, n.Start = s.ID, formatTime(s.Last().At)
	}
	if code == CodeFreeze || code == CodeRenew {
		n.ByWhat = ByAmount
	}
	return n
}

// ProposalOf reads an application for a stop into a proposal and its case.
func ProposalOf(n *Application) (stopID, caseID string, p stop.Proposal, err error) {
	if n.Code != CodeStop {
		return "", "", p, fmt.Errorf("message %s is no application for a stop (%s)", n.Code, CodeStop)
	}
	currency := event.Currency(n.TransferCurrency)
	digits, known := currency.Digits()
	if !known {
		return "", "", p, fmt.Errorf("currency %q is not in use", n.TransferCurrency)
	}
	at, err1 := parseTime(n.TransferTime)
	amount, err2 := event.ParseMinor(n.Amount, digits)
	transfer, err3 := event.ParseMinor(n.TransferAmount, digits)
	if err = errors.Join(err1, err2, err3); err != nil {
		return "", "", p, err
	}
	o := &stop.Order{Original: n.OriginalID, CaseNumber: n.CaseNumber, Operator: n.Operator,
		Investigator: n.Investigator, Authority: n.Authority, Document: n.Document, Remark: n.Remark,
		Entity: n.SubjectType == SubjectEntity}
	for _, t := range orderTypes {
		if t[1] == n.Type {
			o.Type = t[0]
		}
	}
	if n.Urgency == UrgencyNormal {
		o.Urgency = "normal"
	}
	caseID = n.CaseNumber
	if !strings.HasPrefix(caseID, "cas_") {
		caseID = event.DerivedID("cas", "national", n.CaseNumber)
	} else {
		o.CaseNumber = ""
	}
	return n.ApplicationID, caseID, stop.Proposal{
		Account: stop.Account{Number: n.AccountNumber, Bank: n.Bank, Holder: n.AccountName}, Minor: amount,
		Currency: currency, Transfer: stop.Transfer{ID: n.TransferID, Minor: transfer, At: at}, Hop: 1,
		FraudType: n.CaseType, Payer: n.TransferAccount, Text: n.Reason, Order: o}, nil
}

// How far an application was carried out.
const (
	executedAll  = "all"
	executedPart = "part"
	executedNone = "none"
)

// Causes in words that a feedback carries where there is no code for them.
const (
	causeGone     = "balance gone"
	causeMismatch = "does not match"
)

// FeedbackOf writes a bank's answer as feedback of the code.
func FeedbackOf(s *stop.Stop, code string) Feedback {
	o := s.Outcome
	f := Feedback{Code: code, ApplicationID: s.ID, Result: ReturnOK, State: executedNone,
		Applied: s.Amount().Decimal(), Remark: o.Reason, Who: s.Account.Bank}
	if o.Balance != event.Unknown {
		f.Balance = s.Decimal(o.Balance)
	}
	for _, p := range o.Prior {
		f.Prior = append(f.Prior, PriorFreeze{p.Authority, s.Decimal(p.Minor), formatTime(p.Until)})
	}
	switch o.Result {
	case stop.Held, stop.Partial:
		f.State, f.Held = executedAll, s.Decimal(o.HeldMinor)
		f.Start, f.Expiry = formatTime(o.EffectiveAt), formatTime(s.Until)
		if o.Result == stop.Partial {
			f.State = executedPart
		}
		if o.Balance != event.Unknown {
			f.Available = s.Decimal(max(0, o.Balance-o.HeldMinor))
		}
	case stop.Missed:
		f.TechnicalCause = causeGone
	case stop.Mismatch:
		f.Result, f.TechnicalCause = ReturnNoAccount, causeMismatch
		for _, d := range o.Differs {
			f.TechnicalCause += "; " + d.Field + "=" + d.Theirs
		}
	case stop.Refused:
		f.Result = ReturnUnauthorised
		if strings.Contains(o.Reason, ReturnClosed) {
			f.Result = ReturnClosed
		}
	}
	return f
}

// OutcomeOf reads a feedback into a bank's answer for a stop.
func OutcomeOf(f *Feedback, s *stop.Stop) (stop.Outcome, error) {
	digits, _ := s.Currency.Digits()
	o := stop.Outcome{Balance: event.Unknown, Reason: f.Remark}
	var errs []error
	read := func(text string, into *int64) {
		if text != "" {
			v, err := event.ParseMinor(text, digits)
			errs = append(errs, err)
			*into = v
		}
	}
	read(f.Balance, &o.Balance)
	for _, p := range f.Prior {
		v := stop.Freeze{Authority: p.Authority}
		read(p.Amount, &v.Minor)
		until, err := parseTime(p.Expiry)
		errs = append(errs, err)
		v.Until = until
		o.Prior = append(o.Prior, v)
	}
	switch {
	case f.ApplicationID != s.ID:
		return o, fmt.Errorf("the feedback is on application %s", f.ApplicationID)
	case f.Result == ReturnOK && (f.State == executedAll || f.State == executedPart):
		o.Result = stop.Held
		if f.State == executedPart {
			o.Result = stop.Partial
		}
		read(f.Held, &o.HeldMinor)
		at, err := parseTime(f.Start)
		errs = append(errs, err)
		o.EffectiveAt = at
	case f.Result == ReturnOK:
		o.Result = stop.Missed
	case f.Result == ReturnNoAccount:
		o.Result = stop.Mismatch
		for _, part := range strings.Split(f.TechnicalCause, "; ")[1:] {
			field, theirs, _ := strings.Cut(part, "=")
			o.Differs = append(o.Differs, stop.Difference{Field: field, Theirs: theirs})
		}
	default:
		o.Result, o.Reason = stop.Refused, cmp.Or(f.Remark, f.Result+" "+f.TechnicalCause)
	}
	return o, errors.Join(errs...)
}

// DecisionOf reads an application that is about a stop that is there, its
// extension, freeze, renewal or release, as the step that it asks for.
func DecisionOf(n *Application, s *stop.Stop, by string) (stop.Step, error) {
	if n.OriginalID != s.ID {
		return stop.Step{}, fmt.Errorf("the application is about %s", n.OriginalID)
	}
	at, err1 := parseTime(n.Start)
	until, err2 := parseTime(n.Expiry)
	if err := errors.Join(err1, err2); err != nil {
		return stop.Step{}, err
	}
	e := s.Next(at, by)
	e.ID, e.Until, e.Reason = event.DerivedID("evt", s.ID, n.Code, n.Start), until, n.Remark
	switch n.Code {
	case CodeExtend:
		e.State = stop.Extended
	case CodeFreeze:
		e.State = stop.Frozen
	case CodeRenew:
		e.State, e.Change = stop.Frozen, &stop.Change{Kind: stop.ChangeRenew}
	case CodeRelease, CodeThaw:
		e.State, e.Until = stop.Released, 0
	default:
		return stop.Step{}, fmt.Errorf("message %s is no extension, freeze, renewal or release", n.Code)
	}
	return e, nil
}
