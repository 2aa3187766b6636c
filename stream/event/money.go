package event

import (
	"strconv"
	"strings"

	"stopline.internal/stream/event/words"
)

// Currency is an ISO 4217 alphabetic code.
type Currency string

// CNY is the currency of the amounts that patterns and policies speak of.
const CNY Currency = "CNY"

// MaxMinor is the largest amount that one document may carry, in minor units.
const MaxMinor int64 = 10_000_000_000_000

// minorDigits lists the currencies in use by their number of minor digits
// (ISO 4217, list one).
var minorDigits = func() map[Currency]int {
	m := map[Currency]int{}
	for digits, codes := range map[int]string{
		0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
		2: "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP " +
			"CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR " +
			"IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN " +
			"NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP " +
			"STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW ZWG",
		3: "BHD IQD JOD KWD LYD OMR TND",
	} {
		for _, c := range strings.Fields(codes) {
			m[Currency(c)] = digits
		}
	}
	return m
}()

// Digits is the number of minor digits of a currency; false when the code is
// not one in use.
func (c Currency) Digits() (int, bool) {
	d, ok := minorDigits[c]
	return d, ok
}

// Money is an exact amount: whole minor units (fen, cents) of a currency.
type Money struct {
	Minor    int64
	Currency Currency
}

// String writes the amount with its currency's minor digits: "49800.00 CNY".
func (m Money) String() string { return m.Decimal() + " " + string(m.Currency) }

// Decimal writes the amount alone, as the documents carry it: "49800.00".
func (m Money) Decimal() string {
	digits, ok := m.Currency.Digits()
	if !ok {
		digits = 2
	}
	return string(AppendDecimal(nil, m.Minor, digits))
}

// Text writes the amount for people: "¥2,215,899.09", and with the code of any
// other currency: "USD 1,234.50". Documents carry [Money.Decimal].
func (m Money) Text() string {
	sign, amount := "", Grouped(m.Decimal())
	if m.Minor < 0 {
		sign, amount = "-", amount[1:]
	}
	if m.Currency == CNY {
		return sign + "¥" + amount
	}
	return sign + string(m.Currency) + " " + amount
}

// Grouped puts commas between the thousands of a decimal, where the currency
// stands elsewhere: a column's heading, a form.
func Grouped(decimal string) string {
	whole, rest, point := strings.Cut(decimal, ".")
	digits := strings.TrimPrefix(whole, "-")
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if strings.HasPrefix(whole, "-") {
		digits = "-" + digits
	}
	if point {
		digits += "." + rest
	}
	return digits
}

// AppendDecimal appends minor units as a decimal with the given number of
// digits after the point.
func AppendDecimal(dst []byte, minor int64, digits int) []byte {
	if minor < 0 {
		dst = append(dst, '-')
		minor = -minor
	}
	if digits == 0 {
		return strconv.AppendInt(dst, minor, 10)
	}
	scale := int64(1)
	for range digits {
		scale *= 10
	}
	dst = strconv.AppendInt(dst, minor/scale, 10)
	dst = append(dst, '.')
	frac := strconv.FormatInt(minor%scale+scale, 10)
	return append(dst, frac[1:]...)
}

// ParseMinor reads a plain decimal ("49800.00", "12") exactly into minor units
// with the given number of digits. It refuses signs, exponents, spaces, more
// fraction digits than the currency has (trailing zeros are no exception), and
// anything above [MaxMinor]. Zero is allowed: balances may be zero. What is wrong
// is a [words.Message].
func ParseMinor(s string, digits int) (int64, error) {
	if s == "" {
		return 0, words.New("bad-amount.empty")
	}
	var minor int64
	frac, dot := 0, false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '.' && !dot && i > 0 && i < len(s)-1:
			dot = true
			continue
		case c == '-' && i == 0:
			return 0, words.New("bad-amount.negative", "value", clip(s))
		case c < '0' || c > '9':
			return 0, words.New("bad-amount.no-decimal", "value", clip(s))
		}
		if dot {
			if frac++; frac > digits {
				return 0, words.New("bad-amount.decimals", "value", clip(s), "digits", digits)
			}
		}
		if minor = minor*10 + int64(c-'0'); minor > MaxMinor {
			return 0, words.New("bad-amount.above-limit", "value", clip(s), "limit", MaxMinor)
		}
	}
	for ; frac < digits; frac++ {
		if minor *= 10; minor > MaxMinor {
			return 0, words.New("bad-amount.above-limit", "value", clip(s), "limit", MaxMinor)
		}
	}
	return minor, nil
}

// Decimal is an amount as a document carries it: a decimal string, or a JSON
// number read digit by digit. It becomes [Money] once its currency is known.
type Decimal string

// UnmarshalJSON accepts a string or a number and keeps its digits.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	if len(b) >= 2 && b[0] == '"' {
		b = b[1 : len(b)-1]
	} else if string(b) == "null" {
		return nil
	}
	*d = Decimal(b)
	return nil
}
