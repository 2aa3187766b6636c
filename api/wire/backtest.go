package wire

// Backtest is what a catalogue would have done, beside the one in force.
type Backtest struct {
	From       string           `json:"from,omitempty" format:"date-time" doc:"Absent where there was no event"`
	To         string           `json:"to,omitempty" format:"date-time"`
	Events     int64            `json:"events"`
	Seconds    float64          `json:"seconds" doc:"That it took"`
	Candidate  BacktestFigures  `json:"candidate"`
	Live       BacktestFigures  `json:"live" doc:"Of the catalogue in force"`
	Difference []BacktestChange `json:"difference" doc:"Patterns whose figures differ"`
}

// BacktestFigures are one catalogue's. A fraud is a transfer that a report or a
// verdict names; caught is one with any alert.
type BacktestFigures struct {
	Version    string        `json:"version"`
	Frauds     int           `json:"frauds"`
	Caught     int           `json:"caught"`
	Missed     int           `json:"missed"`
	False      int           `json:"false_positives" doc:"Honest transfers, as far as is known, with an alert"`
	Honest     int64         `json:"honest"`
	FalseStops int           `json:"false_stops"`
	Precision  float64       `json:"precision"`
	Recall     float64       `json:"recall"`
	Days       []BacktestDay `json:"days"`
}

// BacktestDay is one day's alerts.
type BacktestDay struct {
	Day    string `json:"day" format:"date"`
	Stop   int    `json:"stop"`
	Review int    `json:"review"`
	Warn   int    `json:"warn"`
}

// BacktestChange is how a pattern's alerts differ.
type BacktestChange struct {
	Pattern string `json:"pattern"`
	Alerts  int    `json:"alerts"`
	True    int    `json:"true_alerts"`
	False   int    `json:"false_alerts"`
}
