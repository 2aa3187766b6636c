package scoring

import (
	"stopline.internal/scoring/pattern"
	"stopline.internal/stream/event"
)

// Verdict is what scoring says of one transfer that was asked about: the
// strongest of what its legs led to.
type Verdict struct {
	Action  pattern.Action `json:"action,omitempty"` // 0: nothing was found
	Score   int            `json:"score"`
	Hits    []Hit          `json:"hits,omitempty"`
	AlertID string         `json:"alert_id,omitempty"`
	StopID  string         `json:"stop_id,omitempty"`
}

// Add takes the alerts on a transfer from one of its legs, and keeps the
// strongest.
func (v *Verdict) Add(transfer string, alerts []Alert) {
	for i := range alerts {
		a := &alerts[i]
		if a.Transfer == nil || a.Transfer.ID != transfer || a.Shadow {
			continue
		}
		v.Merge(&Verdict{Action: a.Action, Score: a.Score, Hits: a.Hits, AlertID: a.ID, StopID: a.StopID})
	}
}

// Merge keeps the stronger of two.
func (v *Verdict) Merge(o *Verdict) {
	if o.Action > v.Action || o.Action == v.Action && o.Score > v.Score {
		*v = *o
	}
}

// LegsOf is how many legs a transfer has: each gives a verdict of its own.
func LegsOf(e *event.Event) int { return len(e.Touched(nil)) }
