package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

var (
	center   = []Role{Analyst, Supervisor, Admin}
	readers  = []Role{Analyst, Supervisor, Police, Admin}
	deciders = []Role{Supervisor, Admin}
)

// Page is the part of a list that a query asks for.
type Page struct {
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
	After string `query:"after" maxLength:"200" doc:"The cursor \"next\" of the page before"`
}

// MeDocument is the owner of a key.
type MeDocument struct {
	Name string `json:"name"`
	Role Role   `json:"role" enum:"analyst,supervisor,police,bank,admin"`
	Bank string `json:"bank,omitempty" doc:"Of a bank's key"`

	Simulation *SimulationRef `json:"simulation,omitempty" doc:"Where the service watches over a simulated city, whose clock runs by itself"`
}

// SimulationRef says how fast a simulated city's clock runs.
type SimulationRef struct {
	Speed float64 `json:"speed" example:"300" doc:"Seconds of the city in one of ours, as asked for"`
	Pace  float64 `json:"pace" example:"120" doc:"The same, now: less where the machine does not carry more"`
}

// centerRoutes are those of analysts, supervisors and hotlines.
func (s *server) centerRoutes(api huma.API) {
	op := s.operation(api, http.MethodPost, "/v1/reports", "report", "A victim's report opens a case and its stops", center, 409, 413, 422, 503)
	op.SkipValidateBody = true // the documents' own rules say more, and name every field
	huma.Register(api, op, s.report)

	huma.Register(api, s.operation(api, http.MethodGet, "/v1/me", "me", "Whose key this is", []Role{Analyst, Supervisor, Police, Admin, Bank}), func(ctx context.Context, _ *struct{}) (*struct{ Body MeDocument }, error) {
		me := who(ctx)
		out := &struct{ Body MeDocument }{MeDocument{Name: me.Name, Role: me.Role, Bank: me.Bank}}
		if s.Simulation != nil {
			out.Body.Simulation = &SimulationRef{s.Simulation.Speed, s.Simulation.Pace()}
		}
		return out, nil
	})
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/alerts", "list-alerts", "Alerts, newest first", center, 422, 503), s.listAlerts)
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/alerts/{id}", "get-alert", "One alert with the values that each pattern saw", center, 404, 503), s.getAlert)
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/stops", "list-stops", "Stops, newest first", readers, 422), s.listStops)
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/stops/{id}", "get-stop", "One stop with its whole timeline", readers, 404), s.getStop)
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/stops", "propose-stop", "Propose a stop on one account", center, 409, 422, 503), s.proposeStop)
	for _, d := range decisions {
		huma.Register(api, s.operation(api, http.MethodPost, "/v1/stops/{id}/"+d.name, d.name, d.summary, deciders, 404, 409, 412, 422, 503),
			func(ctx context.Context, in *decisionInput) (*stopOutput, error) { return s.decide(ctx, d, in) })
	}
	huma.Register(api, s.operation(api, http.MethodPut, "/v1/watchlist/{entity}", "watch", "Put an entity on the watchlist", center, 422, 503), s.watch)
	huma.Register(api, s.operation(api, http.MethodDelete, "/v1/watchlist/{entity}", "unwatch", "Take an entity off the watchlist", center, 422, 503), s.unwatch)
}

// report sends the document the way of any source's and waits for its case.
func (s *server) report(ctx context.Context, in *struct {
	Body    ReportBody
	RawBody []byte
}) (*caseOutput, error) {
	return s.takeReport(ctx, in.RawBody)
}

