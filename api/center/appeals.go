package center

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"strconv"

	"stopline.internal/api/access"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/scoring"
	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
	"stopline.internal/stream/event/words"
)

// appeals is what the law owes a holder: the reason, a way to appeal, a decision in time.
type appeals struct{ *base }

func (s *appeals) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Path: "/v1/stops/{id}/explanation", ID: "explain-stop",
			Roles: readers, Errors: []int{404}, Handler: route.Handle(s.explanation),
			EN: "Why the stop was asked for: patterns, the values that they saw, the event and the catalogue's " +
				"version; and the same reckoned again from them",
			ZH: "为何止付：规则、所见的值、事件与目录版本，并据此重算一次"},
		{Method: http.MethodPost, Path: "/v1/stops/{id}/appeals", ID: "appeal",
			Roles: center, Errors: []int{404, 409, 422, 503}, Handler: route.Handle(s.appeal),
			EN: "Receive a holder's appeal: its clock runs",
			ZH: "受理持有人的申诉，开始计时"},
		{Method: http.MethodGet, Path: "/v1/appeals", ID: "list-appeals",
			Roles: readers, Errors: []int{422}, Handler: route.Handle(s.listAppeals),
			EN: "Appeals to decide, by their clock",
			ZH: "待裁定的申诉，按时限排序"},
		{Method: http.MethodGet, Path: "/v1/appeals/{id}", ID: "get-appeal",
			Roles: readers, Errors: []int{404}, Handler: route.Handle(s.getAppeal),
			EN: "One appeal",
			ZH: "一件申诉"},
		{Method: http.MethodPost, Path: "/v1/appeals/{id}/documents", ID: "appeal-documents",
			Roles: center, Errors: []int{404, 409, 422, 503}, Handler: route.Handle(s.appealDocuments),
			EN: "Note which documents have come",
			ZH: "登记已收到的申诉材料"},
		{Method: http.MethodPost, Path: "/v1/appeals/{id}/decision", ID: "decide-appeal",
			Roles: deciders, Errors: []int{404, 409, 422, 503}, Handler: route.Handle(s.decideAppeal),
			EN: "Decide an appeal: upheld releases at once, all or a part",
			ZH: "裁定申诉：支持则立即解除全部或部分"},
	}
}

type explanationOutput struct{ Body wire.Explanation }

func (s *appeals) explanation(_ context.Context, in *wire.StopID) (*explanationOutput, error) {
	st := s.Ledger.Stop(in.ID)
	if st == nil {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.stop", "stop", in.ID)
	}
	d := wire.Explanation{StopID: st.ID, By: st.Timeline[0].By, Text: st.Text, Parent: st.Parent}
	if x := st.Explanation; x != nil {
		d.Catalogue, d.Score, d.At, d.Event, d.Hits = x.Catalogue, x.Score, x.At.String(), x.Event, wire.HitList(x.Hits)
		d.Replay = s.replay(x)
	}
	return &explanationOutput{d}, nil
}

// impossible is a decision that cannot be computed again, and why.
func impossible(why words.Message) *wire.Replay {
	return &wire.Replay{Why: why.Error(), WhyCode: why.Code}
}

func (s *appeals) replay(x *stop.Explanation) *wire.Replay {
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
	return &wire.Replay{Possible: true, Score: score, Fails: fails, Same: len(fails) == 0 && score == x.Score}
}

type appealOutput struct{ Body wire.Appeal }

func (s *appeals) appealOf(ctx context.Context, a *desk.AppealFile) wire.Appeal {
	return wire.NewAppeal(ctx, a, s.Ledger.Stop(a.StopID))
}

