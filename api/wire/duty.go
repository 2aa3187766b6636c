package wire

import (
	"context"
	"maps"

	"stopline.internal/store/ledger"
	"stopline.internal/stream/event"
	"stopline.internal/stream/event/words"
)

// Duty is something that waits for a person.
type Duty struct {
	Kind    string `json:"kind" enum:"approve,call-bank,hold-ends,freeze-ends,return-overdue,appeal,visit,announcement-over,mismatch,excess,escalation"`
	ID      string `json:"id" example:"stp_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"`
	CaseID  string `json:"case_id"`
	Since   string `json:"since" format:"date-time"`
	Until   string `json:"until,omitempty" format:"date-time"`
	Overdue bool   `json:"overdue"`

	Code   string       `json:"code" example:"duty.hold-ends" doc:"For programs: docs/messages.md"`
	Values words.Values `json:"values" doc:"What the text says, by name"`
	Text   string       `json:"text" example:"decide the appeal of 李四" doc:"What to do, in English"`
	TextZH string       `json:"text_zh" example:"请对 李四 的申诉作出决定" doc:"The same in Chinese"`
}

// DutiesPage is what waits for people.
type DutiesPage struct {
	At     string `json:"at" format:"date-time"`
	Total  int    `json:"total"`
	Duties []Duty `json:"duties" nullable:"false"`
}

// NewDuty says a duty in both languages; whom it is about, only to those who
// may read names.
func NewDuty(ctx context.Context, d *ledger.Duty, now event.Instant) Duty {
	say := d.Say
	if holder, named := say.Values["holder"].(string); named {
		say.Values = maps.Clone(say.Values)
		say.Values["holder"] = Mask(ctx, holder)
	}
	return Duty{Kind: d.Kind, ID: d.ID, CaseID: d.CaseID, Since: d.Since.String(), Until: d.Until.String(),
		Overdue: d.Until != 0 && d.Until <= now, Code: say.Code, Values: say.Values,
		Text: say.In(words.English), TextZH: say.In(words.Chinese)}
}

// Again counts what is sent again.
type Again struct {
	Messages int `json:"messages"`
}
