package main

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"stopline.internal/api/apitest"
)

// The list of routes in a real browser: everything that it loads is there, it
// fits a telephone and a wide screen, each route can be linked, and it leads
// to the console and to the other language.
func TestBrowserDocs(t *testing.T) {
	w := openWindow(t)
	srv := apitest.Start(t)
	for _, lang := range []string{"zh", "en"} {
		for _, size := range [][2]int64{{390, 844}, {1440, 900}} {
			w.do(chromedp.EmulateViewport(size[0], size[1]), chromedp.Navigate(srv.URL+"/docs?lang="+lang),
				chromedp.WaitVisible(".docs main"))
			what := fmt.Sprintf("the routes in %s at %d pixels", lang, size[0])
			if wide := w.js("document.documentElement.scrollWidth"); wide != fmt.Sprint(size[0]) {
				t.Errorf("%s are %s wide", what, wide)
			}
			if left := w.js(`Math.min(...[...document.querySelectorAll("h1, h2, article, header a, footer")].map(e => e.getBoundingClientRect().left + parseFloat(getComputedStyle(e).paddingLeft)))`); left == "0" {
				t.Errorf("%s have no margin", what)
			}
			if font := w.js("getComputedStyle(document.body).fontFamily"); font == w.js("getComputedStyle(document.documentElement).fontFamily") {
				t.Errorf("%s have no style of their own", what)
			}
			w.accessible(what)
			w.shot(fmt.Sprintf("docs-%s-%d", lang, size[0]))
		}
	}
	w.do(chromedp.Navigate(srv.URL+"/docs?lang=en#answer"), chromedp.WaitVisible("#answer"))
	w.until("at the route that was linked", `document.querySelector("article:target").id === "answer" && document.querySelector("#answer").getBoundingClientRect().top < innerHeight`)
	w.do(chromedp.Click("#answer summary"))
	w.until("its errors", `document.querySelector("#answer dl").innerText.includes("the state does not allow it")`)
	w.shot("docs-open")
	w.do(chromedp.Click(`header a[hreflang="zh"]`), chromedp.WaitVisible(`html[lang="zh"] .docs main`))
	w.do(chromedp.Click("header .mark"), chromedp.WaitVisible("#door"))
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.errors) > 0 {
		t.Errorf("what the page loads: %v", w.errors)
	}
}
