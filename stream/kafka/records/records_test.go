package records

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go/compress"
)

var wide = Limits{Record: 1 << 20, All: 8 << 20, Skip: 64 << 20, Copy: 16}

// rec is the bytes of a record with its length before it, as the protocol has it.
func rec(delta int64, key, value string, headers ...string) []byte {
	b := []byte{0}
	b = binary.AppendVarint(b, 5*delta) // milliseconds after the first
	b = binary.AppendVarint(b, delta)
	text := func(s string) {
		b = binary.AppendVarint(b, int64(len(s)))
		b = append(b, s...)
	}
	text(key)
	text(value)
	b = binary.AppendVarint(b, int64(len(headers)/2))
	for _, h := range headers {
		text(h)
	}
	return append(binary.AppendVarint(nil, int64(len(b))), b...)
}

// of describes a batch of a test.
type of struct {
	base, last int64
	flags      uint16
	producer   int64
	records    [][]byte
}

// raw lays a batch out.
func (o of) raw() []byte {
	body := bytes.Join(o.records, nil)
	if c := compress.Compression(o.flags & flagCodec).Codec(); c != nil {
		var z bytes.Buffer
		w := c.NewWriter(&z)
		_, _ = w.Write(body)
		_ = w.Close()
		body = z.Bytes()
	}
	b := make([]byte, headSize, headSize+len(body))
	binary.BigEndian.PutUint64(b[headBase:], uint64(o.base))
	b[headMagic] = 2
	binary.BigEndian.PutUint16(b[headFlags:], o.flags)
	binary.BigEndian.PutUint32(b[headLast:], uint32(o.last-o.base))
	binary.BigEndian.PutUint64(b[headTime:], 1000)
	binary.BigEndian.PutUint64(b[headMaxTime:], 7777)
	binary.BigEndian.PutUint64(b[headProducer:], uint64(o.producer))
	binary.BigEndian.PutUint32(b[headCount:], uint32(len(o.records)))
	b = append(b, body...)
	binary.BigEndian.PutUint32(b[headLength:], uint32(len(b)-12))
	binary.BigEndian.PutUint32(b[headSum:], crc32.Checksum(b[headFlags:], castagnoli))
	return b
}

// values lists what was read, with its offset; what could not be read as "!".
func values(list []Record) (out []string) {
	for _, r := range list {
		v := string(r.Value)
		if r.Unreadable != nil {
			v = "!"
		}
		out = append(out, string(rune('0'+r.Offset))+v)
	}
	return out
}

// Every compression gives the same records, with their key, time and headers.
func TestRecords(t *testing.T) {
	for codec := range uint16(5) {
		raw := of{base: 3, last: 4, flags: codec, producer: -1,
			records: [][]byte{rec(0, "k", "a", "h", "x", "i", ""), rec(1, "", "b")}}.raw()
		got, next := Read(raw, 3, nil, wide, nil)
		if next != 5 || !slices.Equal(values(got), []string{"3a", "4b"}) {
			t.Fatalf("compression %d: %v, on from %d", codec, values(got), next)
		}
		if r := got[0]; string(r.Key) != "k" || r.Millis != 1000 || len(r.Headers) != 2 || r.Headers[0].Key != "h" ||
			string(r.Headers[0].Value) != "x" || got[1].Millis != 1005 {
			t.Errorf("compression %d: %+v", codec, r)
		}
		if got, next = Read(raw, 4, nil, wide, nil); next != 5 || !slices.Equal(values(got), []string{"4b"}) {
			t.Errorf("compression %d from 4 on: %v, on from %d", codec, values(got), next)
		}
	}
}

// The broker's own time is that of all records of a batch.
func TestTimeOfTheBroker(t *testing.T) {
	got, _ := Read(of{flags: flagAppendTime, last: 1, records: [][]byte{rec(0, "", "a"), rec(1, "", "b")}}.raw(), 0, nil,
		wide, nil)
	if len(got) != 2 || got[0].Millis != 7777 || got[1].Millis != 7777 {
		t.Errorf("%+v", got)
	}
}

