package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/delivery"
	"stopline.internal/store/ledger/law"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event/words"
)

// heartbeat is how often a stream that has no news says that it is alive.
const heartbeat = 15 * time.Second

// StreamEvent is one event of a bank's stream.
type StreamEvent struct {
	ID    string       `json:"id,omitempty" example:"0-18.1-4" doc:"A place to go on behind; what is open at the start has none"`
	Event string       `json:"event" enum:"stop.requested,stop.extended,stop.frozen,stop.changed,stop.released,stop.expired,return.instructed,current,reset"`
	Data  EnvelopeBody `json:"data" doc:"Of current and reset an empty object"`
}

// StreamInput asks for a bank's stream.
type StreamInput struct {
	LastEventID string `header:"Last-Event-ID" maxLength:"2048" example:"0-17.1-4" doc:"The id of the last event that was received: the stream goes on behind it, on any replica. Without it, it begins with what waits"`
}

// streamRoute tells a bank of its stops as they happen.
func (s *server) streamRoute(api huma.API) {
	op := s.operation(api, http.MethodGet, "/v1/bank/stops/stream", "bank-stream", "Server-sent events: each is a message as a webhook would carry it (stop.requested, stop.extended, stop.frozen, stop.changed, stop.released, stop.expired, return.instructed). What is open comes first, without ids; the event named current ends it and has the id to go on behind. An event named reset says that the place asked for is no longer kept: what is open follows, up to the next current", []Role{Bank}, 422, 429)
	events := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[[]StreamEvent](), true, "")
	op.Responses = map[string]*huma.Response{"200": {
		Description: "A stream of events, each as lines such as id: 0-18.1-4, event: stop.requested, data: {…}, and an empty line",
		Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: events}}}}
	huma.Register(api, op, func(ctx context.Context, in *StreamInput) (*huma.StreamResponse, error) {
		after, err := parseCursor(in.LastEventID)
		if err != nil {
			return nil, badField("header.Last-Event-ID", err)
		}
		leave, err := s.wait(who(ctx).Bank)
		if err != nil {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			defer leave()
			s.stream(hc, after, in.LastEventID != "")
		}}, nil
	})
}

// stream writes a bank's messages until it goes away.
func (s *server) stream(hc huma.Context, after delivery.Cursor, resumed bool) {
	ctx := hc.Context()
	hc.SetHeader("Content-Type", "text/event-stream")
	hc.SetHeader("Cache-Control", "no-store")
	hc.SetHeader("X-Accel-Buffering", "no")
	w, ok := hc.BodyWriter().(http.ResponseWriter)
	if !ok {
		return
	}
	control := http.NewResponseController(w)
	write := func(text string) error {
		if err := control.SetWriteDeadline(time.Now().Add(30 * time.Second)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		if _, err := w.Write([]byte(text)); err != nil {
			return err
		}
		return control.Flush()
	}
	bank := who(ctx).Bank
	if write(opening(after, resumed)) != nil {
		return
	}
	const page = 500
	anew := !resumed
	for {
		if anew { // what is open, as it is now; then on from there
			end := s.Ledger.End(bank)
			if resumed && write("event: reset\ndata: {}\n\n") != nil {
				return
			}
			if s.streamOpen(ctx, bank, write) != nil {
				return
			}
			if write(fmt.Sprintf("id: %s\nevent: current\ndata: {}\n\n", cursorText(end))) != nil {
				return
			}
			after, anew, resumed = end, false, true
		}
		entries, complete, more := s.Ledger.Feed(bank, after, page)
		if !complete {
			anew = true
			continue
		}
		for _, e := range entries {
			after[e.Place.Partition] = e.Place.Offset + 1
			st := s.Ledger.Stop(e.StopID)
			if write(fmt.Sprintf("id: %s\nevent: %s\ndata: %s\n\n", cursorText(after), e.Type, Envelope(st, e.Type, e.Version, s.Ledger.Terms()))) != nil {
				return
			}
		}
		if len(entries) == page {
			continue
		}
		select {
		case <-more:
		case <-time.After(heartbeat):
			if write(": alive\n\n") != nil {
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
func opening(after delivery.Cursor, resumed bool) string {
	if !resumed {
		return "retry: 1000\n\n"
	}
	return "retry: 1000\nid: " + cursorText(after) + "\n\n"
}

// streamOpen writes what a bank has to do, as it is now. These events have no
// id: a bank that is cut among them must see them all again.
func (s *server) streamOpen(ctx context.Context, bank string, write func(string) error) error {
	after := ""
	for ctx.Err() == nil {
		stops, more := s.Ledger.List(ledger.Filter{Bank: bank, Open: true, After: after, Limit: 500})
		for _, st := range slices.Backward(stops) {
			if m := st.Message; m != nil {
				data := Envelope(st, m.Type, m.Version, s.Ledger.Terms())
				if err := write(fmt.Sprintf("event: %s\ndata: %s\n\n", m.Type, data)); err != nil {
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
// so that a bank that was told of nothing yet can go on as well.
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

// Envelope is a message as webhooks and streams carry it: Standard Webhooks'
// type, timestamp and data. The data is the stop as it is now.
func Envelope(st *stop.Stop, kind string, version int, t law.Terms) []byte {
	at := st.ProposedAt
	for i := range st.Timeline {
		if st.Timeline[i].Version == version {
			at = st.Timeline[i].At
		}
	}
	b, err := json.Marshal(&EnvelopeBody{delivery.MessageID(st.ID, version), kind, at.String(), stopDocument(context.Background(), st, t)})
	if err != nil {
		panic(err) // its types always encode
	}
	return b
}

// EnvelopeBody is what a webhook and an event of the stream carry.
type EnvelopeBody struct {
	ID        string       `json:"id" doc:"The same for every attempt: do the work once"`
	Type      string       `json:"type"`
	Timestamp string       `json:"timestamp" format:"date-time"`
	Data      StopDocument `json:"data"`
}
