package wire

import (
	"context"
	"math"

	"stopline.internal/api/access"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/stop"
)

// Explanation says why a stop was asked for.
type Explanation struct {
	StopID    string  `json:"stop_id"`
	By        string  `json:"by" example:"scoring" doc:"scoring, report, trail or a person"`
	Text      string  `json:"text"`
	Catalogue string  `json:"catalogue,omitempty"`
	Score     int     `json:"score,omitempty"`
	At        string  `json:"at,omitempty" format:"date-time"`
	Event     string  `json:"event,omitempty" doc:"What completed it: kind and id"`
	Hits      HitList `json:"hits,omitempty" doc:"Each pattern with its weight and the values that it saw"`
	Parent    string  `json:"parent,omitempty" doc:"Of the trail: the stop whose money came here; its explanation is the reason"`
	Replay    *Replay `json:"replay,omitempty"`
}

// Replay is the decision computed again, from the values that were kept
// and the catalogue's version of then.
type Replay struct {
	Possible bool     `json:"possible"`
	Why      string   `json:"why,omitempty" doc:"Why it is not possible"`
	WhyCode  string   `json:"why_code,omitempty" example:"replay.version" doc:"The same for programs: docs/messages.md"`
	Score    int      `json:"score"`
	Same     bool     `json:"same" doc:"Every pattern holds on the values, and the score is as it was"`
	Fails    []string `json:"fails,omitempty" doc:"Patterns that do not hold on the values"`
}

// AppealBody is what a holder says.
type AppealBody struct {
	Holder    string   `json:"holder" minLength:"1" maxLength:"256"`
	Contact   string   `json:"contact,omitempty" maxLength:"256"`
	Text      string   `json:"text" minLength:"1" maxLength:"4000" example:"货款, 有合同"`
	Documents []string `json:"documents,omitempty" maxItems:"16" doc:"Those that came with it: identity, statement, purpose, or others in words"`
}

// AppealID is the appeal in a route.
type AppealID struct {
	ID string `path:"id" maxLength:"64" example:"apl_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"`
}

// Appeal is an appeal.
type Appeal struct {
	ID         string             `json:"id" example:"apl_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"`
	StopID     string             `json:"stop_id"`
	CaseID     string             `json:"case_id"`
	Version    int                `json:"version"`
	State      string             `json:"state" enum:"received,upheld,dismissed"`
	Holder     string             `json:"holder"`
	Contact    string             `json:"contact,omitempty"`
	Text       string             `json:"text"`
	OpenedAt   string             `json:"opened_at" format:"date-time"`
	DecideBy   string             `json:"decide_by,omitempty" format:"date-time"`
	DecidedAt  string             `json:"decided_at,omitempty" format:"date-time"`
	Documents  []AppealDocumentIn `json:"documents"`
	Released   string             `json:"released_amount,omitempty"`
	WrongHours float64            `json:"wrongly_held_hours" doc:"From the hold's effect to the decision, when it was upheld"`
	Timeline   []StopEvent        `json:"timeline"`
}

// AppealDocumentIn is one that an appeal needs.
type AppealDocumentIn struct {
	Name     string `json:"name" example:"identity"`
	Received bool   `json:"received"`
}

// NewAppeal is an appeal against a stop. The police read no contact.
func NewAppeal(ctx context.Context, a *desk.AppealFile, st *stop.Stop) Appeal {
	d := Appeal{ID: a.ID, StopID: a.StopID, CaseID: a.CaseID, Version: a.Version, State: string(a.State),
		Holder: Mask(ctx, a.Holder), Contact: a.Contact, Text: a.Text, OpenedAt: a.OpenedAt.String(),
		DecideBy: a.Until.String(), DecidedAt: a.DecidedAt.String(), Documents: []AppealDocumentIn{},
		WrongHours: math.Round(a.WronglyHeld().Hours()*100) / 100, Timeline: []StopEvent{}}
	if access.Who(ctx).Role == access.Police {
		d.Contact = ""
	}
	for _, x := range a.Documents {
		d.Documents = append(d.Documents, AppealDocumentIn(x))
	}
	if st != nil && a.Minor > 0 {
		d.Released = st.Decimal(a.Minor)
	}
	for _, e := range a.Timeline {
		d.Timeline = append(d.Timeline, newStopEvent(&e.Head))
	}
	return d
}

// AppealsPage is a list of appeals, with what they have changed in all.
type AppealsPage struct {
	Appeals    []Appeal `json:"appeals" nullable:"false"`
	Upheld     int      `json:"upheld" doc:"Stops that an appeal lifted, whole or in part"`
	WrongHours float64  `json:"wrongly_held_hours" doc:"In all"`
}

// AppealDocumentsBody names documents.
type AppealDocumentsBody struct {
	Documents []string `json:"documents" minItems:"1" maxItems:"16" doc:"Those that have come"`
}

// AppealDecisionBody is what was decided of an appeal.
type AppealDecisionBody struct {
	Decision string `json:"decision" enum:"upheld,dismissed"`
	Amount   Amount `json:"amount,omitempty" doc:"With upheld: how much is released; all without it"`
	Reason   string `json:"reason" minLength:"1" maxLength:"256"`
}
