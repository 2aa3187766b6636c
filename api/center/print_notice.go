package center

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"stopline.internal/api/report"
	"stopline.internal/api/wire"
	"stopline.internal/store/ledger/desk"
	"stopline.internal/store/ledger/law"
	"stopline.internal/stream/event"
)

// noticePage is what the law owes to the holder: reason, remedy, documents. It is
// handed out once a person or the rules asked for the stop and the bank holds.
func (s *papers) noticePage(ctx context.Context, in *printInput) (*report.Form, error) {
	st := s.Ledger.Stop(in.ID)
	if st == nil {
		return nil, wire.NewProblem(http.StatusNotFound, "not-found.stop", "stop", in.ID)
	}
	w, lang := paperTexts[in.Lang], in.Lang
	f := s.form(ctx, lang, w["notice"], s.number(st.Number, false))
	if f.At = st.EffectiveAt; f.At == 0 {
		f.Draft, f.At = w["noticedraft"], s.Clock()
	}
	f.To = w["to"] + wire.Mask(ctx, st.Account.Holder)
	transfer := event.Money{Minor: st.Transfer.Minor, Currency: st.Currency}
	details := []string{transfer.Text(), report.Moment(lang, st.Transfer.At)}
	if st.Transfer.ID != "" {
		details = append(details, st.Transfer.ID)
	}
	reason := strings.ReplaceAll(w["reasontext"], "{}", report.FraudWord(lang, st.FraudType))
	remedy := strings.ReplaceAll(w["remedytext"], "{}", strconv.Itoa(int(s.Ledger.Terms().Appeal.Hours())))
	var documents []string
	for _, d := range desk.NeededDocuments() {
		documents = append(documents, documentWords[lang][d.Name])
	}
	f.Sections = []report.FormSection{
		{Heading: w["account"], Pairs: [][2]string{
			{w["number"], st.Account.Number}, {w["bank"], s.bankName(lang, st.Account.Bank)},
			{w["held"], st.Held().Text()}, {w["state"], stateWord(lang, st.State)},
			{w["since"], report.Moment(lang, st.EffectiveAt)}, {w["until"], report.Moment(lang, st.Until)},
			{w["transfer"], strings.Join(details, w["comma"])}, {w["case"], st.CaseID}}},
		{Heading: w["reason"], Paragraphs: []string{reason, w["basis"] + basis(lang)}},
		{Heading: w["remedy"], Paragraphs: []string{remedy, w["in"]}},
		{Heading: w["documents"], Items: documents},
	}
	f.Officers = officers(lang, st)
	return f, nil
}

// basis is the law that a stop rests on, in the paper's punctuation.
func basis(lang string) string {
	if lang == "zh" {
		return strings.ReplaceAll(law.Basis, "; ", "；")
	}
	return law.Basis
}
