package event

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"stopline.internal/stream/event/words"
)

// Reason says, in one word for counting, why a document was refused.
type Reason string

// The reasons for which a document goes to the dead letters.
const (
	ReasonTooLarge        Reason = "too-large"
	ReasonNotUTF8         Reason = "not-utf8"
	ReasonNotJSON         Reason = "not-json"
	ReasonUnknownKind     Reason = "unknown-kind"
	ReasonWrongTopic      Reason = "wrong-topic"
	ReasonMissingField    Reason = "missing-field"
	ReasonBadValue        Reason = "bad-value"
	ReasonBadAmount       Reason = "bad-amount"
	ReasonUnknownCurrency Reason = "unknown-currency"
	ReasonBadTime         Reason = "bad-time"
	ReasonTooOld          Reason = "too-old"
	ReasonTooFarAhead     Reason = "too-far-ahead"
	ReasonTooLong         Reason = "too-long"
	ReasonUnreadable      Reason = "unreadable"
	ReasonUnknownField    Reason = "unknown-field" // over HTTP; on Kafka it is counted
	ReasonUnknownBank     Reason = "unknown-bank"  // in what asks for a stop
	ReasonConflict        Reason = "conflict"      // a transfer that came before and said something else
)

// Problem is one thing wrong with a document. Field is a JSON pointer; the
// message's code begins with the reason, and says more where there is more to say.
type Problem struct {
	Reason Reason
	Field  string
	words.Message
}

// NewProblem is what is wrong with a field: its reason is its code up to the dot.
func NewProblem(field, code string, pairs ...any) Problem {
	reason, _, _ := strings.Cut(code, ".")
	return Problem{Reason(reason), field, words.New(code, pairs...)}
}

func (p Problem) String() string {
	if p.Field == "" {
		return p.Error()
	}
	return p.Field + " " + p.Error()
}

// Refusal is the error of a document that cannot be taken, with everything
// that is wrong with it. Its reason for counting is the first one's.
type Refusal []Problem

func (r Refusal) Error() string {
	parts := make([]string, len(r))
	for i, p := range r {
		parts[i] = p.String()
	}
	return strings.Join(parts, "; ")
}

// Limits are the bounds of what is accepted.
type Limits struct {
	Bytes  int           // of one document
	String int           // bytes of one text
	Past   time.Duration // how old an event may be; 0: any age
	Ahead  time.Duration // how far ahead of the clock
	List   int           // transfers or callers in one report
}

// DefaultLimits are those of the published contract.
var DefaultLimits = Limits{Bytes: 1 << 20, String: 256, Past: 7 * 24 * time.Hour, Ahead: 5 * time.Minute, List: 1000}

// Parser reads documents. It is safe for many goroutines.
type Parser struct {
	Limits  Limits
	Numbers *Numbers
	// Unknown is notified of each field of a document that was taken and that
	// nobody knows, as /payer/acount; nil: nobody is.
	Unknown func(kind, field string)
	// Banks are those that may be asked for a stop; nil: any.
	Banks *Banks
	// Strange is notified of each field of a document that was taken whose value is
	// in no register: a district, a type of fraud, a bank of a transfer. nil:
	// nobody is.
	Strange func(kind, field string)
}

// document has the fields of every kind: which ones count, the kind says.
type document struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	At   string `json:"at"`

	Payer        party   `json:"payer"`
	Payee        party   `json:"payee"`
	Amount       Decimal `json:"amount"`
	Currency     string  `json:"currency"`
	Channel      string  `json:"channel"`
	Status       string  `json:"status"`
	PayerBalance Decimal `json:"payer_balance"`
	PayeeBalance Decimal `json:"payee_balance"`
	Device       string  `json:"device"`
	Purpose      string  `json:"purpose"`
	District     string  `json:"district"`

	Phase    string   `json:"phase"`
	Caller   terminal `json:"caller"`
	Callee   terminal `json:"callee"`
	Duration *int64   `json:"duration_s"`
	Spoofed  bool     `json:"spoofed"`

	Sender    string `json:"sender"`
	Recipient string `json:"recipient"`
	LinkHost  string `json:"link_host"`

	Number string `json:"number"`
	Change string `json:"change"`

	Source    string           `json:"source"`
	FraudType string           `json:"fraud_type"`
	Victim    party            `json:"victim"`
	Transfers []reportTransfer `json:"transfers"`
	Callers   []string         `json:"callers"`

	Entity string `json:"entity"`
	Risk   string `json:"risk"`
	Reason string `json:"reason"`
	Until  string `json:"until"`

	// Of the contract, and not looked at yet.
	UETR       jsontext.Value `json:"uetr"`
	EndToEndID jsontext.Value `json:"end_to_end_id"`
	Clearing   jsontext.Value `json:"clearing"`
	MCC        jsontext.Value `json:"mcc"`

	Rest jsontext.Value `json:",embed"` // fields that nobody knows
}

