package wire

import (
	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/stream/event"
)

// SchemaPrefix begins a reference to a schema of the API document.
const SchemaPrefix = "#/components/schemas/"

// Amount is a decimal: a string, or a number that is read exactly.
type Amount string

// UnmarshalJSON accepts both and keeps the digits.
func (a *Amount) UnmarshalJSON(b []byte) error { return (*event.Decimal)(a).UnmarshalJSON(b) }

// Schema describes both, under one name.
func (Amount) Schema(r huma.Registry) *huma.Schema {
	const name = "Amount"
	if r.Map()[name] == nil {
		s := amountSchema()
		s.PrecomputeMessages()
		r.Map()[name] = s
	}
	return &huma.Schema{Ref: SchemaPrefix + name}
}

func amountSchema() *huma.Schema {
	return &huma.Schema{
		Description: "Decimal string such as \"49800.00\", or a JSON number, read exactly; " +
			"at most the currency's minor digits",
		OneOf:    []*huma.Schema{{Type: huma.TypeString, Pattern: `^[0-9]+(\.[0-9]+)?$`}, {Type: huma.TypeNumber}},
		Examples: []any{"49800.00"}}
}

// Minor reads the amount in a currency.
func (a Amount) Minor(c event.Currency) (int64, error) {
	digits, _ := c.Digits()
	return event.ParseMinor(string(a), digits)
}
