package center

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"stopline.internal/api/route"
	"stopline.internal/scoring"
	"stopline.internal/scoring/pattern"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// Bounds of what a replica holds of the queue.
const (
	maxReviews  = 500_000 // reviews that nobody has judged, some 200 bytes each
	maxAlerts   = 4_000   // alerts as they were decoded last, for the pages that are looked at
	newestAgain = 500     // alerts read again with each look at the books, which are a second behind
)

// rowsFor is how long the queue's order serves everybody who asks: each open
// console asks once a second while something happens.
const rowsFor = 300 * time.Millisecond

// ownChanges is the log, with the queue notified of what this replica changes: whoever
// decided something sees it in the next answer.
type ownChanges struct {
	route.Log
	changed func()
}

func (l ownChanges) Append(ctx context.Context, e ledger.Entry) (ledger.Result, error) {
	defer l.changed()
	return l.Log.Append(ctx, e)
}

// review is an alert that stopped nothing and that somebody should look at.
type review struct {
	id, caseID, subject string // subject: the stop that its payment has, or would have
	at                  event.Instant
	minor               int64 // of the payment; 0: the alert is about none
}

// queueRow is a line of the queue: a review, or a stop.
type queueRow struct {
	id    string
	rank  rank
	minor int64         // still there
	at    event.Instant // of the payment
	until event.Instant
	task  *desk.TaskFile
	st    *stop.Stop // nil: a review
}

// compare orders the queue.
func (r *queueRow) compare(o *queueRow) int {
	if c := cmp.Compare(r.rank, o.rank); c != 0 {
		return c
	}
	if r.rank == rankHold {
		return cmp.Or(cmp.Compare(r.until, o.until), cmp.Compare(r.id, o.id))
	}
	return cmp.Or(cmp.Compare(o.minor, r.minor), cmp.Compare(o.at, r.at), cmp.Compare(r.id, o.id))
}

// cursor names the row's place, whether it is there at the next question or not.
func (r *queueRow) cursor() string {
	return fmt.Sprintf("%d_%d_%d_%d_%s", r.rank, r.minor, r.at, r.until, r.id)
}

func parseQueueCursor(text string) (*queueRow, error) {
	if text == "" {
		return nil, nil
	}
	parts := strings.SplitN(text, "_", 5)
	var n [4]int64
	var errs []error
	for i := range min(len(parts), 4) {
		var err error
		n[i], err = strconv.ParseInt(parts[i], 10, 64)
		errs = append(errs, err)
	}
	if len(parts) != 5 || errors.Join(errs...) != nil || n[0] < 0 || n[0] > int64(rankOver) {
		return nil, errors.New("must be the cursor \"next\" of the page before")
	}
	return &queueRow{id: parts[4], rank: rank(n[0]), minor: n[1], at: event.Instant(n[2]),
		until: event.Instant(n[3])}, nil
}

// reviews are the alerts that stopped nothing, held so that none falls out before
// somebody has judged it, and the order of the whole queue as it was last.
type reviews struct {
	mu      sync.Mutex
	open    map[string]review
	seen    int // of the watcher
	looked  time.Time
	loaded  bool
	dropped int

	sorted time.Time
	rows   []*queueRow

	decoded *lru.Cache[string, *scoring.Alert]
}

func newReviews() *reviews {
	decoded, err := lru.New[string, *scoring.Alert](maxAlerts)
	if err != nil {
		panic(err) // its size is above zero
	}
	return &reviews{open: map[string]review{}, decoded: decoded}
}

// take adds an alert, if it is one to review.
func (q *reviews) take(a *scoring.Alert) {
	q.decoded.Add(a.ID, a)
	if a.Action <= pattern.Warn || a.StopID != "" || a.Shadow {
		return
	}
	r := review{id: a.ID, caseID: cmp.Or(a.CaseID, a.ID), subject: subjectStop(a), at: a.At}
	if a.Transfer != nil {
		r.at, r.minor = a.Transfer.At, a.Transfer.Minor()
	}
	q.open[a.ID] = r
}

