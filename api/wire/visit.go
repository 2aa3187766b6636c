package wire

import (
	"context"

	"stopline.internal/store/ledger/desk"
)

// VisitBody asks that a grid worker visits a person who is being talked out of money.
type VisitBody struct {
	District string `json:"district" minLength:"1" maxLength:"16" example:"520103" doc:"GB/T 2260"`
	Grid     string `json:"grid,omitempty" maxLength:"64" example:"中华南路 12" doc:"The district's own name of the grid"`
	Holder   string `json:"holder" minLength:"1" maxLength:"256"`
	Phone    string `json:"phone,omitempty" maxLength:"32"`
	Reason   string `json:"reason,omitempty" maxLength:"256"`
}

// Visit is a visit.
type Visit struct {
	ID       string      `json:"id" example:"vis_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"`
	CaseID   string      `json:"case_id"`
	Version  int         `json:"version"`
	State    string      `json:"state" enum:"assigned,escalated,confirmed"`
	Level    string      `json:"level" enum:"grid,district,city" doc:"Who must see to it now"`
	District string      `json:"district"`
	Grid     string      `json:"grid,omitempty"`
	Holder   string      `json:"holder"`
	Phone    string      `json:"phone,omitempty"`
	Due      string      `json:"due,omitempty" format:"date-time" doc:"When it goes up a level"`
	Found    string      `json:"found,omitempty" enum:"averted,met,paid,unreached"`
	Timeline []StopEvent `json:"timeline"`
}

// NewVisit is a visit as the reader may see it.
func NewVisit(ctx context.Context, v *desk.VisitFile) Visit {
	levels := []string{"", "grid", "district", "city"}
	d := Visit{ID: v.ID, CaseID: v.CaseID, Version: v.Version, State: string(v.State), Level: levels[min(v.Level, 3)],
		District: v.District, Grid: v.Grid, Holder: Mask(ctx, v.Holder), Phone: v.Phone, Found: v.Found,
		Timeline: []StopEvent{}}
	if v.State != desk.VisitConfirmed {
		d.Due = v.Until.String()
	}
	for _, e := range v.Timeline {
		d.Timeline = append(d.Timeline, newStopEvent(&e.Head))
	}
	return d
}

// VisitsPage is a list of visits.
type VisitsPage struct {
	Visits []Visit `json:"visits" nullable:"false"`
}

// VisitFindingBody is what a visit found.
type VisitFindingBody struct {
	Found  string `json:"found" enum:"averted,met,paid,unreached" doc:"averted: the person was about to pay, and did not"`
	Reason string `json:"reason,omitempty" maxLength:"256"`
}
