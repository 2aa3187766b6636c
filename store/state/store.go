// Package state keeps the states of the entities of one legs partition beside the
// scorer that owns them, on this machine's disk: a Pebble store for each partition,
// with the checkpoint that the states belong to. What a checkpoint wrote is there
// after a crash, whole; what came after it is not there at all.
//
// Beside the states lies how far a copy from the remote checkpoint has come, and an
// identity that refuses what belongs to others. Start with [NewCache] and [Open].
package state

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"stopline.internal/stream/event"
)

// Row is what is kept of one entity, as bytes that scoring made.
type Row struct {
	Entity  event.Entity
	Version uint64 // grows with each leg applied
	State   []byte
}

// Checkpoint is how far the partition has been scored, and what belongs to that
// place beside the states. The bytes are scoring's.
type Checkpoint struct {
	Offset   int64  // of the legs partition: next to read; above 0
	Marks    []byte // last offset of each source partition
	Controls []byte // what people had decided; nil where that has not changed since the last checkpoint
	Wanted   []byte // accounts whose payments are searched for
}

// The bounds of one store's memory beside the cache, in bytes, and of the files that
// it keeps open.
const (
	memTable  = 8 << 20
	openFiles = 256
	filter    = bloom.FilterPolicy(10) // bits a key: an entity that is new is not looked for on the disk, 99 times in 100
)

// Cache is the memory for blocks that were read, shared by the stores of a process.
type Cache struct{ blocks *pebble.Cache }

// NewCache returns a cache of so many bytes.
func NewCache(bytes int64) *Cache { return &Cache{pebble.NewCache(bytes)} }

// Close lets the cache go once the stores that use it are closed.
func (c *Cache) Close() { c.blocks.Unref() }

// Options say where a store lies and whose it is.
type Options struct {
	Dir      string // of this partition alone; it is made where it is missing
	Identity Identity
	Cache    *Cache // nil: a small one of its own
	Log      *slog.Logger
	ReadOnly bool // for whoever only looks

	fs vfs.FS // nil: the disk
}

// Store is the states of a legs partition. One goroutine reads states and begins
// checkpoints; another may commit one, a third copy or view meanwhile.
type Store struct {
	options Options
	db      *pebble.DB
	keys    [][]byte // of Read, used again
	buf     []byte

	mu         sync.Mutex // of what follows, and held while states are written
	checkpoint Checkpoint
	has        bool
	copied     Copy
}

// Open opens a partition's store, or makes an empty one. It fails where another
// process has it, and where it belongs to others or was written by a newer version. One
// whose states have an older encoding is emptied: they are made anew.
func Open(o Options) (*Store, error) {
	if o.fs == nil {
		o.fs = vfs.Default
	}
	s := &Store{options: o}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("the states under %s: %w", o.Dir, err)
	}
	return s, nil
}

func (s *Store) open() error {
	o := &pebble.Options{FS: s.options.fs, MemTableSize: memTable, MaxOpenFiles: openFiles, ReadOnly: s.options.ReadOnly,
		ErrorIfNotExists: s.options.ReadOnly, Logger: logger{s.options.Log},
		FormatMajorVersion: pebble.FormatTableFormatV6}
	if s.options.Cache != nil {
		o.Cache = s.options.Cache.blocks
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = filter
	}
	if _, err := s.options.fs.Stat(s.options.Dir); err != nil && s.options.ReadOnly {
		return fmt.Errorf("there are none: %w", err)
	}
	db, err := pebble.Open(s.options.Dir, o)
	if err != nil {
		return s.explain(err)
	}
	s.db = db
	older, err := s.identify()
	if err == nil && older {
		err = s.Wipe()
	} else if err == nil {
		err = s.load()
	}
	if err != nil {
		err = errors.Join(err, s.Close())
	}
	return err
}

// explain says what to do where Pebble cannot open a store.
func (s *Store) explain(err error) error {
	switch {
	case errors.Is(err, pebble.ErrDBDoesNotExist):
		return fmt.Errorf("there are none: %w", err)
	case isLocked(err):
		return fmt.Errorf("another process has them; each needs a --data of its own: %w", err)
	}
	return fmt.Errorf("cannot be opened; where they were written by a newer version go back to that, else move the "+
		"directory away, and they are made anew: %w", err)
}

// Close closes the store. Its batches and views are closed before.
func (s *Store) Close() error {
	if s.db == nil {
		return nil
	}
	err := s.db.Close()
	s.db = nil
	return err
}

// Wipe empties the store.
func (s *Store) Wipe() error {
	if err := s.Close(); err != nil {
		return err
	}
	if err := s.options.fs.RemoveAll(s.options.Dir); err != nil {
		return err
	}
	s.mu.Lock()
	s.checkpoint, s.has, s.copied = Checkpoint{}, false, Copy{}
	s.mu.Unlock()
	return s.open()
}

// Read looks up entities, and calls found for each that has a state, in no order of
// the caller's. The state's bytes are the store's again when found returns.
func (s *Store) Read(entities []event.Entity, found func(Row) error) error {
	s.keys, s.buf = sortedKeys(s.keys[:0], s.buf[:0], entities)
	for _, k := range s.keys {
		value, closer, err := s.db.Get(k)
		if errors.Is(err, pebble.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read the states under %s: %w", s.options.Dir, err)
		}
		row, _, err := decode(k, value)
		if err == nil {
			err = found(row)
		}
		if err = errors.Join(err, closer.Close()); err != nil {
			return err
		}
	}
	return nil
}

// Checkpoint is the last one; false where there is none. Its bytes must not be
// changed.
func (s *Store) Checkpoint() (Checkpoint, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.checkpoint, s.has
}

// Bytes is about how much of the disk the store takes.
func (s *Store) Bytes() uint64 { return s.db.Metrics().DiskSpaceUsage() }

// Dir is where the store of a partition lies under a process's data: the topics'
// prefix has a directory of its own.
func Dir(data, prefix string, partition int) string {
	if prefix == "" {
		prefix = "stopline"
	}
	return filepath.Join(data, "states", prefix, fmt.Sprint(partition))
}

// logger hands on what Pebble says. What it calls fatal, such as a log that the disk
// does not take, ends the process: it can no longer tell what is on the disk.
type logger struct{ log *slog.Logger }

func (logger) Infof(string, ...any) {}

func (l logger) Errorf(format string, args ...any) {
	if l.log != nil {
		l.log.Error("the store of states", "err", fmt.Sprintf(format, args...))
	}
}

func (l logger) Fatalf(format string, args ...any) {
	l.Errorf(format, args...)
	fmt.Fprintf(os.Stderr, "the store of states cannot go on: "+format+"\n", args...)
	os.Exit(1)
}
