package center

import (
	"context"
	"strconv"
	"strings"

	"stopline.internal/api/report"
	"stopline.internal/api/wire"
	"stopline.internal/store/ledger/giveback"
	"stopline.internal/stream/event"
)

// returnPage is the decision on a return. It is one once two people have approved
// it and the banks are told; until then it is a draft.
func (s *papers) returnPage(ctx context.Context, in *printInput) (*report.Form, error) {
	r, err := s.findReturn(in.ID)
	if err != nil {
		return nil, err
	}
	w, lang := paperTexts[in.Lang], in.Lang
	f := s.form(ctx, lang, w["return"], s.number(r.Number, true))
	switch r.State {
	case giveback.Instructed:
		f.At = r.Timeline[len(r.Timeline)-1].At // it is the last that can be
	case giveback.Withdrawn:
		f.Draft, f.Mark = w["withdrawn"], w["voidmark"]
	default:
		f.Draft = strings.ReplaceAll(w["returndraft"], "{}", strconv.Itoa(len(r.Approvals)))
	}
	about := [][2]string{{w["case"], r.CaseID}, {w["round"], strconv.Itoa(r.Round)}, {w["state"], s.returnState(lang, r)}}
	f.Sections = append(f.Sections, report.FormSection{Pairs: about}, s.returnAccounts(lang, r), returnLines(lang, r))
	if r.Proportional() {
		f.Sections = append(f.Sections, returnArithmetic(lang, r))
	}
	f.Sections = append(f.Sections, s.returnInstructions(lang, r))
	approved := func(i int) string {
		if i < len(r.Approvals) {
			return r.Approvals[i]
		}
		return ""
	}
	f.Officers = []report.FormOfficer{{Role: w["proposed"], Name: r.ProposedBy}, {Role: w["first"], Name: approved(0)},
		{Role: w["second"], Name: approved(1)}}
	return f, nil
}

func (s *papers) returnState(lang string, r *giveback.Round) string {
	if _, done := s.Ledger.Paid(r); done {
		return returnWord(lang, completed)
	}
	return returnWord(lang, r.State)
}

// inMoney writes amounts of a return for people.
func inMoney(r *giveback.Round) func(int64) string {
	return func(minor int64) string { return event.Money{Minor: minor, Currency: r.Currency}.Text() }
}

func (s *papers) returnAccounts(lang string, r *giveback.Round) report.FormSection {
	w, m := paperTexts[lang], inMoney(r)
	t := &report.FormTable{Heads: []string{w["number"], w["bank"], w["frozen"], w["method"], w["why"]},
		Numbers: []bool{false, false, true, false, false}, Widths: []float64{.24, .16, .16, .18, .26}}
	for i := range r.Accounts {
		a := &r.Accounts[i]
		t.Rows = append(t.Rows, []string{a.Account.Number, s.bankName(lang, a.Account.Bank), m(a.Minor),
			methodWords[lang][a.Method], whyWords(lang, a, m)})
	}
	return report.FormSection{Heading: w["accounts"], Table: t}
}

func returnLines(lang string, r *giveback.Round) report.FormSection {
	w, m := paperTexts[lang], inMoney(r)
	t := &report.FormTable{Heads: []string{w["victim"], w["loss"], w["paidback"], w["traced"], w["share"], w["amount"]},
		Numbers: []bool{false, true, true, true, true, true}, Widths: []float64{.25, .15, .15, .15, .15, .15}}
	var loss, before, direct, share, total int64
	for i := range r.Lines {
		l := &r.Lines[i]
		t.Rows = append(t.Rows, []string{l.Victim, m(l.Loss), m(l.Before), m(l.Direct), m(l.Share), m(l.Minor)})
		loss, before, direct, share, total = loss+l.Loss, before+l.Before, direct+l.Direct, share+l.Share, total+l.Minor
	}
	t.Rows = append(t.Rows, []string{w["total"], m(loss), m(before), m(direct), m(share), m(total)})
	return report.FormSection{Heading: w["lines"], Table: t}
}

// returnArithmetic says how the proportions were worked out, so that anybody can
// do it again.
func returnArithmetic(lang string, r *giveback.Round) report.FormSection {
	w, m := paperTexts[lang], inMoney(r)
	t := &report.FormTable{Heads: []string{w["victim"], w["sum"]}, Numbers: []bool{false, false},
		Widths: []float64{.25, .75}}
	for i := range r.Lines {
		t.Rows = append(t.Rows, []string{r.Lines[i].Victim, sums[lang].Replace(wire.Arithmetic(r, &r.Lines[i]))})
	}
	return report.FormSection{Heading: w["arithmetic"], Table: t, Paragraphs: []string{w["arithmetictext"],
		w["pool"] + m(r.Pool) + w["losses"] + m(r.Losses), w["announced"] + report.Moment(lang, r.Until)}}
}

func (s *papers) returnInstructions(lang string, r *giveback.Round) report.FormSection {
	w, m := paperTexts[lang], inMoney(r)
	t := &report.FormTable{Heads: []string{w["stop"], w["bank"], w["victim"], w["amount"]},
		Numbers: []bool{false, false, false, true}, Widths: []float64{.32, .22, .26, .2}}
	for i := range r.Lines {
		for _, from := range r.Lines[i].From {
			number, bank := from.Stop, ""
			if st := s.Ledger.Stop(from.Stop); st != nil {
				number, bank = s.number(st.Number, false), s.bankName(lang, st.Account.Bank)
			}
			t.Rows = append(t.Rows, []string{number, bank, r.Lines[i].Victim, m(from.Minor)})
		}
	}
	return report.FormSection{Heading: w["instructions"], Table: t, Paragraphs: []string{w["returnbasis"]}}
}
