package api

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
	"stopline.internal/stream/event/words"
)

// appealRoutes are what the law owes a holder: the reason, a way to appeal, and
// a decision in time.
func (s *server) appealRoutes(api huma.API) {
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/stops/{id}/explanation", "explain-stop", "Why the stop was asked for: patterns, the values that they saw, the event and the catalogue's version; and the same reckoned again from them", readers, 404), s.explanation)
	s.document(api, "/v1/stops/{id}/notice", "notice", "The notice to the holder: reason, remedy, documents", readers, s.noticePage)
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/stops/{id}/appeals", "appeal", "Receive a holder's appeal: its clock runs", center, 404, 409, 422, 503), s.appeal)
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/appeals", "list-appeals", "Appeals to decide, by their clock", readers, 422), s.listAppeals)
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/appeals/{id}", "get-appeal", "One appeal", readers, 404), s.getAppeal)
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/appeals/{id}/documents", "appeal-documents", "Note which documents have come", center, 404, 409, 422, 503), s.appealDocuments)
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/appeals/{id}/decision", "decide-appeal", "Decide an appeal: upheld releases at once, all or a part", deciders, 404, 409, 422, 503), s.decideAppeal)
}

// ExplanationDocument says why a stop was asked for.
type ExplanationDocument struct {
	StopID    string          `json:"stop_id"`
	By        string          `json:"by" example:"scoring" doc:"scoring, report, trail or a person"`
	Text      string          `json:"text"`
	Catalogue string          `json:"catalogue,omitempty"`
	Score     int             `json:"score,omitempty"`
	At        string          `json:"at,omitempty" format:"date-time"`
	Event     string          `json:"event,omitempty" doc:"What completed it: kind and id"`
	Hits      hitList         `json:"hits,omitempty" doc:"Each pattern with its weight and the values that it saw"`
	Parent    string          `json:"parent,omitempty" doc:"Of the trail: the stop whose money came here; its explanation is the reason"`
	Replay    *ReplayDocument `json:"replay,omitempty"`
}

// ReplayDocument is the decision reckoned again, from the values that were kept
// and the catalogue's version of then.
type ReplayDocument struct {
	Possible bool     `json:"possible"`
	Why      string   `json:"why,omitempty" doc:"Why it is not possible"`
	WhyCode  string   `json:"why_code,omitempty" example:"replay.version" doc:"The same for programs: docs/messages.md"`
	Score    int      `json:"score"`
	Same     bool     `json:"same" doc:"Every pattern holds on the values, and the score is as it was"`
	Fails    []string `json:"fails,omitempty" doc:"Patterns that do not hold on the values"`
}

func (s *server) explanation(_ context.Context, in *StopID) (*struct{ Body ExplanationDocument }, error) {
	st := s.Ledger.Stop(in.ID)
	if st == nil {
		return nil, problem(http.StatusNotFound, "not-found.stop", "stop", in.ID)
	}
	d := ExplanationDocument{StopID: st.ID, By: st.Timeline[0].By, Text: st.Text, Parent: st.Parent}
	if x := st.Explanation; x != nil {
		d.Catalogue, d.Score, d.At, d.Event, d.Hits = x.Catalogue, x.Score, x.At.String(), x.Event, hitList(x.Hits)
		d.Replay = s.replay(x)
	}
	return &struct{ Body ExplanationDocument }{d}, nil
}

// impossible is a decision that cannot be reckoned again, and why.
func impossible(why words.Message) *ReplayDocument {
	return &ReplayDocument{Why: why.Error(), WhyCode: why.Code}
}

func (s *server) replay(x *stop.Explanation) *ReplayDocument {
	text, ok := s.Book.Version(x.Catalogue)
	if !ok {
		return impossible(words.New("replay.version", "version", x.Catalogue))
	}
	var hits []scoring.Hit
	if err := json.Unmarshal(x.Hits, &hits); err != nil {
		return impossible(words.New("replay.values", "cause", err.Error()))
	}
	score, fails, err := scoring.Replay(text.Text, hits)
	if err != nil {
		return impossible(words.New("replay.catalogue", "cause", err.Error()))
	}
	return &ReplayDocument{Possible: true, Score: score, Fails: fails, Same: len(fails) == 0 && score == x.Score}
}