// A batch that is cut off is left to the next call; compaction leaves gaps, and
// whole batches without a record.
func TestCutOffAndCompacted(t *testing.T) {
	one := of{base: 0, last: 2, records: [][]byte{rec(0, "", "a"), rec(2, "", "c")}}.raw()
	empty := of{base: 3, last: 5}.raw()
	two := of{base: 6, last: 6, records: [][]byte{rec(0, "", "d")}}.raw()
	all := slices.Concat(one, empty, two)
	for n := range len(all) + 1 {
		want, next := []string(nil), int64(0)
		if n >= len(one) {
			want, next = []string{"0a", "2c"}, 3
		}
		if n >= len(one)+len(empty) {
			next = 6
		}
		if n == len(all) {
			want, next = append(want, "6d"), 7
		}
		got, to := Read(all[:n], 0, nil, wide, nil)
		if to != next || !slices.Equal(values(got), want) {
			t.Fatalf("of %d bytes: %v, on from %d; want %v, %d", n, values(got), to, want, next)
		}
	}
}

// Of transactions only what was committed is read, wherever the reading begins;
// markers are never records.
func TestTransactions(t *testing.T) {
	part := func(base, producer int64, value string) []byte {
		return of{base: base, last: base, flags: flagTransactional, producer: producer,
			records: [][]byte{rec(0, "", value)}}.raw()
	}
	marker := func(base, producer int64, kind byte) []byte {
		return of{base: base, last: base, flags: flagTransactional | flagControl, producer: producer,
			records: [][]byte{rec(0, string([]byte{0, 0, 0, kind}), "v")}}.raw()
	}
	log := [][]byte{
		part(0, 7, "aborted"), part(1, 8, "b"), of{base: 2, last: 2, producer: -1, records: [][]byte{rec(0, "", "c")}}.raw(),
		part(3, 7, "aborted"), marker(4, 7, 0), part(5, 7, "f"), marker(6, 8, 1), marker(7, 7, 1),
		part(8, 8, "aborted"), marker(9, 8, 0),
	}
	aborted := []Aborted{{8, 8}, {7, 0}}
	want := []string{"1b", "2c", "5f"}
	for from := range int64(10) {
		left := slices.DeleteFunc(slices.Clone(want), func(v string) bool { return int64(v[0]-'0') < from })
		list := slices.DeleteFunc(slices.Clone(aborted), func(a Aborted) bool { return a.ProducerID == 7 && from > 4 })
		got, next := Read(bytes.Join(log[from:], nil), from, list, wide, nil)
		if next != 10 || !slices.Equal(values(got), left) {
			t.Errorf("from %d: %v, on from %d; want %v", from, values(got), next, left)
		}
	}
}

// One record that decompresses to more than a record may be is passed over with its
// beginning kept, and its neighbours are read; nothing of its size is ever held.
func TestDecompressedSizeIsBounded(t *testing.T) {
	bomb := strings.Repeat(" ", 32<<20)
	for _, codec := range []uint16{1, 2, 3, 4} {
		raw := of{last: 2, flags: codec, records: [][]byte{rec(0, "", "a"), rec(1, "", bomb), rec(2, "", "c")}}.raw()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, _ := Read(raw, 0, nil, wide, nil)
		runtime.ReadMemStats(&after)
		allocated := after.TotalAlloc - before.TotalAlloc
		if !slices.Equal(values(got), []string{"0a", "1!", "2c"}) || !errors.Is(got[1].Unreadable, ErrTooLarge) ||
			got[1].Size < 32<<20 || len(got[1].Value) != wide.Copy {
			t.Errorf("compression %d: %v", codec, values(got))
		}
		if allocated > 16<<20 {
			t.Errorf("compression %d: %d bytes were allocated for a bomb of 32 MB", codec, allocated)
		}
		tight := wide
		tight.Skip = 1 << 20
		got, next := Read(raw, 0, nil, tight, nil)
		if next != 3 || !slices.Equal(values(got), []string{"0a", "1!"}) || got[1].Last != 2 {
			t.Errorf("compression %d with less to pass over: %v, on from %d", codec, values(got), next)
		}
	}
}

