package wire

import (
	"stopline.internal/store/ledger/desk"
	"stopline.internal/stream/event"
)

// QueueItem is one thing to look at: an alert, with its stop if it has one, or a
// stop that no alert asked for.
type QueueItem struct {
	ID          string   `json:"id" doc:"Of the alert, or of the stop where there is none: what work is taken on"`
	AlertID     string   `json:"alert_id,omitempty"`
	CaseID      string   `json:"case_id,omitempty" doc:"Absent while nothing was asked to be stopped"`
	At          string   `json:"at" format:"date-time" doc:"Of the transfer, or of what was seen"`
	Action      string   `json:"action" enum:"review,stop"`
	Score       int      `json:"score"`
	FraudType   string   `json:"fraud_type"`
	Amount      string   `json:"amount,omitempty"`
	Currency    string   `json:"currency,omitempty"`
	Payer       string   `json:"payer,omitempty"`
	Holder      string   `json:"holder,omitempty" doc:"The payer's name"`
	Phone       string   `json:"phone,omitempty" doc:"The payer's"`
	Payee       string   `json:"payee,omitempty"`
	PayeeHolder string   `json:"payee_holder,omitempty"`
	Bank        string   `json:"bank,omitempty" doc:"The payee's"`
	Transfer    string   `json:"transfer,omitempty" doc:"Its id"`
	Entity      string   `json:"entity,omitempty" doc:"Whom the alert is about"`
	WhyZH       string   `json:"why_zh" doc:"The names of the patterns that hit, or who asked for the stop"`
	WhyEN       string   `json:"why_en"`
	SeenZH      []string `json:"seen_zh" example:"[\"境外陌生来电最长 26 分钟\"]" doc:"The values that they saw, in words"`
	SeenEN      []string `json:"seen_en" example:"[\"longest call from a foreign stranger 26 minutes\"]"`
	StopID      string   `json:"stop_id,omitempty"`
	State       string   `json:"state,omitempty" doc:"Of the stop"`
	Held        string   `json:"held_amount,omitempty"`
	Until       string   `json:"until,omitempty" format:"date-time" doc:"When the stop's state lapses"`
	Proposer    string   `json:"proposed_by,omitempty" doc:"Of a stop that waits for approval: another must approve it"`
	Task        Task     `json:"task"`
}

// QueuePage is a part of the queue.
type QueuePage struct {
	At     string      `json:"at" format:"date-time"`
	Counts QueueCounts `json:"counts"`
	Items  []QueueItem `json:"items" nullable:"false"`
	Next   string      `json:"next,omitempty" doc:"The cursor of the next page"`
}

// QueueCounts are how many there are of each, whatever is shown.
type QueueCounts struct {
	All       int `json:"all"`
	Escalated int `json:"escalated" doc:"An analyst hands them up"`
	Decide    int `json:"decide" doc:"A person must decide: for approval, not answered, not matching"`
	Asked     int `json:"asked" doc:"A bank has been asked"`
	Review    int `json:"review" doc:"Nothing was stopped, and nobody has judged it"`
	Hold      int `json:"hold" doc:"Held of the victims' own payments"`
	Mine      int `json:"mine" doc:"Claimed by who asks"`
	Unshown   int `json:"unshown,omitempty" doc:"Reviews beyond the bound of what a replica holds, the oldest"`
}

// Task is who works on an alert.
type Task struct {
	State  string `json:"state" enum:"open,claimed,escalated,dismissed"`
	By     string `json:"by,omitempty"`
	Until  string `json:"until,omitempty" format:"date-time" doc:"When a claim ends by itself"`
	Reason string `json:"reason,omitempty"`
}

// NewTask is who works on an alert now: a claim that has run out is none.
func NewTask(t *desk.TaskFile, now event.Instant) Task {
	if t == nil || t.State == desk.TaskClaimed && !t.Locked(now) {
		return Task{State: string(desk.TaskOpen)}
	}
	return Task{string(t.State), t.By, t.Until.String(), t.Reason}
}

// WorkBody is why somebody takes an alert, or gives it away.
type WorkBody struct {
	Reason string `json:"reason,omitempty" maxLength:"256"`
}

// Search is what was found.
type Search struct {
	Stops     []Stop          `json:"stops"`
	Cases     []string        `json:"cases"`
	Transfers []FoundTransfer `json:"transfers" doc:"Out of the books, the newest first"`
}

// FoundTransfer is a transfer that was found.
type FoundTransfer struct {
	ID          string `json:"id"`
	At          string `json:"at" format:"date-time"`
	Payer       string `json:"payer_account"`
	PayerHolder string `json:"payer_holder,omitempty"`
	Payee       string `json:"payee_account,omitempty"`
	PayeeHolder string `json:"payee_holder,omitempty"`
	Amount      string `json:"amount"`
	Currency    string `json:"currency"`
	CaseID      string `json:"case_id,omitempty" doc:"Of its stop, if it has one"`
}

// SearchBody is what is sought.
type SearchBody struct {
	Q string `json:"q" minLength:"1" maxLength:"256" example:"6217000010098765432"`
}
