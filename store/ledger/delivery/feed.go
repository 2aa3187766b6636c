package delivery

import "stopline.internal/store/ledger/step"

// Feed has the messages of a bank, in the order that this replica read it; a place
// in it is named by the log's own places, which are the same on every replica.
type Feed struct {
	entries []FeedEntry
	dropped map[int]int64 // by partition, up to where entries were dropped
	changed chan struct{} // closed when there is news
}

// FeedEntry is a message of a feed.
type FeedEntry struct {
	Place   step.Place
	StopID  string // or the alert, in the center's own feed
	Version int    // of the stop, or of the work on the alert
	Type    string // of the message; "stop" or "alert" in the center's own feed
}

// Cursor says up to where a bank has read its feed: the next offset of each
// partition of the log.
type Cursor map[int]int64

// maxFeed bounds the entries that a bank can read again.
const maxFeed = 10_000

// NewFeed returns an empty feed.
func NewFeed() *Feed { return &Feed{dropped: map[int]int64{}, changed: make(chan struct{})} }

// Append adds an entry. Of a full feed the oldest tenth is dropped.
func (f *Feed) Append(e FeedEntry) {
	if len(f.entries) >= maxFeed {
		for _, old := range f.entries[:maxFeed/10] {
			f.dropped[old.Place.Partition] = max(f.dropped[old.Place.Partition], old.Place.Offset+1)
		}
		f.entries = append([]FeedEntry(nil), f.entries[maxFeed/10:]...)
	}
	f.entries = append(f.entries, e)
}

// Wake tells those who wait that there is news.
func (f *Feed) Wake() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// Changed is a channel that is closed when there is news.
func (f *Feed) Changed() <-chan struct{} { return f.changed }

// After lists the entries after a cursor, at most limit. Complete is false when
// the cursor is older than what is kept: the bank must read its open stops instead.
func (f *Feed) After(after Cursor, limit int) (entries []FeedEntry, complete bool) {
	complete = true
	for p, to := range f.dropped {
		if after[p] < to {
			complete = false
		}
	}
	for _, e := range f.entries {
		if e.Place.Offset >= after[e.Place.Partition] && len(entries) < limit {
			entries = append(entries, e)
		}
	}
	return entries, complete
}

// End is the cursor behind all entries.
func (f *Feed) End() Cursor {
	end := Cursor{}
	for _, e := range f.entries {
		end[e.Place.Partition] = max(end[e.Place.Partition], e.Place.Offset+1)
	}
	return end
}
