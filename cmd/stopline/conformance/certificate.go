package conformance

import (
	"errors"
	"strings"
)

// Check is one thing that a bank has to do.
type Check struct {
	Name   string `json:"check"`
	Result string `json:"result"` // passed, failed, not reached
	Detail string `json:"detail,omitempty"`
}

// Certificate is what the kit found.
type Certificate struct {
	Bank      string  `json:"bank"`
	Target    string  `json:"target"`
	At        string  `json:"at"`
	Conforms  bool    `json:"conforms"`
	Passed    int     `json:"passed"`
	Failed    int     `json:"failed"`
	Unreached int     `json:"not_reached"`
	Checks    []Check `json:"checks"`
}

func (k *Kit) note(name string, err error) {
	c := Check{Name: name, Result: "passed"}
	switch {
	case errors.Is(err, errUnreached):
		c.Result, c.Detail = "not reached", strings.TrimPrefix(err.Error(), errUnreached.Error()+": ")
		k.found.Unreached++
	case err != nil:
		c.Result, c.Detail = "failed", err.Error()
		k.found.Failed++
	default:
		k.found.Passed++
	}
	k.found.Checks = append(k.found.Checks, c)
}

var errUnreached = errors.New("not reached")
