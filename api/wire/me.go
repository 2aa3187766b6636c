package wire

import "stopline.internal/api/access"

// Me is the owner of a key.
type Me struct {
	Name string      `json:"name"`
	Role access.Role `json:"role" enum:"analyst,supervisor,police,bank,admin"`
	Bank string      `json:"bank,omitempty" doc:"Of a bank's key"`

	Simulation *SimulationRef `json:"simulation,omitempty" doc:"Where the service watches over a simulated city, whose clock runs by itself"`
}

// SimulationRef says how fast a simulated city's clock runs.
type SimulationRef struct {
	Speed float64 `json:"speed" example:"300" doc:"Seconds of the city in one of ours, as asked for"`
	Pace  float64 `json:"pace" example:"120" doc:"The same, now: less where the machine does not carry more"`
}

// Clock is the service's time, as the stream for consoles tells it.
type Clock struct {
	At   string   `json:"at"`
	Pace *float64 `json:"pace,omitempty"` // of a simulated city
}

// Page is the part of a list that a query asks for.
type Page struct {
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
	After string `query:"after" maxLength:"200" doc:"The cursor \"next\" of the page before"`
}