// What one call brings is bounded; the next one goes on within the batch.
func TestAllIsBounded(t *testing.T) {
	raw := of{last: 3, flags: 4, records: [][]byte{rec(0, "", "aaaa"), rec(1, "", "bbbb"), rec(2, "", "cccc"),
		rec(3, "", "dddd")}}.raw()
	lim := wide
	lim.All = 15 // a record has ten bytes
	var got []string
	calls := 0
	for next := int64(0); next < 4; calls++ {
		var list []Record
		list, next = Read(raw, next, nil, lim, nil)
		got = append(got, values(list)...)
	}
	if calls != 2 || !slices.Equal(got, []string{"0aaaa", "1bbbb", "2cccc", "3dddd"}) {
		t.Errorf("%v in %d calls", got, calls)
	}
}

// What is damaged is said, kept and passed over; what follows it is read.
func TestDamaged(t *testing.T) {
	good := of{base: 9, last: 9, records: [][]byte{rec(0, "", "z")}}.raw()
	damaged := of{base: 2, last: 8, records: [][]byte{rec(0, "", "a"), rec(1, "", "b")}}.raw()
	sum := slices.Clone(damaged)
	sum[len(sum)-1] ^= 1
	old := slices.Clone(damaged)
	old[headMagic] = 1
	codec := of{base: 2, last: 8, flags: 6, records: [][]byte{rec(0, "", "a")}}.raw()
	count := of{base: 2, last: 8, records: [][]byte{rec(0, "", "a"), {40, 0, 0}}}.raw()
	for name, c := range map[string]struct {
		raw  []byte
		why  error
		want []string
		last int64
	}{
		"checksum": {sum, ErrDamaged, []string{"2!", "9z"}, 8},
		"format":   {old, ErrFormat, []string{"2!", "9z"}, 2},
		"codec":    {codec, ErrFormat, []string{"2!", "9z"}, 8},
		"length":   {count, ErrDamaged, []string{"2a", "3!", "9z"}, 8},
	} {
		got, next := Read(slices.Concat(c.raw, good), 2, nil, wide, nil)
		i := slices.IndexFunc(got, func(r Record) bool { return r.Unreadable != nil })
		if next != 10 || !slices.Equal(values(got), c.want) || i < 0 || !errors.Is(got[i].Unreadable, c.why) ||
			got[i].Last != c.last || len(got[i].Value) != wide.Copy || got[i].Size != int64(len(c.raw)) {
			t.Errorf("%s: %v, on from %d: %+v", name, values(got), next, got)
		}
	}
}

// Whatever comes, reading ends, goes forward, and hands out nothing twice.
func FuzzRead(f *testing.F) {
	f.Add(of{base: 3, last: 4, flags: 1, records: [][]byte{rec(0, "k", "a", "h", "x"), rec(1, "", "b")}}.raw(), int64(3))
	f.Add(of{last: 1, flags: flagTransactional, producer: 4, records: [][]byte{rec(0, "", "a"), rec(1, "", "b")}}.raw(),
		int64(0))
	lim := Limits{Record: 1 << 10, All: 4 << 10, Skip: 1 << 20, Copy: 16}
	f.Fuzz(func(t *testing.T, raw []byte, from int64) {
		got, next := Read(raw, from, []Aborted{{4, 9}}, lim, nil)
		if next < from {
			t.Fatalf("from %d back to %d", from, next)
		}
		for _, r := range got {
			if r.Offset < from || r.Last < r.Offset || len(r.Value) > lim.All {
				t.Fatalf("from %d: %+v", from, r)
			}
			from = r.Last + 1
		}
		if from > next {
			t.Fatalf("on from %d, behind which records were read", next)
		}
	})
}
