package wire

import "stopline.internal/scoring"

// Decision is one exception, known-good entity or fallen brake.
type Decision struct {
	Entity  string `json:"entity,omitempty" example:"acct:6217000010098765432"`
	Pattern string `json:"pattern,omitempty" example:"authority-call-then-transfer"`
	As      string `json:"as,omitempty" example:"merchant"`
	Until   string `json:"until,omitempty" format:"date-time"`
	At      string `json:"at" format:"date-time"`
	By      string `json:"by"`
	Reason  string `json:"reason,omitempty"`
}

// DecisionsPage is a list of exceptions, known-good entities or fallen brakes.
type DecisionsPage struct {
	Items []Decision `json:"items" nullable:"false"`
}

// NewDecisionsPage lists decisions.
func NewDecisionsPage(list []scoring.Decision) DecisionsPage {
	page := DecisionsPage{Items: []Decision{}}
	for _, d := range list {
		page.Items = append(page.Items, Decision{Entity: string(d.Entity), Pattern: d.Pattern, As: d.As,
			Until: d.Until.String(), At: d.At.String(), By: d.By, Reason: d.Reason})
	}
	return page
}

// ExceptionBody is why an entity is excepted from a pattern, and until when.
type ExceptionBody struct {
	Reason string `json:"reason" minLength:"1" maxLength:"256"`
	Until  string `json:"until" format:"date-time" doc:"An exception ends: hard blocks are not excepted from at all"`
}

// KnownGoodBody is what an entity is known to be, and until when.
type KnownGoodBody struct {
	As     string `json:"as" enum:"merchant,payroll,utility,government,own-account,other"`
	Reason string `json:"reason" minLength:"1" maxLength:"256"`
	Until  string `json:"until,omitempty" format:"date-time"`
}
