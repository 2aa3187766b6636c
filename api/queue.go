package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"stopline/scoring"
	"stopline/scoring/pattern"
	"stopline/store/ledger"
	"stopline/stream/event"
)

// Watcher tells of alerts as they happen.
type Watcher interface {
	// After lists the alerts after the first n, the number seen now, and a channel
	// that is closed when there is more; below 0 it begins now.
	After(n int) (docs [][]byte, seen int, more <-chan struct{})
}

// queueRoutes are what an analyst works from.
func (s *server) queueRoutes(api huma.API) {
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/queue", "queue", "What an analyst should look at, by what can still be saved: alerts that were reviewed or stopped, with their stop and who works on them", center, 422, 503), s.queue)
	for _, w := range []struct {
		name, summary string
		to            ledger.State
	}{{"claim", "Take an alert: it is yours for ten minutes; again: ten more", ledger.TaskClaimed}, {"unclaim", "Give an alert back", ledger.TaskOpen}, {"escalation", "Hand an alert to a supervisor", ledger.TaskEscalated}} {
		huma.Register(api, s.operation(api, http.MethodPost, "/v1/alerts/{id}/"+w.name, w.name+"-alert", w.summary, center, 404, 409, 422, 503),
			func(ctx context.Context, in *workInput) (*workOutput, error) { return s.work(ctx, w.to, in) })
	}
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/search", "search", "Stops and cases by what people type: an id or its beginning, an account, a transfer, a holder or number of a report; and transfers, out of the books", readers, 422, 503), s.search)
	s.liveRoute(api)
}

// SearchDocument is what was found.
type SearchDocument struct {
	Stops     []StopDocument  `json:"stops"`
	Cases     []string        `json:"cases"`
	Transfers []FoundTransfer `json:"transfers" doc:"Out of the books, the newest first"`
}

// FoundTransfer is a transfer that was found.
type FoundTransfer struct {
	ID          string `json:"id"`
	At          string `json:"at"`
	Payer       string `json:"payer_account"`
	PayerHolder string `json:"payer_holder,omitempty"`
	Payee       string `json:"payee_account,omitempty"`
	PayeeHolder string `json:"payee_holder,omitempty"`
	Amount      string `json:"amount"`
	Currency    string `json:"currency"`
	CaseID      string `json:"case_id,omitempty" doc:"Of its stop, if it has one"`
}

// search takes what is sought in its body: an account or a name has no place in
// an address, which proxies and histories keep.
func (s *server) search(ctx context.Context, in *struct {
	Body struct {
		_ struct{} `json:"-" additionalProperties:"true"`
		Q string   `json:"q" minLength:"1" maxLength:"256" example:"6217000010098765432"`
	}
}) (*struct{ Body SearchDocument }, error) {
	q := strings.TrimSpace(in.Body.Q)
	stops, cases := s.Ledger.Search(q, 50)
	out := &struct{ Body SearchDocument }{SearchDocument{[]StopDocument{}, append([]string{}, cases...), []FoundTransfer{}}}
	for _, st := range stops {
		out.Body.Stops = append(out.Body.Stops, stopDocument(ctx, st, s.Ledger.Terms()))
	}
	found, err := s.Warehouse.Search(ctx, cmp.Or(strings.TrimPrefix(string(s.Parser.NormalEntity(event.PrefixNumber+q)), event.PrefixNumber), q), 50)
	if err == nil && len(found) == 0 {
		found, err = s.Warehouse.Search(ctx, q, 50)
	}
	if err != nil {
		return nil, s.unavailableBooks(err)
	}
	for _, f := range found {
		t := FoundTransfer{f.ID, f.At.String(), f.Payer, mask(ctx, f.PayerHolder), f.Payee, mask(ctx, f.PayeeHolder), event.Money{Minor: f.Minor, Currency: f.Currency}.Decimal(), string(f.Currency), ""}
		if st := s.Ledger.Stop(event.StopID(event.TransferKey(f.Payer, f.ID), f.Payee)); st != nil {
			t.CaseID = s.Ledger.Case(st.CaseID).ID
		}
		out.Body.Transfers = append(out.Body.Transfers, t)
	}
	return out, nil
}

type workInput struct {
	ID   string `path:"id" maxLength:"64" example:"alt_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"`
	Body struct {
		_      struct{} `json:"-" additionalProperties:"true"`
		Reason string   `json:"reason,omitempty" maxLength:"256"`
	}
}

type workOutput struct{ Body TaskDocument }

// TaskDocument is who works on an alert.
type TaskDocument struct {
	State  string `json:"state" enum:"open,claimed,escalated,dismissed"`
	By     string `json:"by,omitempty"`
	Until  string `json:"until,omitempty" doc:"When a claim ends by itself"`
	Reason string `json:"reason,omitempty"`
}

