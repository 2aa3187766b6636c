package center

import (
	"cmp"
	"context"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/store/ledger"
	"stopline.internal/store/warehouse"
	"stopline.internal/stream/event"
)

// search finds stops, cases and transfers by what people type.
type search struct{ *base }

func (s *search) routes() []route.Route {
	return []route.Route{
		{Method: http.MethodPost, Path: "/v1/search", ID: "search",
			Roles: readers, Errors: []int{422, 503}, Handler: route.Handle(s.search),
			EN: "Stops and cases by what people type: an id or its beginning, an account, a transfer, a holder " +
				"or number of a report; and transfers, out of the books",
			ZH: "按输入内容查找止付与案件：编号或其开头、账户、交易、报案的姓名或号码；以及账簿中的转账"},
	}
}

// maxFound bounds what one search finds of each sort.
const maxFound = 50

type searchOutput struct{ Body wire.Search }

// search takes what is sought in its body: an account or a name has no place in
// an address, which proxies and histories keep.
func (s *search) search(ctx context.Context, in *struct{ Body wire.SearchBody }) (*searchOutput, error) {
	text := strings.TrimSpace(in.Body.Q)
	q := s.query(text)
	stops, cases := s.Ledger.Search(q, maxFound)
	out := &searchOutput{wire.Search{Stops: []wire.Stop{}, Cases: append([]string{}, cases...),
		Transfers: []wire.FoundTransfer{}}}
	for _, st := range stops {
		out.Body.Stops = append(out.Body.Stops, wire.NewStop(ctx, st, s.Ledger.Terms()))
	}
	found, err := s.Warehouse.Search(ctx, cmp.Or(q.Phone, text), maxFound)
	if err == nil && len(found) == 0 {
		found, err = s.Warehouse.Search(ctx, text, maxFound)
	}
	if err != nil {
		return nil, s.fail.Books(ctx, err)
	}
	for i := range found {
		out.Body.Transfers = append(out.Body.Transfers, s.found(ctx, &found[i]))
	}
	return out, nil
}

// found is a transfer, with the case of its stop if it has one.
func (s *search) found(ctx context.Context, f *warehouse.Found) wire.FoundTransfer {
	t := wire.FoundTransfer{ID: f.ID, At: f.At.String(), Payer: f.Payer, PayerHolder: wire.Mask(ctx, f.PayerHolder),
		Payee: f.Payee, PayeeHolder: wire.Mask(ctx, f.PayeeHolder),
		Amount: event.Money{Minor: f.Minor, Currency: f.Currency}.Decimal(), Currency: string(f.Currency)}
	if st := s.Ledger.Stop(event.StopID(event.TransferKey(f.Payer, f.ID), f.Payee)); st != nil {
		t.CaseID = s.Ledger.Case(st.CaseID).ID
	}
	return t
}

// amountText is an amount as people write it: with a sign, separators, or neither.
var amountText = regexp.MustCompile(`^[¥￥]?\s*([0-9]{1,3}(?:[,，][0-9]{3})+|[0-9]+)(\.[0-9]{1,2})?\s*元?$`)

// digitsText is the end of an account or of a number, as people say it.
var digitsText = regexp.MustCompile(`^[0-9]{4,12}$`)

// query reads what somebody types: it may mean several things.
func (s *search) query(text string) ledger.Query {
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
	for _, b := range s.Banks.All() {
		if namesBank(text, b) {
			q.Banks = append(q.Banks, b.Code)
		}
	}
	return q
}

// namesBank says whether somebody who types the text may mean the bank: its code,
// or a part of its name that is long enough.
func namesBank(text string, b event.Bank) bool {
	if utf8.RuneCountInString(text) < 2 {
		return false
	}
	return strings.EqualFold(b.Code, text) || strings.Contains(b.ZH, text) ||
		len(text) >= 4 && strings.Contains(strings.ToLower(b.EN), strings.ToLower(text))
}