// takeReport sends a report the way of any source's, and waits for its case.
func (s *server) takeReport(ctx context.Context, raw []byte) (*caseOutput, error) {
	var e event.Event
	if err := s.Parser.ParseAs("report", raw, s.Clock(), &e); err != nil {
		return nil, problem(http.StatusUnprocessableEntity, "report.refused").with(err)
	}
	if e.Kind != event.KindReport {
		return nil, fieldError("body.kind", "field.kind", "kind", "report")
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, problem(http.StatusUnprocessableEntity, "request.object")
	}
	fields["kind"] = json.RawMessage(`"report"`)
	doc, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	id, digest := e.Report.Source+":"+e.ID, e.Report.Digest()
	if out, err := s.reported(ctx, id, digest); out != nil || err != nil {
		return out, err
	}
	if err := s.Intake.Report(ctx, e.ID, doc); err != nil {
		return nil, s.unavailable(ctx, err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) && ctx.Err() == nil {
		if out, err := s.reported(ctx, id, digest); out != nil || err != nil {
			return out, err
		}
		time.Sleep(5 * time.Millisecond)
	}
	return nil, problem(http.StatusServiceUnavailable, "unavailable.case")
}

// reported is the case of a report that is noted; nil while it is not.
func (s *server) reported(ctx context.Context, id, digest string) (*caseOutput, error) {
	switch caseID, differs := s.Ledger.CaseOfReport(id, digest); {
	case differs:
		return nil, problem(http.StatusConflict, "version.report", "report", id, "case", caseID)
	case caseID != "":
		s.reviews.changed()
		return s.caseOutput(ctx, caseID)
	}
	return nil, nil
}

// unavailable answers for a log that cannot be reached. What it said is for
// the service's own log, not for the caller.
func (s *server) unavailable(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return problem(http.StatusServiceUnavailable, "unavailable.confirmation")
	}
	s.Logger.ErrorContext(ctx, "the log cannot be reached", "err", err, "request_id", requestID(ctx))
	return problem(http.StatusServiceUnavailable, "unavailable.log")
}

type alertsOutput struct{ Body AlertsPage }

func (s *server) listAlerts(ctx context.Context, in *struct {
	Page
	Action string `query:"action" enum:"warn,review,stop"`
}) (*alertsOutput, error) {
	var before event.Instant
	id := ""
	if in.After != "" {
		ms, rest, _ := strings.Cut(in.After, "_")
		n, err := strconv.ParseInt(ms, 10, 64)
		if err != nil {
			return nil, problem(http.StatusUnprocessableEntity, "request.page")
		}
		before, id = event.Instant(n), rest
	}
	docs, err := s.Warehouse.Alerts(ctx, before, id, in.Action, in.Limit)
	if err != nil {
		return nil, s.unavailableBooks(ctx, err)
	}
	out := &alertsOutput{}
	out.Body.Alerts = []rawAlert{}
	for _, d := range docs {
		out.Body.Alerts = append(out.Body.Alerts, rawAlert(d))
	}
	if len(docs) == in.Limit {
		var last struct {
			ID string        `json:"id"`
			At event.Instant `json:"at"`
		}
		if err := json.Unmarshal([]byte(docs[len(docs)-1]), &last); err == nil {
			out.Body.Next = fmt.Sprintf("%d_%s", last.At, last.ID)
		}
	}
	return out, nil
}

func (s *server) unavailableBooks(ctx context.Context, err error) error {
	s.Logger.ErrorContext(ctx, "ClickHouse cannot be read", "err", err, "request_id", requestID(ctx))
	return problem(http.StatusServiceUnavailable, "unavailable.books")
}

type alertOutput struct{ Body rawAlert }

