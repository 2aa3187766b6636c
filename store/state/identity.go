package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// format is the form of the store itself: keys, values, what lies beside them.
const format = 1

// Identity says whose states they are.
type Identity struct {
	Prefix     string // of the topics
	Partitions int    // of the legs: another number gives an entity to another partition
	Partition  int
	Encoding   int // version of the states' bytes
}

// owner is an identity as it is kept.
type owner struct {
	Format     int    `json:"format"`
	Encoding   int    `json:"encoding"`
	Prefix     string `json:"prefix"`
	Partitions int    `json:"partitions"`
	Partition  int    `json:"partition"`
}

// identify compares the identity that is kept with the one that is asked for, and
// writes it into an empty store. It says whether the states are of an older form.
func (s *Store) identify() (older bool, err error) {
	i := &s.options.Identity
	want := owner{format, i.Encoding, i.Prefix, i.Partitions, i.Partition}
	b, err := s.meta(keyIdentity)
	if err != nil {
		return false, err
	}
	if b == nil {
		if s.options.ReadOnly {
			return false, errors.New("there are none yet")
		}
		doc, err := json.Marshal(want)
		if err != nil {
			return false, err
		}
		return false, s.db.Set(keyIdentity, doc, pebble.Sync)
	}
	var have owner
	if err := json.Unmarshal(b, &have); err != nil {
		return false, fmt.Errorf("their identity cannot be read: %w", err)
	}
	switch {
	case have.Format > want.Format:
		return false, fmt.Errorf("written by a newer version: needs format %d; this one knows %d", have.Format, want.Format)
	case have.Encoding > want.Encoding:
		return false, fmt.Errorf("written by a newer version: needs encoding %d of states; this one knows %d",
			have.Encoding, want.Encoding)
	case have.Prefix != want.Prefix || have.Partitions != want.Partitions || have.Partition != want.Partition:
		return false, fmt.Errorf("they belong to partition %d of %d of the topics with the prefix %q, not to %d of %d "+
			"with %q: "+
			"start with another --data", have.Partition, have.Partitions, have.Prefix, want.Partition, want.Partitions,
			want.Prefix)
	}
	older = have.Format < want.Format || have.Encoding < want.Encoding
	if older && s.options.ReadOnly {
		return false, errors.New("written by an older version, whose states this one makes anew")
	}
	return older, nil
}

// meta reads one of the keys beside the states; nil where it is missing.
func (s *Store) meta(key []byte) ([]byte, error) { return get(s.db, key) }

func get(from pebble.Reader, key []byte) ([]byte, error) {
	value, closer, err := from.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return append([]byte{}, value...), closer.Close()
}

// load reads what lies beside the states.
func (s *Store) load() error {
	cp, has, err := readCheckpoint(s.db)
	if err != nil {
		return err
	}
	doc, err := s.meta(keyCopy)
	if err != nil {
		return err
	}
	var c Copy
	if doc != nil {
		if err := json.NewDecoder(bytes.NewReader(doc)).Decode(&c); err != nil {
			return fmt.Errorf("how far the copy has come cannot be read: %w", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checkpoint, s.has, s.copied = cp, has, c
	return nil
}

// isLocked says whether another process holds the directory. The file system's error
// has no type of its own.
func isLocked(err error) bool {
	text := err.Error()
	return strings.Contains(text, "lock held by current process") ||
		strings.Contains(text, "resource temporarily unavailable")
}
