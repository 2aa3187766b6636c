package records

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
)

// Record is a record of a partition, or what is left of one, or of a whole batch,
// that cannot be read.
type Record struct {
	Offset  int64
	Millis  int64 // Unix time
	Key     []byte
	Value   []byte
	Headers []Header
	// Unreadable says why the record, or everything from Offset to Last, cannot be
	// read. Value then holds the first bytes of it, at most [Limits.Copy], as they
	// came; Size is how many there were, as far as they were looked at.
	Unreadable error
	Last       int64
	Size       int64
}

// Header is one of a record's headers.
type Header struct {
	Key   string
	Value []byte
}

// Aborted is a transaction that its producer gave up, as the broker lists it.
type Aborted struct {
	ProducerID  int64
	FirstOffset int64
}

// Limits bound what one call brings, in bytes after decompression.
type Limits struct {
	Record int // of a record with its key and headers
	All    int // of all records together; what is left over is read by the next call
	Skip   int // of what is decompressed of one batch only to be passed over
	Copy   int // kept of what cannot be read
}

// Why a record or a batch cannot be read.
var (
	ErrTooLarge = errors.New("it is larger than a record may be")
	ErrDamaged  = errors.New("its bytes are damaged")
	ErrFormat   = errors.New("it has a format from before Kafka 0.11, or a newer one than is known")
)

// The layout of a batch's head, in bytes.
const (
	headBase     = 0  // offset of the first record
	headLength   = 8  // of what follows
	headMagic    = 16 // the format
	headSum      = 17 // CRC-32C of what follows
	headFlags    = 21
	headLast     = 23 // offset of the last record, less that of the first
	headTime     = 27 // of the first record
	headProducer = 43
	headCount    = 57 // records
	headSize     = 61
	headMinimum  = headMagic + 1
)

// The flags of a batch.
const (
	flagCodec         = 0x07
	flagAppendTime    = 0x08 // all records have the broker's time, which is at headMaxTime
	flagTransactional = 0x10
	flagControl       = 0x20
	headMaxTime       = 35
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// batch is one batch, as it came.
type batch struct {
	raw      []byte
	base     int64
	last     int64
	flags    uint16
	producer int64
	count    int
}

// Read appends the records of raw to dst that lie at from or behind it, and returns
// the offset to go on from: behind control records and aborted ones as well. The
// bytes of the records alias raw or a copy of this call's own. The last batch may
// be cut off; then the next call begins with it.
func Read(raw []byte, from int64, aborted []Aborted, lim Limits, dst []Record) ([]Record, int64) {
	s := scan{from: from, lim: lim, out: dst, open: map[int64]bool{}, aborted: slices.Clone(aborted)}
	slices.SortFunc(s.aborted, func(a, b Aborted) int { return cmp.Compare(a.FirstOffset, b.FirstOffset) })
	for s.room() {
		b, rest, ok := cut(raw)
		if !ok {
			break
		}
		raw = rest
		if b.last < s.from {
			s.mark(&b) // it is read already, but its transaction may go on
			continue
		}
		s.batch(&b)
	}
	return s.out, s.from
}

// cut takes the first batch from raw; false where there is no whole one.
func cut(raw []byte) (b batch, rest []byte, ok bool) {
	if len(raw) < headMinimum {
		return b, nil, false
	}
	length := int64(int32(binary.BigEndian.Uint32(raw[headLength:]))) + headLength + 4
	if length < headMinimum || length > int64(len(raw)) {
		return b, nil, false
	}
	b.raw, rest = raw[:length:length], raw[length:]
	b.base = int64(binary.BigEndian.Uint64(raw[headBase:]))
	b.last = b.base
	if b.raw[headMagic] != 2 || length < headSize {
		return b, rest, true
	}
	b.flags = binary.BigEndian.Uint16(b.raw[headFlags:])
	b.last = b.base + max(0, int64(int32(binary.BigEndian.Uint32(b.raw[headLast:]))))
	b.producer = int64(binary.BigEndian.Uint64(b.raw[headProducer:]))
	b.count = int(int32(binary.BigEndian.Uint32(b.raw[headCount:])))
	return b, rest, true
}

// check says what is wrong with a batch as a whole.
func (b *batch) check() error {
	if b.raw[headMagic] != 2 {
		return fmt.Errorf("%w: format %d", ErrFormat, b.raw[headMagic])
	}
	if len(b.raw) < headSize {
		return fmt.Errorf("%w: a batch of %d bytes", ErrDamaged, len(b.raw))
	}
	if want, have := binary.BigEndian.Uint32(b.raw[headSum:]), crc32.Checksum(b.raw[headFlags:],
		castagnoli); want != have {
		return fmt.Errorf("%w: checksum %08x in place of %08x", ErrDamaged, have, want)
	}
	return nil
}

// scan is one call of [Read].
type scan struct {
	from    int64
	lim     Limits
	bytes   int // of what is in out
	out     []Record
	aborted []Aborted
	open    map[int64]bool // producers within a transaction that was aborted
}

// room says whether another batch may be begun.
func (s *scan) room() bool { return s.bytes < s.lim.All }

// mark follows the transactions, and says whether the batch is to be passed over.
func (s *scan) mark(b *batch) (over bool) {
	for len(s.aborted) > 0 && s.aborted[0].FirstOffset <= b.last {
		s.open[s.aborted[0].ProducerID] = true
		s.aborted = s.aborted[1:]
	}
	if b.flags&flagControl != 0 { // a marker ends the producer's transaction, whichever way
		delete(s.open, b.producer)
		return true
	}
	return b.flags&flagTransactional != 0 && s.open[b.producer]
}

// batch reads one batch.
func (s *scan) batch(b *batch) {
	if err := b.check(); err != nil {
		s.unreadable(max(b.base, s.from), b.last, err, b.raw, int64(len(b.raw)))
		return
	}
	if s.mark(b) {
		s.from = b.last + 1
		return
	}
	if err := s.records(b); err != nil {
		s.unreadable(max(s.from, b.base), b.last, err, b.raw, int64(len(b.raw)))
	}
}

// unreadable notes what cannot be read, and goes on behind it.
func (s *scan) unreadable(first, last int64, why error, raw []byte, size int64) {
	n := min(len(raw), s.lim.Copy)
	s.out = append(s.out, Record{Offset: first, Last: last, Unreadable: why, Value: raw[:n:n], Size: size})
	s.bytes += n
	s.from = last + 1
}
