package public

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"stopline.internal/api/route"
	"stopline.internal/api/wire"
	"stopline.internal/store/ledger/delivery"
)

// finish makes the API document whole, once every route is in it.
func finish(doc *huma.OpenAPI) {
	doc.Servers = []*huma.Server{{URL: "/", Description: "Where this document was fetched from"}}
	doc.Webhooks = webhooks(doc.Components.Schemas)
	openAnswers(doc)
	illustrate(doc)
}

// downgraded serves the document as OpenAPI 3.0, which knows no webhooks. It is made
// for the first who asks: few do, and it takes most of the time of a start.
func downgraded(r chi.Router, doc *huma.OpenAPI) {
	old := *doc
	old.Webhooks = nil
	for _, form := range []struct {
		suffix, kind string
		write        func() ([]byte, error)
	}{
		{"json", "application/vnd.oai.openapi+json", old.Downgrade},
		{"yaml", "application/vnd.oai.openapi", old.DowngradeYAML},
	} {
		write := sync.OnceValues(form.write)
		r.Get("/v1/openapi-3.0."+form.suffix, func(w http.ResponseWriter, r *http.Request) {
			text, err := write()
			if err != nil {
				route.WriteProblem(w, r, wire.NewProblem(http.StatusInternalServerError, "openapi.old", "cause", err.Error()))
				return
			}
			w.Header().Set("Content-Type", form.kind)
			_, _ = w.Write(text) // the client has gone when it fails
		})
	}
}

// bankMessages are the types of messages that a bank is sent, in words.
var bankMessages = map[string]string{
	delivery.MessageRequested: "A stop is asked for, or the request was mended",
	delivery.MessageExtended:  "The hold has a second term",
	delivery.MessageFrozen:    "The hold is followed by a freeze, or the freeze was renewed",
	delivery.MessageChanged:   "A part is released: less is to be held",
	delivery.MessageReleased:  "Let the amount go, at once",
	delivery.MessageExpired:   "The term ended: let the amount go",
	delivery.MessageReturn:    "Pay back what the stop's return says",
	delivery.MessageCall:      "To the center's own pager: a bank does not answer, a person must call it",
}

// webhooks describe what is sent to the endpoints of banks: Standard Webhooks.
func webhooks(schemas huma.Registry) map[string]*huma.PathItem {
	body := schemas.Schema(reflect.TypeFor[wire.EnvelopeBody](), true, "")
	text := &huma.Schema{Type: huma.TypeString}
	header := func(name, words string, example any) *huma.Param {
		return &huma.Param{Name: name, In: "header", Required: true, Description: words, Schema: text, Example: example}
	}
	out := map[string]*huma.PathItem{}
	for kind, words := range bankMessages {
		out[kind] = &huma.PathItem{Post: &huma.Operation{
			OperationID: "on-" + strings.ReplaceAll(kind, ".", "-"), Method: http.MethodPost, Summary: words,
			Description: "Signed as Standard Webhooks 1.0. Answer within 5 seconds, once the message is safe with you.",
			Parameters: []*huma.Param{
				header("webhook-id", "The same for every attempt: do the work once", "msg_stp_2Q0J7Z1K8M5N3P6R9S4T7V1W2X_2"),
				header("webhook-timestamp", "Of the attempt, seconds since 1970", "1795400430"),
				header("webhook-signature", "v1, and base64 of HMAC-SHA-256 over id.timestamp.body; one for each secret",
					"v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
			},
			RequestBody: &huma.RequestBody{Required: true,
				Content: map[string]*huma.MediaType{"application/json": {Schema: body}}},
			Responses: map[string]*huma.Response{
				"2XX":     {Description: "The message is safe with the bank"},
				"default": {Description: "It comes again: after 1, 2, 5, 10 and 30 seconds, then every minute for an hour"},
			},
		}}
	}
	return out
}

// openAnswers lets every schema that only answers have fields that are not in
// it: a later version adds some, and a program made from today's document must
// take them. What comes in stays closed, so that a slip of the pen is found.
func openAnswers(doc *huma.OpenAPI) {
	incoming := map[string]bool{}
	for _, item := range doc.Paths {
		for _, op := range operations(item) {
			if op.RequestBody != nil {
				for _, m := range op.RequestBody.Content {
					reach(doc.Components.Schemas, m.Schema, incoming)
				}
			}
		}
	}
	for name, s := range doc.Components.Schemas.Map() {
		if closed, is := s.AdditionalProperties.(bool); is && !closed && !incoming[name] {
			s.AdditionalProperties = nil
		}
	}
}

// reach notes the names of all schemas that one is made of.
func reach(schemas huma.Registry, s *huma.Schema, names map[string]bool) {
	if s == nil {
		return
	}
	if name, is := strings.CutPrefix(s.Ref, wire.SchemaPrefix); is && !names[name] {
		names[name] = true
		reach(schemas, schemas.Map()[name], names)
	}
	reach(schemas, s.Items, names)
	for _, part := range slices.Concat(slices.Collect(maps.Values(s.Properties)), s.OneOf, s.AnyOf, s.AllOf) {
		reach(schemas, part, names)
	}
}

// operations lists those of a path.
func operations(item *huma.PathItem) []*huma.Operation {
	all := []*huma.Operation{item.Get, item.Put, item.Post, item.Patch, item.Delete}
	return slices.DeleteFunc(all, func(op *huma.Operation) bool { return op == nil })
}
