package pattern

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"stopline.internal/stream/event"
)

// Of is the kind of entity whose history a feature comes from.
type Of uint8

// A feature of the leg itself is known for either kind of entity.
const (
	OfEither Of = iota
	OfAccount
	OfNumber
)

func (o Of) String() string { return [...]string{"either", "account", "number"}[o] }

// Type is what a feature's value is.
type Type uint8

// The types of features. Money is Int, in minor units.
const (
	Bool Type = iota
	Int
	Double
	String
	Duration
)

func (t Type) String() string { return [...]string{"bool", "int", "double", "string", "duration"}[t] }

// Signal is what a feature is evidence of.
type Signal uint8

// A stop needs a signal from the victim's side or from a registry: what money
// does by itself looks the same at couriers and shops.
const (
	NoSignal Signal = iota
	Victim          // somebody is being talked to, or acts unlike themselves
	Registry        // the watchlist, or a tie to a stopped account
)

func (s Signal) String() string { return [...]string{"-", "victim", "registry"}[s] }

// Block is a pattern that stands above or below overrides.
type Block uint8

// A hard block stops whatever else is known; a soft one is reviewed whatever
// the score, unless an override takes it away.
const (
	NoBlock Block = iota
	SoftBlock
	HardBlock
)

// Budget bounds what one pattern may stop by itself in an hour; zero is the
// policy's own bound.
type Budget struct {
	Stops int64 `yaml:"stops"`
	Yuan  int64 `yaml:"yuan"`
}

// Feature is a named value that conditions may use. Of Bool, Int (also for
// durations, in nanoseconds), Double and String, the one of its type is set.
type Feature[V any] struct {
	Name   string
	Doc    string
	Of     Of
	Type   Type
	Money  bool // an amount in minor units, shown as a decimal
	Signal Signal
	Note   bool // known only of a note of risk
	Cost   int  // of computing it: 0 at hand, 1 a field, 2 a walk over movements, 3 with a set of counterparts, 4 more
	Bool   func(*V) bool
	Int    func(*V) int64
	Double func(*V) float64
	String func(*V) string
}

// Action is what a hit asks for, weakest first.
type Action uint8

// A warning informs, a review waits for a person, a stop goes to the bank.
const (
	Warn Action = iota + 1
	Review
	Stop
)

var actionNames = [...]string{"", "warn", "review", "stop"}

func (a Action) String() string { return actionNames[min(int(a), len(actionNames)-1)] }

// MarshalText writes the action's name.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads an action's name.
func (a *Action) UnmarshalText(b []byte) error {
	i := slices.Index(actionNames[:], string(b))
	if i < 1 {
		return fmt.Errorf("%q is none of warn, review, stop", b)
	}
	*a = Action(i)
	return nil
}

// Name is a pattern's name in both languages.
type Name struct {
	ZH string `yaml:"zh" json:"zh"`
	EN string `yaml:"en" json:"en"`
}

// Pattern is one entry of the catalogue.
type Pattern[V any] struct {
	ID        string
	Name      Name
	FraudType string
	On        []event.Role
	Of        Of
	When      string
	Weight    float64
	Then      Action
	Shadow    bool
	Block     Block
	Budget    Budget
	Grade     string
	Source    string
	Line      int           // of the pattern in its file
	Reads     []*Feature[V] // the features that the condition names, in its order

	eval boolExpr[V]
}

// Legs names the legs that the pattern looks at.
func (p *Pattern[V]) Legs() []string {
	names := make([]string, len(p.On))
	for i, r := range p.On {
		names[i] = r.String()
	}
	return names
}

// Hits says whether the condition holds. An error in arithmetic (overflow,
// division by zero) is no hit; failed then says so.
func (p *Pattern[V]) Hits(v *V) (hit, failed bool) {
	hit, ok := p.eval(v)
	return hit && ok, !ok
}