func (s *appeals) appeal(ctx context.Context, in *struct {
	wire.StopID
	Body wire.AppealBody
}) (*appealOutput, error) {
	st := s.Ledger.Stop(in.ID)
	if st == nil {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.stop", "stop", in.ID)
	}
	b := &in.Body
	n := 0
	for _, a := range s.Ledger.Appeals(true) {
		if a.StopID == st.ID {
			n++
		}
	}
	id := event.DerivedID("apl", st.ID, strconv.Itoa(n))
	a := desk.Appeal{StopID: st.ID, Holder: b.Holder, Contact: b.Contact, Text: b.Text,
		Documents: received(desk.NeededDocuments(), b.Documents)}
	e := s.Ledger.ReceiveAppeal(id, st.CaseID, a, s.Clock(), access.Who(ctx).Name)
	if _, err := s.record.Append(ctx, e); err != nil {
		return nil, err
	}
	return &appealOutput{s.appealOf(ctx, s.Ledger.Appeal(id))}, nil
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

func (s *appeals) findAppeal(id string) (*desk.AppealFile, error) {
	a := s.Ledger.Appeal(id)
	if a == nil {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.appeal", "appeal", id)
	}
	return a, nil
}

type appealsOutput struct{ Body wire.AppealsPage }

func (s *appeals) listAppeals(ctx context.Context, in *struct {
	All bool `query:"all" doc:"Those that were decided as well"`
}) (*appealsOutput, error) {
	out := &appealsOutput{}
	out.Body.Appeals = []wire.Appeal{}
	for _, a := range s.Ledger.Appeals(in.All) {
		out.Body.Appeals = append(out.Body.Appeals, s.appealOf(ctx, a))
	}
	f := s.Ledger.Totals()
	out.Body.Upheld, out.Body.WrongHours = f.WronglyHeld, math.Round(float64(f.WrongMillis)/36000)/100
	return out, nil
}

func (s *appeals) getAppeal(ctx context.Context, in *wire.AppealID) (*appealOutput, error) {
	a, err := s.findAppeal(in.ID)
	if err != nil {
		return nil, err
	}
	return &appealOutput{s.appealOf(ctx, a)}, nil
}

func (s *appeals) appealDocuments(ctx context.Context, in *struct {
	wire.AppealID
	Body wire.AppealDocumentsBody
}) (*appealOutput, error) {
	a, err := s.findAppeal(in.ID)
	if err != nil {
		return nil, err
	}
	next := a.Appeal
	next.Documents = received(a.Documents, in.Body.Documents)
	return s.changeAppeal(ctx, a, desk.AppealReceived, next, "")
}

func (s *appeals) changeAppeal(ctx context.Context, a *desk.AppealFile, to desk.AppealState, next desk.Appeal,
	reason string) (*appealOutput, error) {
	now, name := s.Clock(), access.Who(ctx).Name
	e := ledger.Entry{ID: event.DerivedID("evt", a.ID, strconv.Itoa(a.Version+1), name, now.String()),
		CaseID: a.CaseID, Subject: a.ID, Version: a.Version + 1, State: string(to), At: now, By: name, Reason: reason,
		Appeal: &next}
	if _, err := s.record.Append(ctx, e); err != nil {
		return nil, err
	}
	return &appealOutput{s.appealOf(ctx, s.Ledger.Appeal(a.ID))}, nil
}

func (s *appeals) decideAppeal(ctx context.Context, in *struct {
	wire.AppealID
	Body wire.AppealDecisionBody
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
			if next.Minor, err = in.Body.Amount.Minor(st.Currency); err != nil {
				return nil, wire.UnreadField("body.amount", err)
			}
		}
	}
	out, err := s.changeAppeal(ctx, a, desk.AppealState(in.Body.Decision), next, in.Body.Reason)
	if err != nil || in.Body.Decision != "upheld" {
		return out, err
	}
	// Lifted at once; were this process to end here, any replica does it.
	lift := ledger.StopEntry(stop.Lift(st, next.Minor, a.ID, "due.appeal", s.Clock(), access.Who(ctx).Name))
	res, err := s.record.Log.Append(ctx, lift)
	if err == nil && res.Accepted {
		return out, s.record.Follow(ctx, res.Stop.HeldTaint())
	}
	return out, nil
}
