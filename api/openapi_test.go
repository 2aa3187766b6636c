package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"stopline.internal/store/ledger"
)

// The API document is whole: every route has an example of what goes in and of
// what comes out, and names every error with what it means; docs/api.md lists
// the route.
func TestOpenAPIIsComplete(t *testing.T) {
	h := New(Dependencies{Identities: &Identities{}, Ledger: ledger.New(ledger.DefaultTerms)})
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
			if (method == "post" && path != "/v1/patterns/check") || method == "patch" || method == "put" || method == "delete" {
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
