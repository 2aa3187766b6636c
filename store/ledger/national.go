package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"stopline.internal/stream/event"
)

// The national platform's vocabulary, as bank-side code of 2016 shows it; the
// version in force may differ, so that a center checks it before it relies on
// it. A center puts its own transport behind these messages. docs/national.md
// lists every field and what it stands for here; going there and back loses
// nothing, and tests say so.

// Codes of messages.
const (
	CodeStop            = "100101"
	CodeStopFeedback    = "100102"
	CodeRelease         = "100103"
	CodeReleaseFeedback = "100104"
	CodeExtend          = "100105"
	CodeExtendFeedback  = "100106"
	CodeFreeze          = "100201"
	CodeFreezeFeedback  = "100202"
	CodeThaw            = "100203" // of a freeze: release
	CodeThawFeedback    = "100204"
	CodeRenew           = "100205" // of a freeze: extend
	CodeRenewFeedback   = "100206"
)

// Return codes.
const (
	ReturnOK           = "100000"
	ReturnFormat       = "200001"
	ReturnTimeout      = "200002"
	ReturnDuplicate    = "200003"
	ReturnUnauthorised = "200004" // to 200007
	ReturnRate         = "200008"
	ReturnClosed       = "200009"
	ReturnNoAccount    = "200010"
)

// Types of an application, and urgency.
const (
	TypeNormal     = "01"
	TypeBank       = "02" // bank-reported
	TypeBackFilled = "03" // the paper follows; the original's id is given
	UrgencyNormal  = "01"
	UrgencyUrgent  = "02"
	SubjectPerson  = "01"
	SubjectEntity  = "02"
	ByAmount       = "01" // a freeze of an amount
	ByAccount      = "02" // of the account
)

// NationalStop is an application: a stop, its extension, a freeze or a release.
// Times are yyyyMMddHHmmss, amounts decimals in the currency's unit.
type NationalStop struct {
	Code          string `json:"txCode"`
	ApplicationID string `json:"applicationID"`
	Type          string `json:"applicationType"`
	OriginalID    string `json:"originalApplicationID,omitempty"` // of a back-filled one, an extension or a release
	CaseNumber    string `json:"caseNumber"`
	CaseType      string `json:"caseType"`
	Urgency       string `json:"emergencyLevel"`

	TransferID       string `json:"transferSerialNumber"`
	TransferBank     string `json:"transferOutBankID,omitempty"`
	TransferName     string `json:"transferOutAccountName,omitempty"`
	TransferAccount  string `json:"transferOutAccountNumber,omitempty"`
	TransferCurrency string `json:"currency"`
	TransferAmount   string `json:"transferAmount"`
	TransferTime     string `json:"transferTime"`

	Bank          string `json:"bankID"`
	SubjectType   string `json:"subjectType"`
	AccountName   string `json:"accountName,omitempty"`
	AccountNumber string `json:"accountNumber"`
	Amount        string `json:"applicationAmount"`
	ByWhat        string `json:"freezeType,omitempty"`

	Reason       string  `json:"reason"`
	Remark       string  `json:"remark,omitempty"`
	Start        string  `json:"startTime,omitempty"`
	Expiry       string  `json:"expireTime,omitempty"`
	Authority    string  `json:"applicationOrgName,omitempty"`
	Operator     Officer `json:"operator"`
	Investigator Officer `json:"investigator"`
	Document     string  `json:"legalDocument,omitempty"`
}

// NationalFeedback is a bank's answer to an application.
type NationalFeedback struct {
	Code           string           `json:"txCode"`
	ApplicationID  string           `json:"applicationID"`
	Result         string           `json:"result"` // a return code
	State          string           `json:"state"`  // how far: all, part, none
	Balance        string           `json:"accountBalance,omitempty"`
	Held           string           `json:"executedAmount,omitempty"`
	Applied        string           `json:"appliedAmount,omitempty"`
	Available      string           `json:"availableBalance,omitempty"`
	Start          string           `json:"startTime,omitempty"`
	Expiry         string           `json:"expireTime,omitempty"`
	TechnicalCause string           `json:"failureCause,omitempty"`
	Remark         string           `json:"feedbackRemark,omitempty"`
	Who            string           `json:"feedbackOrgName,omitempty"`
	Prior          []NationalFreeze `json:"priorFreezes,omitempty"`
}

