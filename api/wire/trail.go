package wire

import (
	"context"

	"stopline.internal/store/ledger"
	"stopline.internal/stream/event"
)

// TrailNode is a place that the money came to.
type TrailNode struct {
	StopID    string      `json:"stop_id,omitempty" doc:"Absent where the trail ends without a stop"`
	State     string      `json:"state" example:"partial" doc:"Of the stop; at an end: cash, merchant, small, deep"`
	Hop       int         `json:"hop" doc:"1: the account that the victim paid"`
	Account   AccountRef  `json:"account"`
	Amount    string      `json:"amount" doc:"Of the victim's money in it: first in, first out"`
	Held      string      `json:"held_amount"`
	Returned  string      `json:"returned_amount"`
	Currency  string      `json:"currency"`
	Transfer  TransferRef `json:"transfer"`
	Payer     string      `json:"payer_account,omitempty" doc:"The victim's, at the first hop"`
	KnownFrom string      `json:"known_from,omitempty" enum:"transfer,answer" doc:"A payment that the service saw, or a bank's answer"`
	EndsAt    string      `json:"ends_at,omitempty" format:"date-time"`
	Children  []TrailNode `json:"children"`
}

// Trail is a case's money.
type Trail struct {
	CaseID  string      `json:"case_id"`
	At      string      `json:"at" format:"date-time"`
	Limited bool        `json:"limited" doc:"The money went further, and the case has as many stops as are allowed"`
	Amounts CaseAmounts `json:"amounts"`
	Trees   []TrailNode `json:"trees"`
}

// NewTrailNode is a place of the trail with what lies behind it. A place without a
// stop counts in the currency of the stop before it.
func NewTrailNode(ctx context.Context, n *ledger.Node, currency event.Currency) TrailNode {
	var d TrailNode
	m := func(minor int64) string { return event.Money{Minor: minor, Currency: currency}.Decimal() }
	if st := n.Stop; st != nil {
		currency = st.Currency
		d = TrailNode{StopID: st.ID, State: string(st.State), Hop: st.Hop, Account: accountRef(ctx, st.Account),
			Amount: m(st.Minor), Held: m(0), Returned: m(st.ReturnedMinor), Currency: string(currency),
			Transfer: transferRef(st.Transfer, currency), Payer: st.Payer, KnownFrom: st.Via}
		if st.State.Holds() {
			d.Held, d.EndsAt = m(st.Left()), st.Until.String()
		}
	} else {
		l := n.Leaf
		d = TrailNode{State: l.Why, Hop: l.Hop, Account: accountRef(ctx, l.Account), Amount: m(l.Minor), Held: m(0),
			Returned: m(0), Currency: string(currency), Transfer: transferRef(l.Transfer, currency)}
	}
	d.Children = []TrailNode{}
	for _, c := range n.Children {
		d.Children = append(d.Children, NewTrailNode(ctx, c, currency))
	}
	return d
}
