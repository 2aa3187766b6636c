package event

import (
	"math"
	"testing"
)

// Amounts for people have their currency, separators and the currency's own
// digits; documents have plain decimals.
func TestMoneyText(t *testing.T) {
	for _, c := range []struct {
		money         Money
		text, decimal string
	}{
		{Money{221_589_909, CNY}, "¥2,215,899.09", "2215899.09"},
		{Money{123_450, "USD"}, "USD 1,234.50", "1234.50"},
		{Money{1_234_567, "JPY"}, "JPY 1,234,567", "1234567"},
		{Money{1_234_567, "KWD"}, "KWD 1,234.567", "1234.567"},
		{Money{100_000, "???"}, "??? 1,000.00", "1000.00"},
		{Money{0, CNY}, "¥0.00", "0.00"},
		{Money{5, CNY}, "¥0.05", "0.05"},
		{Money{99_999, CNY}, "¥999.99", "999.99"},
		{Money{100_000, CNY}, "¥1,000.00", "1000.00"},
		{Money{-12_345, CNY}, "-¥123.45", "-123.45"},
		{Money{-100_000_000, "USD"}, "-USD 1,000,000.00", "-1000000.00"},
		{Money{math.MaxInt64, CNY}, "¥92,233,720,368,547,758.07", "92233720368547758.07"},
	} {
		if got := c.money.Text(); got != c.text {
			t.Errorf("%d %s is %q, want %q", c.money.Minor, c.money.Currency, got, c.text)
		}
		if got := c.money.Decimal(); got != c.decimal {
			t.Errorf("%d %s is %q in a document, want %q", c.money.Minor, c.money.Currency, got, c.decimal)
		}
	}
}

func TestGrouped(t *testing.T) {
	for decimal, want := range map[string]string{"": "", "1": "1", "-1": "-1", "123": "123", "-123": "-123",
		"1234": "1,234", "-1234.5": "-1,234.5", "1234567.89": "1,234,567.89"} {
		if got := Grouped(decimal); got != want {
			t.Errorf("%q becomes %q, want %q", decimal, got, want)
		}
	}
}
