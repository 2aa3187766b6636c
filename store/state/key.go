package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"stopline.internal/stream/event"
)

// Slots is the number of ranges that the entities are divided into: later they, and
// not entities, are what a partition owns.
const Slots = 4096

// Slot is the one that an entity belongs to.
func Slot(e event.Entity) uint16 { return uint16(event.Hash(string(e)) >> 52) }

// A state's key is its slot, the higher byte first, and the entity's name: a range of
// slots is a range of keys. What lies beside the states comes after all slots.
var (
	keyEnd      = []byte{0xff, 0xff} // behind the last state
	keyIdentity = []byte("\xff\xffidentity")
	keyOffset   = []byte("\xff\xffoffset")
	keyMarks    = []byte("\xff\xffmarks")
	keyControls = []byte("\xff\xffcontrols")
	keyWanted   = []byte("\xff\xffwanted")
	keyCopy     = []byte("\xff\xffcopy")
)

const slotBytes = 2

func appendKey(dst []byte, e event.Entity) []byte {
	return append(binary.BigEndian.AppendUint16(dst, Slot(e)), e...)
}

// sortedKeys appends the entities' keys to dst, in the store's order: neighbours lie in
// the same blocks. They share the memory of buf.
func sortedKeys(dst [][]byte, buf []byte, entities []event.Entity) (keys [][]byte, shared []byte) {
	size := 0
	for _, e := range entities {
		size += slotBytes + len(e)
	}
	buf = slices.Grow(buf, size)
	for _, e := range entities {
		from := len(buf)
		buf = appendKey(buf, e)
		dst = append(dst, buf[from:])
	}
	slices.SortFunc(dst, bytes.Compare)
	return dst, buf
}

var errShort = errors.New("a state's bytes end too soon")

// A value is the state's version, the offset of the checkpoint that wrote it (0: it was
// copied), and the state.
func valueSize(version, at uint64, state int) int {
	return uvarintSize(version) + uvarintSize(at) + state
}

func uvarintSize(v uint64) (n int) {
	for n = 1; v >= 0x80; n++ {
		v >>= 7
	}
	return n
}

// put writes a state into a batch.
func put(b *pebble.Batch, r *Row, at uint64) error {
	op := b.SetDeferred(slotBytes+len(r.Entity), valueSize(r.Version, at, len(r.State)))
	binary.BigEndian.PutUint16(op.Key, Slot(r.Entity))
	copy(op.Key[slotBytes:], r.Entity)
	n := binary.PutUvarint(op.Value, r.Version)
	n += binary.PutUvarint(op.Value[n:], at)
	copy(op.Value[n:], r.State)
	return op.Finish()
}

// decode splits a key and its value; the state's bytes remain the value's.
func decode(key, value []byte) (r Row, at uint64, err error) {
	version, n := binary.Uvarint(value)
	if n <= 0 || len(key) < slotBytes {
		return r, 0, errShort
	}
	at, m := binary.Uvarint(value[n:])
	if m <= 0 {
		return r, 0, errShort
	}
	return Row{event.Entity(key[slotBytes:]), version, value[n+m:]}, at, nil
}
