package api

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// builtInBanks are the large banks by the first four letters of their BIC.
//
//go:embed banks.json
var builtInBanks []byte

// KnownBank is a bank that may have a key.
type KnownBank struct {
	Code string `json:"code"` // as stops carry it: the first four letters of its BIC
	ZH   string `json:"zh"`
	EN   string `json:"en"`
}

// BankRegister lists the banks that are known. A key for any other code would
// see no stop: a mistyped one is refused.
type BankRegister struct{ banks map[string]KnownBank }

// BuiltInBanks is the register that comes with the program.
func BuiltInBanks() *BankRegister {
	r, err := parseRegister(builtInBanks)
	if err != nil {
		panic(err) // it is compiled in
	}
	return r
}

// LoadBankRegister reads a register of one's own: JSON as api/banks.json.
func LoadBankRegister(path string) (*BankRegister, error) {
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

func parseRegister(b []byte) (*BankRegister, error) {
	var list []KnownBank
	if err := json.Unmarshal(b, &list, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("it must be a JSON list of objects with code, zh and en: %w", err)
	}
	return NewBankRegister(list...)
}

// NewBankRegister is a register of these banks.
func NewBankRegister(list ...KnownBank) (*BankRegister, error) {
	r := &BankRegister{banks: map[string]KnownBank{}}
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

// Bank looks a bank up by its code.
func (r *BankRegister) Bank(code string) (KnownBank, bool) {
	b, ok := r.banks[code]
	return b, ok
}

// codes lists the codes that are known, for errors.
func (r *BankRegister) codes() string {
	var codes []string
	for c := range r.banks {
		codes = append(codes, c)
	}
	slices.Sort(codes)
	return strings.Join(codes, ", ")
}
