package public

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2/humatest"

	"stopline.internal/api/access"
	"stopline.internal/api/route"
)

// A route stands once, with those who use it first: what every key may do by
// itself.
func TestDocsSections(t *testing.T) {
	_, api := humatest.New(t)
	for id, roles := range map[string][]access.Role{
		"all":  {access.Analyst, access.Supervisor, access.Police, access.Admin, access.Bank},
		"ours": {access.Analyst, access.Supervisor}, "theirs": {access.Bank}} {
		answer := func(ctx context.Context, _ *struct{}) (*struct{}, error) { return nil, ctx.Err() }
		route.Register(api, []route.Route{{Method: http.MethodGet, Path: "/" + id, ID: id, EN: "What " + id + " may do",
			Roles: roles, Errors: []int{404}, Handler: route.Handle(answer)}})
	}
	illustrate(api.OpenAPI())
	var got []string
	for _, section := range docsSections(api.OpenAPI(), nil, "en") {
		for _, r := range section.Routes {
			got = append(got, section.ID+" "+r.Method+" "+r.Path+" "+r.For+" "+r.Errors[len(r.Errors)-2].Status)
		}
	}
	want := "for-everybody GET /all analyst, supervisor, police, admin, bank 404; " +
		"for-bank GET /theirs bank 404; for-analyst GET /ours analyst, supervisor 404"
	if strings.Join(got, "; ") != want {
		t.Errorf("%s\nwant %s", strings.Join(got, "; "), want)
	}
}

// Every error is said in Chinese too.
func TestErrorsInChinese(t *testing.T) {
	for code := range problemWords {
		if problemWordsZH[code] == "" {
			t.Errorf("the error %d has no Chinese words", code)
		}
	}
}
