package event

import (
	"strings"

	"github.com/cespare/xxhash/v2"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/nyaruka/phonenumbers"
)

// Entity is whatever has a history of its own: "acct:NUMBER", "tel:E164",
// "device:ID" or "host:NAME".
type Entity string

// The prefixes of an [Entity].
const (
	PrefixAccount = "acct:"
	PrefixNumber  = "tel:"
	PrefixDevice  = "device:"
	PrefixHost    = "host:"
)

// IsAccount says whether the entity is a bank account.
func (e Entity) IsAccount() bool { return strings.HasPrefix(string(e), PrefixAccount) }

// IsNumber says whether the entity is a telephone number.
func (e Entity) IsNumber() bool { return strings.HasPrefix(string(e), PrefixNumber) }

// PartitionOf is the legs partition, of n, that owns the entity. It must never
// change for a running service: every leg of an entity has to meet its state.
func PartitionOf(entity []byte, n int) int { return int(xxhash.Sum64(entity) % uint64(n)) }

// Hash is a stable 64-bit name of a counterparty, event or device, for windows
// that remember many of them. It is never zero.
func Hash(s string) uint64 { return max(1, xxhash.Sum64String(s)) }

// HashBytes is Hash of bytes.
func HashBytes(b []byte) uint64 { return max(1, xxhash.Sum64(b)) }

// Numbers normalises telephone numbers to E.164. It is safe for many
// goroutines, and remembers the numbers that needed the full rules.
type Numbers struct {
	country string
	slow    *lru.Cache[string, string]
}

// NewNumbers returns a normaliser; country (ISO 3166, "CN") is that of numbers
// that carry no country code.
func NewNumbers(country string) *Numbers {
	cache, err := lru.New[string, string](1 << 16)
	if err != nil {
		panic(err) // only a size of zero or less is refused
	}
	return &Numbers{country: country, slow: cache}
}

// E164 normalises a number: "138 0013 8000" to "+8613800138000". What the
// numbering plan does not know, short codes and service numbers among them,
// stays as its digits are. An empty answer means that there are no digits.
func (n *Numbers) E164(s string) string {
	if n.country == "CN" && len(s) == 11 && s[0] == '1' && s[1] >= '3' && allDigits(s) {
		return "+86" + s
	}
	if len(s) >= 9 && len(s) <= 16 && s[0] == '+' && allDigits(s[1:]) {
		return s
	}
	if v, ok := n.slow.Get(s); ok {
		return v
	}
	v := n.plan(s)
	n.slow.Add(strings.Clone(s), v)
	return v
}

func (n *Numbers) plan(s string) string {
	if num, err := phonenumbers.Parse(s, n.country); err == nil && phonenumbers.IsValidNumber(num) {
		return phonenumbers.Format(num, phonenumbers.E164)
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, s)
}

// Home says whether a normalised number belongs to the configured country.
func (n *Numbers) Home(e164 string) bool {
	if !strings.HasPrefix(e164, "+") {
		return true
	}
	if n.country == "CN" {
		return strings.HasPrefix(e164, "+86")
	}
	num, err := phonenumbers.Parse(e164, n.country)
	return err == nil && phonenumbers.GetRegionCodeForNumber(num) == n.country
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

var separators = strings.NewReplacer(" ", "", "-", "")

// PlainAccount strips the spaces and hyphens that people type into account
// numbers, and puts letters in upper case. Most need no change.
func PlainAccount(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c == ' ' || c == '-' || c >= 'a' && c <= 'z' {
			return strings.ToUpper(separators.Replace(s))
		}
	}
	return s
}
