package ledger

import (
	"cmp"
	"slices"

	"stopline.internal/store/ledger/delivery"
	"stopline.internal/store/ledger/step"
	"stopline.internal/store/ledger/stop"
)

// Center is the code of the center's own feed: every change of a stop or of the
// work on an alert.
const Center = ""

// feedOf is a bank's feed; it is made when there is none.
func (l *Ledger) feedOf(bank string) *delivery.Feed {
	f := l.feeds[bank]
	if f == nil {
		f = delivery.NewFeed()
		l.feeds[bank] = f
	}
	return f
}

// notifyCenter adds a change to the center's own feed.
func (l *Ledger) notifyCenter(e delivery.FeedEntry) {
	f := l.feedOf(Center)
	f.Append(e)
	f.Wake()
}

// wakeOutbox wakes those who deliver.
func (l *Ledger) wakeOutbox() {
	close(l.outboxChanged)
	l.outboxChanged = make(chan struct{})
}

// putMessage keeps the message of a step to its bank, and wakes those who wait for it.
func (l *Ledger) putMessage(s *stop.Stop, e *stop.Step) {
	kind := e.MessageType()
	f := l.feedOf(s.Account.Bank)
	if kind == "" {
		if e.Bank != "" && s.Message != nil { // it answers: it has the message
			m := *s.Message // copies of the stop share the message itself
			m.Delivered = true
			s.Message = &m
			l.index.putOutbox(s)
		}
		if e.State == stop.Undelivered {
			f.Wake() // the long poll's pages change
			l.wakeOutbox()
		}
		return
	}
	s.Message = &delivery.Message{Version: e.Version, Type: kind, At: e.At, Place: e.Place}
	l.index.putOutbox(s)
	f.Append(delivery.FeedEntry{Place: e.Place, StopID: s.ID, Version: e.Version, Type: kind})
	f.Wake()
	l.wakeOutbox()
}

// putOutbox keeps the stop in the outbox of its bank until its message is delivered.
func (x *stopIndex) putOutbox(s *stop.Stop) {
	ofBank(x.outbox, s.Account.Bank).set(!s.Message.Delivered, s)
}

// foldDelivery folds what became of a message.
func (l *Ledger) foldDelivery(e *Entry) Result {
	s := l.stops[e.StopID]
	var m *delivery.Message
	if s != nil {
		m = s.Message
	}
	if why := m.Judge(e.Delivery); !why.None() {
		if m == nil {
			return Result{Why: why}
		}
		return Result{Why: why, Stop: s.Copy()}
	}
	s.Message = m.After(e.Delivery)
	l.index.putOutbox(s)
	if e.Delivery.Again {
		l.wakeOutbox()
	}
	return Result{Accepted: true, Stop: s.Copy()}
}

// Outbox lists the messages that are to be handed over to one of the banks, of
// those that mine chooses, oldest first, and a channel that is closed when there
// is news.
func (l *Ledger) Outbox(banks []string, mine func(step.Place) bool) ([]delivery.Item, <-chan struct{}) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []delivery.Item
	for _, bank := range banks {
		for _, s := range l.index.outbox[bank] {
			if m := s.Message; !m.Failed && mine(m.Place) {
				out = append(out, delivery.Item{Bank: bank, StopID: s.ID, Version: m.Version, Round: m.Round, At: m.At})
			}
		}
	}
	return oldestFirst(out), l.outboxChanged
}

// Unanswered lists the stops whose bank has not answered in time, of those that
// mine chooses: a person is called.
func (l *Ledger) Unanswered(mine func(step.Place) bool) []delivery.Item {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []delivery.Item
	for bank, stops := range l.index.waiting {
		for _, s := range stops {
			if s.State == stop.Undelivered && mine(s.Last().Place) {
				out = append(out, delivery.Item{Bank: bank, StopID: s.ID, Version: s.Version, At: s.Last().At})
			}
		}
	}
	return oldestFirst(out)
}

func oldestFirst(list []delivery.Item) []delivery.Item {
	slices.SortFunc(list, func(a, b delivery.Item) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.StopID, b.StopID))
	})
	return list
}

// Feed lists the messages of a bank after a cursor, at most limit entries, with the
// cursor behind each, and a channel that is closed when there is more. Complete
// is false when the cursor is older than what is kept: the bank must read its
// open stops instead.
func (l *Ledger) Feed(bank string, after delivery.Cursor, limit int) (entries []delivery.FeedEntry, complete bool,
	more <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.feedOf(bank)
	entries, complete = f.After(after, limit)
	return entries, complete, f.Changed()
}

// End is the cursor behind all messages of a bank so far.
func (l *Ledger) End(bank string) delivery.Cursor {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.feedOf(bank).End()
}
