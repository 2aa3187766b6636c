package console

import (
	"regexp"
	"strings"
	"testing"
)

// Every word of the console is there in Chinese and in English, and every word
// that a page asks for is there.
func TestWords(t *testing.T) {
	read := func(name string) string {
		b, err := static.ReadFile("static/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	zh, en, found := strings.Cut(read("words.js"), "\n  en: {")
	if !found {
		t.Fatal("words.js has no English")
	}
	key := regexp.MustCompile(`(?:^|[{,\n]\s*)"?([a-z_-]+1?)"?: "`)
	keys := func(text string) map[string]bool {
		out := map[string]bool{}
		for _, m := range key.FindAllStringSubmatch(text, -1) {
			out[m[1]] = true
		}
		return out
	}
	inZH, inEN := keys(zh), keys(en)
	for k := range inZH {
		if !inEN[k] {
			t.Errorf("%s is not there in English", k)
		}
	}
	for k := range inEN {
		if !inZH[k] {
			t.Errorf("%s is not there in Chinese", k)
		}
	}
	if len(inZH) < 80 {
		t.Errorf("%d words", len(inZH))
	}
	asked := regexp.MustCompile(`\bt\("([a-z_-]+)"|data-(?:t|placeholder|label)="([a-z_-]+)"`)
	for _, name := range []string{"app.js", "queue.js", "cases.js", "statistics.js", "operations.js", "patterns.js", "index.html"} {
		for _, m := range asked.FindAllStringSubmatch(read(name), -1) {
			if k := m[1] + m[2]; !inZH[k] {
				t.Errorf("%s asks for %s, which is no word", name, k)
			}
		}
	}
}