// changed makes the next question sort anew.
func (q *reviews) changed() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rows = nil
}

// queueRows is the whole queue in its order, and how many reviews are beyond the
// bound. Nobody may change the rows.
func (s *queue) queueRows(ctx context.Context) ([]*queueRow, int, error) {
	q := s.reviews
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.rows != nil && time.Since(q.sorted) < rowsFor {
		return q.rows, q.dropped, nil
	}
	if err := s.lookAgain(ctx, q); err != nil {
		return nil, 0, err
	}
	now := s.Clock()
	rows := make([]*queueRow, 0, len(q.open))
	stopped := map[string]bool{}
	for _, st := range s.Ledger.Watched() {
		stopped[st.ID] = true
		r := &queueRow{id: cmp.Or(st.AlertID, st.ID), rank: rankOfStop(st), minor: st.Minor, at: st.Transfer.At,
			until: st.Until, st: st}
		if r.task = s.taskOf(r.id, st.CaseID, now); r.rank != rankOver && !r.dismissed() {
			rows = append(rows, r.escalated())
		}
	}
	for id, v := range q.open {
		r := &queueRow{id: id, rank: rankReview, minor: v.minor, at: v.at, task: s.taskOf(id, v.caseID, now)}
		if r.minor > 0 {
			r.rank = rankReviewPayment
		}
		switch {
		case r.dismissed(): // for good
			delete(q.open, id)
		case stopped[v.subject], v.subject != "" && s.Ledger.Stop(v.subject) != nil: // its stop's own row says more
		default:
			rows = append(rows, r.escalated())
		}
	}
	slices.SortFunc(rows, func(a, b *queueRow) int { return a.compare(b) })
	q.rows, q.sorted = rows, time.Now()
	return rows, q.dropped, nil
}

func (r *queueRow) dismissed() bool { return r.task != nil && r.task.State == desk.TaskDismissed }

// escalated puts what was handed up into the first place.
func (r *queueRow) escalated() *queueRow {
	if r.task != nil && r.task.State == desk.TaskEscalated {
		r.rank = rankEscalated
	}
	return r
}

// lookAgain takes in the alerts that have come since the last look: all open ones
// out of the books at first; then what the watcher heard, and the newest in the
// books, which other replicas may have written late.
func (s *queue) lookAgain(ctx context.Context, q *reviews) error {
	docs, seen, _ := s.Watcher.After(q.seen)
	limit := newestAgain
	switch missed := seen - q.seen - len(docs); {
	case !q.loaded:
		limit = maxReviews
	case missed > 0: // more came than the watcher keeps
		limit += 2 * missed
	case time.Since(q.looked) < time.Second:
		limit = 0
	}
	if limit > 0 {
		books, err := s.Warehouse.Reviews(ctx, limit)
		if err != nil {
			return err
		}
		q.looked, q.loaded = time.Now(), true
		for _, doc := range books {
			docs = append(docs, []byte(doc))
		}
	}
	q.seen = seen
	for _, doc := range docs {
		var a scoring.Alert
		if json.Unmarshal(doc, &a) != nil {
			continue
		}
		if _, there := q.open[a.ID]; !there {
			q.take(&a)
		}
	}
	if over := len(q.open) - maxReviews; over > 0 {
		q.drop(over)
	}
	return nil
}

// drop lets the oldest go; how many is shown.
func (q *reviews) drop(n int) {
	oldest := make([]review, 0, len(q.open))
	for _, r := range q.open {
		oldest = append(oldest, r)
	}
	slices.SortFunc(oldest, func(a, b review) int { return cmp.Compare(a.at, b.at) })
	for _, r := range oldest[:n] {
		delete(q.open, r.id)
	}
	q.dropped += n
}
