package api_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"stopline.internal/api/access"
	"stopline.internal/api/apitest"
)

// A field that nobody knows is refused by name on every route that takes JSON,
// at the top and wherever an object is within the body.
func TestUnknownFieldsAreRefusedEverywhere(t *testing.T) {
	d := apitest.Start(t)
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
			key := d.Key(access.Admin)
			if strings.HasPrefix(op.Description, "For: bank") {
				key = d.Bank("PCBC")
			}
			objects(body.Example, "#", func(object map[string]any, at string) {
				places++
				object["onwards"] = "x"
				b, err := json.Marshal(body.Example)
				delete(object, "onwards")
				if err != nil {
					t.Fatal(err)
				}
				status, _, answer := d.Send(key, strings.ToUpper(method), parameter.ReplaceAllString(path, "x"), string(b))
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