// AppealBody is what a holder says.
type AppealBody struct {
	Holder    string   `json:"holder" minLength:"1" maxLength:"256"`
	Contact   string   `json:"contact,omitempty" maxLength:"256"`
	Text      string   `json:"text" minLength:"1" maxLength:"4000" example:"货款, 有合同"`
	Documents []string `json:"documents,omitempty" maxItems:"16" doc:"Those that came with it: identity, statement, purpose, or others in words"`
}

// AppealDocument is an appeal.
type AppealDocument struct {
	ID         string             `json:"id" example:"apl_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"`
	StopID     string             `json:"stop_id"`
	CaseID     string             `json:"case_id"`
	Version    int                `json:"version"`
	State      string             `json:"state" enum:"received,upheld,dismissed"`
	Holder     string             `json:"holder"`
	Contact    string             `json:"contact,omitempty"`
	Text       string             `json:"text"`
	OpenedAt   string             `json:"opened_at" format:"date-time"`
	DecideBy   string             `json:"decide_by,omitempty" format:"date-time"`
	DecidedAt  string             `json:"decided_at,omitempty" format:"date-time"`
	Documents  []AppealDocumentIn `json:"documents"`
	Released   string             `json:"released_amount,omitempty"`
	WrongHours float64            `json:"wrongly_held_hours" doc:"From the hold's effect to the decision, when it was upheld"`
	Timeline   []StopEvent        `json:"timeline"`
}

// AppealDocumentIn is one that an appeal needs.
type AppealDocumentIn struct {
	Name     string `json:"name" example:"identity"`
	Received bool   `json:"received"`
}

type appealOutput struct{ Body AppealDocument }

func (s *server) appealDocument(ctx context.Context, a *desk.AppealFile) AppealDocument {
	d := AppealDocument{ID: a.ID, StopID: a.StopID, CaseID: a.CaseID, Version: a.Version, State: string(a.State), Holder: mask(ctx, a.Holder), Contact: a.Contact, Text: a.Text,
		OpenedAt: a.OpenedAt.String(), DecideBy: a.Until.String(), DecidedAt: a.DecidedAt.String(), Documents: []AppealDocumentIn{},
		WrongHours: math.Round(a.WronglyHeld().Hours()*100) / 100, Timeline: []StopEvent{}}
	if who(ctx).Role == Police {
		d.Contact = ""
	}
	for _, x := range a.Documents {
		d.Documents = append(d.Documents, AppealDocumentIn(x))
	}
	if st := s.Ledger.Stop(a.StopID); st != nil && a.Minor > 0 {
		d.Released = st.Decimal(a.Minor)
	}
	for _, e := range a.Timeline {
		d.Timeline = append(d.Timeline, stopEvent(&e.Head))
	}
	return d
}

func (s *server) appeal(ctx context.Context, in *struct {
	StopID
	Body AppealBody
}) (*appealOutput, error) {
	st := s.Ledger.Stop(in.ID)
	if st == nil {
		return nil, problem(http.StatusNotFound, "not-found.stop", "stop", in.ID)
	}
	b := &in.Body
	n := 0
	for _, a := range s.Ledger.Appeals(true) {
		if a.StopID == st.ID {
			n++
		}
	}
	id := event.DerivedID("apl", st.ID, strconv.Itoa(n))
	a := desk.Appeal{StopID: st.ID, Holder: b.Holder, Contact: b.Contact, Text: b.Text, Documents: received(desk.NeededDocuments(), b.Documents)}
	if _, err := s.append(ctx, s.Ledger.ReceiveAppeal(id, st.CaseID, a, s.Clock(), who(ctx).Name)); err != nil {
		return nil, err
	}
	return &appealOutput{s.appealDocument(ctx, s.Ledger.Appeal(id))}, nil
}

// received ticks off documents, and adds those that were not asked for.
func received(list []desk.Document, names []string) []desk.Document {
	out := append([]desk.Document{}, list...)
next:
	for _, n := range names {
		for i := range out {
			if out[i].Name == n {
				out[i].Received = true
				continue next
			}
		}
		out = append(out, desk.Document{Name: n, Received: true})
	}
	return out
}

// AppealID is the appeal in a route.
type AppealID struct {
	ID string `path:"id" maxLength:"64" example:"apl_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"`
}