func taskDocument(t *ledger.TaskFile, now event.Instant) TaskDocument {
	if t == nil || t.State == ledger.TaskClaimed && !t.Taken(now) {
		return TaskDocument{State: string(ledger.TaskOpen)}
	}
	return TaskDocument{string(t.State), t.By, t.Until.String(), t.Reason}
}

func (s *server) work(ctx context.Context, to ledger.State, in *workInput) (*workOutput, error) {
	a, err := s.alert(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if _, err := s.append(ctx, s.Ledger.Work(a.ID, cmp.Or(a.CaseID, a.ID), to, s.Clock(), who(ctx).Name, in.Body.Reason)); err != nil {
		return nil, err
	}
	return &workOutput{taskDocument(s.Ledger.Task(a.ID), s.Clock())}, nil
}

// alert reads one out of the books.
func (s *server) alert(ctx context.Context, id string) (*scoring.Alert, error) {
	doc, err := s.Warehouse.Alert(ctx, id)
	if err != nil {
		return nil, s.unavailableBooks(err)
	}
	var a scoring.Alert
	if doc == "" || json.Unmarshal([]byte(doc), &a) != nil {
		return nil, newProblem(http.StatusNotFound, "there is no alert "+id+" in the books; a new one is there within two seconds")
	}
	return &a, nil
}

// QueueItem is one thing to look at.
type QueueItem struct {
	AlertID   string       `json:"alert_id"`
	CaseID    string       `json:"case_id"`
	At        string       `json:"at" doc:"Of the transfer, or of what was seen"`
	Action    string       `json:"action" enum:"review,stop"`
	Score     int          `json:"score"`
	FraudType string       `json:"fraud_type"`
	Amount    string       `json:"amount,omitempty"`
	Currency  string       `json:"currency,omitempty"`
	Payer     string       `json:"payer,omitempty"`
	Payee     string       `json:"payee,omitempty"`
	Bank      string       `json:"bank,omitempty"`
	WhyZH     string       `json:"why_zh" doc:"The names of the patterns that hit"`
	WhyEN     string       `json:"why_en"`
	SeenZH    []string     `json:"seen_zh" example:"[\"境外陌生来电最长 26 分钟\"]" doc:"The values that they saw, in words"`
	SeenEN    []string     `json:"seen_en" example:"[\"longest call from a foreign stranger 26 minutes\"]"`
	StopID    string       `json:"stop_id,omitempty"`
	State     string       `json:"state,omitempty" doc:"Of the stop"`
	Held      string       `json:"held_amount,omitempty"`
	Until     string       `json:"until,omitempty" doc:"When the stop's state lapses"`
	Proposer  string       `json:"proposed_by,omitempty" doc:"Of a stop that waits for approval: another must approve it"`
	Task      TaskDocument `json:"task"`
}

type queueOutput struct {
	Body struct {
		At    string      `json:"at"`
		Items []QueueItem `json:"items"`
	}
}

// queueRank orders by what can still be saved: what waits for a decision, then
// what waits for a bank, then reviews, then what is held; the newest first.
func queueRank(i *QueueItem) int {
	switch ledger.State(i.State) {
	case ledger.Proposed:
		return 0
	case ledger.Undelivered, ledger.Mismatch:
		return 1
	case "":
		return 3
	}
	if st := ledger.State(i.State); st.Awaits() {
		return 2
	}
	return 4
}

func (s *server) queue(ctx context.Context, in *struct {
	Limit int `query:"limit" minimum:"1" maximum:"500" default:"100"`
}) (*queueOutput, error) {
	docs, err := s.Warehouse.Urgent(ctx, 500)
	if err != nil {
		return nil, s.unavailableBooks(err)
	}
	now := s.Clock()
	names := s.patternNames()
	out := &queueOutput{}
	out.Body.At, out.Body.Items = now.String(), []QueueItem{}
	for _, doc := range docs {
		var a scoring.Alert
		if json.Unmarshal([]byte(doc), &a) != nil {
			continue
		}
		i := s.queueItem(&a, names, now)
		st := ledger.State(i.State)
		if i.Task.State == string(ledger.TaskDismissed) || i.State != "" && st.Closed() && st != ledger.Mismatch {
			continue
		}
		out.Body.Items = append(out.Body.Items, i)
	}
	slices.SortStableFunc(out.Body.Items, func(a, b QueueItem) int {
		return cmp.Or(cmp.Compare(queueRank(&a), queueRank(&b)), cmp.Compare(b.At, a.At))
	})
	out.Body.Items = out.Body.Items[:min(len(out.Body.Items), in.Limit)]
	return out, nil
}

// patternNames are the names of the patterns in force, Chinese and English. They
// are read out of a catalogue once.
func (s *server) patternNames() map[string][2]string {
	p, ok := s.Book.Current()
	if !ok {
		return nil
	}
	if n := s.names.Load(); n != nil && n.version == p.Version {
		return n.of
	}
	n := &catalogueNames{p.Version, map[string][2]string{}}
	if c, err := scoring.ParseCatalogue("the catalogue in force", []byte(p.Text)); err == nil {
		for _, pt := range c.Patterns {
			n.of[pt.ID] = [2]string{pt.Name.ZH, pt.Name.EN}
		}
	}
	s.names.Store(n)
	return n.of
}

// catalogueNames are the names of a catalogue's patterns, by id.
type catalogueNames struct {
	version string
	of      map[string][2]string
}

func (s *server) queueItem(a *scoring.Alert, names map[string][2]string, now event.Instant) QueueItem {
	i := QueueItem{AlertID: a.ID, CaseID: a.CaseID, At: a.At.String(), Action: a.Action.String(), Score: a.Score, FraudType: a.FraudType, StopID: a.StopID, Task: taskDocument(s.Ledger.Task(a.ID), now)}
	for n, h := range a.Hits {
		name := names[h.Pattern]
		if n > 0 {
			i.WhyZH, i.WhyEN = i.WhyZH+"；", i.WhyEN+"; "
		}
		i.WhyZH += cmp.Or(name[0], h.Pattern)
		i.WhyEN += cmp.Or(name[1], h.Pattern)
	}
	i.SeenZH, i.SeenEN = scoring.Words(a.Hits)
	if t := a.Transfer; t != nil {
		i.Amount, i.Currency, i.Payee, i.Payer, i.Bank, i.At = t.Amount, string(t.Currency), t.Payee.Account, t.Payer.Account, t.Payee.Bank, t.At.String()
		if i.StopID == "" && t.Payee.Account != "" {
			if id := event.StopID(event.TransferKey(t.Payer.Account, t.ID), t.Payee.Account); s.Ledger.Stop(id) != nil {
				i.StopID = id
			}
		}
	}
	if st := s.Ledger.Stop(i.StopID); st != nil {
		i.State, i.Until, i.CaseID = string(st.State), st.Until.String(), s.Ledger.Case(st.CaseID).ID
		if st.State == ledger.Proposed {
			i.Proposer = st.Timeline[0].By
		}
		if st.State.Holds() {
			i.Held = st.Money(st.Left())
		}
	}
	return i
}

// liveRoute tells people of alerts and stops as they happen.
func (s *server) liveRoute(api huma.API) {
	op := s.operation(api, http.MethodGet, "/v1/live", "live", "Server-sent events from now on: alert (its document), work (on an alert), stop (its document)", center, 429)
	op.Responses = map[string]*huma.Response{"200": {Description: "A stream of events", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}, Example: "event: stop\ndata: {\"id\":\"stp_2Q0J7Z1K8M5N3P6R9S4T7V1W2X\",\"state\":\"held\"}\n\n"}}}}
	huma.Register(api, op, func(ctx context.Context, _ *struct{}) (*huma.StreamResponse, error) {
		leave, err := s.wait("center " + who(ctx).Name)
		if err != nil {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			defer leave()
			s.live(hc)
		}}, nil
	})
}

