package pattern

import "math"

// Evidence is what patterns say together, each taken as an independent cause
// (noisy-or): one minus the product of what each leaves open. Patterns on trial
// count only where there are no others. The zero value is no evidence.
type Evidence struct {
	open, openOnTrial float64 // what the patterns so far leave open, 0 to 1
	begun, live       bool
}

// Add adds a pattern that hit, by its weight, 0 to 1.
func (e *Evidence) Add(weight float64, onTrial bool) {
	if !e.begun {
		e.open, e.openOnTrial, e.begun = 1, 1, true
	}
	if onTrial {
		e.openOnTrial *= 1 - weight
		return
	}
	e.live = true
	e.open *= 1 - weight
}

// OnTrial says whether every pattern so far is on trial.
func (e *Evidence) OnTrial() bool { return !e.live }

// Score is 0 to 1000. Of patterns on trial alone it is what it would have been.
func (e *Evidence) Score() int {
	switch {
	case !e.begun:
		return 0
	case e.live:
		return int(math.Round(1000 * (1 - e.open)))
	}
	return int(math.Round(1000 * (1 - e.openOnTrial)))
}
