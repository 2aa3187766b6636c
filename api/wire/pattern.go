package wire

import (
	"time"

	"stopline.internal/scoring"
	"stopline.internal/store/warehouse"
)

// Catalogue is a version of the catalogue.
type Catalogue struct {
	Version     string    `json:"version" example:"d2cea1af1a80"`
	PublishedAt string    `json:"published_at" format:"date-time"`
	By          string    `json:"by"`
	Reason      string    `json:"reason,omitempty"`
	Patterns    []Pattern `json:"patterns,omitempty"`
	Text        string    `json:"text,omitempty" doc:"As it was written: YAML"`
	Unusable    string    `json:"unusable,omitempty" doc:"Why this program cannot follow it; what was in force before stays"`
}

// Pattern is one pattern.
type Pattern struct {
	ID        string   `json:"id"`
	NameZH    string   `json:"name_zh"`
	NameEN    string   `json:"name_en"`
	FraudType string   `json:"fraud_type"`
	On        []string `json:"on"`
	When      string   `json:"when"`
	Weight    float64  `json:"weight"`
	Then      string   `json:"then" enum:"warn,review,stop"`
	Stage     string   `json:"stage" enum:"live,shadow"`
	Grade     string   `json:"grade"`
	Source    string   `json:"source"`
}

// NewCatalogue is a version of the catalogue; whole has its text and its patterns.
func NewCatalogue(p scoring.Published, whole bool) Catalogue {
	d := Catalogue{Version: p.Version, PublishedAt: p.At.String(), By: p.By, Reason: p.Reason, Unusable: p.Unusable}
	if !whole {
		return d
	}
	d.Text = p.Text
	c, err := scoring.ParseCatalogue("the published catalogue", []byte(p.Text))
	if err != nil {
		return d
	}
	for _, pt := range c.Patterns {
		stage := "live"
		if pt.Shadow {
			stage = "shadow"
		}
		d.Patterns = append(d.Patterns, Pattern{ID: pt.ID, NameZH: pt.Name.ZH, NameEN: pt.Name.EN,
			FraudType: pt.FraudType, On: pt.Legs(), When: pt.When, Weight: pt.Weight, Then: pt.Then.String(), Stage: stage,
			Grade: pt.Grade, Source: pt.Source})
	}
	return d
}

// CatalogueCheck is what a catalogue would be, were it published.
type CatalogueCheck struct {
	Version  string `json:"version"`
	Patterns int    `json:"patterns"`
}

// CataloguesPage is a list of the catalogue's versions.
type CataloguesPage struct {
	Versions []Catalogue `json:"versions" nullable:"false"`
}

// Proposal is a catalogue that waits for approval.
type Proposal struct {
	Version    string `json:"version" example:"d2cea1af1a80"`
	Base       string `json:"base" doc:"The version in force when it was proposed: with another one in force it must be proposed anew"`
	ProposedAt string `json:"proposed_at" format:"date-time"`
	ProposedBy string `json:"proposed_by"`
	Reason     string `json:"reason,omitempty"`
	Patterns   int    `json:"patterns"`
	Text       string `json:"text" doc:"As it was written: YAML"`
}

// NewProposal is a proposal as the rulebook has it.
func NewProposal(p scoring.Proposal) Proposal {
	return Proposal{p.Version, p.Base, p.At.String(), p.By, p.Reason, p.Patterns, p.Text}
}

// ProposalsPage is a list of catalogues that wait for approval.
type ProposalsPage struct {
	Proposals []Proposal `json:"proposals" nullable:"false"`
}

// PatternStatistic is how one pattern's alerts turned out.
type PatternStatistic struct {
	Pattern    string        `json:"pattern"`
	Alerts     uint64        `json:"alerts"`
	Stops      uint64        `json:"stops" doc:"Alerts that asked for a stop"`
	Confirmed  uint64        `json:"confirmed" doc:"By a person, a case's outcome or a victim's report"`
	FalseAlarm uint64        `json:"false_alarms"`
	Useful     uint64        `json:"useful" doc:"No fraud, and right to look at: counts neither way"`
	Open       uint64        `json:"open" doc:"Nobody has said yet"`
	Precision  *float64      `json:"precision" doc:"confirmed / (confirmed + false alarms); null while nobody has said anything"`
	Weeks      []PatternWeek `json:"weeks"`
}

// PatternWeek is one week of it.
type PatternWeek struct {
	Week       string `json:"week" format:"date" doc:"Its Monday"`
	Alerts     uint64 `json:"alerts"`
	Confirmed  uint64 `json:"confirmed"`
	FalseAlarm uint64 `json:"false_alarms"`
}

// NewPatternStatistics gathers the weeks of each pattern, which lie together in the
// rows.
func NewPatternStatistics(rows []warehouse.PatternOutcome) []PatternStatistic {
	out := []PatternStatistic{}
	for _, r := range rows {
		if len(out) == 0 || out[len(out)-1].Pattern != r.Pattern {
			out = append(out, PatternStatistic{Pattern: r.Pattern, Weeks: []PatternWeek{}})
		}
		p := &out[len(out)-1]
		p.Alerts += r.Alerts
		p.Stops += r.Stops
		p.Confirmed += r.Confirmed
		p.FalseAlarm += r.False
		p.Useful += r.Useful
		p.Open += r.Alerts - r.Confirmed - r.False - r.Useful
		p.Weeks = append(p.Weeks, PatternWeek{r.Week.Format(time.DateOnly), r.Alerts, r.Confirmed, r.False})
	}
	for i := range out {
		if p := &out[i]; p.Confirmed+p.FalseAlarm > 0 {
			v := float64(p.Confirmed) / float64(p.Confirmed+p.FalseAlarm)
			p.Precision = &v
		}
	}
	return out
}

// PatternStatistics are how the patterns' alerts of some days turned out.
type PatternStatistics struct {
	From     string             `json:"from" format:"date-time"`
	To       string             `json:"to" format:"date-time"`
	Patterns []PatternStatistic `json:"patterns" nullable:"false"`
}