// NationalFreeze is one of another authority that comes first.
type NationalFreeze struct {
	Authority string `json:"freezeOrgName"`
	Amount    string `json:"freezeAmount"`
	Expiry    string `json:"freezeExpireTime,omitempty"`
}

const nationalTime = "20060102150405"

// exact is the platform's second with our milliseconds behind it, which other
// readers may cut off: so that nothing is lost.
func exact(i event.Instant) string {
	if i == 0 {
		return ""
	}
	return i.Time().Format(nationalTime + ".000")
}

func parseExact(text string) (event.Instant, error) {
	if text == "" {
		return 0, nil
	}
	for _, layout := range []string{nationalTime + ".000", nationalTime} {
		if t, err := time.ParseInLocation(layout, text, event.Zone); err == nil {
			return event.InstantOf(t), nil
		}
	}
	return 0, fmt.Errorf("%q is no time as yyyyMMddHHmmss", text)
}

var orderTypes = [][2]string{{"", TypeNormal}, {"bank-reported", TypeBank}, {"back-filled", TypeBackFilled}}

// ToNational writes a stop as an application of the code.
func ToNational(s *Stop, code string, t Terms) NationalStop {
	o := s.Order
	if o == nil {
		o = &Order{}
	}
	n := NationalStop{Code: code, ApplicationID: s.ID, OriginalID: o.Original, CaseNumber: cmp.Or(o.CaseNumber, s.CaseID), CaseType: s.FraudType, Urgency: UrgencyUrgent, Type: TypeNormal,
		TransferID: s.Transfer.ID, TransferAccount: s.Payer, TransferCurrency: string(s.Currency), TransferAmount: s.Money(s.Transfer.Minor), TransferTime: exact(s.Transfer.At),
		Bank: s.Account.Bank, SubjectType: SubjectPerson, AccountName: s.Account.Holder, AccountNumber: s.Account.Number, Amount: s.Amount().Decimal(),
		Reason: s.Text, Remark: o.Remark, Authority: o.Authority, Operator: o.Operator, Investigator: o.Investigator, Document: o.Document}
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
		n.Start, n.Expiry = exact(s.RequestedAt), exact(s.RequestedAt.Add(t.Hold))
	case CodeExtend, CodeFreeze, CodeRenew:
		n.OriginalID, n.Start, n.Expiry = s.ID, exact(s.Timeline[len(s.Timeline)-1].At), exact(s.Until)
	case CodeRelease, CodeThaw:
		n.OriginalID, n.Start = s.ID, exact(s.Timeline[len(s.Timeline)-1].At)
	}
	if code == CodeFreeze || code == CodeRenew {
		n.ByWhat = ByAmount
	}
	return n
}

// FromNational reads an application for a stop into a proposal and its case.
func FromNational(n *NationalStop) (stopID, caseID string, p Proposal, err error) {
	if n.Code != CodeStop {
		return "", "", p, fmt.Errorf("message %s is no application for a stop (%s)", n.Code, CodeStop)
	}
	currency := event.Currency(n.TransferCurrency)
	digits, known := currency.Digits()
	if !known {
		return "", "", p, fmt.Errorf("currency %q is not in use", n.TransferCurrency)
	}
	at, err1 := parseExact(n.TransferTime)
	amount, err2 := event.ParseMinor(n.Amount, digits)
	transfer, err3 := event.ParseMinor(n.TransferAmount, digits)
	if err = errors.Join(err1, err2, err3); err != nil {
		return "", "", p, err
	}
	o := &Order{Original: n.OriginalID, CaseNumber: n.CaseNumber, Operator: n.Operator, Investigator: n.Investigator, Authority: n.Authority, Document: n.Document, Remark: n.Remark, Entity: n.SubjectType == SubjectEntity}
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
	return n.ApplicationID, caseID, Proposal{Account: Account{Number: n.AccountNumber, Bank: n.Bank, Holder: n.AccountName}, Minor: amount, Currency: currency,
		Transfer: Transfer{ID: n.TransferID, Minor: transfer, At: at}, Hop: 1, FraudType: n.CaseType, Payer: n.TransferAccount, Text: n.Reason, Order: o}, nil
}

// How far an application was carried out.
const (
	nationalAll  = "all"
	nationalPart = "part"
	nationalNone = "none"
)

