package state

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"stopline.internal/stream/event"
)

var ours = Identity{Partitions: 2, Partition: 1, Encoding: 3}

func opened(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// write commits a checkpoint at an offset with states whose bytes are their texts.
func (s *Store) write(t testing.TB, offset int64, states map[string]string) {
	t.Helper()
	b := s.Begin(Checkpoint{Offset: offset, Marks: fmt.Append(nil, "marks ", offset)})
	for e, text := range states {
		if err := b.Put(Row{event.Entity(e), uint64(offset), []byte(text)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
}

// read is what the store has of some entities.
func (s *Store) read(t testing.TB, entities ...event.Entity) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := s.Read(entities, func(r Row) error {
		out[strings.Clone(string(r.Entity))] = fmt.Sprint(r.Version, " ", string(r.State))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// since is what has changed since a checkpoint, as of the last one.
func (s *Store) since(t testing.TB, offset int64) map[string]string {
	t.Helper()
	out := map[string]string{}
	v, err := s.View()
	if err != nil {
		t.Fatal(err)
	}
	err = v.Each(offset, func(r Row) error {
		if _, twice := out[string(r.Entity)]; twice {
			t.Errorf("%s comes twice", r.Entity)
		}
		out[strings.Clone(string(r.Entity))] = string(r.State)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// A checkpoint holds what belongs to it; controls stay as they are until they change.
func TestCheckpoint(t *testing.T) {
	o := Options{Dir: t.TempDir(), Identity: ours}
	s := opened(t, o)
	if _, has := s.Checkpoint(); has {
		t.Error("an empty store has a checkpoint")
	}
	b := s.Begin(Checkpoint{Offset: 7, Marks: []byte("m"), Controls: []byte("c"), Wanted: []byte("w")})
	if err := b.Put(Row{"acct:1", 9, []byte("one")}); err != nil || b.Len() != 1 || b.Size() < 3 {
		t.Fatalf("%d states, %d bytes: %v", b.Len(), b.Size(), err)
	}
	if err := b.CommitWith(Copy{From: 3}); err != nil {
		t.Fatal(err)
	}
	if b = s.Begin(Checkpoint{Offset: 8, Marks: []byte("n")}); b.Offset() != 8 {
		t.Errorf("a batch of %d", b.Offset())
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := opened(t, o)
	cp, has := again.Checkpoint()
	if !has || cp.Offset != 8 || string(cp.Marks) != "n" || string(cp.Controls) != "c" || len(cp.Wanted) != 0 {
		t.Errorf("%v %+v", has, cp)
	}
	if got := again.read(t, "acct:2", "acct:1"); !maps.Equal(got, map[string]string{"acct:1": "9 one"}) {
		t.Errorf("read: %v", got)
	}
	if c := again.Copied(); c != (Copy{From: 3}) {
		t.Errorf("copied: %+v", c)
	}
	if again.Bytes() == 0 {
		t.Error("it takes nothing of the disk")
	}
}

// A copied state gives way to one that is here and as new; how far the copy has come
// says for which entities nobody else is asked.
func TestCopy(t *testing.T) {
	s := opened(t, Options{Dir: t.TempDir(), Identity: ours})
	s.write(t, 5, map[string]string{"acct:2": "here", "acct:3": "here"})
	c := Copy{From: 4, After: "acct:3"}
	err := s.AddCopied([]Row{{"acct:1", 4, []byte("there")}, {"acct:2", 5, []byte("there")},
		{"acct:3", 6, []byte("there")}}, c)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"acct:1": "4 there", "acct:2": "5 here", "acct:3": "6 there"}
	if got := s.read(t, "acct:1", "acct:2", "acct:3"); !maps.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if !c.Covers("acct:3") || c.Covers("acct:4") {
		t.Error("covered is what was copied")
	}
	if c.Whole = true; !c.Covers("tel:9") {
		t.Error("a whole copy covers everything")
	}
	if got := s.since(t, 4); !maps.Equal(got, map[string]string{"acct:2": "here"}) {
		t.Errorf("what was copied counts as changed: %v", got)
	}
	if got := s.since(t, 0); len(got) != 3 {
		t.Errorf("all: %v", got)
	}
}

// Who asks for what has changed reads it whole, whatever has been compacted.
func TestChanges(t *testing.T) {
	s := opened(t, Options{Dir: t.TempDir(), Identity: ours})
	for round := int64(1); round <= 3; round++ {
		states := map[string]string{}
		for i := range 5000 / round {
			states[fmt.Sprint("acct:", i)] = fmt.Sprint(round)
		}
		s.write(t, round*10, states)
		if err := s.db.Flush(); err != nil {
			t.Fatal(err)
		}
		if round == 2 {
			if err := s.db.Compact(t.Context(), []byte{0}, keyEnd, false); err != nil {
				t.Fatal(err)
			}
		}
	}
	for after, want := range map[int64]int{0: 5000, 9: 5000, 10: 2500, 20: 1666, 29: 1666, 30: 0} {
		if got := s.since(t, after); len(got) != want {
			t.Errorf("%d states have changed since %d, want %d", len(got), after, want)
		}
	}
	if got := s.since(t, 10); got["acct:2000"] != "2" || got["acct:1000"] != "3" {
		t.Errorf("%q, %q", got["acct:2000"], got["acct:1000"])
	}
}

// What belongs to others, or to a newer version, is refused; what is older is emptied.
func TestIdentity(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, Options{Dir: dir, Identity: ours})
	s.write(t, 5, map[string]string{"acct:1": "x"})
	refused := func(o Options, says string) {
		t.Helper()
		if other, err := Open(o); err == nil || !strings.Contains(err.Error(), says) {
			if err == nil {
				_ = other.Close()
			}
			t.Errorf("%v, want %q", err, says)
		}
	}
	refused(Options{Dir: dir, Identity: ours}, "another process has them; each needs a --data of its own")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change func(*Identity)
		says   string
	}{
		{func(i *Identity) { i.Prefix = "b." }, `partition 1 of 2 of the topics with the prefix "", not to 1 of 2 with "b."`},
		{func(i *Identity) { i.Partitions = 4 }, "start with another --data"},
		{func(i *Identity) { i.Partition = 0 }, "start with another --data"},
		{func(i *Identity) { i.Encoding = 2 }, "written by a newer version: needs encoding 3 of states; this one knows 2"},
	} {
		other := ours
		c.change(&other)
		refused(Options{Dir: dir, Identity: other}, c.says)
	}
	newer := ours
	newer.Encoding = 4
	refused(Options{Dir: dir, Identity: newer, ReadOnly: true}, "written by an older version")
	refused(Options{Dir: filepath.Join(dir, "none"), Identity: ours, ReadOnly: true}, "there are none")
	look := opened(t, Options{Dir: dir, Identity: ours, ReadOnly: true})
	if got := look.read(t, "acct:1"); len(got) != 1 {
		t.Errorf("who looks sees %v", got)
	}
	if err := look.Close(); err != nil {
		t.Fatal(err)
	}
	anew := opened(t, Options{Dir: dir, Identity: newer})
	if _, has := anew.Checkpoint(); has || len(anew.read(t, "acct:1")) != 0 {
		t.Error("states of an older encoding are there")
	}
	if err := anew.db.Set(keyIdentity, []byte(`{"format":2}`), nil); err != nil {
		t.Fatal(err)
	}
	if err := anew.Close(); err != nil {
		t.Fatal(err)
	}
	refused(Options{Dir: dir, Identity: newer}, "written by a newer version: needs format 2; this one knows 1")
	if err := os.WriteFile(filepath.Join(dir, "CURRENT"), []byte("x"), 0o600); err == nil {
		for _, f := range mustGlob(t, filepath.Join(dir, "MANIFEST-*")) {
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		}
		refused(Options{Dir: dir, Identity: newer}, "move the directory away")
	}
}

func mustGlob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestDir(t *testing.T) {
	if d := Dir("/d", "", 3); d != "/d/states/stopline/3" {
		t.Error(d)
	}
	if d := Dir("/d", "b.", 3); d != "/d/states/b./3" {
		t.Error(d)
	}
}

// The entities of a range of slots lie side by side.
func TestSlots(t *testing.T) {
	var names []event.Entity
	used := map[uint16]bool{}
	for i := range 20_000 {
		e := event.Entity(fmt.Sprint("acct:", i))
		used[Slot(e)] = true
		names = append(names, e)
	}
	if len(used) < Slots*9/10 {
		t.Errorf("%d of %d slots are used", len(used), Slots)
	}
	keys, _ := sortedKeys(nil, nil, names)
	last := uint16(0)
	for _, k := range keys {
		r, _, err := decode(k, []byte{1, 1})
		if err != nil || Slot(r.Entity) < last {
			t.Fatalf("%s after slot %d, %v", r.Entity, last, err)
		}
		last = Slot(r.Entity)
	}
	for _, bad := range [][]byte{{}, {0x80}, {1}, {1, 0x80}} {
		if _, _, err := decode(keys[0], bad); err == nil {
			t.Errorf("%v is a value", bad)
		}
	}
}

// crashing is a store whose machine dies now and then, and what must be there.
type crashing struct {
	*Store
	fs           *vfs.MemFS
	o            Options
	offset       int64
	want, copied map[string]string
}

func (c *crashing) reopen(t *rapid.T) {
	s, err := Open(c.o)
	if err != nil {
		t.Fatal(err)
	}
	c.Store = s
}

// check compares the store with what the last checkpoint had.
func (c *crashing) check(t *rapid.T) {
	cp, has := c.Checkpoint()
	if has != (c.offset > 0) || has && (cp.Offset != c.offset || string(cp.Marks) != fmt.Sprint("marks ", c.offset)) {
		t.Fatalf("the checkpoint is %+v, want %d", cp, c.offset)
	}
	got := map[string]string{}
	all := make([]event.Entity, 41)
	for i := range all {
		all[i] = event.Entity(fmt.Sprint("acct:", i))
	}
	if err := c.Read(all, func(r Row) error { got[string(r.Entity)] = string(r.State); return nil }); err != nil {
		t.Fatal(err)
	}
	for e, text := range c.want {
		if got[e] != text {
			t.Fatalf("%s is %q, want %q", e, got[e], text)
		}
	}
	for e, text := range got {
		if _, ours := c.want[e]; !ours && c.copied[e] != text {
			t.Fatalf("%s is %q: nobody wrote that", e, text)
		}
	}
}

// write commits a checkpoint of states, or begins one and throws it away.
func (c *crashing) write(t *rapid.T, entities []string, commit bool) {
	b := c.Begin(Checkpoint{Offset: c.offset + 1, Marks: fmt.Append(nil, "marks ", c.offset+1)})
	for _, e := range entities {
		text := fmt.Sprint(e, " at ", c.offset+1, strings.Repeat("x", 500))
		if err := b.Put(Row{event.Entity(e), uint64(c.offset + 1), []byte(text)}); err != nil {
			t.Fatal(err)
		}
		if commit {
			c.want[e] = text
		}
	}
	end := b.Close
	if commit {
		c.offset++
		end = b.Commit
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
}

// crash goes on with what the disk has when the machine dies: all that was synced, and some of the rest.
func (c *crashing) crash(t *rapid.T) {
	kept := rapid.SampledFrom([]int{0, 50, 100}).Draw(t, "kept")
	c.fs = c.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept,
		RNG: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))})
	_ = c.Close() // nobody is there to see
	c.o.fs = c.fs
	c.reopen(t)
}

// Whatever is written and wherever the machine dies: what is there afterwards is what
// the last checkpoint had, whole, and copied pages at most beside it.
func TestPropertyCrash(t *testing.T) {
	entity := rapid.Custom(func(t *rapid.T) string { return fmt.Sprint("acct:", rapid.IntRange(0, 40).Draw(t, "n")) })
	rapid.Check(t, func(t *rapid.T) {
		c := &crashing{fs: vfs.NewCrashableMem(), want: map[string]string{}, copied: map[string]string{}}
		c.o = Options{Dir: "d", Identity: ours, fs: c.fs}
		c.reopen(t)
		t.Repeat(map[string]func(*rapid.T){
			"checkpoint": func(t *rapid.T) { c.write(t, rapid.SliceOfN(entity, 0, 20).Draw(t, "states"), true) },
			"nothing":    func(t *rapid.T) { c.write(t, rapid.SliceOfN(entity, 0, 20).Draw(t, "states"), false) },
			"copy": func(t *rapid.T) {
				e := entity.Draw(t, "e")
				c.copied[e] = "copied " + e
				if err := c.AddCopied([]Row{{event.Entity(e), 0, []byte(c.copied[e])}}, Copy{}); err != nil {
					t.Fatal(err)
				}
			},
			"flush": func(t *rapid.T) {
				if err := c.db.Flush(); err != nil {
					t.Fatal(err)
				}
			},
			"reopen": func(t *rapid.T) {
				if err := c.Close(); err != nil {
					t.Fatal(err)
				}
				c.reopen(t)
			},
			"crash": c.crash,
			"":      c.check,
		})
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
