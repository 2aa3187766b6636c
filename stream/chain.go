package stream

import (
	"errors"
	"fmt"
	"strconv"

	"stopline.internal/scoring"
	"stopline.internal/stream/kafka"
)

// chainWatch counts what becomes of legs, and says when a source stands still.
type chainWatch struct {
	*worker
	gaps map[string]bool // by source partition, whether legs of it are missing
}

// note counts the fate of a block's legs.
func (c *chainWatch) note(m *kafka.Message, f *scoring.Fate) {
	sources := c.Topics.Sources()
	if f.Span.Epoch == 0 || int(f.Span.Topic) >= len(sources) {
		return
	}
	source := fmt.Sprintf("%s/%d", sources[f.Span.Topic], f.Span.Partition)
	count := func(fate string, n int) {
		if n > 0 {
			c.Metrics.Chain.WithLabelValues(source, fate).Add(float64(n))
		}
	}
	count("applied", f.Applied)
	count("repeated", f.Repeated)
	gap := errors.Is(f.Refused, scoring.ErrGap)
	if gap {
		count("gap", f.Passed)
	} else {
		count("replaced", f.Passed)
	}
	if gap == c.gaps[source] || f.Refused != nil && !gap {
		return
	}
	c.gaps[source] = gap
	partition := strconv.Itoa(m.Partition)
	c.Metrics.progress.failing(reading{"chain of " + source, m.Topic, m.Partition}, f.Refused)
	if !gap {
		c.Metrics.Gap.DeleteLabelValues(source, partition)
		c.Log.Warn("legs that were missing have been written again", "source", source, "partition", partition)
		return
	}
	c.Metrics.Gap.WithLabelValues(source, partition).Set(1)
	c.Log.Error("legs of a source are missing, and nothing of it is scored until they are written again: "+
		"\"stopline log rewind\"", "source", source, "partition", partition, "offset", m.Offset, "err", f.Refused)
}
