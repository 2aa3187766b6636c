package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"stopline.internal/api/apitest"
	"stopline.internal/api/wire"
	"stopline.internal/scoring"
	"stopline.internal/scoring/pattern"
	"stopline.internal/stream/event"
)

// fetched reads the API document as anybody does.
func fetched(t *testing.T, into any) {
	t.Helper()
	h := apitest.Start(t).Handler
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/openapi.json", nil))
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		t.Fatal(err)
	}
}

// aSchema is what these tests look at of a schema.
type aSchema struct {
	Ref        string `json:"$ref"`
	Type       any
	Format     string
	Properties map[string]aSchema
	Items      *aSchema
	OneOf      []aSchema
	Additional any `json:"additionalProperties"`
	Required   []string
}

type aDocument struct {
	Servers    []struct{ URL string }
	Components struct{ Schemas map[string]aSchema }
	Paths      map[string]map[string]struct {
		Responses map[string]struct {
			Content map[string]struct{ Schema aSchema }
		}
		RequestBody struct {
			Content map[string]struct{ Schema aSchema }
		}
	}
	Webhooks map[string]map[string]struct {
		Parameters  []struct{ Name, In string }
		RequestBody struct {
			Content map[string]struct{ Schema aSchema }
		}
	}
}

// Generators make types of the schemas' names, so that each is a noun of its
// own, in letters that every language takes.
func TestSchemaNames(t *testing.T) {
	var doc aDocument
	fetched(t, &doc)
	good := regexp.MustCompile(`^[A-Z][A-Za-z0-9]+$`)
	for name := range doc.Components.Schemas {
		for _, made := range []string{"Request", "Response", "OutputBody", "InputBody", "Document"} {
			if strings.HasSuffix(name, made) {
				t.Errorf("%s is a made-up name: give the type of the body one", name)
			}
		}
		if !good.MatchString(name) {
			t.Errorf("%q is no name for a type", name)
		}
	}
	if len(doc.Components.Schemas) < 90 {
		t.Errorf("%d schemas", len(doc.Components.Schemas))
	}
}

// A time is a time to a generator as well, and every field has a type.
func TestTimesAreTyped(t *testing.T) {
	var doc aDocument
	fetched(t, &doc)
	time := regexp.MustCompile(`(^|_)(at|since|until|due|timestamp)$|^(respond_by|decide_by|by_when)$`)
	seen := 0
	for name, s := range doc.Components.Schemas {
		for field, f := range s.Properties {
			if f.Type == nil && f.Ref == "" && f.OneOf == nil {
				t.Errorf("%s.%s has no type", name, field)
			}
			if time.MatchString(field) {
				if seen++; f.Format != "date-time" {
					t.Errorf("%s.%s is a time, and its format is %q", name, field, f.Format)
				}
			}
		}
	}
	if seen < 40 {
		t.Errorf("only %d times were looked at", seen)
	}
}

// A bank's first routes are typed JSON, with camt.056 beside it; alerts and what
// they saw are typed too.
func TestAnswersAreTyped(t *testing.T) {
	var doc aDocument
	fetched(t, &doc)
	for path, want := range map[string]string{"/v1/bank/stops": "StopsPage", "/v1/bank/stops/{id}": "Stop",
		"/v1/alerts": "AlertsPage", "/v1/alerts/{id}": "Alert"} {
		content := doc.Paths[path]["get"].Responses["200"].Content
		if got := content["application/json"].Schema.Ref; got != wire.SchemaPrefix+want {
			t.Errorf("%s answers with %q, want %s", path, got, want)
		}
		if _, both := content["application/xml"]; both != strings.HasPrefix(path, "/v1/bank/") {
			t.Errorf("%s: XML %v", path, both)
		}
	}
	for where, f := range map[string]aSchema{"alerts": doc.Components.Schemas["AlertsPage"].Properties["alerts"],
		"evidence":    doc.Components.Schemas["Evidence"].Properties["alerts"],
		"hits":        doc.Components.Schemas["Alert"].Properties["hits"],
		"explanation": doc.Components.Schemas["Explanation"].Properties["hits"]} {
		want := wire.SchemaPrefix + "Alert"
		if where == "hits" || where == "explanation" {
			want += "Hit"
		}
		if f.Items == nil || f.Items.Ref != want {
			t.Errorf("%s: %+v, want a list of %s", where, f, want)
		}
	}
	if len(doc.Servers) != 1 || doc.Servers[0].URL != "/" {
		t.Errorf("servers: %v", doc.Servers)
	}
}

// Answers may have fields that a client does not know yet; what comes in may not.
func TestAnswersStayOpen(t *testing.T) {
	var doc aDocument
	fetched(t, &doc)
	for name, closed := range map[string]bool{"Stop": false, "StopDetail": false, "TransferRef": false,
		"AccountRef": false, "StopsPage": false, "EnvelopeBody": false, "Alert": false, "Screening": false,
		"StreamEvent": false, "OutcomeBody": true, "OnwardBody": true,
		"ReportBody": true, "ReportTransfer": true, "ScreeningBody": true, "ScreeningParty": true,
		"AcknowledgementBody": true, "ProposalBody": true} {
		if s, there := doc.Components.Schemas[name]; !there || (s.Additional == false) != closed {
			t.Errorf("%s: additionalProperties is %v", name, s.Additional)
		}
	}
}

