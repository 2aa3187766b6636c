package packed

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
)

// What was written comes back, and the end is reached without a failure.
func TestReader(t *testing.T) {
	b := []byte{7}
	b = binary.AppendUvarint(b, math.MaxUint64)
	b = binary.AppendVarint(b, math.MinInt64)
	b = binary.LittleEndian.AppendUint64(b, 0x0102030405060708)
	b = append(b, "text"...)
	r := NewReader(b)
	if v := r.Byte(); v != 7 {
		t.Errorf("byte %d", v)
	}
	if v := r.Uint(); v != math.MaxUint64 {
		t.Errorf("uint %d", v)
	}
	if v := r.Int(); v != math.MinInt64 {
		t.Errorf("int %d", v)
	}
	if v := r.Hash(); v != 0x0102030405060708 {
		t.Errorf("hash %x", v)
	}
	if v := r.Bytes(4); !bytes.Equal(v, []byte("text")) || r.Left() != 0 || r.Failed() {
		t.Errorf("%q, %d left, failed %v", v, r.Left(), r.Failed())
	}
	if v := r.Bytes(0); len(v) != 0 || r.Failed() {
		t.Errorf("nothing more: %q, failed %v", v, r.Failed())
	}
}

// Bytes that end too soon fail the reader, whatever is asked; what is asked after
// that is zero, also where bytes would be left.
func TestReaderFails(t *testing.T) {
	for name, read := range map[string]func(*Reader) bool{
		"byte":  func(r *Reader) bool { return r.Byte() == 0 },
		"uint":  func(r *Reader) bool { return r.Uint() == 0 },
		"int":   func(r *Reader) bool { return r.Int() == 0 },
		"hash":  func(r *Reader) bool { return r.Hash() == 0 },
		"bytes": func(r *Reader) bool { return r.Bytes(3) == nil },
	} {
		short := []byte{}
		if name == "uint" || name == "int" {
			short = []byte{0x80, 0x80} // a number that goes on
		} else if name != "byte" {
			short = []byte{1, 2}
		}
		r := NewReader(short)
		if !read(&r) || !r.Failed() || r.Left() != 0 {
			t.Errorf("%s: failed %v, %d left", name, r.Failed(), r.Left())
		}
	}
	r := NewReader([]byte{1, 2, 3})
	if r.Bytes(math.MaxUint64) != nil || r.Byte() != 0 || !r.Failed() {
		t.Error("a length beyond all memory was read")
	}
}
