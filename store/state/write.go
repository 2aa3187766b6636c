package state

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"stopline.internal/stream/event"
)

// Batch is what a checkpoint writes. It is begun, filled, and then committed or closed.
type Batch struct {
	store *Store
	batch *pebble.Batch
	at    Checkpoint
	n     int
}

// Begin begins the batch of a checkpoint.
func (s *Store) Begin(at Checkpoint) *Batch { return &Batch{store: s, batch: s.db.NewBatch(), at: at} }

// Put adds a state; the row's bytes are the caller's again at once.
func (b *Batch) Put(r Row) error {
	b.n++
	return put(b.batch, &r, uint64(b.at.Offset))
}

// Len is the number of states, Size of the batch in bytes.
func (b *Batch) Len() int { return b.n }

// Size is that of the batch, in bytes.
func (b *Batch) Size() int { return b.batch.Len() }

// Offset is that of the checkpoint.
func (b *Batch) Offset() int64 { return b.at.Offset }

// Close throws the batch away.
func (b *Batch) Close() error { return b.batch.Close() }

// Commit writes the states and their checkpoint, all or nothing, and returns once they
// are on the disk. The batch is closed then.
func (b *Batch) Commit() error { return b.commit(nil) }

// CommitWith does so with how far a copy has come.
func (b *Batch) CommitWith(c Copy) error { return b.commit(&c) }

func (b *Batch) commit(c *Copy) error {
	s := b.store
	defer func() { _ = b.batch.Close() }() // what it was made for has happened, or the error tells
	for _, kv := range []struct{ key, value []byte }{
		{keyOffset, binary.BigEndian.AppendUint64(nil, uint64(b.at.Offset))},
		{keyMarks, b.at.Marks}, {keyControls, b.at.Controls}, {keyWanted, b.at.Wanted}} {
		if kv.value == nil && string(kv.key) == string(keyControls) {
			continue
		}
		if err := b.batch.Set(kv.key, kv.value, nil); err != nil {
			return err
		}
	}
	if c != nil {
		if err := setCopy(b.batch, *c); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := b.batch.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("write the states under %s: %w", s.options.Dir, err)
	}
	if b.at.Controls == nil {
		b.at.Controls = s.checkpoint.Controls
	}
	s.checkpoint, s.has = b.at, true
	if c != nil {
		s.copied = *c
	}
	return nil
}

// readCheckpoint reads it as of a moment; false where there is none.
func readCheckpoint(from pebble.Reader) (c Checkpoint, has bool, err error) {
	offset, err := get(from, keyOffset)
	if err != nil || len(offset) != 8 {
		return c, false, err
	}
	c.Offset = int64(binary.BigEndian.Uint64(offset))
	for _, kv := range []struct {
		key []byte
		to  *[]byte
	}{{keyMarks, &c.Marks}, {keyControls, &c.Controls}, {keyWanted, &c.Wanted}} {
		if *kv.to, err = get(from, kv.key); err != nil {
			return c, false, err
		}
	}
	return c, true, nil
}

// Copy is how far the states of a remote checkpoint have been copied here, in the order
// of the entities' names. The zero value has copied nothing.
type Copy struct {
	From  int64        `json:"from"`            // offset of the remote checkpoint that the store began with
	After event.Entity `json:"after,omitempty"` // the last entity that was copied
	Whole bool         `json:"whole"`           // nothing is missing
}

// Covers says whether an entity that is not here has no state there either.
func (c *Copy) Covers(e event.Entity) bool { return c.Whole || e <= c.After }

func setCopy(b *pebble.Batch, c Copy) error {
	doc, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return b.Set(keyCopy, doc, nil)
}

// Copied is how far the copy has come.
func (s *Store) Copied() Copy {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.copied
}

// AddCopied writes a page of a copy, but for states that are here in the same or a
// newer version, and how far the copy has come with it. A crash may lose the page
// and that together.
func (s *Store) AddCopied(rows []Row, c Copy) error {
	b := s.db.NewBatch()
	defer func() { _ = b.Close() }() // what it was made for has happened, or the error tells
	s.mu.Lock()
	defer s.mu.Unlock()
	key := []byte(nil)
	for i := range rows {
		key = appendKey(key[:0], rows[i].Entity)
		if here, err := get(s.db, key); err != nil {
			return err
		} else if here != nil {
			if old, _, err := decode(key, here); err != nil || old.Version >= rows[i].Version {
				continue
			}
		}
		if err := put(b, &rows[i], 0); err != nil {
			return err
		}
	}
	if err := setCopy(b, c); err != nil {
		return err
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("write the states under %s: %w", s.options.Dir, err)
	}
	s.copied = c
	return nil
}

// View is the store as one checkpoint left it. It is closed after use.
type View struct {
	snapshot   *pebble.Snapshot
	checkpoint Checkpoint
}

// View holds on to the last checkpoint; nil where there is none.
func (s *Store) View() (*View, error) {
	v := &View{snapshot: s.db.NewSnapshot()}
	cp, has, err := readCheckpoint(v.snapshot)
	if err != nil || !has {
		return nil, errors.Join(err, v.snapshot.Close())
	}
	v.checkpoint = cp
	return v, nil
}

// Checkpoint is the one that the view holds.
func (v *View) Checkpoint() Checkpoint { return v.checkpoint }

// Close lets the view go.
func (v *View) Close() error { return v.snapshot.Close() }

// Each calls yield for each state that checkpoints after an offset have written; for
// all of them where that is 0. It reads the whole store, about 1 µs a state. The
// state's bytes are the view's again when it returns.
func (v *View) Each(after int64, yield func(Row) error) error {
	it, err := v.snapshot.NewIter(&pebble.IterOptions{UpperBound: keyEnd})
	if err != nil {
		return err
	}
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		var r Row
		var at uint64
		if r, at, err = decode(it.Key(), it.Value()); err == nil && (after <= 0 || at > uint64(after)) {
			err = yield(r)
		}
	}
	return errors.Join(err, it.Error(), it.Close())
}
