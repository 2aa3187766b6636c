package desk

import (
	"testing"
	"time"

	"stopline.internal/store/ledger/law"
	"stopline.internal/stream/event"
)

var noon = event.InstantOf(time.Date(2026, 11, 23, 12, 0, 0, 0, event.Zone))

// One person works on a case at a time, and what was dismissed stays so.
func TestJudgeTask(t *testing.T) {
	terms := law.Default
	claim := (*TaskFile)(nil).Work(&terms, "a", "c", TaskClaimed, noon, "A", "")
	claimed := claim.File()
	dismissal := claimed.Work(&terms, "a", "c", TaskDismissed, noon, "A", "honest")
	dismissed := dismissal.File()
	for name, c := range map[string]struct {
		file *TaskFile
		to   TaskState
		by   string
		at   event.Instant
		lock *TaskFile
		want string
	}{
		"nobody has begun":             {nil, TaskClaimed, "A", noon, nil, ""},
		"who has it goes on":           {claimed, TaskClaimed, "A", noon, claimed, ""},
		"another has it":               {claimed, TaskClaimed, "B", noon, claimed, "task.taken"},
		"another's claim is over":      {claimed, TaskClaimed, "B", noon.Add(terms.Claim), nil, ""},
		"another alert of the case":    {nil, TaskEscalated, "B", noon, claimed, "task.taken"},
		"dismissed, and opened again":  {dismissed, TaskOpen, "A", noon, nil, "task.dismissed"},
		"dismissed for another reason": {dismissed, TaskDismissed, "B", noon, nil, ""},
		"a state of another life":      {claimed, "held", "A", noon, claimed, "task.state"},
	} {
		e := c.file.Work(&terms, "a", "c", c.to, c.at, c.by, "")
		if why := c.file.Judge(&terms, &e, c.lock); why.Code != c.want {
			t.Errorf("%s: %q, want %q", name, why.Code, c.want)
		}
	}
	again := (*TaskFile)(nil).Work(&terms, "a", "c", TaskOpen, noon, "A", "")
	if why := claimed.Judge(&terms, &again, nil); why.Code != "version.task" {
		t.Errorf("a step for a version that is taken: %q", why.Code)
	}
	if claimed.Locked(noon.Add(terms.Claim)) || !claimed.Locked(noon.Add(terms.Claim-time.Second)) {
		t.Error("a claim locks the alert until its end")
	}
}
