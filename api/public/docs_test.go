package public_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"stopline.internal/api/apitest"
)

func page(t *testing.T, h http.Handler, path string, headers ...string) (int, http.Header, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Header(), w.Body.String()
}

// Every operation and every error is said in Chinese, and nothing is said of
// operations that do not exist.
func TestDocsInChinese(t *testing.T) {
	summaries := map[string]string{}
	for _, r := range apitest.Routes(t) {
		summaries[r.ID] = r.ZH
	}
	h := apitest.Start(t).Handler
	_, _, english := page(t, h, "/docs?lang=en")
	_, _, chinese := page(t, h, "/docs?lang=zh")
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(`<article id="([^"]+)">`).FindAllStringSubmatch(english, -1) {
		if ids[m[1]] {
			t.Errorf("%s is there twice", m[1])
		}
		ids[m[1]] = true
		if !regexp.MustCompile(`\p{Han}`).MatchString(summaries[m[1]]) {
			t.Errorf("%s has no Chinese summary in its table", m[1])
		}
		if !strings.Contains(chinese, `href="#`+m[1]+`"`) {
			t.Errorf("the Chinese page lacks %s", m[1])
		}
	}
	if len(ids) < 70 {
		t.Errorf("%d operations on the page", len(ids))
	}
	for id := range summaries {
		if !ids[id] {
			t.Errorf("the table has an operation %s that is not on the page", id)
		}
	}
	for _, empty := range []string{"<p></p>", "<dd></dd>", "<no value>"} {
		for lang, text := range map[string]string{"zh": chinese, "en": english} {
			if strings.Contains(text, empty) {
				t.Errorf("the page in %s has %s", lang, empty)
			}
		}
	}
}

// The page speaks the browser's language unless its address says another; it
// leads back to the console, and what it loads and links is there.
func TestDocsPage(t *testing.T) {
	h := apitest.Start(t).Handler
	for _, c := range []struct{ path, accept, want string }{
		{"/docs", "", "en"},
		{"/docs", "zh-CN,zh;q=0.9,en;q=0.8", "zh"},
		{"/docs", "zh-TW", "zh"},
		{"/docs", "en-GB,zh;q=0.5", "en"},
		{"/docs", "fr", "en"},
		{"/docs?lang=zh", "en", "zh"},
		{"/docs?lang=en", "zh", "en"},
		{"/docs?lang=xx", "zh", "zh"},
	} {
		status, head, text := page(t, h, c.path, "Accept-Language", c.accept)
		if status != http.StatusOK || head.Get("Content-Language") != c.want ||
			!strings.Contains(text, `<html lang="`+c.want+`">`) {
			t.Errorf("%s for %q: %d in %s, want %s", c.path, c.accept, status, head.Get("Content-Language"), c.want)
		}
	}
	_, _, text := page(t, h, "/docs?lang=en")
	for _, link := range regexp.MustCompile(`(?:href|src)="(/[^"]*)"`).FindAllStringSubmatch(text, -1) {
		if status, _, _ := page(t, h, link[1]); status != http.StatusOK {
			t.Errorf("%s, which the page loads or links, answers %d", link[1], status)
		}
	}
	for _, want := range []string{`<a class="mark" href="/">`, `href="?lang=zh"`, "9.8.7 (commit abc)",
		`href="#for-bank"`, `href="#for-everybody"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}