func (s *server) getAlert(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"64"`
}) (*alertOutput, error) {
	doc, err := s.Warehouse.Alert(ctx, in.ID)
	if err != nil {
		return nil, s.unavailableBooks(ctx, err)
	}
	if doc == "" {
		return nil, problem(http.StatusNotFound, "not-found.alert", "alert", in.ID)
	}
	return &alertOutput{rawAlert(doc)}, nil
}

// StopsPage is a part of a list of stops.
type StopsPage struct {
	Stops []StopDocument `json:"stops" nullable:"false"`
	Next  string         `json:"next,omitempty" doc:"The cursor of the next page"`
}

type stopsOutput struct{ Body StopsPage }

func (s *server) listStops(ctx context.Context, in *struct {
	Page
	State string `query:"state" maxLength:"20"`
	Bank  string `query:"bank" maxLength:"64"`
	Case  string `query:"case" maxLength:"64"`
}) (*stopsOutput, error) {
	stops, more := s.Ledger.List(ledger.Filter{State: stop.State(in.State), Bank: in.Bank, CaseID: in.Case, After: in.After, Limit: in.Limit})
	return s.stopsOutput(ctx, stops, more), nil
}

func (s *server) stopsOutput(ctx context.Context, stops []*stop.Stop, more bool) *stopsOutput {
	out := &stopsOutput{}
	out.Body.Stops = []StopDocument{}
	for _, st := range stops {
		out.Body.Stops = append(out.Body.Stops, stopDocument(ctx, st, s.Ledger.Terms()))
	}
	if more {
		out.Body.Next = stops[len(stops)-1].ID
	}
	return out
}

type stopOutput struct {
	ETag string `header:"ETag"`
	Body StopDetail
}

func (s *server) stopOutput(ctx context.Context, st *stop.Stop) *stopOutput {
	return &stopOutput{ETag: strconv.Quote(strconv.Itoa(st.Version)), Body: stopDetail(ctx, st, s.Ledger.Terms())}
}

func (s *server) getStop(ctx context.Context, in *StopID) (*stopOutput, error) {
	st := s.Ledger.Stop(in.ID)
	if st == nil {
		return nil, problem(http.StatusNotFound, "not-found.stop", "stop", in.ID)
	}
	return s.stopOutput(ctx, st), nil
}

// ProposalBody is a stop that an analyst asks for.
type ProposalBody struct {
	CaseID    string      `json:"case_id" maxLength:"64"`
	Account   AccountBody `json:"account"`
	Amount    Amount      `json:"amount"`
	Currency  string      `json:"currency" example:"CNY"`
	Transfer  PaymentBody `json:"transfer"`
	FraudType string      `json:"fraud_type" maxLength:"64"`
	Reason    string      `json:"reason" maxLength:"256" minLength:"1"`
	Payer     string      `json:"payer_account,omitempty" maxLength:"256" doc:"The victim's account, to pay back to"`
	Order     *OrderBody  `json:"order,omitempty" doc:"What the national platform's form asks beyond that"`
}

// AccountBody is the account to hold on.
type AccountBody struct {
	Number string `json:"number"`
	Bank   string `json:"bank"`
	Holder string `json:"holder,omitempty"`
}

// PaymentBody is the payment by which the money came.
type PaymentBody struct {
	ID     string `json:"id"`
	Amount Amount `json:"amount"`
	At     string `json:"at" format:"date-time"`
}

// OrderBody is what the national platform's form asks of a stop.
type OrderBody struct {
	Type         string      `json:"type,omitempty" enum:"normal,bank-reported,back-filled"`
	Original     string      `json:"original,omitempty" maxLength:"64" doc:"Application that a back-filled one is for"`
	CaseNumber   string      `json:"case_number,omitempty" maxLength:"64"`
	Urgency      string      `json:"urgency,omitempty" enum:"normal,urgent"`
	Operator     OfficerBody `json:"operator"`
	Investigator OfficerBody `json:"investigator"`
	Authority    string      `json:"authority,omitempty" maxLength:"256"`
	Document     string      `json:"document,omitempty" maxLength:"64" doc:"Number of the legal document"`
	Remark       string      `json:"remark,omitempty" maxLength:"256"`
	Entity       bool        `json:"entity,omitempty" doc:"The account is an organisation's"`
}

// OfficerBody is who signs.
type OfficerBody struct {
	Name  string `json:"name" maxLength:"64"`
	Badge string `json:"badge" maxLength:"32"`
	Phone string `json:"phone,omitempty" maxLength:"32"`
}

func (b *OrderBody) order() *stop.Order {
	if b == nil {
		return nil
	}
	officer := func(o OfficerBody) stop.Officer {
		return stop.Officer{Name: o.Name, Badge: o.Badge, Phone: o.Phone}
	}
	o := &stop.Order{Type: b.Type, Original: b.Original, CaseNumber: b.CaseNumber, Urgency: b.Urgency, Operator: officer(b.Operator), Investigator: officer(b.Investigator),
		Authority: b.Authority, Document: b.Document, Remark: b.Remark, Entity: b.Entity}
	if o.Type == "normal" {
		o.Type = ""
	}
	if o.Urgency == "urgent" {
		o.Urgency = ""
	}
	return o
}

// proposeStop proposes a stop; a supervisor approves it.
func (s *server) proposeStop(ctx context.Context, in *struct{ Body ProposalBody }) (*stopOutput, error) {
	b := &in.Body
	currency := event.Currency(b.Currency)
	if _, known := currency.Digits(); !known {
		return nil, fieldError("body.currency", "field.currency")
	}
	minor, err := b.Amount.minor(currency)
	if err != nil || minor == 0 {
		return nil, fieldError("body.amount", "field.decimal-of")
	}
	if s.Ledger.Case(b.CaseID) == nil {
		return nil, fieldError("body.case_id", "field.case")
	}
	var at event.Instant
	if err := at.UnmarshalText([]byte(b.Transfer.At)); err != nil {
		return nil, badField("body.transfer.at", err)
	}
	transferMinor, err := b.Transfer.Amount.minor(currency)
	if err != nil {
		return nil, badField("body.transfer.amount", err)
	}
	b.Account.Bank = strings.ToUpper(b.Account.Bank)
	if err := unknownBank(s.Banks, "/account/bank", b.Account.Bank); err != nil {
		return nil, err
	}
	b.FraudType, _ = event.FraudOf(b.FraudType)
	id := event.DerivedID("stp", "analyst", b.CaseID, b.Account.Number, b.Transfer.ID)
	terms := s.Ledger.Terms()
	terms.AutoLimit = -1 // a person's proposal waits for another person
	e := ledger.StopEntries(stop.Propose(terms, id, b.CaseID, stop.Proposal{
		Account: stop.Account{Number: b.Account.Number, Bank: b.Account.Bank, Holder: b.Account.Holder},
		Minor:   minor, Currency: currency, Transfer: stop.Transfer{ID: b.Transfer.ID, Minor: transferMinor, At: at},
		Hop: 1, FraudType: b.FraudType, Text: b.Reason, Payer: b.Payer, Order: b.Order.order(),
	}, s.Clock(), who(ctx).Name))[0]
	res, err := s.append(ctx, e)
	if err != nil {
		return nil, err
	}
	return s.stopOutput(ctx, res.Stop), nil
}

// decision is what a supervisor may decide of a stop.
type decision struct {
	name, summary string
	to            stop.State
}

var decisions = []decision{
	{"approval", "Approve a proposed stop: it goes to the bank", stop.Requested},
	{"rejection", "Reject a proposed stop", stop.Rejected},
	{"extension", "Hold for a second term", stop.Extended},
	{"freeze", "Note the freeze that follows the hold; of a frozen stop: renew it for another term", stop.Frozen},
	{"release", "Release held money at once, all or a part; before the bank has answered: take the request back", stop.Released},
}

type decisionInput struct {
	StopID
	IfMatch string `header:"If-Match" example:"\"3\"" doc:"The ETag of the version that was decided on; another version answers 412"`
	Body    DecisionBody
}

// DecisionBody is why a supervisor decided so.
type DecisionBody struct {
	Reason string `json:"reason,omitempty" maxLength:"256" example:"the holder showed the invoice"`
	Amount Amount `json:"amount,omitempty" doc:"Of a release: a part; all without it"`
}

func (s *server) decide(ctx context.Context, d decision, in *decisionInput) (*stopOutput, error) {
	st := s.Ledger.Stop(in.ID)
	if st == nil {
		return nil, problem(http.StatusNotFound, "not-found.stop", "stop", in.ID)
	}
	if v := strings.Trim(in.IfMatch, `"`); v != "" && v != strconv.Itoa(st.Version) {
		return nil, problem(http.StatusPreconditionFailed, "version.if-match-stop", "version", st.Version, "sent", v)
	}
	e, err := s.decisionStep(d.to, st, in, who(ctx).Name)
	if err != nil {
		return nil, err
	}
	res, err := s.append(ctx, ledger.StopEntry(e))
	if err != nil {
		return nil, err
	}
	switch d.to {
	case stop.Requested: // its money is followed from now on
		err = s.tell(ctx, st.Taint(st.ID, st.CaseID, st.Payer))
	case stop.Released:
		err = s.tell(ctx, res.Stop.HeldTaint())
	}
	return s.stopOutput(ctx, res.Stop), err
}