// Causes in words that a feedback carries where there is no code for them.
const (
	causeGone     = "balance gone"
	causeMismatch = "does not match"
)

// FeedbackOf writes a bank's answer as feedback of the code.
func FeedbackOf(s *Stop, code string) NationalFeedback {
	o := s.Outcome
	f := NationalFeedback{Code: code, ApplicationID: s.ID, Result: ReturnOK, State: nationalNone, Applied: s.Amount().Decimal(), Remark: o.Reason, Who: s.Account.Bank}
	if o.Balance != event.Unknown {
		f.Balance = s.Money(o.Balance)
	}
	for _, p := range o.Prior {
		f.Prior = append(f.Prior, NationalFreeze{p.Authority, s.Money(p.Minor), exact(p.Until)})
	}
	switch o.Result {
	case Held, Partial:
		f.State, f.Held, f.Start, f.Expiry = nationalAll, s.Money(o.HeldMinor), exact(o.EffectiveAt), exact(s.Until)
		if o.Result == Partial {
			f.State = nationalPart
		}
		if o.Balance != event.Unknown {
			f.Available = s.Money(max(0, o.Balance-o.HeldMinor))
		}
	case Missed:
		f.TechnicalCause = causeGone
	case Mismatch:
		f.Result, f.TechnicalCause = ReturnNoAccount, causeMismatch
		for _, d := range o.Differs {
			f.TechnicalCause += "; " + d.Field + "=" + d.Theirs
		}
	case Refused:
		f.Result = ReturnUnauthorised
		if strings.Contains(o.Reason, ReturnClosed) {
			f.Result = ReturnClosed
		}
	}
	return f
}

// OutcomeOf reads a feedback into a bank's answer for a stop.
func OutcomeOf(f *NationalFeedback, s *Stop) (Outcome, error) {
	digits, _ := s.Currency.Digits()
	o := Outcome{Balance: event.Unknown, Reason: f.Remark}
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
		v := Freeze{Authority: p.Authority}
		read(p.Amount, &v.Minor)
		until, err := parseExact(p.Expiry)
		errs = append(errs, err)
		v.Until = until
		o.Prior = append(o.Prior, v)
	}
	switch {
	case f.ApplicationID != s.ID:
		return o, fmt.Errorf("the feedback is on application %s", f.ApplicationID)
	case f.Result == ReturnOK && (f.State == nationalAll || f.State == nationalPart):
		o.Result = Held
		if f.State == nationalPart {
			o.Result = Partial
		}
		read(f.Held, &o.HeldMinor)
		at, err := parseExact(f.Start)
		errs = append(errs, err)
		o.EffectiveAt = at
	case f.Result == ReturnOK:
		o.Result = Missed
	case f.Result == ReturnNoAccount:
		o.Result = Mismatch
		for _, part := range strings.Split(f.TechnicalCause, "; ")[1:] {
			field, theirs, _ := strings.Cut(part, "=")
			o.Differs = append(o.Differs, Difference{Field: field, Theirs: theirs})
		}
	default:
		o.Result, o.Reason = Refused, cmp.Or(f.Remark, f.Result+" "+f.TechnicalCause)
	}
	return o, errors.Join(errs...)
}

// DecisionOf reads an application that is about a stop that is there, its
// extension, freeze, renewal or release, as the event that it asks for.
func DecisionOf(n *NationalStop, s *Stop, by string) (Event, error) {
	if n.OriginalID != s.ID {
		return Event{}, fmt.Errorf("the application is about %s", n.OriginalID)
	}
	at, err1 := parseExact(n.Start)
	until, err2 := parseExact(n.Expiry)
	if err := errors.Join(err1, err2); err != nil {
		return Event{}, err
	}
	e := s.Event(at, by)
	e.ID, e.Until, e.Reason = event.DerivedID("evt", s.ID, n.Code, n.Start), until, n.Remark
	switch n.Code {
	case CodeExtend:
		e.State = Extended
	case CodeFreeze:
		e.State = Frozen
	case CodeRenew:
		e.State, e.Change = Frozen, &Change{Kind: ChangeRenew}
	case CodeRelease, CodeThaw:
		e.State, e.Until = Released, 0
	default:
		return Event{}, fmt.Errorf("message %s is no extension, freeze, renewal or release", n.Code)
	}
	return e, nil
}