// Catalogue is a checked list of patterns.
type Catalogue[V any] struct {
	Version  string // first 12 hex digits of the SHA-256 of the YAML
	Text     string // the YAML
	Patterns []*Pattern[V]
}

// Find returns the pattern with the id; nil when there is none.
func (c *Catalogue[V]) Find(id string) *Pattern[V] {
	for _, p := range c.Patterns {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// entry is a pattern as it is written.
type entry struct {
	ID        string   `yaml:"id"`
	Name      Name     `yaml:"name"`
	FraudType string   `yaml:"fraud_type"`
	On        []string `yaml:"on"`
	When      string   `yaml:"when"`
	Weight    float64  `yaml:"weight"`
	Then      string   `yaml:"then"`
	Stage     string   `yaml:"stage"`
	Block     string   `yaml:"block"`
	Budget    Budget   `yaml:"budget"`
	Grade     string   `yaml:"grade"`
	Source    string   `yaml:"source"`
}

// roles are the words of "on", and the roles that they mean for an account
// and for a number.
var roles = map[string][2]event.Role{
	"debit":   {event.RoleDebit, event.RolePayment},
	"credit":  {event.RoleCredit, 0},
	"call":    {0, event.RoleCallee},
	"dial":    {0, event.RoleCaller},
	"message": {0, event.RoleRecipient},
	"send":    {0, event.RoleSender},
	"sim":     {0, event.RoleSIM},
	"risk":    {event.RoleRisk, event.RoleRisk},
}

// RolesOf are the legs of an account and of a number that a word of "on" means.
func RolesOf(word string) (account, number event.Role) { return roles[word][0], roles[word][1] }

const roleWords = "debit, credit, call, dial, message, send, sim, risk"

// maxPatterns bounds a catalogue.
const maxPatterns = 500

// Parse reads and checks a catalogue. file is the name that errors carry. The
// error joins everything that is wrong, a line each.
func Parse[V any](file string, text []byte, features []Feature[V]) (*Catalogue[V], error) {
	sum := sha256.Sum256(text)
	c := &Catalogue[V]{Version: hex.EncodeToString(sum[:])[:12], Text: string(text)}
	var nodes []yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&nodes); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: a catalogue is a YAML list of patterns: %w", file, err)
	}
	comp, err := newCompiler(features)
	if err != nil {
		return nil, err
	}
	var problems []error
	if len(nodes) > maxPatterns {
		return nil, fmt.Errorf("%s: has %d patterns; the limit is %d", file, len(nodes), maxPatterns)
	}
	seen := map[string]bool{}
	for i := range nodes {
		n := &nodes[i]
		var e entry
		if err := n.Load(&e, yaml.WithKnownFields()); err != nil {
			problems = append(problems, fmt.Errorf("%s:%d: %w", file, n.Line, err))
			continue
		}
		p, errs := comp.pattern(&e)
		if seen[e.ID] {
			errs = append(errs, fieldError{"id", fmt.Errorf("%q is used twice", e.ID)})
		}
		seen[e.ID] = true
		for _, fe := range errs {
			problems = append(problems, fmt.Errorf("%s:%d: pattern %q: %s: %w", file, lineOf(n, fe.field), e.ID, fe.field,
				fe.err))
		}
		if len(errs) == 0 {
			p.Line = n.Line
			c.Patterns = append(c.Patterns, p)
		}
	}
	return c, errors.Join(problems...)
}

// lineOf finds the line of a field of a mapping.
func lineOf(n *yaml.Node, field string) int {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == field {
			return n.Content[i+1].Line
		}
	}
	return n.Line
}

type fieldError struct {
	field string
	err   error
}

