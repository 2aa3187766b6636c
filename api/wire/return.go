package wire

import (
	"fmt"

	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/giveback"
	"stopline.internal/stream/event"
	"stopline.internal/stream/event/words"
)

// ReturnID is the return in a route.
type ReturnID struct {
	ID string `path:"id" maxLength:"64" example:"ret_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"`
}

// Return is a return with its arithmetic.
type Return struct {
	ID         string              `json:"id"`
	CaseID     string              `json:"case_id"`
	Version    int                 `json:"version"`
	Round      int                 `json:"round"`
	State      string              `json:"state" enum:"proposed,announced,approved,instructed,completed,withdrawn"`
	Currency   string              `json:"currency"`
	Total      string              `json:"total"`
	PaidBack   string              `json:"paid_back" doc:"Confirmed by the banks"`
	Stale      string              `json:"stale,omitempty" doc:"Why it should be worked out anew"`
	StaleCode  string              `json:"stale_code,omitempty" example:"version.victim" doc:"The same for programs"`
	ProposedAt string              `json:"proposed_at" format:"date-time"`
	ProposedBy string              `json:"proposed_by"`
	Until      string              `json:"until,omitempty" format:"date-time" doc:"When the announcement ends"`
	Approvals  []string            `json:"approvals"`
	Accounts   []ReturnAccountBody `json:"accounts"`
	Pool       string              `json:"pool" doc:"Frozen money that is given back in proportion"`
	Losses     string              `json:"losses" doc:"What the proportions are of: losses less what was paid back before or traced"`
	Lines      []ReturnLineBody    `json:"lines"`
	Objections []Objection         `json:"objections"`
}

// ReturnAccountBody is how one account was judged.
type ReturnAccountBody struct {
	Account AccountRef `json:"account"`
	Frozen  string     `json:"frozen"`
	Method  string     `json:"method" enum:"single,by-time,proportional"`
	Why     string     `json:"why"`
	Victims []string   `json:"victims"`
	Stops   []string   `json:"stops"`

	WhyCode   string       `json:"why_code" example:"remittance.told-apart" doc:"The same for programs: docs/messages.md"`
	WhyValues words.Values `json:"why_values,omitempty"`
}

// returnAccount says how an account was judged, and why.
func returnAccount(a *giveback.AccountReturn, c event.Currency) ReturnAccountBody {
	why := words.Message{Code: "remittance." + a.Why}
	if a.Mixed != nil {
		why.Values = words.Values{"at": a.Mixed.At, "amount": event.Money{Minor: -a.Mixed.Minor, Currency: c}}
	}
	return ReturnAccountBody{Account: AccountRef{a.Account.Number, a.Account.Bank, ""},
		Frozen: event.Money{Minor: a.Minor, Currency: c}.Decimal(), Method: a.Method, Why: why.Error(),
		Victims: a.Victims, Stops: a.Stops, WhyCode: why.Code, WhyValues: why.Values}
}

// ReturnLineBody is one victim's part.
type ReturnLineBody struct {
	Victim     string       `json:"victim_account"`
	Loss       string       `json:"loss"`
	Before     string       `json:"paid_back_before"`
	Direct     string       `json:"traced" doc:"From accounts whose money is this victim's alone"`
	Weight     string       `json:"weight" doc:"loss − paid_back_before − traced"`
	Share      string       `json:"share" doc:"pool × weight ÷ losses"`
	Amount     string       `json:"amount" doc:"traced + share"`
	Arithmetic string       `json:"arithmetic" example:"3000000 × 4980000 ÷ 9960000 = 1500000 rest 0"`
	From       []ReturnStop `json:"from"`
}

// ReturnStop is what one stop pays of a line.
type ReturnStop struct {
	StopID string `json:"stop_id"`
	Bank   string `json:"bank"`
	Amount string `json:"amount"`
	State  string `json:"state"`
}

// Objection is an objection.
type Objection struct {
	ID    string `json:"id"`
	Who   string `json:"who"`
	Text  string `json:"text"`
	State string `json:"state" enum:"open,dismissed,upheld"`
}

