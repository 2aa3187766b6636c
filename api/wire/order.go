package wire

import "stopline.internal/store/ledger/stop"

// ProposalBody is a stop that an analyst asks for.
type ProposalBody struct {
	CaseID    string      `json:"case_id" maxLength:"64"`
	Account   AccountBody `json:"account"`
	Amount    Amount      `json:"amount"`
	Currency  string      `json:"currency" example:"CNY"`
	Transfer  PaymentBody `json:"transfer"`
	FraudType string      `json:"fraud_type" maxLength:"64"`
	Reason    string      `json:"reason" maxLength:"256" minLength:"1"`
	Payer     string      `json:"payer_account,omitempty" maxLength:"256" doc:"The victim's account, to pay back to"`
	Order     *OrderBody  `json:"order,omitempty" doc:"What the national platform's form asks beyond that"`
}

// AccountBody is the account to hold on.
type AccountBody struct {
	Number string `json:"number"`
	Bank   string `json:"bank"`
	Holder string `json:"holder,omitempty"`
}

// PaymentBody is the payment by which the money came.
type PaymentBody struct {
	ID     string `json:"id"`
	Amount Amount `json:"amount"`
	At     string `json:"at" format:"date-time"`
}

// OrderBody is what the national platform's form asks of a stop.
type OrderBody struct {
	Type         string      `json:"type,omitempty" enum:"normal,bank-reported,back-filled"`
	Original     string      `json:"original,omitempty" maxLength:"64" doc:"Application that a back-filled one is for"`
	CaseNumber   string      `json:"case_number,omitempty" maxLength:"64"`
	Urgency      string      `json:"urgency,omitempty" enum:"normal,urgent"`
	Operator     OfficerBody `json:"operator"`
	Investigator OfficerBody `json:"investigator"`
	Authority    string      `json:"authority,omitempty" maxLength:"256"`
	Document     string      `json:"document,omitempty" maxLength:"64" doc:"Number of the legal document"`
	Remark       string      `json:"remark,omitempty" maxLength:"256"`
	Entity       bool        `json:"entity,omitempty" doc:"The account is an organisation's"`
}

// OfficerBody is who signs.
type OfficerBody struct {
	Name  string `json:"name" maxLength:"64"`
	Badge string `json:"badge" maxLength:"32"`
	Phone string `json:"phone,omitempty" maxLength:"32"`
}

// LedgerOrder is the form as the ledger keeps it, which leaves out what is usual.
func (b *OrderBody) LedgerOrder() *stop.Order {
	if b == nil {
		return nil
	}
	officer := func(o OfficerBody) stop.Officer {
		return stop.Officer{Name: o.Name, Badge: o.Badge, Phone: o.Phone}
	}
	o := &stop.Order{Type: b.Type, Original: b.Original, CaseNumber: b.CaseNumber, Urgency: b.Urgency,
		Operator: officer(b.Operator), Investigator: officer(b.Investigator),
		Authority: b.Authority, Document: b.Document, Remark: b.Remark, Entity: b.Entity}
	if o.Type == "normal" {
		o.Type = ""
	}
	if o.Urgency == "urgent" {
		o.Urgency = ""
	}
	return o
}

// DecisionBody is why a supervisor decided so.
type DecisionBody struct {
	Reason string `json:"reason,omitempty" maxLength:"256" example:"the holder showed the invoice"`
	Amount Amount `json:"amount,omitempty" doc:"Of a release: a part; all without it"`
}

// WatchBody is an entry of the watchlist.
type WatchBody struct {
	Risk   string `json:"risk" enum:"confirmed,suspected,cleared"`
	Reason string `json:"reason,omitempty" maxLength:"256"`
	Until  string `json:"until,omitempty" format:"date-time"`
}
