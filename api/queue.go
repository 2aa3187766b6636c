package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/scoring"
	"stopline.internal/scoring/pattern"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
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
		to            desk.TaskState
	}{{"claim", "Take an alert, or a stop that no alert asked for, with its whole case: it is yours for ten minutes; again: ten more", desk.TaskClaimed}, {"unclaim", "Give an alert back", desk.TaskOpen}, {"escalation", "Hand an alert to a supervisor", desk.TaskEscalated}} {
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
	At          string `json:"at" format:"date-time"`
	Payer       string `json:"payer_account"`
	PayerHolder string `json:"payer_holder,omitempty"`
	Payee       string `json:"payee_account,omitempty"`
	PayeeHolder string `json:"payee_holder,omitempty"`
	Amount      string `json:"amount"`
	Currency    string `json:"currency"`
	CaseID      string `json:"case_id,omitempty" doc:"Of its stop, if it has one"`
}

// SearchBody is what is sought.
type SearchBody struct {
	Q string `json:"q" minLength:"1" maxLength:"256" example:"6217000010098765432"`
}

// search takes what is sought in its body: an account or a name has no place in
// an address, which proxies and histories keep.
func (s *server) search(ctx context.Context, in *struct{ Body SearchBody }) (*struct{ Body SearchDocument }, error) {
	q := strings.TrimSpace(in.Body.Q)
	stops, cases := s.Ledger.Search(s.query(q), 50)
	out := &struct{ Body SearchDocument }{SearchDocument{[]StopDocument{}, append([]string{}, cases...), []FoundTransfer{}}}
	for _, st := range stops {
		out.Body.Stops = append(out.Body.Stops, stopDocument(ctx, st, s.Ledger.Terms()))
	}
	found, err := s.Warehouse.Search(ctx, cmp.Or(strings.TrimPrefix(string(s.Parser.NormalEntity(event.PrefixNumber+q)), event.PrefixNumber), q), 50)
	if err == nil && len(found) == 0 {
		found, err = s.Warehouse.Search(ctx, q, 50)
	}
	if err != nil {
		return nil, s.unavailableBooks(ctx, err)
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

// amountText is an amount as people write it: with a sign, separators, or neither.
var amountText = regexp.MustCompile(`^[¥￥]?\s*([0-9]{1,3}(?:[,，][0-9]{3})+|[0-9]+)(\.[0-9]{1,2})?\s*元?$`)

// digitsText is the end of an account or of a number, as people say it.
var digitsText = regexp.MustCompile(`^[0-9]{4,12}$`)

// query reads what somebody types: it may mean several things.
func (s *server) query(text string) ledger.Query {
	q := ledger.Query{Text: text}
	if digitsText.MatchString(text) {
		q.Tail = text
	}
	if m := amountText.FindStringSubmatch(text); m != nil {
		digits := strings.NewReplacer(",", "", "，", "").Replace(m[1])
		if minor, err := event.ParseMinor(digits+m[2], 2); err == nil {
			q.Minor = minor
		}
	}
	q.Phone = strings.TrimPrefix(string(s.Parser.NormalEntity(event.PrefixNumber+text)), event.PrefixNumber)
	lower := strings.ToLower(text)
	for _, b := range s.Banks.All() {
		if utf8.RuneCountInString(text) >= 2 && (strings.EqualFold(b.Code, text) || strings.Contains(b.ZH, text) || len(text) >= 4 && strings.Contains(strings.ToLower(b.EN), lower)) {
			q.Banks = append(q.Banks, b.Code)
		}
	}
	return q
}

type workInput struct {
	ID   string `path:"id" maxLength:"64" example:"alt_2Q0J7Z1K8M5N3P6R9S4T7V1W2X" doc:"Of an alert, or of a stop that no alert asked for"`
	Body WorkBody
}

// WorkBody is why somebody takes an alert, or gives it away.
type WorkBody struct {
	Reason string `json:"reason,omitempty" maxLength:"256"`
}

type workOutput struct{ Body TaskDocument }

// TaskDocument is who works on an alert.
type TaskDocument struct {
	State  string `json:"state" enum:"open,claimed,escalated,dismissed"`
	By     string `json:"by,omitempty"`
	Until  string `json:"until,omitempty" format:"date-time" doc:"When a claim ends by itself"`
	Reason string `json:"reason,omitempty"`
}

func taskDocument(t *desk.TaskFile, now event.Instant) TaskDocument {
	if t == nil || t.State == desk.TaskClaimed && !t.Locked(now) {
		return TaskDocument{State: string(desk.TaskOpen)}
	}
	return TaskDocument{string(t.State), t.By, t.Until.String(), t.Reason}
}

func (s *server) work(ctx context.Context, to desk.TaskState, in *workInput) (*workOutput, error) {
	if to == desk.TaskEscalated && strings.TrimSpace(in.Body.Reason) == "" {
		return nil, fieldError("body.reason", "field.why")
	}
	key, err := s.workKey(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if _, err := s.append(ctx, s.Ledger.Work(in.ID, key, to, s.Clock(), who(ctx).Name, in.Body.Reason)); err != nil {
		return nil, err
	}
	return &workOutput{taskDocument(s.Ledger.Task(in.ID), s.Clock())}, nil
}

// workKey is the case of an alert or a stop that somebody works on; the alert
// itself where it has none.
func (s *server) workKey(ctx context.Context, id string) (string, error) {
	if st := s.Ledger.Stop(id); st != nil {
		return st.CaseID, nil
	}
	a, err := s.alert(ctx, id)
	if err == nil {
		if st := s.Ledger.Stop(a.StopID); st != nil {
			return st.CaseID, nil
		}
		return cmp.Or(a.CaseID, a.ID), nil
	}
	for _, st := range s.Ledger.Watched() { // a stop is known before its alert is in the books
		if st.AlertID == id {
			return st.CaseID, nil
		}
	}
	return "", err
}

// alert is one that was looked at lately, or is in the books.
func (s *server) alert(ctx context.Context, id string) (*scoring.Alert, error) {
	if a, ok := s.reviews.decoded.Get(id); ok {
		return a, nil
	}
	doc, err := s.Warehouse.Alert(ctx, id)
	if err != nil {
		return nil, s.unavailableBooks(ctx, err)
	}
	var a scoring.Alert
	if doc == "" || json.Unmarshal([]byte(doc), &a) != nil {
		return nil, problem(http.StatusNotFound, "not-found.book-alert", "alert", id)
	}
	return &a, nil
}

// QueueItem is one thing to look at: an alert, with its stop if it has one, or a
// stop that no alert asked for.
type QueueItem struct {
	ID          string       `json:"id" doc:"Of the alert, or of the stop where there is none: what work is taken on"`
	AlertID     string       `json:"alert_id,omitempty"`
	CaseID      string       `json:"case_id,omitempty" doc:"Absent while nothing was asked to be stopped"`
	At          string       `json:"at" format:"date-time" doc:"Of the transfer, or of what was seen"`
	Action      string       `json:"action" enum:"review,stop"`
	Score       int          `json:"score"`
	FraudType   string       `json:"fraud_type"`
	Amount      string       `json:"amount,omitempty"`
	Currency    string       `json:"currency,omitempty"`
	Payer       string       `json:"payer,omitempty"`
	Holder      string       `json:"holder,omitempty" doc:"The payer's name"`
	Phone       string       `json:"phone,omitempty" doc:"The payer's"`
	Payee       string       `json:"payee,omitempty"`
	PayeeHolder string       `json:"payee_holder,omitempty"`
	Bank        string       `json:"bank,omitempty" doc:"The payee's"`
	Transfer    string       `json:"transfer,omitempty" doc:"Its id"`
	Entity      string       `json:"entity,omitempty" doc:"Whom the alert is about"`
	WhyZH       string       `json:"why_zh" doc:"The names of the patterns that hit, or who asked for the stop"`
	WhyEN       string       `json:"why_en"`
	SeenZH      []string     `json:"seen_zh" example:"[\"境外陌生来电最长 26 分钟\"]" doc:"The values that they saw, in words"`
	SeenEN      []string     `json:"seen_en" example:"[\"longest call from a foreign stranger 26 minutes\"]"`
	StopID      string       `json:"stop_id,omitempty"`
	State       string       `json:"state,omitempty" doc:"Of the stop"`
	Held        string       `json:"held_amount,omitempty"`
	Until       string       `json:"until,omitempty" format:"date-time" doc:"When the stop's state lapses"`
	Proposer    string       `json:"proposed_by,omitempty" doc:"Of a stop that waits for approval: another must approve it"`
	Task        TaskDocument `json:"task"`

	at event.Instant
}

// QueuePage is a part of the queue.
type QueuePage struct {
	At     string      `json:"at" format:"date-time"`
	Counts QueueCounts `json:"counts"`
	Items  []QueueItem `json:"items" nullable:"false"`
	Next   string      `json:"next,omitempty" doc:"The cursor of the next page"`
}

type queueOutput struct{ Body QueuePage }

// QueueCounts are how many there are of each, whatever is shown.
type QueueCounts struct {
	All       int `json:"all"`
	Escalated int `json:"escalated" doc:"An analyst hands them up"`
	Decide    int `json:"decide" doc:"A person must decide: for approval, not answered, not matching"`
	Asked     int `json:"asked" doc:"A bank has been asked"`
	Review    int `json:"review" doc:"Nothing was stopped, and nobody has judged it"`
	Hold      int `json:"hold" doc:"Held of the victims' own payments"`
	Mine      int `json:"mine" doc:"Claimed by who asks"`
	Unshown   int `json:"unshown,omitempty" doc:"Reviews beyond the bound of what a replica holds, the oldest"`
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

func (s *server) queue(ctx context.Context, in *struct {
	Show  string `query:"show" enum:"all,escalated,decide,asked,review,hold,mine" default:"all"`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
	After string `query:"after" maxLength:"200" doc:"The cursor \"next\" of the page before"`
}) (*queueOutput, error) {
	after, err := parseQueueCursor(in.After)
	if err != nil {
		return nil, fieldError("query.after", "field.cursor")
	}
	rows, dropped, err := s.queueRows(ctx)
	if err != nil {
		return nil, s.unavailableBooks(ctx, err)
	}
	now, me := s.Clock(), who(ctx).Name
	out := &queueOutput{QueuePage{At: now.String(), Items: []QueueItem{}}}
	var page []*queueRow
	for _, r := range rows {
		mine := r.task != nil && r.task.Locked(now) && r.task.By == me
		out.Body.Counts.add(r.rank, mine)
		if in.Show != "all" && in.Show != r.rank.show() && (in.Show != "mine" || !mine) || after != nil && r.compare(after) <= 0 {
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
		return nil, s.unavailableBooks(ctx, err)
	}
	return out, nil
}

func (c *QueueCounts) add(r rank, mine bool) {
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

// patternNames are the names of the patterns in force, Chinese and English. They
// are read out of a catalogue once.
func (s *server) patternNames() patternNames {
	p, ok := s.Book.Current()
	if !ok {
		return nil
	}
	if n := s.names.Load(); n != nil && n.version == p.Version {
		return n.of
	}
	n := &catalogueNames{p.Version, patternNames{}}
	if c, err := scoring.ParseCatalogue("the catalogue in force", []byte(p.Text)); err == nil {
		for _, pt := range c.Patterns {
			n.of[pt.ID] = [2]string{pt.Name.ZH, pt.Name.EN}
		}
	}
	s.names.Store(n)
	return n.of
}

// catalogueNames are the names of a catalogue's patterns.
type catalogueNames struct {
	version string
	of      patternNames
}

// patternNames are patterns' names by id, Chinese and English.
type patternNames map[string][2]string

// name is a pattern's name; its id where the catalogue in force has none.
func (n patternNames) name(id string) (zh, en string) {
	return cmp.Or(n[id][0], id), cmp.Or(n[id][1], id)
}

// queueItem is an alert to look at.
func (s *server) queueItem(a *scoring.Alert, names patternNames, now event.Instant) QueueItem {
	i := QueueItem{ID: a.ID, AlertID: a.ID, Entity: string(a.Entity), at: a.At, Action: a.Action.String(), Score: a.Score,
		FraudType: a.FraudType, StopID: cmp.Or(a.StopID, subjectStop(a))}
	i.said(a.Hits, names)
	i.paid(a.Transfer)
	i.CaseID = a.CaseID
	if c := s.Ledger.Case(a.CaseID); c != nil {
		i.CaseID = c.ID
	}
	s.stopped(&i, s.Ledger.Stop(i.StopID))
	i.Task = taskDocument(s.taskOf(i.ID, cmp.Or(a.CaseID, a.ID), now), now)
	return i
}

// paid adds the payment that an alert is about.
func (i *QueueItem) paid(t *scoring.TransferRef) {
	if t == nil {
		return
	}
	i.Amount, i.Currency, i.Transfer, i.at = t.Amount, string(t.Currency), t.ID, t.At
	i.Payer, i.Holder, i.Phone = t.Payer.Account, t.Payer.Holder, t.Payer.Phone
	i.Payee, i.PayeeHolder, i.Bank = t.Payee.Account, t.Payee.Holder, t.Payee.Bank
}

// subjectStop is the stop that the payment of an alert has, or would have.
func subjectStop(a *scoring.Alert) string {
	t := a.Transfer
	if t == nil || t.Payee.Account == "" {
		return ""
	}
	return event.StopID(event.TransferKey(t.Payer.Account, t.ID), t.Payee.Account)
}

// taskOf is what is done about an alert or stop: its own work, or the lock of
// its case, which somebody took with another of its alerts.
func (s *server) taskOf(id, caseID string, now event.Instant) *desk.TaskFile {
	own := s.Ledger.Task(id)
	if own != nil && own.State != desk.TaskOpen && (own.State != desk.TaskClaimed || own.Locked(now)) {
		return own
	}
	if lock := s.Ledger.Lock(caseID, now); lock != nil {
		return lock
	}
	return own
}

// stopItem is a stop to look at that is not among the newest alerts: a victim
// reported the payment, the money came from another stop, a person asked for
// it, or its alert is older.
func (s *server) stopItem(st *stop.Stop, names patternNames, now event.Instant) QueueItem {
	i := QueueItem{ID: cmp.Or(st.AlertID, st.ID), AlertID: st.AlertID, at: st.Transfer.At, Action: "stop", FraudType: st.FraudType, SeenZH: []string{}, SeenEN: []string{},
		Amount: st.Amount().Decimal(), Currency: string(st.Currency), Payer: st.Payer, Payee: st.Account.Number,
		PayeeHolder: st.Account.Holder, Bank: st.Account.Bank, Transfer: st.Transfer.ID, StopID: st.ID}
	i.Task = taskDocument(s.taskOf(i.ID, st.CaseID, now), now)
	switch e := st.Explanation; {
	case e != nil:
		i.Score = e.Score
		var hits []scoring.Hit
		if json.Unmarshal(e.Hits, &hits) == nil {
			i.said(hits, names)
		}
	case st.ReportID != "":
		i.WhyZH, i.WhyEN = "被害人报案", "reported by the victim"
	case st.Parent != "":
		i.WhyZH, i.WhyEN = "同案资金转入", "money of the case came in"
	default:
		i.WhyZH, i.WhyEN = st.Text, st.Text
	}
	if d, ok := doubts[st.Doubt]; ok {
		i.SeenZH, i.SeenEN = append(i.SeenZH, d[0]), append(i.SeenEN, d[1])
	}
	s.stopped(&i, st)
	return i
}

// doubts are why a person must look at a reported payment first.
var doubts = map[string][2]string{
	stop.DoubtTiny:     {"金额过小", "a very small amount"},
	stop.DoubtRepeated: {"报案人多次报案", "who reports has reported often"},
	stop.DoubtCircular: {"报案人曾收到对方款项", "who reports was paid by the one reported"},
}

// said puts the hits into words.
func (i *QueueItem) said(hits []scoring.Hit, names patternNames) {
	for n := range hits {
		zh, en := names.name(hits[n].Pattern)
		if n > 0 {
			i.WhyZH, i.WhyEN = i.WhyZH+"；", i.WhyEN+"; "
		}
		i.WhyZH, i.WhyEN = i.WhyZH+zh, i.WhyEN+en
	}
	i.SeenZH, i.SeenEN = scoring.Words(hits)
}

// stopped adds what has become of the stop.
func (s *server) stopped(i *QueueItem, st *stop.Stop) {
	i.At = i.at.String()
	if st == nil {
		i.StopID = ""
		return
	}
	i.State, i.Until, i.CaseID = string(st.State), st.Until.String(), s.Ledger.Case(st.CaseID).ID
	if st.State == stop.Proposed {
		i.Proposer = st.Timeline[0].By
	}
	if st.State.Holds() {
		i.Held = st.Decimal(st.Left())
	}
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

// liveBeat is how often a console hears from a service that has no news.
const liveBeat = 5 * time.Second

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
	if write("hello", s.clockDocument()) != nil {
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
		case <-time.After(liveBeat):
			if write("alive", s.clockDocument()) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}
