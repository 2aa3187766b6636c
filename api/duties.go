package api

import (
	"context"
	"maps"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/store/ledger"
	"stopline.internal/store/ledger/delivery"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
	"stopline.internal/stream/event/words"
)

// dutyRoutes are about what waits for people, and how messages reach banks.
func (s *server) dutyRoutes(api huma.API) {
	huma.Register(api, s.operation(api, http.MethodGet, "/v1/duties", "duties", "What waits for a person, the most urgent first: approvals, banks to call, holds and freezes that end, returns overdue, appeals, visits", readers, 422), s.duties)
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/stops/{id}/delivery", "deliver-again", "Send the newest message on the stop to its bank once more", center, 404, 409, 503), s.deliverAgain)
	huma.Register(api, s.operation(api, http.MethodPost, "/v1/banks/{bank}/delivery", "deliver-bank-again", "Send a bank everything that did not reach it once more, at most 500 messages", deciders, 404, 503), s.deliverBankAgain)
}

// DutyDocument is something that waits for a person.
type DutyDocument struct {
	Kind    string `json:"kind" enum:"approve,call-bank,hold-ends,freeze-ends,return-overdue,appeal,visit,announcement-over,mismatch,excess,escalation"`
	ID      string `json:"id" example:"stp_2Q0J7Z1K8M5N3P6R9S4T7V1W2X"`
	CaseID  string `json:"case_id"`
	Since   string `json:"since" format:"date-time"`
	Until   string `json:"until,omitempty" format:"date-time"`
	Overdue bool   `json:"overdue"`

	Code   string       `json:"code" example:"duty.hold-ends" doc:"For programs: docs/messages.md"`
	Values words.Values `json:"values" doc:"What the text says, by name"`
	Text   string       `json:"text" example:"decide the appeal of 李四" doc:"What to do, in English"`
	TextZH string       `json:"text_zh" example:"请对 李四 的申诉作出决定" doc:"The same in Chinese"`
}

// DutiesPage is what waits for people.
type DutiesPage struct {
	At     string         `json:"at" format:"date-time"`
	Total  int            `json:"total"`
	Duties []DutyDocument `json:"duties" nullable:"false"`
}

type dutiesOutput struct{ Body DutiesPage }

func (s *server) duties(ctx context.Context, in *struct {
	Kind  string `query:"kind" enum:"approve,call-bank,hold-ends,freeze-ends,return-overdue,appeal,visit,announcement-over,mismatch,excess,escalation"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"200"`
}) (*dutiesOutput, error) {
	now := s.Clock()
	out := &dutiesOutput{}
	out.Body.At, out.Body.Duties = now.String(), []DutyDocument{}
	for _, d := range s.Ledger.Duties(now) {
		if in.Kind != "" && d.Kind != in.Kind {
			continue
		}
		if out.Body.Total++; out.Body.Total > in.Limit {
			continue
		}
		out.Body.Duties = append(out.Body.Duties, dutyDocument(ctx, &d, now))
	}
	return out, nil
}

// dutyDocument says a duty in both languages; whom it is about, only to those who
// may read names.
func dutyDocument(ctx context.Context, d *ledger.Duty, now event.Instant) DutyDocument {
	say := d.Say
	if holder, named := say.Values["holder"].(string); named {
		say.Values = maps.Clone(say.Values)
		say.Values["holder"] = mask(ctx, holder)
	}
	return DutyDocument{Kind: d.Kind, ID: d.ID, CaseID: d.CaseID, Since: d.Since.String(), Until: d.Until.String(),
		Overdue: d.Until != 0 && d.Until <= now, Code: say.Code, Values: say.Values,
		Text: say.In(words.English), TextZH: say.In(words.Chinese)}
}

func (s *server) deliverAgain(ctx context.Context, in *StopID) (*stopOutput, error) {
	st := s.Ledger.Stop(in.ID)
	if st == nil {
		return nil, problem(http.StatusNotFound, "not-found.stop", "stop", in.ID)
	}
	if st.Message == nil {
		return nil, problem(http.StatusConflict, "delivery.none")
	}
	res, err := s.append(ctx, s.again(ctx, st))
	if err != nil {
		return nil, err
	}
	return s.stopOutput(ctx, res.Stop), nil
}

// again asks for a message to be sent once more.
func (s *server) again(ctx context.Context, st *stop.Stop) ledger.Entry {
	now := s.Clock()
	return ledger.Entry{ID: event.DerivedID("evt", st.ID, "again", strconv.Itoa(st.Message.Version), now.String()), CaseID: st.CaseID, StopID: st.ID, At: now, By: who(ctx).Name,
		Delivery: &delivery.Record{Message: st.Message.Version, Again: true}}
}

// AgainDocument counts what is sent again.
type AgainDocument struct {
	Messages int `json:"messages"`
}

func (s *server) deliverBankAgain(ctx context.Context, in *struct {
	Bank string `path:"bank" maxLength:"64" example:"PCBC"`
}) (*struct{ Body AgainDocument }, error) {
	out := &struct{ Body AgainDocument }{}
	after := ""
	for more := true; more && out.Body.Messages < 500; {
		var stops []*stop.Stop
		stops, more = s.Ledger.List(ledger.Filter{Bank: in.Bank, After: after, Limit: 500})
		if len(stops) == 0 && after == "" {
			return nil, problem(http.StatusNotFound, "not-found.bank", "bank", in.Bank)
		}
		var events []ledger.Entry
		for _, st := range stops {
			after = st.ID
			if m := st.Message; m != nil && !m.Delivered && out.Body.Messages < 500 {
				events = append(events, s.again(ctx, st))
				out.Body.Messages++
			}
		}
		if len(events) > 0 {
			if err := s.Log.Write(ctx, events...); err != nil {
				return nil, s.unavailable(ctx, err)
			}
		}
	}
	return out, nil
}
