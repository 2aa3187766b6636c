package ledger

import (
	"testing"

	"stopline.internal/store/ledger/law"
)

// The same report again is known; one that says something else is told apart.
// Logs that are older than the digest fold as they always did.
func TestReportsThatDiffer(t *testing.T) {
	note := func(id, digest string) Entry {
		return Entry{ID: "evt_" + digest, CaseID: "cas_1", At: noon, By: "report", Report: &ReportNote{ID: id,
			Source: "110", Stops: []string{}, Digest: digest}}
	}
	for name, c := range map[string]struct {
		first, again string
		differs      bool
	}{
		"the same":       {"dig_A", "dig_A", false},
		"something else": {"dig_A", "dig_B", true},
		"an old log":     {"", "dig_A", false},
		"an old writer":  {"dig_A", "", false},
	} {
		l := New(law.Default)
		if r := fold(t, l, note("110:1", c.first)); !r.Accepted {
			t.Fatalf("%s: %+v", name, r)
		}
		if caseID, differs := l.CaseOfReport("110:1", c.again); caseID != "cas_1" || differs != c.differs {
			t.Errorf("%s: %s, %v", name, caseID, differs)
		}
		if r := fold(t, l, note("110:1", c.again)); r.Accepted || (r.Why.Code == CodeReportDiffers) != c.differs {
			t.Errorf("%s: %+v", name, r)
		}
		if len(l.Case("cas_1").Reports) != 1 {
			t.Errorf("%s: %d reports", name, len(l.Case("cas_1").Reports))
		}
	}
	if caseID, differs := New(law.Default).CaseOfReport("110:1", "dig_A"); caseID != "" || differs {
		t.Errorf("of nothing: %s, %v", caseID, differs)
	}
}
