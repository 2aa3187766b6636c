package bank

import (
	"context"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/api/access"
	"stopline.internal/api/route"
	"stopline.internal/api/sse"
	"stopline.internal/api/wire"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/delivery"
	"stopline.internal/stream/event/words"
)

// heartbeat is how often a stream that has no news says that it is alive.
const heartbeat = 15 * time.Second

// page bounds what is read of the ledger at a time.
const page = 500

// streamInput asks for a bank's stream.
type streamInput struct {
	LastEventID string `header:"Last-Event-ID" maxLength:"2048" example:"0-17.1-4" doc:"The id of the last event that was received: the stream goes on behind it, on any replica. Without it, it begins with what waits"`
}

// describeStream says what the stream carries.
func describeStream(api huma.API, op *huma.Operation) {
	events := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[[]wire.StreamEvent](), true, "")
	route.Document("A stream of events, each as lines such as id: 0-18.1-4, event: stop.requested, data: {…}, "+
		"and an empty line", map[string]*huma.MediaType{sse.ContentType: {Schema: events}})(api, op)
}

// openStream tells a bank of its stops as they happen.
func (s *Server) openStream(ctx context.Context, in *streamInput) (*huma.StreamResponse, error) {
	after, err := parseCursor(in.LastEventID)
	if err != nil {
		return nil, wire.UnreadField("header.Last-Event-ID", err)
	}
	leave, err := s.waiters.Enter(access.Who(ctx).Bank)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer leave()
		if w, ok := hc.BodyWriter().(http.ResponseWriter); ok {
			s.stream(hc.Context(), sse.NewWriter(w), after, in.LastEventID != "")
		}
	}}, nil
}

// stream writes a bank's messages until it goes away.
func (s *Server) stream(ctx context.Context, w *sse.Writer, after delivery.Cursor, resumed bool) {
	bank := access.Who(ctx).Bank
	if w.Write(opening(after, resumed)) != nil {
		return
	}
	anew := !resumed
	for {
		if anew { // what is open, as it is now; then on from there
			end, err := s.snapshot(ctx, w, bank, resumed)
			if err != nil {
				return
			}
			after, anew, resumed = end, false, true
		}
		messages, complete, more := s.Ledger.Feed(bank, after, page)
		if !complete {
			anew = true
			continue
		}
		for _, m := range messages {
			after[m.Place.Partition] = m.Place.Offset + 1
			data := wire.Envelope(s.Ledger.Stop(m.StopID), m.Type, m.Version, s.Ledger.Terms())
			if w.Write(sse.Event{ID: cursorText(after), Name: m.Type, Data: string(data)}) != nil {
				return
			}
		}
		if len(messages) == page {
			continue
		}
		select {
		case <-more:
		case <-time.After(heartbeat):
			if w.Comment("alive") != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// opening is the first block of a stream. It repeats the place that the bank
// sent: by the letter of the rules for event streams a client that is given no
// id on a new connection forgets the one that it had, and so would lose its
// place if it were cut within a snapshot.
func opening(after delivery.Cursor, resumed bool) sse.Event {
	first := sse.Event{Retry: time.Second}
	if resumed {
		first.ID = cursorText(after)
	}
	return first
}

// snapshot writes what a bank has to do, as it is now, and says behind which place
// the stream goes on. To who asked for a place it says first that this is no longer
// kept. The stops have no id: a bank that is cut among them must see them all again.
func (s *Server) snapshot(ctx context.Context, w *sse.Writer, bank string, reset bool) (delivery.Cursor, error) {
	end := s.Ledger.End(bank)
	if reset {
		if err := w.Write(sse.Event{Name: "reset", Data: "{}"}); err != nil {
			return nil, err
		}
	}
	if err := s.writeOpen(ctx, w, bank); err != nil {
		return nil, err
	}
	return end, w.Write(sse.Event{ID: cursorText(end), Name: "current", Data: "{}"})
}

// writeOpen writes the newest message on each stop that is open.
func (s *Server) writeOpen(ctx context.Context, w *sse.Writer, bank string) error {
	after := ""
	for ctx.Err() == nil {
		stops, more := s.Ledger.List(ledger.Filter{Bank: bank, Open: true, After: after, Limit: page})
		for _, st := range slices.Backward(stops) {
			if m := st.Message; m != nil {
				data := wire.Envelope(st, m.Type, m.Version, s.Ledger.Terms())
				if err := w.Write(sse.Event{Name: m.Type, Data: string(data)}); err != nil {
					return err
				}
			}
		}
		if !more {
			return nil
		}
		after = stops[len(stops)-1].ID
	}
	return ctx.Err()
}

// cursorText names a place in a bank's feed: partition and next offset of each
// partition of the log, the same on every replica. The beginning has a name too,
// so that a bank that has read nothing yet can go on as well.
func cursorText(c delivery.Cursor) string {
	if len(c) == 0 {
		return "0-0"
	}
	var parts []string
	for _, p := range slices.Sorted(maps.Keys(c)) {
		parts = append(parts, strconv.Itoa(p)+"-"+strconv.FormatInt(c[p], 10))
	}
	return strings.Join(parts, ".")
}

func parseCursor(text string) (delivery.Cursor, error) {
	c := delivery.Cursor{}
	if text == "" {
		return c, nil
	}
	for part := range strings.SplitSeq(text, ".") {
		p, o, _ := strings.Cut(part, "-")
		partition, err1 := strconv.Atoi(p)
		offset, err2 := strconv.ParseInt(o, 10, 64)
		if err1 != nil || err2 != nil || partition < 0 || offset < 0 {
			return nil, words.New("field.event-id")
		}
		c[partition] = offset
	}
	return c, nil
}
