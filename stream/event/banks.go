package event

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// builtInBanks are the large banks by the first four letters of their BIC.
//
//go:embed banks.json
var builtInBanks []byte

// Bank is a bank that may be asked to stop a payment.
type Bank struct {
	Code string `json:"code"` // as stops carry it: the first four letters of its BIC
	ZH   string `json:"zh"`
	EN   string `json:"en"`
	// Hotline is where a person is reached who can stop an account, and OnDuty
	// who that is or when; a center fills them in.
	Hotline string `json:"hotline,omitempty"`
	OnDuty  string `json:"on_duty,omitempty"`
}

// Banks lists the banks that are known. A key for any other code would
// see no stop: a mistyped one is refused.
type Banks struct{ banks map[string]Bank }

// BuiltInBanks is the register that comes with the program.
func BuiltInBanks() *Banks {
	r, err := parseRegister(builtInBanks)
	if err != nil {
		panic(err) // it is compiled in
	}
	return r
}

// LoadBanks reads a register of one's own: JSON as stream/event/banks.json.
func LoadBanks(path string) (*Banks, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the bank register: %w", err)
	}
	r, err := parseRegister(b)
	if err != nil {
		return nil, fmt.Errorf("the bank register %s cannot be used: %w", path, err)
	}
	return r, nil
}

func parseRegister(b []byte) (*Banks, error) {
	var list []Bank
	if err := json.Unmarshal(b, &list, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("it must be a JSON list of objects with code, zh and en: %w", err)
	}
	return NewBanks(list...)
}

// NewBanks is a register of these banks.
func NewBanks(list ...Bank) (*Banks, error) {
	r := &Banks{banks: map[string]Bank{}}
	var errs []error
	for i, b := range list {
		switch _, twice := r.banks[b.Code]; {
		case b.Code == "" || b.ZH == "" || b.EN == "":
			errs = append(errs, fmt.Errorf("entry %d (%s) needs code, zh and en", i+1, b.Code))
		case twice:
			errs = append(errs, fmt.Errorf("entry %d: %s is there twice", i+1, b.Code))
		}
		r.banks[b.Code] = b
	}
	return r, errors.Join(errs...)
}

// Find looks a bank up by its code.
func (r *Banks) Find(code string) (Bank, bool) {
	b, ok := r.banks[code]
	return b, ok
}

// Refuses says why a bank cannot be asked for a stop; nil when it can. Field is
// the JSON pointer of its code. No register refuses none.
func (r *Banks) Refuses(field, code string) *Problem {
	if r == nil {
		return nil
	}
	if _, known := r.banks[code]; known {
		return nil
	}
	refused := NewProblem(field, "unknown-bank", "bank", clip(code))
	return &refused
}

// All lists the banks, by code.
func (r *Banks) All() []Bank {
	return slices.SortedFunc(maps.Values(r.banks), func(a, b Bank) int { return strings.Compare(a.Code, b.Code) })
}

// Codes lists the codes that are known, for errors.
func (r *Banks) Codes() string { return strings.Join(slices.Sorted(maps.Keys(r.banks)), ", ") }
