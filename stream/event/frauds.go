package event

import "stopline.internal/stream/event/words"

// OtherFraud is the type of fraud of a document whose own is not known.
const OtherFraud = "other"

// FraudOf is a type of fraud as it is kept: what nobody knows is [OtherFraud], so
// that statistics have no line for each way of writing. Known says whether it was:
// the types are those of the reports' forms, and those that scoring gives by itself.
func FraudOf(kind string) (kept string, known bool) {
	if kind != "" && !words.Named("fraud", kind) {
		return OtherFraud, false
	}
	return kind, true
}
