package center

import (
	"cmp"

	"stopline.internal/scoring"
)

// patternNames are the names of the patterns in force, Chinese and English. They
// are read out of a catalogue once.
func (s *base) patternNames() patternNames {
	p, ok := s.Book.Current()
	if !ok {
		return nil
	}
	if n := s.names.Load(); n != nil && n.version == p.Version {
		return n.of
	}
	n := &catalogueNames{p.Version, patternNames{}}
	if c, err := scoring.ParseCatalogue("the catalogue in force", []byte(p.Text)); err == nil {
		for _, pt := range c.Patterns {
			n.of[pt.ID] = [2]string{pt.Name.ZH, pt.Name.EN}
		}
	}
	s.names.Store(n)
	return n.of
}

// catalogueNames are the names of a catalogue's patterns.
type catalogueNames struct {
	version string
	of      patternNames
}

// patternNames are patterns' names by id, Chinese and English.
type patternNames map[string][2]string

// name is a pattern's name; its id where the catalogue in force has none.
func (n patternNames) name(id string) (zh, en string) {
	return cmp.Or(n[id][0], id), cmp.Or(n[id][1], id)
}