func (s *server) live(hc huma.Context) {
	ctx := hc.Context()
	hc.SetHeader("Content-Type", "text/event-stream")
	hc.SetHeader("Cache-Control", "no-store")
	w, ok := hc.BodyWriter().(http.ResponseWriter)
	if !ok {
		return
	}
	control := http.NewResponseController(w)
	write := func(kind string, data any) error {
		b, err := json.Marshal(data)
		if err != nil {
			return err
		}
		if err := control.SetWriteDeadline(time.Now().Add(30 * time.Second)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", kind, b); err != nil {
			return err
		}
		return control.Flush()
	}
	place := s.Ledger.End(ledger.Center)
	_, seen, _ := s.Watcher.After(-1)
	if write("hello", map[string]string{"at": s.Clock().String()}) != nil {
		return
	}
	names := s.patternNames()
	for {
		docs, now, alerts := s.Watcher.After(seen)
		seen = now
		for _, doc := range docs {
			var a scoring.Alert
			if json.Unmarshal(doc, &a) == nil && a.Action > pattern.Warn && write("alert", s.queueItem(&a, names, s.Clock())) != nil {
				return
			}
		}
		entries, _, changes := s.Ledger.Feed(ledger.Center, place, 500)
		for _, e := range entries {
			place[e.Place.Partition] = e.Place.Offset + 1
			var err error
			if st := s.Ledger.Stop(e.StopID); e.Type == "stop" && st != nil {
				err = write("stop", stopDocument(ctx, st, s.Ledger.Terms()))
			} else if e.Type == "alert" {
				err = write("work", map[string]any{"alert_id": e.StopID, "task": taskDocument(s.Ledger.Task(e.StopID), s.Clock())})
			}
			if err != nil {
				return
			}
		}
		if len(entries) == 500 {
			continue
		}
		select {
		case <-alerts:
		case <-changes:
		case <-time.After(heartbeat):
			if write("alive", struct{}{}) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}