func (s *server) findAppeal(id string) (*desk.AppealFile, error) {
	a := s.Ledger.Appeal(id)
	if a == nil {
		return nil, problem(http.StatusNotFound, "not-found.appeal", "appeal", id)
	}
	return a, nil
}

// AppealsPage is a list of appeals, with what they have changed in all.
type AppealsPage struct {
	Appeals    []AppealDocument `json:"appeals" nullable:"false"`
	Upheld     int              `json:"upheld" doc:"Stops that an appeal lifted, whole or in part"`
	WrongHours float64          `json:"wrongly_held_hours" doc:"In all"`
}

type appealsOutput struct{ Body AppealsPage }

func (s *server) listAppeals(ctx context.Context, in *struct {
	All bool `query:"all" doc:"Those that were decided as well"`
}) (*appealsOutput, error) {
	out := &appealsOutput{}
	out.Body.Appeals = []AppealDocument{}
	for _, a := range s.Ledger.Appeals(in.All) {
		out.Body.Appeals = append(out.Body.Appeals, s.appealDocument(ctx, a))
	}
	f := s.Ledger.Totals()
	out.Body.Upheld, out.Body.WrongHours = f.WronglyHeld, math.Round(float64(f.WrongMillis)/36000)/100
	return out, nil
}

func (s *server) getAppeal(ctx context.Context, in *AppealID) (*appealOutput, error) {
	a, err := s.findAppeal(in.ID)
	if err != nil {
		return nil, err
	}
	return &appealOutput{s.appealDocument(ctx, a)}, nil
}

// AppealDocumentsBody names documents.
type AppealDocumentsBody struct {
	Documents []string `json:"documents" minItems:"1" maxItems:"16" doc:"Those that have come"`
}

func (s *server) appealDocuments(ctx context.Context, in *struct {
	AppealID
	Body AppealDocumentsBody
}) (*appealOutput, error) {
	a, err := s.findAppeal(in.ID)
	if err != nil {
		return nil, err
	}
	next := a.Appeal
	next.Documents = received(a.Documents, in.Body.Documents)
	return s.changeAppeal(ctx, a, desk.AppealReceived, next, "")
}

func (s *server) changeAppeal(ctx context.Context, a *desk.AppealFile, to desk.AppealState, next desk.Appeal, reason string) (*appealOutput, error) {
	now, name := s.Clock(), who(ctx).Name
	e := ledger.Entry{ID: event.DerivedID("evt", a.ID, strconv.Itoa(a.Version+1), name, now.String()), CaseID: a.CaseID, Subject: a.ID, Version: a.Version + 1,
		State: string(to), At: now, By: name, Reason: reason, Appeal: &next}
	if _, err := s.append(ctx, e); err != nil {
		return nil, err
	}
	return &appealOutput{s.appealDocument(ctx, s.Ledger.Appeal(a.ID))}, nil
}

// AppealDecisionBody is what was decided of an appeal.
type AppealDecisionBody struct {
	Decision string `json:"decision" enum:"upheld,dismissed"`
	Amount   Amount `json:"amount,omitempty" doc:"With upheld: how much is released; all without it"`
	Reason   string `json:"reason" minLength:"1" maxLength:"256"`
}

func (s *server) decideAppeal(ctx context.Context, in *struct {
	AppealID
	Body AppealDecisionBody
}) (*appealOutput, error) {
	a, err := s.findAppeal(in.ID)
	if err != nil {
		return nil, err
	}
	st := s.Ledger.Stop(a.StopID)
	next := a.Appeal
	if in.Body.Decision == "upheld" {
		if next.Minor = st.Left(); !st.State.Holds() {
			next.Minor = st.Minor
		}
		if in.Body.Amount != "" {
			if next.Minor, err = in.Body.Amount.minor(st.Currency); err != nil {
				return nil, badField("body.amount", err)
			}
		}
	}
	out, err := s.changeAppeal(ctx, a, desk.AppealState(in.Body.Decision), next, in.Body.Reason)
	if err != nil || in.Body.Decision != "upheld" {
		return out, err
	}
	// Lifted at once; were this process to end here, any replica does it.
	res, err := s.Log.Append(ctx, ledger.StopEntry(stop.Lift(st, next.Minor, a.ID, "due.appeal", s.Clock(), who(ctx).Name)))
	if err == nil && res.Accepted {
		return out, s.tell(ctx, res.Stop.HeldTaint())
	}
	return out, nil
}
