package api

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// send asks the desk and returns the status, the headers and the body.
func (d *testDesk) send(key, method, path, body string, headers ...string) (int, http.Header, string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.URL+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

// A field that nobody knows is refused by name on every route that takes JSON,
// at the top and wherever an object is within the body.
func TestUnknownFieldsAreRefusedEverywhere(t *testing.T) {
	d := newDesk(t)
	var doc struct {
		Paths map[string]map[string]struct {
			Description string
			RequestBody struct {
				Content map[string]struct{ Example any }
			}
		}
	}
	fetched(t, &doc)
	parameter := regexp.MustCompile(`\{[^}]*\}`)
	routes, places := 0, 0
	for path, item := range doc.Paths {
		for method, op := range item {
			body, is := op.RequestBody.Content["application/json"]
			if !is {
				continue
			}
			routes++
			key := d.ids.Local(Admin, "")
			if strings.HasPrefix(op.Description, "For: bank") {
				key = d.key
			}
			objects(body.Example, "#", func(object map[string]any, at string) {
				places++
				object["onwards"] = "x"
				b, err := json.Marshal(body.Example)
				delete(object, "onwards")
				if err != nil {
					t.Fatal(err)
				}
				status, _, answer := d.send(key, strings.ToUpper(method), parameter.ReplaceAllString(path, "x"), string(b))
				if status != http.StatusUnprocessableEntity || !strings.Contains(answer, `"`+at+`/onwards"`) {
					t.Errorf("%s %s with %s/onwards: %d %s", method, path, at, status, answer)
				}
			})
		}
	}
	if routes < 15 || places < 25 {
		t.Errorf("only %d routes and %d places were tried", routes, places)
	}
}

// objects calls f for each object within a value.
func objects(v any, at string, f func(object map[string]any, at string)) {
	switch v := v.(type) {
	case map[string]any:
		f(v, at)
		for name, inner := range v {
			objects(inner, at+"/"+name, f)
		}
	case []any:
		for _, inner := range v {
			objects(inner, at+"/0", f)
		}
	}
}
