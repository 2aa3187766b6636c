package center

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/api/access"
	"stopline.internal/api/route"
	"stopline.internal/api/sse"
	"stopline.internal/api/wire"
	"stopline.internal/scoring"
	"stopline.internal/scoring/pattern"
	"stopline.internal/store/ledger"
)

// live tells people of alerts and stops as they happen.
type live struct{ *base }

func (s *live) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Path: "/v1/live", ID: "live",
			Roles: center, Errors: []int{429}, Handler: route.Handle(s.open), Describe: describeLive,
			EN: "Server-sent events from now on: alert (its document), work (on an alert), stop (its document)",
			ZH: "服务器推送事件，自此刻起：alert（预警）、work（预警的处理）、stop（止付）"},
	}
}

// liveBeat is how often a console hears from a service that has no news.
const liveBeat = 5 * time.Second

// page bounds what is read of the ledger at a time.
const page = 500

// describeLive says what the stream carries.
func describeLive(api huma.API, op *huma.Operation) {
	route.Document("A stream of events", map[string]*huma.MediaType{sse.ContentType: {
		Schema:  &huma.Schema{Type: huma.TypeString},
		Example: "event: stop\ndata: {\"id\":\"stp_2Q0J7Z1K8M5N3P6R9S4T7V1W2X\",\"state\":\"held\"}\n\n",
	}})(api, op)
}

func (s *live) open(ctx context.Context, _ *struct{}) (*huma.StreamResponse, error) {
	leave, err := s.waiters.Enter(access.Who(ctx).Name)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer leave()
		if w, ok := hc.BodyWriter().(http.ResponseWriter); ok {
			s.tell(hc.Context(), sse.NewWriter(w))
		}
	}}, nil
}

// write sends one event.
func write(w *sse.Writer, name string, document any) error {
	b, err := json.Marshal(document)
	if err != nil {
		return err
	}
	return w.Write(sse.Event{Name: name, Data: string(b)})
}

// tell writes what happens until the console goes away.
func (s *live) tell(ctx context.Context, w *sse.Writer) {
	place := s.Ledger.End(ledger.Center)
	_, seen, _ := s.Watcher.After(-1)
	if write(w, "hello", s.clockNow()) != nil {
		return
	}
	names := s.patternNames()
	for {
		docs, now, alerts := s.Watcher.After(seen)
		seen = now
		for _, doc := range docs {
			if s.tellAlert(w, doc, names) != nil {
				return
			}
		}
		changes, _, more := s.Ledger.Feed(ledger.Center, place, page)
		for _, c := range changes {
			place[c.Place.Partition] = c.Place.Offset + 1
			if s.tellChange(ctx, w, c.Type, c.StopID) != nil {
				return
			}
		}
		if len(changes) == page {
			continue
		}
		select {
		case <-alerts:
		case <-more:
		case <-time.After(liveBeat):
			if write(w, "alive", s.clockNow()) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// tellAlert writes an alert that somebody should look at.
func (s *live) tellAlert(w *sse.Writer, doc []byte, names patternNames) error {
	var a scoring.Alert
	if json.Unmarshal(doc, &a) != nil || a.Action <= pattern.Warn {
		return nil
	}
	return write(w, "alert", s.queueItem(&a, names, s.Clock()))
}

// tellChange writes a stop, or who works on an alert, as it is now.
func (s *live) tellChange(ctx context.Context, w *sse.Writer, kind, id string) error {
	if st := s.Ledger.Stop(id); kind == "stop" && st != nil {
		return write(w, "stop", wire.NewStop(ctx, st, s.Ledger.Terms()))
	}
	if kind == "alert" {
		task := wire.NewTask(s.Ledger.Task(id), s.Clock())
		return write(w, "work", map[string]any{"alert_id": id, "task": task})
	}
	return nil
}