// pattern checks an entry and compiles its condition.
func (c *compiler[V]) pattern(e *entry) (*Pattern[V], []fieldError) {
	var errs []fieldError
	fail := func(field, format string, args ...any) {
		errs = append(errs, fieldError{field, fmt.Errorf(format, args...)})
	}
	p := &Pattern[V]{ID: e.ID, Name: e.Name, FraudType: e.FraudType, When: e.When, Weight: e.Weight,
		Shadow: e.Stage == "shadow", Budget: e.Budget, Grade: e.Grade, Source: e.Source}
	if e.ID == "" {
		fail("id", "is required")
	}
	if e.FraudType == "" {
		fail("fraud_type", "is required")
	}
	if e.Name.ZH == "" || e.Name.EN == "" {
		fail("name", "is required in both languages: {zh: …, en: …}")
	}
	if !(e.Weight > 0 && e.Weight < 1) {
		fail("weight", "%v must lie between 0 and 1, both excluded", e.Weight)
	}
	if err := p.Then.UnmarshalText([]byte(e.Then)); err != nil {
		fail("then", "%w", err)
	}
	if e.Stage != "live" && e.Stage != "shadow" {
		fail("stage", "%q is none of live, shadow", e.Stage)
	}
	if !slices.Contains([]string{"A", "B", "C"}, e.Grade) {
		fail("grade", "%q is none of A (a published number), B (a published indicator, the number ours), C (ours)", e.Grade)
	}
	switch e.Block {
	case "":
	case "soft":
		p.Block = SoftBlock
	case "hard":
		p.Block = HardBlock
	default:
		fail("block", "%q is none of soft, hard", e.Block)
	}
	if e.Budget.Stops < 0 || e.Budget.Yuan < 0 {
		fail("budget", "stops and yuan an hour must not be below zero")
	}
	if e.Source == "" {
		fail("source", "is required: say where the threshold comes from")
	}
	if strings.HasPrefix(e.FraudType, "mule-") && p.Then != Warn {
		fail("then", "a mule pattern alone only warns: couriers, shops and one-cent verification look alike; a stop "+
			"needs a victim-side or registry signal")
	}
	var err error
	if p.eval, p.Reads, err = c.condition(e.When); err != nil {
		fail("when", "%w", err)
		return p, errs
	}
	p.Of = OfAccount
	var account, number string
	var signal Signal
	onRisk := slices.Contains(e.On, "risk")
	for _, f := range p.Reads {
		signal = max(signal, f.Signal)
		if f.Note && (!onRisk || len(e.On) > 1) {
			fail("when", "%s is known of a note of risk alone: write on: [risk]", f.Name)
		}
		if onRisk && (strings.HasPrefix(f.Name, "debit.") || strings.HasPrefix(f.Name, "credit.")) {
			fail("when", "%s is of a payment, and a note of risk has none", f.Name)
		}
		switch f.Of {
		case OfAccount:
			account = f.Name
		case OfNumber:
			number, p.Of = f.Name, OfNumber
		}
	}
	if p.Then == Stop && signal == NoSignal {
		fail("then", "a stop needs a signal from the victim's side or a registry (\"stopline patterns features\" marks "+
			"them): what money does by itself looks the same at couriers and shops; write review or warn")
	}
	if p.Block != NoBlock && signal != Registry {
		fail("block", "a block needs a feature of a registry, such as watch.risk")
	}
	if account != "" && number != "" {
		fail("when", "%s belongs to an account and %s to a number: one condition looks at one of them", account, number)
	}
	if account == "" && number == "" && onlyNumbers(e.On) {
		p.Of = OfNumber
	}
	if len(e.On) == 0 {
		fail("on", "is required: the legs to look at, of "+roleWords)
	}
	for _, word := range e.On {
		pair, known := roles[word]
		r := pair[p.Of-OfAccount]
		switch {
		case !known:
			fail("on", "%q is none of %s", word, roleWords)
		case r == 0:
			fail("on", "%q is no leg of a %s, which is what the condition looks at", word, p.Of)
		default:
			p.On = append(p.On, r)
		}
	}
	return p, errs
}

// onlyNumbers says whether none of the words is a leg of an account.
func onlyNumbers(words []string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return roles[w][0] != 0 })
}