type party struct {
	Account string `json:"account"`
	Bank    string `json:"bank"`
	Holder  string `json:"holder"`
	Phone   string `json:"phone"`

	Rest jsontext.Value `json:",embed"`
}

type terminal struct {
	Number string `json:"number"`
	IMEI   string `json:"imei"`
	Cell   string `json:"cell"`

	Rest jsontext.Value `json:",embed"`
}

type reportTransfer struct {
	ID           string  `json:"id"`
	PayerAccount string  `json:"payer_account"`
	PayeeAccount string  `json:"payee_account"`
	PayeeBank    string  `json:"payee_bank"`
	Amount       Decimal `json:"amount"`
	Currency     string  `json:"currency"`
	At           string  `json:"at"`

	Rest jsontext.Value `json:",embed"`
}

// Parse reads one document into e, as it arrived at now. The error, if any, is
// a [Refusal]; e is then not to be used. Fields that nobody knows are passed
// over: a newer source must not be refused.
func (p *Parser) Parse(b []byte, now Instant, e *Event) error {
	var d document
	strange, err := p.read("", b, now, &d, e)
	if err != nil {
		return err
	}
	if p.Unknown != nil {
		for _, at := range d.rest() {
			p.Unknown(d.Kind, at)
		}
	}
	if p.Strange != nil {
		for _, at := range strange {
			p.Strange(d.Kind, at)
		}
	}
	return nil
}

// ParseAs is [Parser.Parse] for a document that somebody waits for an answer to:
// it need not name its kind, and may have no field that nobody knows.
func (p *Parser) ParseAs(kind string, b []byte, now Instant, e *Event) error {
	var d document
	_, err := p.read(kind, b, now, &d, e)
	var problems Refusal
	if d.Kind != kind || err != nil && !errors.As(err, &problems) {
		return err
	}
	for _, at := range unknownFields(kindFields[kind], b, "") {
		problems = append(problems, NewProblem(at, "unknown-field", "kind", kind))
	}
	if len(problems) > 0 {
		return problems
	}
	return nil
}

// read reads a document, and lists the fields whose values no register has.
func (p *Parser) read(kind string, b []byte, now Instant, d *document, e *Event) (strange []string, err error) {
	if len(b) > p.Limits.Bytes {
		return nil, Refusal{NewProblem("", "too-large", "bytes", len(b), "limit", p.Limits.Bytes)}
	}
	if !utf8.Valid(b) {
		return nil, Refusal{NewProblem("", "not-utf8")}
	}
	if err := json.Unmarshal(b, d); err != nil {
		*d = document{}
		return nil, Refusal{decodeProblem(err)}
	}
	if d.Kind == "" {
		d.Kind = kind
	}
	c := check{parser: p, now: now}
	*e = Event{}
	c.event(d, e)
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return c.strange, nil
}

// ParseWatchRemoval is the event of a watchlist record without a value: its
// key names the entity.
func ParseWatchRemoval(key []byte, now Instant, e *Event) error {
	entity := Entity(key)
	if !watchable(string(entity)) {
		return Refusal{NewProblem("", "bad-value.watch-key")}
	}
	*e = Event{Kind: KindWatch, At: now, Watch: Watch{Entity: entity, Removed: true}}
	return nil
}

func decodeProblem(err error) Problem {
	var sem *json.SemanticError
	if errors.As(err, &sem) {
		return NewProblem(string(sem.JSONPointer), "bad-value.json", "kind", sem.JSONKind.String())
	}
	var syn *jsontext.SyntacticError
	if errors.As(err, &syn) {
		return NewProblem(string(syn.JSONPointer), "not-json.at", "byte", syn.ByteOffset, "cause", syn.Err.Error())
	}
	return NewProblem("", "not-json", "cause", err.Error())
}