// OpenAPI 3.0 has no webhooks.
func TestOpenAPI30(t *testing.T) {
	h := apitest.Start(t).Handler
	for _, path := range []string{"/v1/openapi-3.0.json", "/v1/openapi-3.0.yaml"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if text := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(text, "3.0.3") ||
			strings.Contains(text, "webhooks") ||
			!strings.Contains(text, "EnvelopeBody") {
			t.Errorf("%s: %d %.200s", path, w.Code, text)
		}
	}
}

// Every type of message is a webhook with the headers of Standard Webhooks.
func TestWebhooksAreDescribed(t *testing.T) {
	var doc aDocument
	fetched(t, &doc)
	for _, kind := range []string{"stop.requested", "stop.extended", "stop.frozen", "stop.changed", "stop.released",
		"stop.expired", "return.instructed", "person.called"} {
		op, there := doc.Webhooks[kind]["post"]
		if !there || op.RequestBody.Content["application/json"].Schema.Ref != wire.SchemaPrefix+"EnvelopeBody" {
			t.Errorf("%s: %+v", kind, op)
			continue
		}
		var names []string
		for _, p := range op.Parameters {
			names = append(names, p.In+" "+p.Name)
		}
		if !slices.Equal(names, []string{"header webhook-id", "header webhook-timestamp", "header webhook-signature"}) {
			t.Errorf("%s has the headers %v", kind, names)
		}
	}
}

// An alert with everything in it is what its schema says, field by field.
func TestAlertIsAsDescribed(t *testing.T) {
	party := scoring.PartyRef{Account: "6222", Bank: "ICBK", Holder: "张三", Phone: "+8613800138000"}
	b, err := json.Marshal(
		&scoring.Alert{ID: "alt_1", At: 1, Entity: "tel:+86138", Event: scoring.EventRef{Kind: "call", ID: "c"},
			Transfer: &scoring.TransferRef{
				ID:       "t",
				At:       1,
				Amount:   "1.00",
				Currency: event.CNY,
				Payer:    party,
				Payee:    party,
				Channel:  "mobile",
			},
			Score: 870, Action: pattern.Stop, FraudType: "x", Hits: []scoring.Hit{{Pattern: "p", FraudType: "x", Weight: 0.7,
				Shadow: true, Values: map[string]any{"calls.longest": "26m0s"}}},
			Catalogue: "c", StopID: "stp_1", CaseID: "cas_1", District: "520103", Override: "o", Brake: "*",
			Trail: &scoring.TrailRef{From: "acct:1", Why: "received", Cause: "t"}, Shadow: true,
			Provisional: true, Late: true},
	)
	if err != nil {
		t.Fatal(err)
	}
	var alert wire.Alert
	strict := json.NewDecoder(bytes.NewReader(b))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&alert); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	if again, err := json.Marshal(&alert); err != nil || string(again) != string(b) {
		t.Errorf("the schema makes of it\n%s, want\n%s", again, b)
	}
	registry := huma.NewMapRegistry(wire.SchemaPrefix, huma.DefaultSchemaNamer)
	schema := wire.RawAlert{}.Schema(registry)
	var value any
	if err := json.Unmarshal(b, &value); err != nil {
		t.Fatal(err)
	}
	res := &huma.ValidateResult{}
	if huma.Validate(registry, schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, value, res); len(
		res.Errors,
	) > 0 {
		t.Errorf("%v", res.Errors)
	}
}

// The API document is whole: every route has an example of what goes in and of
// what comes out, and names every error with what it means; docs/api.md lists
// the route.
func TestOpenAPIIsComplete(t *testing.T) {
	h := apitest.Start(t).Handler
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/openapi.json", nil))
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			Summary     string
			OperationID string `json:"operationId"`
			RequestBody *struct {
				Content map[string]map[string]any
			}
			Responses map[string]struct {
				Description string
				Content     map[string]map[string]any
			}
			Parameters []struct {
				Name, In string
				Schema   map[string]any
			}
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || len(doc.Paths) < 45 {
		t.Fatalf("version %q with %d paths", doc.OpenAPI, len(doc.Paths))
	}
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	routes := 0
	for path, item := range doc.Paths {
		for method, op := range item {
			routes++
			name := strings.ToUpper(method) + " " + path
			if !strings.Contains(string(page), path) {
				t.Errorf("docs/api.md does not name %s", path)
			}
			if op.Summary == "" {
				t.Errorf("%s has no summary", name)
			}
			if op.RequestBody != nil {
				for kind, m := range op.RequestBody.Content {
					if m["example"] == nil {
						t.Errorf("%s: the %s that goes in has no example", name, kind)
					}
				}
			}
			for _, status := range []string{"401", "403", "500"} {
				if _, ok := op.Responses[status]; !ok {
					t.Errorf("%s does not name its answer %s", name, status)
				}
			}
			if strings.Contains(path, "{") {
				if _, ok := op.Responses["404"]; !ok && method != "put" && method != "delete" {
					t.Errorf("%s names something and has no 404", name)
				}
			}
			if (method == "post" && path != "/v1/patterns/check") || method == "patch" || method == "put" ||
				method == "delete" {
				if _, ok := op.Responses["503"]; !ok {
					t.Errorf("%s changes something and has no 503", name)
				}
			}
			for status, r := range op.Responses {
				if status >= "400" && !strings.Contains(r.Description, ":") {
					t.Errorf("%s: %s does not say when: %q", name, status, r.Description)
				}
				for kind, m := range r.Content {
					if m["example"] == nil {
						t.Errorf("%s: the %s of %s has no example", name, kind, status)
					}
				}
			}
		}
	}
	t.Log(fmt.Sprint(routes, " operations"))
}
