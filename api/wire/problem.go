package wire

import (
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/stream/event"
	"stopline.internal/stream/event/words"
)

// Problem is the answer to a request that failed: RFC 9457. Its code and values
// are for programs; its detail is what they say in the reader's language.
type Problem struct {
	Type   string         `json:"type" example:"about:blank"`
	Title  string         `json:"title" example:"Unprocessable Entity"`
	Status int            `json:"status" example:"422"`
	Code   string         `json:"code" example:"version.stop" doc:"For programs: docs/messages.md"`
	Values words.Values   `json:"values,omitempty" doc:"By name, as docs/messages.md says"`
	Detail string         `json:"detail,omitempty" doc:"What to do next too; in Chinese by Accept-Language"`
	Errors []FieldProblem `json:"errors,omitempty" doc:"One entry for each field that is wrong"`

	RequestID string `json:"request_id,omitempty" example:"8f14e45fceea167a5a36" doc:"As in the header X-Request-Id, and in the service's log"`
}

// FieldProblem names a field by a JSON pointer, as RFC 9457's own example does.
type FieldProblem struct {
	Pointer string       `json:"pointer,omitempty" example:"#/transfers/0/amount"`
	Code    string       `json:"code" example:"bad-amount.negative"`
	Values  words.Values `json:"values,omitempty"`
	Detail  string       `json:"detail" example:"\"-1.00\" is negative"`
	Reason  string       `json:"reason,omitempty" example:"bad-amount" doc:"Of a document: as it is counted"`
}

func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// In says the problem in a language.
func (p *Problem) In(l words.Language) {
	p.Detail = words.Message{Code: p.Code, Values: p.Values}.In(l)
	for i := range p.Errors {
		f := &p.Errors[i]
		f.Detail = words.Message{Code: f.Code, Values: f.Values}.In(l)
	}
}

// NewProblem is an answer that says a code of the catalogue with its values, by name.
func NewProblem(status int, code string, pairs ...any) *Problem {
	return ProblemOf(status, words.New(code, pairs...))
}

// ProblemOf is an answer that says a message.
func ProblemOf(status int, m words.Message) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status,
		Code: m.Code, Values: m.Values, Detail: m.In(words.English)}
}

// With adds what is wrong with fields.
func (p *Problem) With(errs ...error) *Problem {
	for _, err := range errs {
		if err == nil {
			continue
		}
		var refusal event.Refusal
		if !errors.As(err, &refusal) {
			p.Errors = append(p.Errors, fieldProblem("", err))
			continue
		}
		for _, f := range refusal {
			fp := fieldProblem("", f.Message)
			fp.Reason = string(f.Reason)
			if f.Field != "" {
				fp.Pointer = "#" + f.Field
			}
			p.Errors = append(p.Errors, fp)
		}
	}
	return p
}

// fieldProblem is an error about a place; the error may know a place of its own.
func fieldProblem(at string, err error) FieldProblem {
	m := words.New("field.other", "cause", err.Error())
	var detail huma.ErrorDetailer
	switch {
	case errors.As(err, &m):
	case errors.As(err, &detail):
		d := detail.ErrorDetail()
		at, m = d.Location, framework(d.Message)
	}
	return FieldProblem{Pointer: pointer(at), Code: m.Code, Values: m.Values, Detail: m.In(words.English)}
}

// BadField is a 422 for one field, by a code of the catalogue.
func BadField(at, code string, pairs ...any) error { return UnreadField(at, words.New(code, pairs...)) }

// UnreadField is a 422 for one field, by what reading it said.
func UnreadField(at string, err error) error {
	p := NewProblem(http.StatusUnprocessableEntity, "request.fields")
	p.Errors = []FieldProblem{fieldProblem(at, err)}
	return p
}

var index = regexp.MustCompile(`\[(\d+)\]`)

// pointer turns "body.transfers[0].amount" into "#/transfers/0/amount".
func pointer(location string) string {
	rest, body := strings.CutPrefix(location, "body")
	if !body {
		return location
	}
	return "#" + strings.ReplaceAll(index.ReplaceAllString(rest, "/$1"), ".", "/")
}
