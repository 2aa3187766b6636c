package route

import (
	"net/http"
	"strings"

	"stopline.internal/api/wire"
	"stopline.internal/stream/event/words"
)

// overtaken are the refusals, beside version.*, that say that somebody was first: to
// read again shows what they did.
var overtaken = map[string]bool{
	"answer.before":       true,
	"appeal.decided":      true,
	"appeal.open":         true,
	"backtest.running":    true,
	"case.part":           true,
	"idempotency.running": true,
	"message.newer":       true,
	"objection.decided":   true,
	"payback.told":        true,
	"report.differs":      true,
	"report.known":        true,
	"return.round":        true,
	"task.dismissed":      true,
	"task.taken":          true,
	"trail.end":           true,
	"trail.followed":      true,
	"visit.made":          true,
}

// StatusOf is the status of an answer that refuses a change, by the refusal's code:
// 409 where somebody was first, 403 where it takes another person, 422 where the law
// forbids it or the state does not allow it.
func StatusOf(code string) int {
	switch sort, _, _ := strings.Cut(code, "."); {
	case sort == "version", overtaken[code]:
		return http.StatusConflict
	case sort == "four-eyes":
		return http.StatusForbidden
	}
	return http.StatusUnprocessableEntity
}

// Refused is the answer to what the ledger refuses.
func Refused(why words.Message) error { return wire.ProblemOf(StatusOf(why.Code), why) }

// Refuse is the answer to a change that a handler refuses, by a code of the catalogue
// with its values.
func Refuse(code string, pairs ...any) error { return Refused(words.New(code, pairs...)) }
