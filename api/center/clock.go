package center

import "stopline.internal/api/wire"

// Simulation says that the service works on the time of a simulated city.
type Simulation struct {
	Speed float64        // seconds of the city in one of ours, as asked for
	Pace  func() float64 // the same, now: a machine may carry less
}

func (b *base) clockNow() wire.Clock {
	c := wire.Clock{At: b.Clock().String()}
	if b.Simulation != nil {
		pace := b.Simulation.Pace()
		c.Pace = &pace
	}
	return c
}
