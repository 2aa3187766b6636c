package event

import (
	"encoding/json"
	"testing"
	"time"
)

// The service's own documents come back as they were written, through JSON and
// through a block of legs.
func TestInnerDocuments(t *testing.T) {
	at := InstantOf(time.Date(2026, 11, 23, 12, 0, 0, 0, Zone))
	risk := Risk{Entity: "acct:1", Origin: "acct:2", Since: at, Score: 870, From: "acct:3", Why: WhyReceived, Hop: 2,
		Minor: 12345, Cause: "t1"}
	control := Control{What: ControlException, Entity: "tel:+8613800138000", Pattern: "p", As: "x", Until: at,
		Removed: true, Reason: "r", By: "b", Text: "- id: 1\n"}
	riskDoc, err := json.Marshal(RiskDocument(at, &risk))
	if err != nil {
		t.Fatal(err)
	}
	controlDoc, err := json.Marshal(ControlDocument("ctl_1", at, &control))
	if err != nil {
		t.Fatal(err)
	}
	taint := Taint{Account: "1", Bank: "PCBC", Holder: "乙", CaseID: "cas_1", StopID: "stp_1", Parent: "stp_0",
		Payer: "2", Transfer: "t1", Key: 1 << 63, At: at, Minor: 12345, Offset: 55, Whole: 20000, Hop: 2,
		Type: "task-rebate", District: "520103", Pattern: "p", Held: true}
	taintDoc, err := json.Marshal(TaintDocument(&taint))
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range [][]byte{riskDoc, controlDoc, taintDoc} {
		var e, back Event
		if err := ParseInner(doc, &e); err != nil {
			t.Fatalf("%v: %s", err, doc)
		}
		if err := ReadEvent(AppendEvent(nil, &e), &back); err != nil {
			t.Fatal(err)
		}
		if e.At != at || back.ID != e.ID || back.Risk != e.Risk || (e.Control == nil) != (back.Control == nil) {
			t.Errorf("%+v came back as %+v", e, back)
		}
		if e.Kind == KindRisk && (e.Risk != risk || e.ID != RiskID(&risk)) {
			t.Errorf("%+v", e.Risk)
		}
		if e.Kind == KindTaint && (*e.Taint != taint || *back.Taint != taint || e.ID != TaintID(&taint)) {
			t.Errorf("%+v, %+v", e.Taint, back.Taint)
		}
		if e.Kind == KindControl && (*e.Control != control || *back.Control != control) {
			t.Errorf("%+v, %+v", e.Control, back.Control)
		}
	}
}

func FuzzInner(f *testing.F) {
	f.Add([]byte(`{"kind":"risk","id":"r","entity":"acct:1","origin":"acct:2","why":"paid","hop":1}`))
	f.Add([]byte(`{"kind":"control","id":"c","what":"lift","pattern":"*"}`))
	f.Add([]byte(`{"kind":"taint","id":"t","account":"1","case_id":"c","stop_id":"s","amount_minor":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var e, back Event
		if ParseInner(b, &e) != nil {
			return
		}
		if err := ReadEvent(AppendEvent(nil, &e), &back); err != nil || back.Risk != e.Risk {
			t.Fatalf("%v: %+v came back as %+v", err, e, back)
		}
	})
}
