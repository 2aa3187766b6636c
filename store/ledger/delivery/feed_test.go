package delivery

import (
	"slices"
	"testing"

	"stopline.internal/store/ledger/step"
)

// at is an entry of a feed at a place of the log.
func at(partition int, offset int64) FeedEntry {
	return FeedEntry{Place: step.Place{Partition: partition, Offset: offset}, StopID: "s", Version: 1}
}

// A bank reads on from its cursor, which names the next offset of each partition.
func TestFeedAfterACursor(t *testing.T) {
	f := NewFeed()
	for _, e := range []FeedEntry{at(0, 3), at(1, 7), at(0, 5), at(1, 9)} {
		f.Append(e)
	}
	for name, c := range map[string]struct {
		after Cursor
		limit int
		want  []int64
	}{
		"from the beginning":          {nil, 10, []int64{3, 7, 5, 9}},
		"behind the first":            {Cursor{0: 4}, 10, []int64{7, 5, 9}},
		"at one that is not read":     {Cursor{0: 5, 1: 8}, 10, []int64{5, 9}},
		"two at most":                 {Cursor{}, 2, []int64{3, 7}},
		"none":                        {Cursor{}, 0, nil},
		"behind all of one partition": {Cursor{1: 10}, 10, []int64{3, 5}},
		"behind everything":           {Cursor{0: 6, 1: 10}, 10, nil},
	} {
		entries, complete := f.After(c.after, c.limit)
		var got []int64
		for _, e := range entries {
			got = append(got, e.Place.Offset)
		}
		if !slices.Equal(got, c.want) || !complete {
			t.Errorf("%s: %v, complete %v; want %v", name, got, complete, c.want)
		}
	}
	if end := f.End(); len(end) != 2 || end[0] != 6 || end[1] != 10 {
		t.Errorf("the end is %v, want 6 and 10", end)
	}
	if end := NewFeed().End(); len(end) != 0 {
		t.Errorf("the end of nothing is %v", end)
	}
}

// A full feed drops its oldest tenth; who has not read that is told so.
func TestFeedDropsItsOldest(t *testing.T) {
	f := NewFeed()
	for i := range int64(10_000) {
		f.Append(at(0, i))
	}
	if entries, complete := f.After(nil, 20_000); len(entries) != 10_000 || !complete {
		t.Fatalf("%d entries, complete %v", len(entries), complete)
	}
	f.Append(at(1, 0))
	entries, complete := f.After(nil, 20_000)
	if len(entries) != 9001 || complete || entries[0].Place.Offset != 1000 {
		t.Errorf("%d entries from %d on, complete %v; want 9,001 from 1,000 on", len(entries),
			entries[0].Place.Offset, complete)
	}
	for cursor, want := range map[int64]bool{999: false, 1000: true, 1001: true} {
		if _, complete := f.After(Cursor{0: cursor}, 1); complete != want {
			t.Errorf("from %d on: complete %v, want %v", cursor, complete, want)
		}
	}
}

// News wakes who waits, once for each.
func TestFeedWakes(t *testing.T) {
	f := NewFeed()
	before := f.Changed()
	f.Append(at(0, 0))
	select {
	case <-before:
		t.Fatal("woken before the entry is all there")
	default:
	}
	f.Wake()
	select {
	case <-before:
	default:
		t.Error("not woken")
	}
	select {
	case <-f.Changed():
		t.Error("woken for what was told already")
	default:
	}
}
