package wire

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"stopline.internal/stream/event/words"
)

// FrameworkProblem is the problem of a request that the framework refuses before a
// handler sees it. One of our own passes through as it is.
func FrameworkProblem(status int, msg string, errs ...error) huma.StatusError {
	var own *Problem
	if len(errs) == 1 && errors.As(errs[0], &own) {
		return own
	}
	m := framework(msg)
	if m.Code == "field.other" && status >= http.StatusInternalServerError {
		m = words.New("internal")
	}
	return ProblemOf(status, m).With(errs...)
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
