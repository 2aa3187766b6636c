package wire

import (
	"context"

	"stopline.internal/api/access"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// CaseID is the case in a route.
type CaseID struct {
	ID string `path:"id" maxLength:"64" example:"cas_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"`
}

// Case is a case as the center sees it.
type Case struct {
	ID       string       `json:"id"`
	OpenedAt string       `json:"opened_at" format:"date-time"`
	State    string       `json:"state" enum:"open,investigating,solved,closed"`
	Version  int          `json:"version" doc:"Of the progress"`
	Arrests  int          `json:"arrests"`
	Members  []string     `json:"members" doc:"Cases that proved to be part of this one: the same accounts or callers"`
	Reports  []CaseReport `json:"reports"`
	Stops    []Stop       `json:"stops"`
	Amounts  CaseAmounts  `json:"amounts"`
	Returns  []string     `json:"returns"`
	Visits   []string     `json:"visits"`
}

// CaseReport is a report that the case came from.
type CaseReport struct {
	ID       string `json:"id"`
	Source   string `json:"source"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	Holder   string `json:"holder,omitempty"`
	Phone    string `json:"phone,omitempty" doc:"For the center alone"`
	District string `json:"district,omitempty"`
}

// CaseAmounts keep apart what is often added up: stopped is not saved. They are
// sums over the case's stops in the currency of the first. A share of any of them
// is of what was requested.
type CaseAmounts struct {
	Currency  string `json:"currency,omitempty"`
	Reported  string `json:"reported" doc:"By victims, each payment once"`
	Requested string `json:"requested" doc:"At the first hop: what banks were asked to hold of the victims' own payments. The base of every rate"`
	Traced    string `json:"traced" doc:"The victims' money that was seen to go on from the accounts that they paid, to other accounts, shops or cash: each yuan once, at whatever hop it is now"`
	Held      string `json:"held" doc:"Held now and not frozen"`
	Frozen    string `json:"frozen"`
	Returned  string `json:"returned"`
	Released  string `json:"released"`
	Lapsed    string `json:"lapsed" doc:"Holds that ended with nobody acting"`
}

// NewCase is a case with its stops, as the ledger has them now.
func NewCase(ctx context.Context, l *ledger.Ledger, c *ledger.Case) Case {
	d := Case{ID: c.ID, OpenedAt: c.OpenedAt.String(), State: string(c.State), Version: c.Version, Arrests: c.Arrests,
		Members: append([]string{}, c.Members...), Reports: []CaseReport{}, Stops: []Stop{},
		Returns: append([]string{}, c.Returns...), Visits: append([]string{}, c.Visits...)}
	for _, r := range c.Reports {
		report := CaseReport{ID: r.ID, Source: r.Source, Amount: event.Money{Minor: r.Minor, Currency: r.Currency}.Decimal(),
			Currency: string(r.Currency), Holder: Mask(ctx, r.Holder), District: r.District}
		if access.Who(ctx).AtCenter() {
			report.Phone = r.Phone
		}
		d.Reports = append(d.Reports, report)
	}
	var stops []*stop.Stop
	for _, id := range c.Stops {
		if st := l.Stop(id); st != nil {
			stops = append(stops, st)
			d.Stops = append(d.Stops, NewStop(ctx, st, l.Terms()))
		}
	}
	d.Amounts = caseAmounts(c, stops)
	return d
}

func caseAmounts(c *ledger.Case, stops []*stop.Stop) CaseAmounts {
	currency := event.CNY
	if len(stops) > 0 {
		currency = stops[0].Currency
	}
	var reported, requested int64
	var sum stop.Amounts
	lost, _ := c.Lost()
	for i := range lost {
		if lost[i].Currency == currency {
			reported += lost[i].Minor
		}
	}
	for _, st := range stops {
		if st.Currency != currency {
			continue
		}
		a := st.Amounts()
		if st.Hop == 1 {
			requested += a.Requested
		}
		sum.Add(&a)
	}
	m := func(minor int64) string { return event.Money{Minor: minor, Currency: currency}.Decimal() }
	return CaseAmounts{string(currency), m(reported), m(requested), m(traced(c, stops, currency)),
		m(sum.Held), m(sum.Frozen), m(sum.Returned), m(sum.Released), m(sum.Lapsed)}
}

// traced is how much of the victims' payments was seen to go on from the accounts
// that they paid: for each payment what left its first account, at most itself.
// What goes on from there is the same yuan again, and no sum counts it twice.
func traced(c *ledger.Case, stops []*stop.Stop, currency event.Currency) (sum int64) {
	left := map[string]int64{}
	for _, st := range stops {
		left[st.Parent] += st.Minor
	}
	for i := range c.Leaves {
		left[c.Leaves[i].Parent] += c.Leaves[i].Minor
	}
	for _, st := range stops {
		if st.Hop == 1 && st.Currency == currency {
			sum += min(left[st.ID], st.Minor)
		}
	}
	return sum
}

// CasesPage is a part of the list of cases.
type CasesPage struct {
	Cases []Case `json:"cases" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"The cursor of the next page"`
}

// CaseChange is what people did about a case.
type CaseChange struct {
	State   string `json:"state,omitempty" enum:"open,investigating,solved,closed" doc:"As it was without it"`
	Arrests *int   `json:"arrests,omitempty" minimum:"0" maximum:"100000" doc:"People, in all so far; as it was without it"`
	Outcome string `json:"outcome,omitempty" enum:"confirmed,unfounded" doc:"Teaches how good the patterns are"`
	Reason  string `json:"reason,omitempty" maxLength:"256"`
}
