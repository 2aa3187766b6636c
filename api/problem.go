package api

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"
	"golang.org/x/text/language"

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

// in says the problem in a language.
func (p *Problem) in(l words.Language) {
	p.Detail = words.Message{Code: p.Code, Values: p.Values}.In(l)
	for i := range p.Errors {
		f := &p.Errors[i]
		f.Detail = words.Message{Code: f.Code, Values: f.Values}.In(l)
	}
}

// problem is an answer that says a code of the catalogue with its values, by name.
func problem(status int, code string, pairs ...any) *Problem {
	return refused(status, words.New(code, pairs...))
}

// refused is an answer that says a message.
func refused(status int, m words.Message) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status,
		Code: m.Code, Values: m.Values, Detail: m.In(words.English)}
}

// because is an answer that says what an error's message is.
func because(status int, err error) *Problem {
	m := words.New("field.other", "cause", err.Error())
	errors.As(err, &m)
	return refused(status, m)
}

// with adds what is wrong with fields.
func (p *Problem) with(errs ...error) *Problem {
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

// fieldError is a 422 for one field, by a code of the catalogue.
func fieldError(at, code string, pairs ...any) error { return badField(at, words.New(code, pairs...)) }

// badField is a 422 for one field, by what reading it said.
func badField(at string, err error) error {
	p := problem(http.StatusUnprocessableEntity, "request.fields")
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

// newProblem is the problem of a request that the framework refuses before a
// handler sees it. One of our own passes through as it is.
func newProblem(status int, msg string, errs ...error) huma.StatusError {
	var own *Problem
	if len(errs) == 1 && errors.As(errs[0], &own) {
		return own
	}
	m := framework(msg)
	if m.Code == "field.other" && status >= http.StatusInternalServerError {
		m = words.New("internal")
	}
	return refused(status, m).with(errs...)
}

// sentence is one of the framework's, with the code that it has here.
type sentence struct {
	match *regexp.Regexp
	code  string
	names []string // of the values, in the order of the sentence
}

var verb = regexp.MustCompile(`%[vsd]`)

// said reads a format of the framework's.
func said(format, code string, names ...string) sentence {
	match := verb.ReplaceAllString(regexp.QuoteMeta(format), "(.*)")
	return sentence{regexp.MustCompile("^" + match + "$"), code, names}
}

// sentences are what the framework says. A later version of it may say others:
// they are passed on as they are.
var sentences = []sentence{
	said("validation failed", "request.invalid"),
	said("request body is required", "request.body"),
	said("request body is too large limit=%d bytes", "request.too-large", "limit"),
	said("request body read timeout", "request.timeout"),
	said("cannot read request body", "request.unread"),
	said(validation.MsgExpectedRequiredProperty, "field.required", "name"),
	said("required %s parameter is missing", "field.parameter", "where"),
	said("unknown query parameter", "field.unknown"),
	said("invalid boolean", "field.boolean"),
	said("invalid float", "field.number"),
	said(validation.MsgExpectedDependentRequiredProperty, "field.dependent", "name", "other"),
	said(validation.MsgUnexpectedProperty, "field.unknown"),
	said(validation.MsgExpectedRFC3339DateTime, "field.date-time"),
	said(validation.MsgExpectedRFC3339Date, "field.date"),
	said(validation.MsgExpectedBoolean, "field.boolean"),
	said(validation.MsgExpectedNumber, "field.number"),
	said(validation.MsgExpectedInteger, "field.integer"),
	said("invalid integer", "field.integer"),
	said(validation.MsgExpectedString, "field.string"),
	said(validation.MsgExpectedArray, "field.array"),
	said(validation.MsgExpectedObject, "field.object"),
	said(validation.MsgExpectedOneOf, "field.one-of", "allowed"),
	said(validation.MsgExpectedMinimumNumber, "field.minimum", "limit"),
	said(validation.MsgExpectedExclusiveMinimumNumber, "field.exclusive-minimum", "limit"),
	said(validation.MsgExpectedMaximumNumber, "field.maximum", "limit"),
	said(validation.MsgExpectedExclusiveMaximumNumber, "field.exclusive-maximum", "limit"),
	said(validation.MsgExpectedMinLength, "field.min-length", "limit"),
	said(validation.MsgExpectedMaxLength, "field.max-length", "limit"),
	said(validation.MsgExpectedMatchPattern, "field.pattern", "pattern"),
	said(validation.MsgExpectedMinItems, "field.min-items", "limit"),
	said(validation.MsgExpectedMaxItems, "field.max-items", "limit"),
}

// framework is the message of a sentence of the framework's.
func framework(text string) words.Message {
	for _, s := range sentences {
		found := s.match.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		m := words.Message{Code: s.code}
		for i, name := range s.names {
			if m.Values == nil {
				m.Values = words.Values{}
			}
			m.Values[name] = found[i+1]
			if n, err := strconv.ParseInt(found[i+1], 10, 64); err == nil {
				m.Values[name] = n
			}
		}
		return m
	}
	return words.New("field.other", "cause", text)
}

var spoken = language.NewMatcher([]language.Tag{language.English, language.Chinese})

// languageOf is the one that a request asks for: English unless it prefers Chinese.
func languageOf(acceptLanguage string) words.Language {
	tag, _ := language.MatchStrings(spoken, acceptLanguage)
	if base, _ := tag.Base(); base.String() == "zh" {
		return words.Chinese
	}
	return words.English
}
