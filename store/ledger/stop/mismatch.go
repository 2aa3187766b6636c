package stop

import (
	"strings"
	"unicode/utf8"

	"stopline.internal/stream/event"
	"stopline.internal/stream/event/words"
)

// explain finds the likely cause of a difference between what a request and
// the bank say of one field, such that an analyst can act on it.
func explain(d *Difference) words.Message {
	ours, theirs := strings.Join(strings.Fields(d.Ours), ""), strings.Join(strings.Fields(d.Theirs), "")
	switch {
	case theirs == "" || ours == "":
		return words.New("mismatch.silent")
	case strings.EqualFold(ours, theirs):
		return words.New("mismatch.spaces")
	case strings.Contains(theirs, "*"):
		if fitsMask(theirs, ours) {
			return words.New("mismatch.masked")
		}
		return words.New("mismatch.masked-not")
	case d.Field == "number" && (strings.HasPrefix(ours, theirs) || strings.HasPrefix(theirs, ours)):
		return words.New("mismatch.sub-account")
	case d.Field == "amount" || d.Field == "time":
		return words.New("mismatch.transfer")
	case oneEdit(ours, theirs), d.Field == "number" && swapped(ours, theirs):
		return words.New("mismatch.slip")
	case d.Field == "holder" && strings.ContainsAny(ours, theirs): // a character of the name is the same
		return words.New("mismatch.name")
	}
	return words.New("mismatch.other", "field", d.Field)
}

// fitsMask says whether a text is what a masked one hides.
func fitsMask(masked, full string) bool {
	m, f := []rune(masked), []rune(full)
	if len(m) != len(f) {
		return false
	}
	for i := range m {
		if m[i] != '*' && m[i] != f[i] {
			return false
		}
	}
	return true
}

// maxCompared bounds the texts that are compared by their edits: a bank's may be of
// any length.
const maxCompared = 256 // characters

// oneEdit says whether one character was changed, added or dropped.
func oneEdit(a, b string) bool {
	return utf8.RuneCountInString(a) <= maxCompared && utf8.RuneCountInString(b) <= maxCompared &&
		event.EditDistance(a, b) == 1
}

// swapped says whether two neighbours have changed places.
func swapped(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i+1 < len(a); i++ {
		if a[i] != b[i] {
			return a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
		}
	}
	return false
}
