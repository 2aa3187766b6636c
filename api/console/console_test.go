package console

import (
	"encoding/json"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"stopline.internal/stream/event"
	"stopline.internal/stream/event/words"
)

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := static.ReadFile("static/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What a table exports holds no formula; numbers stay numbers. The server's own
// exports have the same rule.
func TestExportsHaveNoFormulas(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed: the console's exports are not tried")
	}
	script := read(t, "csv.js") + `
		process.stdout.write(lines([["=HYPERLINK(1)", "+1", "-1+1", "@x", "\t=1", "\r=1", "-12.50", "a=b", 'say "="', "", 7]]));`
	cmd := exec.CommandContext(t.Context(), node, "--input-type=module")
	cmd.Stdin = strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := `"'=HYPERLINK(1)","'+1","'-1+1","'@x","'` + "\t" + `=1","'` + "\r" +
		`=1","-12.50","a=b","say ""=""","","7"` + "\r\n"
	if string(out) != want {
		t.Errorf("exported as %q, want %q", out, want)
	}
}

// Every word is there in Chinese and in English, once; every word that a page
// asks for is there.
func TestWords(t *testing.T) {
	hole := regexp.MustCompile(`\{\d?\}`)
	for _, word := range words.Pages() {
		zh, en, _ := words.Page(word)
		if zh == "" || en == "" {
			t.Errorf("%s is not there in both languages: %q, %q", word, zh, en)
		}
		if len(hole.FindAllString(zh, -1)) != len(hole.FindAllString(en, -1)) {
			t.Errorf("%s: %q and %q do not take the same parts", word, zh, en)
		}
	}
	for _, s := range []string{"proposed", "requested", "undelivered", "acknowledged", "held", "partial", "missed",
		"mismatch", "refused",
		"rejected", "extended", "frozen", "returning", "returned", "released", "expired"} {
		if !words.Named("stop", s) {
			t.Errorf("the state %s has no name", s)
		}
	}
	if n := len(words.Pages()); n < 200 {
		t.Errorf("%d words", n)
	}
	catalogueOfPatterns, err := os.ReadFile("../../scoring/catalogue.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^  fraud_type: (\S+)$`).FindAllStringSubmatch(string(catalogueOfPatterns), -1) {
		if !words.Named("fraud", m[1]) {
			t.Errorf("the type of fraud %s is no word", m[1])
		}
	}
	asked := regexp.MustCompile(`\b(?:t|button|tile|field|figure|moving)\("([\w-]+)"[,)]|data-(?:t|placeholder|label)="([\w-]+)"`)
	err = fs.WalkDir(static, "static", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(path, "/lib/") {
			return err
		}
		for _, m := range asked.FindAllStringSubmatch(read(t, strings.TrimPrefix(path, "static/")), -1) {
			k := m[1] + m[2]
			if _, _, known := words.Page(k); !known {
				t.Errorf("%s asks for %s, which is no word", path, k)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// samples are a value of each kind, as a document carries them and as Go has them.
var samples = map[string]any{"money": event.Money{Minor: 123_456_789, Currency: event.CNY},
	"time": event.Instant(1795400430000), "span": 48 * time.Hour, "list": []string{"a", "b"},
	"stop": "held", "return": "announced", "author": "scoring", "role": []string{"police", "admin"}, "field": "holder"}

// The console says each message as the service does, in both languages: the
// catalogue is one, and so is how amounts and times are written.
func TestConsoleSpeaksAsTheService(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no node on this machine: the console's words are tried in a browser alone")
	}
	type said struct {
		Code   string       `json:"code"`
		Values words.Values `json:"values"`
		zh, en string
	}
	var all []said
	for _, code := range words.Codes() {
		values := words.Values{}
		for _, h := range regexp.MustCompile(`\{(\w+)(?::([\w-]+))?\}`).FindAllStringSubmatch(words.Template(code,
			words.English), -1) {
			value, known := samples[h[2]]
			if !known {
				value = "某 x"
			}
			values[h[1]] = value
		}
		m := words.Message{Code: code, Values: values}
		all = append(all, said{code, values, m.In(words.Chinese), m.In(words.English)})
	}
	for _, d := range []time.Duration{time.Second, 90 * time.Second, time.Minute, time.Hour, 100 * time.Hour,
		72 * time.Hour, 720 * time.Hour} {
		m := words.New("law.term", "term", d)
		all = append(all, said{m.Code, m.Values, m.In(words.Chinese), m.In(words.English)})
	}
	dir := t.TempDir()
	write := func(name, text string) {
		text = regexp.MustCompile(`from "/(\w+)\.js"`).ReplaceAllString(text, `from "./$1.mjs"`)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	asked, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	write("messages.mjs", string(words.Script()))
	write("words.mjs", read(t, "words.js"))
	write("dom.mjs", read(t, "dom.js"))
	write("globals.mjs", `globalThis.localStorage = { getItem: () => "zh", setItem: () => {} };`)
	write("main.mjs", `import "./globals.mjs";
import { message } from "./dom.mjs";
import { speak } from "./words.mjs";
const say = (l) => (speak(l), all.map((m) => message(m)));
const all = `+string(asked)+`;
console.log(JSON.stringify({ zh: say("zh"), en: say("en"), later: message({ code: "of.tomorrow" }, "as it was said") }));`)
	out, err := exec.CommandContext(t.Context(), node, filepath.Join(dir, "main.mjs")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var got struct {
		ZH, EN []string
		Later  string
	}
	if err := json.Unmarshal(out, &got); err != nil || len(got.ZH) != len(all) || got.Later != "as it was said" {
		t.Fatalf("%v: %.300s", err, out)
	}
	for i, m := range all {
		if got.ZH[i] != m.zh || got.EN[i] != m.en {
			t.Errorf("%s: %s | %s, want %s | %s", m.Code, got.ZH[i], got.EN[i], m.zh, m.en)
		}
	}
}

// A browser keeps the pages until they change.
func TestMount(t *testing.T) {
	r := chi.NewRouter()
	Mount(r)
	get := func(path, tag string) *httptest.ResponseRecorder {
		req := httptest.NewRequest(http.MethodGet, path, http.NoBody)
		if tag != "" {
			req.Header.Set("If-None-Match", tag)
		}
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		return w
	}
	for path, kind := range map[string]string{"/": "text/html", "/app.js": "text/javascript",
		"/console.css": "text/css", "/icon.svg": "image/svg+xml",
		"/messages.js": "text/javascript"} {
		w := get(path, "")
		tag := w.Header().Get("ETag")
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), kind) || tag == "" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		if again := get(path, tag); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("%s again: %d, %d bytes", path, again.Code, again.Body.Len())
		}
	}
	if w := get("/words_test.go", ""); w.Code != http.StatusNotFound {
		t.Errorf("what is no page: %d", w.Code)
	}
}

// The style sheets keep to what browsers of 2021 know (Chromium 90, which many
// offices have): a colour by a function that the browser does not know is no
// colour at all. The dark colours, which therefore stand there twice, are the same.
func TestColoursForOlderBrowsers(t *testing.T) {
	err := fs.WalkDir(static, "static", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".css") {
			return err
		}
		text := regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(read(t, strings.TrimPrefix(path, "static/")), "")
		for _, young := range []string{"light-dark(", "color-mix(", "oklch(", "lab(", ":has(", "@layer", "@container",
			"dvh", "inset-area", "text-wrap:"} {
			if strings.Contains(text, young) {
				t.Errorf("%s uses %s, which is younger than Chromium 90", path, young)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	colours := func(selector string) map[string]string {
		_, rest, found := strings.Cut(read(t, "console.css"), selector+" {")
		block, _, ended := strings.Cut(rest, "}")
		if !found || !ended {
			t.Fatalf("console.css has no %s", selector)
		}
		out := map[string]string{}
		for _, m := range regexp.MustCompile(`(--[\w-]+): ([^;]+);`).FindAllStringSubmatch(block, -1) {
			out[m[1]] = m[2]
		}
		return out
	}
	light, system, chosen := colours("\n:root"), colours(`:root:not([data-theme="light"])`), colours(`:root[data-theme="dark"]`)
	if len(light) < 12 || !maps.Equal(system, chosen) {
		t.Errorf("the dark colours differ: %v and %v", system, chosen)
	}
	for name := range light {
		if chosen[name] == "" {
			t.Errorf("%s has no dark colour", name)
		}
	}
}
