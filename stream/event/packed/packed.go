// Package packed reads numbers and texts from the bytes that legs and states are
// kept in. It allocates nothing, and bytes that end too soon fail it for good: the
// caller asks once, at the end. Start with [NewReader].
package packed

import "encoding/binary"

// Reader reads one value after another. After a failure every value is zero.
type Reader struct {
	rest   []byte
	failed bool
}

// NewReader returns a reader of b, which must not change while it is read.
func NewReader(b []byte) Reader { return Reader{rest: b} }

// Fail ends the reading: what follows is not what it should be.
func (r *Reader) Fail() { r.rest, r.failed = nil, true }

// Failed says whether the bytes ended too soon, or [Reader.Fail] was called.
func (r *Reader) Failed() bool { return r.failed }

// Left is the number of bytes that have not been read.
func (r *Reader) Left() int { return len(r.rest) }

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if len(r.rest) == 0 {
		r.Fail()
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

// Uint reads an unsigned varint.
func (r *Reader) Uint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.Fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// Int reads a signed varint.
func (r *Reader) Int() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.Fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// Hash reads eight bytes, the lowest first.
func (r *Reader) Hash() uint64 {
	if b := r.Bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// Bytes reads the next n bytes, without copying them; nil where there are fewer.
func (r *Reader) Bytes(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.Fail()
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}
