package records

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/compress"
)

// records reads the records of a batch, as far as there is room; an error says that
// from [scan.from] on nothing can be made of it.
func (s *scan) records(b *batch) error {
	first := int64(binary.BigEndian.Uint64(b.raw[headTime:]))
	if b.flags&flagAppendTime != 0 {
		first = int64(binary.BigEndian.Uint64(b.raw[headMaxTime:]))
	}
	body := b.raw[headSize:]
	var source recordSource = &plain{body}
	if codec := b.flags & flagCodec; codec != 0 {
		c := compress.Compression(codec).Codec()
		if c == nil {
			return fmt.Errorf("%w: compression %d", ErrFormat, codec)
		}
		r := c.NewReader(bytes.NewReader(body))
		defer func() { _ = r.Close() }()
		source = &packed{from: bufio.NewReaderSize(r, 32<<10), lim: s.lim, skipped: int64(s.lim.Skip)}
	}
	for range b.count {
		if !s.room() {
			return nil
		}
		body, size, err := source.next()
		if err != nil {
			return err
		}
		r := Record{Size: size}
		if err := r.parse(body, b.base, first, size > int64(len(body))); err != nil {
			return err
		}
		if r.Offset < s.from {
			continue
		}
		if r.Offset > b.last {
			return fmt.Errorf("%w: a record lies at %d, behind its batch's end at %d", ErrDamaged, r.Offset, b.last)
		}
		if b.flags&flagAppendTime != 0 {
			r.Millis = first
		}
		if size > int64(s.lim.Record) {
			s.unreadable(r.Offset, r.Offset, fmt.Errorf("%w: %d bytes, where %d are allowed", ErrTooLarge, size, s.lim.Record),
				body, size)
			continue
		}
		s.bytes += len(body)
		s.out = append(s.out, r)
		s.from = r.Offset + 1
	}
	s.from = b.last + 1
	return nil
}

// recordSource hands out the records of a batch: the bytes of each, and their
// number; of one that is too large only the beginning.
type recordSource interface {
	next() (body []byte, size int64, err error)
}

// plain is a batch that is not compressed; its records alias it.
type plain struct{ left []byte }

func (p *plain) next() ([]byte, int64, error) {
	size, n := binary.Varint(p.left)
	if n <= 0 || size < 0 || size > int64(len(p.left)-n) {
		return nil, 0, fmt.Errorf("%w: a record of %d bytes where %d are left", ErrDamaged, size, len(p.left))
	}
	body := p.left[n : n+int(size) : n+int(size)]
	p.left = p.left[n+int(size):]
	return body, size, nil
}

// packed is a compressed batch. It is never there as a whole: a record is copied
// out where it may be, and passed over where it is too large.
type packed struct {
	from    *bufio.Reader
	lim     Limits
	skipped int64 // bytes that may still be passed over
	slab    []byte
}

// slabSize is how much is allocated at once for records.
const slabSize = 256 << 10

func (p *packed) next() ([]byte, int64, error) {
	size, err := binary.ReadVarint(p.from)
	if err != nil || size < 0 {
		return nil, 0, fmt.Errorf("%w: no length of a record: %w", ErrDamaged, broken(err))
	}
	keep := size
	if size > int64(p.lim.Record) {
		if keep = int64(p.lim.Copy); size-keep > p.skipped {
			return nil, 0, fmt.Errorf("%w: a record of %d bytes, too many even to pass over", ErrTooLarge, size)
		}
	}
	body := p.take(int(keep))
	if _, err := io.ReadFull(p.from, body); err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrDamaged, broken(err))
	}
	if size > keep {
		p.skipped -= size - keep
		if _, err := io.CopyN(io.Discard, p.from, size-keep); err != nil {
			return nil, 0, fmt.Errorf("%w: %w", ErrDamaged, broken(err))
		}
	}
	return body, size, nil
}

// take returns n bytes of their own.
func (p *packed) take(n int) []byte {
	if n > slabSize/4 {
		return make([]byte, n)
	}
	if n > len(p.slab) {
		p.slab = make([]byte, slabSize)
	}
	b := p.slab[:n:n]
	p.slab = p.slab[n:]
	return b
}

// broken is an end that comes too early as such.
func broken(err error) error {
	if err == nil || err == io.EOF { //nolint:errorlint // readers return it as it is
		return io.ErrUnexpectedEOF
	}
	return err
}

// parse reads a record's bytes; of one that is cut off what is there of it.
func (r *Record) parse(b []byte, base, first int64, cutOff bool) error {
	f := fields{left: b}
	f.bytes(1) // attributes, of which there are none
	r.Millis = first + f.number()
	r.Offset = base + f.number()
	r.Last = r.Offset
	if f.failed {
		return fmt.Errorf("%w: a record of %d bytes", ErrDamaged, len(b))
	}
	if cutOff {
		return nil
	}
	r.Key = f.field()
	r.Value = f.field()
	if n := f.number(); n > 0 && n <= int64(len(f.left)) { // each takes two bytes at least
		r.Headers = make([]Header, 0, n)
		for range n {
			r.Headers = append(r.Headers, Header{Key: string(f.field()), Value: f.field()})
		}
	} else if n != 0 {
		f.failed = true
	}
	if f.failed {
		return fmt.Errorf("%w: a record of %d bytes at %d", ErrDamaged, len(b), r.Offset)
	}
	return nil
}

// fields reads what a record consists of. After a failure everything is empty.
type fields struct {
	left   []byte
	failed bool
}

func (f *fields) number() int64 {
	v, n := binary.Varint(f.left)
	if n <= 0 {
		f.failed, f.left = true, nil
		return 0
	}
	f.left = f.left[n:]
	return v
}

func (f *fields) bytes(n int64) []byte {
	if n < 0 || n > int64(len(f.left)) {
		f.failed, f.left = true, nil
		return nil
	}
	b := f.left[:n:n]
	f.left = f.left[n:]
	return b
}

// field reads bytes with their length before them; nil where that is below 0.
func (f *fields) field() []byte {
	n := f.number()
	if n < 0 && !f.failed {
		return nil
	}
	return f.bytes(n)
}
