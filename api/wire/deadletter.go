package wire

import (
	"unicode/utf8"

	"stopline.internal/stream/event/words"
)

// DeadLetter is a refused document, as it came in.
type DeadLetter struct {
	Partition int                 `json:"partition"`
	Offset    int64               `json:"offset"`
	Topic     string              `json:"topic" doc:"That it came in by"`
	Reason    string              `json:"reason" example:"missing-field" doc:"As they are counted; docs/messages.md"`
	Error     string              `json:"error"`
	At        string              `json:"at,omitempty" format:"date-time"`
	Bytes     int                 `json:"bytes"`
	Problems  []DeadLetterProblem `json:"problems" nullable:"false" doc:"The error in codes: the first 20"`
	Document  string              `json:"document" doc:"Its first 4,096 bytes; what is no UTF-8 is replaced"`
}

// DeadLetterProblem is one mistake in a refused document.
type DeadLetterProblem struct {
	Field  string       `json:"field,omitempty" example:"/amount"`
	Code   string       `json:"code" example:"bad-amount.negative"`
	Values words.Values `json:"values,omitempty"`
}

// DeadLettersPage is a list of refused documents.
type DeadLettersPage struct {
	Items []DeadLetter `json:"items" nullable:"false"`
}

// Shown cuts a document to what a person looks at.
func Shown(document []byte) string {
	const most = 4096
	out := make([]rune, 0, min(len(document), most))
	for b := document[:min(len(document), most)]; len(b) > 0; {
		r, n := utf8.DecodeRune(b)
		out = append(out, r)
		b = b[n:]
	}
	return string(out)
}
