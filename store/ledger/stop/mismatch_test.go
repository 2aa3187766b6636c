package stop

import (
	"strings"
	"testing"
)

// Differences on a mismatch, and what they probably are.
func TestExplain(t *testing.T) {
	for _, c := range []struct{ field, ours, theirs, want string }{
		{"number", "6217000010098765432", "6217000010098765423", "slip"},
		{"number", "6217000010098765432", "621700001009876543200", "sub-account"},
		{"number", "6217 0000 1009", "621700001009", "spaces"},
		{"holder", "李四", "李*", "fits"},
		{"holder", "李四", "王*", "does not fit"},
		{"holder", "李四", "李小四", "slip"},
		{"holder", "欧阳小四", "欧阳明月", "old name"},
		{"holder", "李四", "王五", "another holder"},
		{"amount", "1.00", "2.00", "payer's bank"},
		{"holder", "李四", "", "did not say"},
	} {
		if got := explain(&Difference{Field: c.field, Ours: c.ours, Theirs: c.theirs}).Error(); !strings.Contains(got,
			c.want) {
			t.Errorf("%s %q, %q: %s, want something with %q", c.field, c.ours, c.theirs, got, c.want)
		}
	}
}
