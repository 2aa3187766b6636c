package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"stopline.internal/stream/kafka/records"
)

// foreign is a producer of another make, as sources have it.
func foreign(t *testing.T, c *Cluster, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	p, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(c.brokers...), kgo.DefaultProduceTopic("t"),
		kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func produce(t *testing.T, p *kgo.Client, values ...string) {
	t.Helper()
	for _, v := range values {
		if err := p.ProduceSync(t.Context(), &kgo.Record{Key: []byte(v), Value: []byte(v)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// What a source has aborted is never read, and no marker of a transaction is a
// message; what is not decided yet is not the end that a reader must reach.
func TestReadCommitted(t *testing.T) {
	c := cluster(t)
	p := foreign(t, c, kgo.TransactionalID("bank"))
	for _, tx := range []struct {
		values []string
		end    kgo.TransactionEndTry
	}{{[]string{"0a", "0b"}, kgo.TryAbort}, {[]string{"0c"}, kgo.TryCommit}, {[]string{"0d"}, kgo.TryAbort}} {
		if err := p.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		produce(t, p, tx.values...)
		if err := p.EndTransaction(t.Context(), tx.end); err != nil {
			t.Fatal(err)
		}
	}
	produce(t, foreign(t, c), "0e")
	if err := p.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produce(t, p, "0f")
	r := c.NewReader("t", 0, FirstOffset)
	var got []Message
	for !r.CaughtUp() {
		var err error
		if got, err = r.Read(t.Context(), got); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"0c", "0e"}; !slices.Equal(keysOf(got), want) || r.Offset() != 8 {
		t.Errorf("read %v to %d, want %v to 8", keysOf(got), r.Offset(), want)
	}
	if ends, err := c.Ends(t.Context(), map[string][]int{"t": {0}}); err != nil || ends["t"][0] != 8 {
		t.Errorf("the end of what is decided is %v, %v", ends, err)
	}
	if err := p.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Read(t.Context(), nil); err != nil || !slices.Equal(keysOf(got), []string{"0f"}) {
		t.Errorf("once it is committed: %v, %v", keysOf(got), err)
	}
}

// A record that is small on the way and huge when it is unpacked comes as one that
// cannot be read, with its beginning; what was sent with it is read.
func TestPackedRecordIsBounded(t *testing.T) {
	c := cluster(t)
	p := foreign(t, c, kgo.ProducerBatchCompression(kgo.GzipCompression()), kgo.ProducerBatchMaxBytes(1<<28),
		kgo.ProducerLinger(1e8), kgo.BrokerMaxWriteBytes(1<<29))
	huge := &kgo.Record{Key: []byte("0b"), Value: bytes.Repeat([]byte(" "), 4*MaxRecord)}
	if err := p.ProduceSync(t.Context(), &kgo.Record{Key: []byte("0a")}, huge, &kgo.Record{Key: []byte("0c")}).
		FirstErr(); err != nil {
		t.Fatal(err)
	}
	var got []Message
	r := c.NewReader("t", 0, FirstOffset)
	for len(got) < 3 {
		var err error
		if got, err = r.Read(t.Context(), got); err != nil {
			t.Fatal(err)
		}
	}
	u := got[1].Unreadable
	if string(got[0].Key) != "0a" || string(got[2].Key) != "0c" || u == nil || !errors.Is(u.Why, records.ErrTooLarge) ||
		u.Size < 4*MaxRecord || len(got[1].Value) != copied || got[1].Offset != 1 || u.Last != 1 {
		t.Errorf("%v: %+v", keysOf(got), u)
	}
}

// A key's partition is the one that every other client chooses.
func TestPartitionIsEverybodys(t *testing.T) {
	c := cluster(t)
	if err := c.Create(t.Context(), Topic{Name: "many", Partitions: 7}); err != nil {
		t.Fatal(err)
	}
	ours := c.NewProducer(ProducerConfig{Messages: 100, Bytes: 1 << 20})
	defer func() { _ = ours.Close() }()
	theirs := foreign(t, c, kgo.DefaultProduceTopic("many"), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	want := map[string]int{}
	for i := range 40 {
		key := fmt.Sprint("62220202", i)
		if err := ours.Write(t.Context(), Message{Topic: "many", Key: []byte(key), Value: []byte("ours")}); err != nil {
			t.Fatal(err)
		}
		r, err := theirs.ProduceSync(t.Context(), &kgo.Record{Key: []byte(key)}).First()
		if err != nil {
			t.Fatal(err)
		}
		want[key] = int(r.Partition)
	}
	if err := c.ReadAll(t.Context(), "many", 7, silent, func(m *Message) error {
		if len(m.Value) > 0 && want[string(m.Key)] != m.Partition {
			t.Errorf("%s lies in %d, and others put it into %d", m.Key, m.Partition, want[string(m.Key)])
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
