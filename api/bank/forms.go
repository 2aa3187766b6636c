package bank

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/api/access"
	"stopline.internal/api/iso20022"
	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/store/ledger/stop"
	"stopline.internal/stream/event"
)

const xmlType = "application/xml"

// pageOutput is stops as JSON, or as camt.056 for a bank that asks for XML.
type pageOutput struct {
	Type string `header:"Content-Type"`
	ETag string `header:"ETag"`
	Body []byte
}

// Form is the form that a bank asks for its stops in.
type Form struct {
	Accept   string `header:"Accept" hidden:"true"` // the document's content types say it
	Envelope bool   `query:"envelope" doc:"Of camt.056: with the business application header, in ISO's envelope (head.001.001.02 in nvlp.001.001.01)"`
}

// inBothForms describes an answer that is JSON of a type, or camt.056.
func inBothForms[T any](api huma.API, op *huma.Operation) {
	route.Document("As JSON, or as camt.056", map[string]*huma.MediaType{
		"application/json": {Schema: api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, "")},
		xmlType:            {Schema: &huma.Schema{Type: huma.TypeString}, Example: camt056Example},
	})(api, op)
}

// wantsXML says whether XML is asked for.
func wantsXML(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		kind, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		if kind == xmlType || kind == "text/xml" {
			return true
		}
		if kind == "application/json" || kind == "*/*" {
			return false
		}
	}
	return false
}

func (s *Server) page(ctx context.Context, stops []*stop.Stop, more bool, f Form) (*pageOutput, error) {
	if wantsXML(f.Accept) {
		return s.camt056(ctx, stops, f.Envelope)
	}
	page := wire.NewStopsPage(ctx, stops, more, s.Ledger.Terms())
	b, err := json.Marshal(&page)
	return &pageOutput{Type: "application/json", Body: b}, err
}

func (s *Server) one(ctx context.Context, st *stop.Stop, f Form) (*pageOutput, error) {
	if wantsXML(f.Accept) {
		return s.camt056(ctx, []*stop.Stop{st}, f.Envelope)
	}
	out := s.stopOutput(ctx, st)
	b, err := json.Marshal(&out.Body)
	return &pageOutput{Type: "application/json", ETag: out.ETag, Body: b}, err
}

func (s *Server) camt056(ctx context.Context, stops []*stop.Stop, envelope bool) (*pageOutput, error) {
	now, write := s.Clock(), iso20022.Request
	if envelope {
		write = iso20022.Enveloped
	}
	list := make([]iso20022.Cancellation, len(stops))
	for i, st := range stops {
		list[i] = iso20022.Cancellation{StopID: st.ID, TransferID: st.Transfer.ID,
			Amount: st.Decimal(max(st.Transfer.Minor, 1)), Currency: string(st.Currency), At: st.Transfer.At.Time(),
			Hold: st.Amount().Decimal(), Hours: int(s.Ledger.Terms().Hold.Hours()), Holder: st.Account.Holder,
			Account: st.Account.Number, Bank: st.Account.Bank, Reason: "FRAD", Text: st.Text}
	}
	to := access.Who(ctx).Bank
	b, err := write(event.DerivedID("msg", to, now.String()), now.Time(), to, list)
	return &pageOutput{Type: xmlType, Body: b}, err
}

const camt056Example = `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.056.001.08"><FIToFIPmtCxlReq>…</FIToFIPmtCxlReq></Document>`
