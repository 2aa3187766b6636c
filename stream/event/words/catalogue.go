package words

import "maps"

// catalogue has the words of every code. A code is stable: programs compare it.
// Its first part says what the message is about; law and four-eyes are refusals
// that no trying again changes, version that somebody was quicker.
var catalogue = joined(ledgerWords, dutyWords, documentWords, fieldWords, problemWords)

// joined makes one catalogue of several. A code in two of them is a mistake that
// a test finds, since then one is lost.
func joined(parts ...map[string]phrase) map[string]phrase {
	all := map[string]phrase{}
	for _, p := range parts {
		maps.Copy(all, p)
	}
	return all
}
