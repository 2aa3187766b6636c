package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/api/iso20022"
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
func (*server) inBothForms(api huma.API, t reflect.Type, op huma.Operation) huma.Operation {
	forms := map[string]*huma.MediaType{
		"application/json": {Schema: api.OpenAPI().Components.Schemas.Schema(t, true, "")},
		xmlType:            {Schema: &huma.Schema{Type: huma.TypeString}, Example: camt056Example},
	}
	op.Responses = map[string]*huma.Response{"200": {Description: "As JSON, or as camt.056", Content: forms}}
	return op
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

func (s *server) page(ctx context.Context, stops []*stop.Stop, more bool, form Form) (*pageOutput, error) {
	if wantsXML(form.Accept) {
		return s.camt056(ctx, stops, form.Envelope)
	}
	b, err := json.Marshal(&s.stopsOutput(ctx, stops, more).Body)
	return &pageOutput{Type: "application/json", Body: b}, err
}

func (s *server) one(ctx context.Context, st *stop.Stop, form Form) (*pageOutput, error) {
	if wantsXML(form.Accept) {
		return s.camt056(ctx, []*stop.Stop{st}, form.Envelope)
	}
	out := s.bankOutput(ctx, st)
	b, err := json.Marshal(&out.Body)
	return &pageOutput{Type: "application/json", ETag: out.ETag, Body: b}, err
}

func (s *server) camt056(ctx context.Context, stops []*stop.Stop, envelope bool) (*pageOutput, error) {
	now, write := s.Clock(), iso20022.Request
	if envelope {
		write = iso20022.Enveloped
	}
	list := make([]iso20022.Cancellation, len(stops))
	for i, st := range stops {
		list[i] = iso20022.Cancellation{StopID: st.ID, TransferID: st.Transfer.ID, Amount: st.Decimal(max(st.Transfer.Minor, 1)), Currency: string(st.Currency), At: st.Transfer.At.Time(),
			Hold: st.Amount().Decimal(), Hours: int(s.Ledger.Terms().Hold.Hours()), Holder: st.Account.Holder, Account: st.Account.Number, Bank: st.Account.Bank, Reason: "FRAD", Text: st.Text}
	}
	b, err := write(event.DerivedID("msg", who(ctx).Bank, now.String()), now.Time(), who(ctx).Bank, list)
	return &pageOutput{Type: xmlType, Body: b}, err
}

// messageRoute takes a bank's answers in the banks' own standard.
func (s *server) messageRoute(api huma.API) {
	op := s.operation(api, http.MethodPost, "/v1/bank/messages", "iso-message", "Answers as ISO 20022, alone or in an envelope with their header: camt.029.001.09 (CNCL held, PECR partial, PDCR acknowledged, RJCR with AM04 or PTNA missed, with NOOR, AC01 or BE01 mismatch, with any other reason refused), pacs.004.001.09 (paid back)", []Role{Bank}, 404, 409, 413, 422, 503)
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{xmlType: {Schema: &huma.Schema{Type: huma.TypeString}, Example: camt029Example}}}
	huma.Register(api, op, func(ctx context.Context, in *struct {
		ContentType string `header:"Content-Type" doc:"application/xml"`
		RawBody     []byte `contentType:"application/xml"`
	}) (*struct{ Body MessageResults }, error) {
		return s.isoMessage(ctx, in.RawBody)
	})
}

// MessageResults say what became of each transaction of a message.
type MessageResults struct {
	Results []MessageResult `json:"results" nullable:"false"`
}

// MessageResult is one transaction's.
type MessageResult struct {
	StopID string `json:"stop_id"`
	State  string `json:"state" example:"held"`
}

func (s *server) isoMessage(ctx context.Context, doc []byte) (*struct{ Body MessageResults }, error) {
	answers, err := iso20022.Parse(doc)
	if err != nil {
		return nil, problem(http.StatusUnprocessableEntity, "message.refused", "cause", err.Error())
	}
	out := &struct{ Body MessageResults }{MessageResults{[]MessageResult{}}}
	type sum struct {
		minor int64
		refs  []string
	}
	paid := map[string]*sum{}
	for i := range answers { // everything is looked at before anything is done
		a := &answers[i]
		st, err := s.own(ctx, a.StopID)
		if err != nil {
			return nil, err
		}
		if a.Currency != "" && a.Currency != string(st.Currency) {
			return nil, problem(http.StatusUnprocessableEntity, "message.currency",
				"stop", st.ID, "currency", st.Currency, "sent", a.Currency)
		}
		if a.Result == "returned" {
			minor, err := Amount(a.Amount).minor(st.Currency)
			if err != nil {
				return nil, problem(http.StatusUnprocessableEntity, "message.amount",
					"field", "RtrdIntrBkSttlmAmt", "cause", err.Error())
			}
			if paid[st.ID] == nil {
				paid[st.ID] = &sum{}
			}
			paid[st.ID].minor += minor
			paid[st.ID].refs = append(paid[st.ID].refs, a.Reference)
		}
	}
	for i := range answers {
		a := &answers[i]
		st, err := s.own(ctx, a.StopID)
		if err != nil {
			return nil, err
		}
		switch a.Result {
		case "acknowledged":
			st, err = s.acknowledged(ctx, st)
		case "returned":
			if p := paid[st.ID]; p != nil {
				delete(paid, st.ID)
				st, err = s.paidBack(ctx, st, true, p.minor, strings.Join(p.refs, " "), "")
			}
		default:
			o := stop.Outcome{Result: stop.State(a.Result), Balance: event.Unknown, Reason: a.Reason}
			if o.Result == stop.Held || o.Result == stop.Partial {
				o.EffectiveAt, o.HeldMinor = event.InstantOf(a.At), st.Minor
				if a.Amount != "" {
					if o.HeldMinor, err = Amount(a.Amount).minor(st.Currency); err != nil {
						return nil, problem(http.StatusUnprocessableEntity, "message.amount",
							"field", "IntrBkSttlmAmt", "cause", err.Error())
					}
				}
			}
			st, err = s.answered(ctx, st, o, sameMessage)
		}
		if err != nil {
			return nil, err
		}
		out.Body.Results = append(out.Body.Results, MessageResult{st.ID, string(st.State)})
	}
	return out, nil
}

const camt056Example = `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.056.001.08"><FIToFIPmtCxlReq>…</FIToFIPmtCxlReq></Document>`

const camt029Example = `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.029.001.09"><RsltnOfInvstgtn>
<Assgnmt><Id>PCBC-1</Id><Assgnr><Agt><FinInstnId><Othr><Id>PCBC</Id></Othr></FinInstnId></Agt></Assgnr><Assgne><Agt><FinInstnId><Othr><Id>Stopline</Id></Othr></FinInstnId></Agt></Assgne><CreDtTm>2026-11-23T10:20:31+08:00</CreDtTm></Assgnmt>
<Sts><Conf>PECR</Conf></Sts>
<CxlDtls><TxInfAndSts><CxlStsId>PCBC-1-1</CxlStsId><RslvdCase><Id>stp_2Q0J7Z1K8M5N3P6R9S4T7V1W2X</Id><Cretr><Agt><FinInstnId><Othr><Id>Stopline</Id></Othr></FinInstnId></Agt></Cretr></RslvdCase>
<RsltnRltdInf><IntrBkSttlmAmt Ccy="CNY">30000.00</IntrBkSttlmAmt></RsltnRltdInf></TxInfAndSts></CxlDtls>
</RsltnOfInvstgtn></Document>`
