package center

import (
	"context"
	"encoding/json"
	"net/http"

	"stopline.internal/api/access"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

// queue is what an analyst works from.
type queue struct{ *base }

func (s *queue) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Path: "/v1/queue", ID: "queue",
			Roles: center, Errors: []int{422, 503}, Handler: route.Handle(s.queue),
			EN: "What an analyst should look at, by what can still be saved: alerts that were reviewed or " +
				"stopped, with their stop and who works on them",
			ZH: "分析员该看的，按还能挽回的排序：需复核或已止付的预警，附止付与处理人"},
	}
}

type queueOutput struct{ Body wire.QueuePage }

type queueInput struct {
	Show  string `query:"show" enum:"all,escalated,decide,asked,review,hold,mine" default:"all"`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
	After string `query:"after" maxLength:"200" doc:"The cursor \"next\" of the page before"`
}

func (s *queue) queue(ctx context.Context, in *queueInput) (*queueOutput, error) {
	after, err := parseQueueCursor(in.After)
	if err != nil {
		return nil, wire.BadField("query.after", "field.cursor")
	}
	rows, dropped, err := s.queueRows(ctx)
	if err != nil {
		return nil, s.fail.Books(ctx, err)
	}
	now, me := s.Clock(), access.Who(ctx).Name
	out := &queueOutput{wire.QueuePage{At: now.String(), Items: []wire.QueueItem{}}}
	var page []*queueRow
	for _, r := range rows {
		mine := r.task != nil && r.task.Locked(now) && r.task.By == me
		count(&out.Body.Counts, r.rank, mine)
		shown := in.Show == "all" || in.Show == r.rank.show() || in.Show == "mine" && mine
		if !shown || after != nil && r.compare(after) <= 0 {
			continue
		}
		if len(page) < in.Limit {
			page = append(page, r)
		} else if out.Body.Next == "" {
			out.Body.Next = page[len(page)-1].cursor()
		}
	}
	out.Body.Counts.Unshown = dropped
	if out.Body.Items, err = s.queueItems(ctx, page, now); err != nil {
		return nil, s.fail.Books(ctx, err)
	}
	return out, nil
}

// count adds a row to the counts.
func count(c *wire.QueueCounts, r rank, mine bool) {
	c.All++
	if mine {
		c.Mine++
	}
	switch r.show() {
	case "escalated":
		c.Escalated++
	case "decide":
		c.Decide++
	case "asked":
		c.Asked++
	case "review":
		c.Review++
	case "hold":
		c.Hold++
	}
}

// rank is a tier of the queue.
type rank int

// How the queue is ordered: what waits for a decision first; within a tier the
// larger amount, and of what is held what runs out first.
const (
	rankEscalated     rank = iota // an analyst hands it up
	rankDecide                    // waits for a person
	rankAsked                     // a bank has been asked
	rankReviewPayment             // a payment that somebody should look at
	rankReview                    // a number or an account that somebody should look at
	rankTiny                      // waits for a person, and is too small to hurry
	rankHold                      // held: what runs out first
	rankOver                      // nothing more to be done here
)

// show is the tab that a tier is counted and shown under.
func (r rank) show() string {
	return [...]string{"escalated", "decide", "asked", "review", "review", "decide", "hold", ""}[r]
}

func rankOfStop(st *stop.Stop) rank {
	switch {
	case st.State == stop.Proposed && st.Doubt == stop.DoubtTiny:
		return rankTiny
	case st.State == stop.Proposed, st.State == stop.Undelivered, st.State == stop.Mismatch:
		return rankDecide
	case st.State.Awaits():
		return rankAsked
	case st.State.Holds():
		return rankHold
	}
	return rankOver
}

// queueItems writes a page's rows out: each with its alert, if it has one.
func (s *queue) queueItems(ctx context.Context, page []*queueRow, now event.Instant) ([]wire.QueueItem, error) {
	alerts, err := s.alertsOf(ctx, page)
	if err != nil {
		return nil, err
	}
	names := s.patternNames()
	items := make([]wire.QueueItem, 0, len(page))
	for _, r := range page {
		a := alerts[r.id]
		switch {
		case r.st == nil && a == nil: // it is not in the books yet: it is shown a second later
		case r.st == nil:
			items = append(items, s.queueItem(a, names, now))
		default:
			items = append(items, s.stopItem(r.st, a, names, now))
		}
	}
	return items, nil
}

// alertsOf reads the alerts of a page, those that were not read lately in one
// question.
func (s *queue) alertsOf(ctx context.Context, page []*queueRow) (map[string]*scoring.Alert, error) {
	out := map[string]*scoring.Alert{}
	var ask []string
	from, to := event.Instant(1<<62), event.Instant(0)
	for _, r := range page {
		if a, ok := s.reviews.decoded.Get(r.id); ok {
			out[r.id] = a
		} else if r.st == nil || r.st.AlertID != "" {
			ask = append(ask, r.id)
			from, to = min(from, r.at), max(to, r.at)
		}
	}
	if len(ask) == 0 {
		return out, nil
	}
	docs, err := s.Warehouse.AlertsByID(ctx, ask, from, to)
	if err != nil {
		return nil, err
	}
	for _, doc := range docs {
		var a scoring.Alert
		if json.Unmarshal([]byte(doc), &a) == nil {
			out[a.ID] = &a
			s.reviews.decoded.Add(a.ID, &a)
		}
	}
	return out, nil
}
