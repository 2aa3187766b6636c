package law

import "stopline.internal/stream/event/words"

// Refusal says why the fold ignores an entry: a code and its values, of which the
// edge makes words. The zero value is none: the entry is accepted.
type Refusal = words.Message

// Accepted is no refusal.
var Accepted Refusal

// Refuse makes a refusal of a code that is in the catalogue and its values, by
// name. A test holds every call against the catalogue.
func Refuse(code string, pairs ...any) Refusal { return words.New(code, pairs...) }
