package ledger

import "stopline.internal/stream/event/words"

// Refusal says why the fold ignores an event: a code and its values, of which the
// edge makes words. The zero value is none: the event is accepted.
type Refusal = words.Message

// accepted is no refusal.
var accepted Refusal

// refuse makes a refusal of a code that is in the catalogue and its values, by
// name. A test holds every call against the catalogue.
func refuse(code string, pairs ...any) Refusal { return words.New(code, pairs...) }