// decisionStep is the step of a decision; whether it may be made, the fold
// says.
func (s *server) decisionStep(to stop.State, st *stop.Stop, in *decisionInput, by string) (stop.Step, error) {
	terms, now := s.Ledger.Terms(), s.Clock()
	if to == stop.Released {
		minor := st.Left()
		if in.Body.Amount != "" {
			var err error
			if minor, err = in.Body.Amount.minor(st.Currency); err != nil || minor == 0 {
				return stop.Step{}, fieldError("body.amount", "field.decimal")
			}
		}
		return stop.Lift(st, minor, "", in.Body.Reason, now, by), nil
	}
	e := st.Next(now, by)
	e.ID = event.DerivedID("evt", st.ID, strconv.Itoa(e.Version), by, string(to), now.String())
	e.State, e.Reason = to, in.Body.Reason
	switch to {
	case stop.Requested:
		e.Until = now.Add(terms.Respond)
	case stop.Extended:
		e.Until = st.Until.Add(terms.Hold)
	case stop.Frozen:
		e.Until = now.Add(terms.Freeze)
		if st.State == stop.Frozen {
			e.Until, e.Change = st.Until.Add(terms.Freeze), &stop.Change{Kind: stop.ChangeRenew}
		}
	}
	return e, nil
}

// append writes an entry and waits for the fold: 409 where it says no.
func (s *server) append(ctx context.Context, e ledger.Entry) (ledger.Result, error) {
	res, err := s.Log.Append(ctx, e)
	if err != nil {
		return res, s.unavailable(ctx, err)
	}
	if !res.Accepted {
		return res, refused(http.StatusConflict, res.Why)
	}
	return res, nil
}