// NewReturn is a return with its arithmetic, and what its stops have become.
func NewReturn(l *ledger.Ledger, r *giveback.Round) Return {
	m := func(minor int64) string { return event.Money{Minor: minor, Currency: r.Currency}.Decimal() }
	paid, done := l.Paid(r)
	d := Return{ID: r.ID, CaseID: r.CaseID, Version: r.Version, Round: r.Round, State: string(r.State),
		Currency: string(r.Currency), Total: m(r.Total()), PaidBack: m(paid), ProposedAt: r.ProposedAt.String(),
		ProposedBy: r.ProposedBy, Until: r.Until.String(), Approvals: append([]string{}, r.Approvals...),
		Accounts: []ReturnAccountBody{}, Pool: m(r.Pool), Losses: m(r.Losses), Lines: []ReturnLineBody{},
		Objections: []Objection{}}
	if done {
		d.State = "completed"
	}
	if Stale(l, r) {
		stale := words.New("version.victim")
		d.Stale, d.StaleCode = stale.Error(), stale.Code
	}
	for _, a := range r.Accounts {
		d.Accounts = append(d.Accounts, returnAccount(&a, r.Currency))
	}
	for i := range r.Lines {
		d.Lines = append(d.Lines, returnLine(l, r, &r.Lines[i]))
	}
	for _, o := range r.Objections {
		d.Objections = append(d.Objections, Objection(o))
	}
	return d
}

// returnLine is one victim's part, and which stops pay it.
func returnLine(l *ledger.Ledger, r *giveback.Round, line *giveback.Line) ReturnLineBody {
	m := func(minor int64) string { return event.Money{Minor: minor, Currency: r.Currency}.Decimal() }
	b := ReturnLineBody{Victim: line.Victim, Loss: m(line.Loss), Before: m(line.Before), Direct: m(line.Direct),
		Weight: m(line.Weight), Share: m(line.Share), Amount: m(line.Minor), From: []ReturnStop{}}
	if r.Pool > 0 {
		b.Arithmetic = Arithmetic(r, line)
	}
	for _, f := range line.From {
		rs := ReturnStop{StopID: f.Stop, Amount: m(f.Minor)}
		if st := l.Stop(f.Stop); st != nil {
			rs.Bank, rs.State = st.Account.Bank, string(st.State)
		}
		b.From = append(b.From, rs)
	}
	return b
}

// LeftOver is what [Arithmetic] says of a line that has one fen more than its
// proportion.
const LeftOver = ", and 1 of what is left over: among the largest rests"

// Arithmetic is how a line's share was worked out, in fen.
func Arithmetic(r *giveback.Round, l *giveback.Line) string {
	floor, extra := l.Share, ""
	if l.Extra {
		floor, extra = floor-1, LeftOver
	}
	return fmt.Sprintf("%d × %d ÷ %d = %d rest %d%s", r.Pool, l.Weight, r.Losses, floor, l.Remainder, extra)
}

// Stale says whether a victim has come since the return was worked out: a newly
// found one starts a new round.
func Stale(l *ledger.Ledger, r *giveback.Round) bool {
	c := l.Case(r.CaseID)
	begun := r.State == giveback.Proposed || r.State == giveback.Announced || r.State == giveback.Approved
	return c != nil && begun && len(c.Reports) > r.Reports
}

// ReturnDecisionBody is why a return is brought on its way, or taken back.
type ReturnDecisionBody struct {
	Reason string `json:"reason,omitempty" maxLength:"256"`
}

// ObjectionBody is what somebody has against a return.
type ObjectionBody struct {
	Who  string `json:"who" minLength:"1" maxLength:"256"`
	Text string `json:"text" minLength:"1" maxLength:"4000"`
}

// ObjectionDecisionBody is what was decided of an objection.
type ObjectionDecisionBody struct {
	Decision string `json:"decision" enum:"dismissed,upheld" doc:"upheld: then withdraw the return and work it out anew"`
	Reason   string `json:"reason,omitempty" maxLength:"256"`
}
