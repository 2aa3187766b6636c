package history

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"stopline.internal/stream/event"
)

//go:embed mappings/*.yaml
var builtin embed.FS

// Mapping says which column of a CSV file is what. Names are those of the
// file's header.
type Mapping struct {
	// transfer, call, or features: a row an account or number, with what a source has computed of
	// it
	Kind      string `yaml:"kind"`
	Source    string `yaml:"source"`
	Delimiter string `yaml:"delimiter"` // one character; a comma without it
	ID        string `yaml:"id"`        // without it: the number of the row
	Time      struct {
		Column string        `yaml:"column"`
		Format string        `yaml:"format"` // steps, unix, unix_ms, rfc3339 or a Go layout
		Unit   time.Duration `yaml:"unit"`   // of steps
		Origin string        `yaml:"origin"` // of steps, RFC 3339
	} `yaml:"time"`
	Payer   Side `yaml:"payer"`
	Payee   Side `yaml:"payee"`
	Reverse struct {
		Column string   `yaml:"column"`
		Values []string `yaml:"values"` // rows whose payer and payee change places
	} `yaml:"reverse"`
	Amount struct {
		Column   string `yaml:"column"`
		Currency string `yaml:"currency"`
		Scale    string `yaml:"scale"` // times this, exactly: "10000" where one ether is to count as 10,000 yuan
	} `yaml:"amount"`
	Channel struct {
		Column  string            `yaml:"column"`
		Values  map[string]string `yaml:"values"`
		Default string            `yaml:"default"`
	} `yaml:"channel"`
	Caller   string `yaml:"caller"`
	Callee   string `yaml:"callee"`
	Duration string `yaml:"duration"` // seconds
	Label    Label  `yaml:"label"`

	Entity   string            `yaml:"entity"`   // of features: the column that names it
	On       string            `yaml:"on"`       // of features: the word of "on" whose patterns are asked
	Features map[string]string `yaml:"features"` // of features: the column of each

	origin event.Instant
}

// Side is the payer or the payee.
type Side struct {
	Account string `yaml:"account"`
	Bank    string `yaml:"bank"` // a column; without it every account is at bank "SIM"
	Balance string `yaml:"balance"`
	Phone   string `yaml:"phone"`
}

// Label says what the files know of fraud: of each row, or of accounts and
// numbers in a file of their own.
type Label struct {
	Column   string            `yaml:"column"`
	Positive []string          `yaml:"positive"` // values that mean fraud; empty: any but empty
	Negative []string          `yaml:"negative"` // values that do not
	Group    string            `yaml:"group"`    // rows with one value here are one fraud
	Kinds    Kinds             `yaml:"kinds"`    // what sort of fraud each of them is
	GroupBy  map[string]string `yaml:"group_by"` // or: by the channel column's value, payer or payee names the fraud
	// in a labels file: the column of accounts (or numbers); the only one when empty
	Entities string `yaml:"entities"`
	Of       string `yaml:"of"`     // what it lists: account or number
	File     string `yaml:"file"`   // the labels file, beside the data
	Suffix   string `yaml:"suffix"` // or: it is named as the data, with this in place of the ending
}

// Kinds is a file beside the data that says what sort of fraud a group is.
type Kinds struct {
	From   string `yaml:"from"` // a part of the data file's name, and what stands in its place
	To     string `yaml:"to"`
	Key    string `yaml:"key"`    // column of the group
	Column string `yaml:"column"` // column of the sort
}

// Names lists the built-in mappings.
func Names() []string {
	var out []string
	files, err := builtin.ReadDir("mappings")
	if err != nil {
		return nil
	}
	for _, f := range files {
		out = append(out, strings.TrimSuffix(f.Name(), ".yaml"))
	}
	return out
}

// LoadMapping reads a built-in mapping by its name, or one of a file.
func LoadMapping(nameOrFile string) (*Mapping, error) {
	text, err := builtin.ReadFile("mappings/" + nameOrFile + ".yaml")
	if err != nil {
		if filepath.Ext(nameOrFile) == "" {
			return nil, fmt.Errorf("format %q is none of %s, nor a mapping file (MAP.yaml)", nameOrFile,
				strings.Join(Names(), ", "))
		}
		if text, err = os.ReadFile(nameOrFile); err != nil {
			return nil, fmt.Errorf("read the mapping: %w", err)
		}
	}
	m := &Mapping{}
	if err := yaml.Load(bytes.TrimSpace(text), m, yaml.WithKnownFields()); err != nil {
		return nil, fmt.Errorf("mapping %s: %w", nameOrFile, err)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("mapping %s: %w", nameOrFile, err)
	}
	return m, nil
}

func (m *Mapping) check() error {
	switch m.Kind {
	case "transfer":
		if m.Payer.Account == "" || m.Payee.Account == "" || m.Amount.Column == "" {
			return fmt.Errorf("a transfer needs payer.account, payee.account and amount.column")
		}
		if _, known := event.Currency(m.Amount.Currency).Digits(); !known {
			return fmt.Errorf("amount.currency %q is not an ISO 4217 code in use", m.Amount.Currency)
		}
	case "call":
		if m.Caller == "" || m.Callee == "" || m.Duration == "" {
			return fmt.Errorf("a call needs caller, callee and duration")
		}
	case "features":
		if m.Entity == "" || m.On == "" || len(m.Features) == 0 || m.Label.Column == "" {
			return fmt.Errorf("features need entity, on, features and label.column")
		}
		return nil
	default:
		return fmt.Errorf("kind %q is none of transfer, call, features", m.Kind)
	}
	if m.Time.Column == "" {
		return fmt.Errorf("time.column is required")
	}
	if m.Time.Format == "steps" {
		if err := m.origin.UnmarshalText([]byte(m.Time.Origin)); err != nil || m.Time.Unit <= 0 || m.origin == 0 {
			return fmt.Errorf("time.format steps needs unit (such as 1h) and origin (RFC 3339)")
		}
	}
	if len(m.Delimiter) > 1 {
		return fmt.Errorf("delimiter must be one character")
	}
	return nil
}

// columns lists every column that the mapping names in the data files.
func (m *Mapping) columns() []string {
	all := []string{m.ID, m.Time.Column, m.Payer.Account, m.Payer.Bank, m.Payer.Balance, m.Payer.Phone,
		m.Payee.Account, m.Payee.Bank, m.Payee.Balance,
		m.Payee.Phone, m.Reverse.Column, m.Amount.Column, m.Channel.Column, m.Caller, m.Callee, m.Duration, m.Label.Group}
	if m.Label.Of == "" {
		all = append(all, m.Label.Column)
	}
	all = append(all, m.Entity)
	for _, column := range m.Features {
		all = append(all, column)
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(s string) bool { return s == "" })
}