// WatchBody is an entry of the watchlist.
type WatchBody struct {
	Risk   string `json:"risk" enum:"confirmed,suspected,cleared"`
	Reason string `json:"reason,omitempty" maxLength:"256"`
	Until  string `json:"until,omitempty" format:"date-time"`
}

func (s *server) watch(ctx context.Context, in *struct {
	Entity string `path:"entity" maxLength:"256" example:"acct:6217000010098765432"`
	Body   WatchBody
}) (*struct{}, error) {
	doc, err := json.Marshal(map[string]string{"kind": "watch", "entity": in.Entity, "risk": in.Body.Risk, "reason": in.Body.Reason, "until": in.Body.Until})
	if err != nil {
		return nil, err
	}
	var e event.Event
	if err := s.Parser.Parse(doc, s.Clock(), &e); err != nil {
		return nil, problem(http.StatusUnprocessableEntity, "watch.refused").with(err)
	}
	if err := s.Intake.Watch(ctx, string(e.Watch.Entity), doc); err != nil {
		return nil, s.unavailable(ctx, err)
	}
	return nil, nil
}

func (s *server) unwatch(ctx context.Context, in *struct {
	Entity string `path:"entity" maxLength:"256"`
}) (*struct{}, error) {
	var e event.Event
	if err := event.ParseWatchRemoval([]byte(in.Entity), s.Clock(), &e); err != nil {
		return nil, problem(http.StatusUnprocessableEntity, "watch.entity").with(err)
	}
	if err := s.Intake.Watch(ctx, in.Entity, nil); err != nil {
		return nil, s.unavailable(ctx, err)
	}
	return nil, nil
}
