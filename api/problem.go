package api

import (
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/stream/event"
)

// Problem is the answer to a request that failed: RFC 9457.
type Problem struct {
	Type   string         `json:"type" example:"about:blank"`
	Title  string         `json:"title" example:"Unprocessable Entity"`
	Status int            `json:"status" example:"422"`
	Detail string         `json:"detail,omitempty" doc:"What is wrong, and what to do next"`
	Errors []FieldProblem `json:"errors,omitempty" doc:"One entry for each field that is wrong"`

	RequestID string `json:"request_id,omitempty" example:"8f14e45fceea167a5a36" doc:"As in the header X-Request-Id, and in the service's log"`
}

// FieldProblem names a field by a JSON pointer, as RFC 9457's own example does.
type FieldProblem struct {
	Pointer string `json:"pointer,omitempty" example:"#/transfers/0/amount"`
	Detail  string `json:"detail" example:"is negative"`
	Reason  string `json:"reason,omitempty" example:"bad-amount"`
}

func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

var index = regexp.MustCompile(`\[(\d+)\]`)

// pointer turns "body.transfers[0].amount" into "#/transfers/0/amount".
func pointer(location string) string {
	rest, body := strings.CutPrefix(location, "body")
	if !body {
		return location
	}
	return "#" + strings.ReplaceAll(index.ReplaceAllString(rest, "/$1"), ".", "/")
}

func newProblem(status int, msg string, errs ...error) huma.StatusError {
	p := &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: msg}
	for _, err := range errs {
		if err == nil {
			continue
		}
		var refusal event.Refusal
		var detail huma.ErrorDetailer
		switch {
		case errors.As(err, &refusal):
			for _, f := range refusal {
				fp := FieldProblem{Detail: f.Detail, Reason: string(f.Reason)}
				if f.Field != "" {
					fp.Pointer = "#" + f.Field
				}
				p.Errors = append(p.Errors, fp)
			}
		case errors.As(err, &detail):
			d := detail.ErrorDetail()
			p.Errors = append(p.Errors, FieldProblem{Pointer: pointer(d.Location), Detail: d.Message})
		default:
			p.Errors = append(p.Errors, FieldProblem{Detail: err.Error()})
		}
	}
	return p
}

// fieldError is a 422 for one field.
func fieldError(at, detail string) error {
	return newProblem(http.StatusUnprocessableEntity, "the request has a field that cannot be taken", &huma.ErrorDetail{Location: at, Message: detail})
}
