package scoring

import (
	"fmt"
	"time"

	"stopline.internal/scoring/pattern"
	"stopline.internal/stream/event"
)

// seen are the values that a pattern saw, as an alert keeps them.
type seen struct{ values map[string]any }

func (s *seen) number(name string) float64 {
	v, _ := s.values[name].(float64)
	return v
}

func (s *seen) text(name string) string {
	v, _ := s.values[name].(string)
	return v
}

// seenFeatures are the features, read from what was kept.
func seenFeatures() []pattern.Feature[seen] {
	var out []pattern.Feature[seen]
	for _, f := range Features() {
		g := pattern.Feature[seen]{Name: f.Name, Doc: f.Doc, Of: f.Of, Type: f.Type, Money: f.Money, Signal: f.Signal,
			Note: f.Note, Cost: f.Cost}
		name, money := f.Name, f.Money
		switch f.Type {
		case pattern.Bool:
			g.Bool = func(s *seen) bool { v, _ := s.values[name].(bool); return v }
		case pattern.Double:
			g.Double = func(s *seen) float64 { return s.number(name) }
		case pattern.String:
			g.String = func(s *seen) string { return s.text(name) }
		case pattern.Duration:
			g.Int = func(s *seen) int64 {
				d, _ := time.ParseDuration(s.text(name)) // as it was written
				return int64(d)
			}
		default:
			g.Int = func(s *seen) int64 {
				if money {
					minor, _ := event.ParseMinor(s.text(name), 2)
					return minor
				}
				return int64(s.number(name))
			}
		}
		out = append(out, g)
	}
	return out
}

// Replay computes an alert again: the text of the catalogue in force then, and
// the values that each pattern saw. It returns the score, and the patterns that
// do not hold on their values.
func Replay(catalogue string, hits []Hit) (score int, fails []string, err error) {
	c, err := pattern.Parse("the catalogue of then", []byte(catalogue), seenFeatures())
	if err != nil {
		return 0, nil, fmt.Errorf("this program cannot follow the catalogue of then: %w", err)
	}
	byID := map[string]*pattern.Pattern[seen]{}
	for _, p := range c.Patterns {
		byID[p.ID] = p
	}
	var evidence pattern.Evidence
	for i := range hits {
		p := byID[hits[i].Pattern]
		if p == nil {
			fails = append(fails, hits[i].Pattern)
			continue
		}
		if hit, _ := p.Hits(&seen{hits[i].Values}); !hit {
			fails = append(fails, p.ID)
		}
		evidence.Add(p.Weight, p.Shadow)
	}
	return evidence.Score(), fails, nil
}
