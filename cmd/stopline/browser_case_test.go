package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// signedIn opens the console as the owner of a key, by the link.
func (w *window) signedIn(url, key string) {
	w.t.Helper()
	w.do(chromedp.Navigate("about:blank"), chromedp.Navigate(url+"/#key="+key))
	w.until("signed in", `!document.querySelector("#page").hidden && sessionStorage.getItem("key") === "`+key+`"`)
}

// An analyst's work from the keyboard: one alert is dismissed, another is taken as
// a report, with its stop; a third is handed up with its reason. A supervisor
// approves a large stop.
func TestBrowserAnalyst(t *testing.T) {
	w := openWindow(t)
	h := newHarness(t)
	k := h.keys()
	openReviews(t, h.warehouse, 3, 5001)
	w.do(chromedp.EmulateViewport(1440, 900), chromedp.Navigate(h.url), chromedp.WaitVisible("#door"))
	if w.js("document.documentElement.lang") != "zh" {
		w.do(chromedp.Click("#language"))
	}
	w.signedIn(h.url, k.analyst)
	w.until("three reviews, the largest first", `[...document.querySelectorAll(".rows .money")].map(e => e.textContent).join() === "¥5,003.00,¥5,002.00,¥5,001.00"`)
	w.key("j")
	w.until("chosen, with its own address", `/#\/queue\/alt_/.test(location.hash) && document.querySelector(".side .people")?.textContent.includes("13800138000")`)
	w.until("whom to telephone, by name", `["甲", "乙", "工商银行", "95588"].every(x => document.querySelector(".side .people").textContent.includes(x))`)
	w.accessible("an alert")
	w.key("d")
	w.until("asked what it was, the field empty",
		`document.querySelector("dialog[open]") && document.querySelector("dialog input").value === ""`)
	w.js(`document.querySelector("dialog").dispatchEvent(new KeyboardEvent("keydown", {key: "3", bubbles: true}))`)
	w.until("the alert is a case with its stop",
		`document.querySelector(".side .case .accounts")?.textContent.includes("¥5,003.00") && document.querySelector(".rows .state.requested")`)
	if c := h.ok(k.analyst, http.MethodGet, "/v1/queue", "")["counts"].(map[string]any); c["review"] != 2.0 ||
		c["asked"] != 1.0 {
		t.Errorf("afterwards: %v", c)
	}
	w.until("the reviews", `document.querySelectorAll(".rows li[id^=alt_]").length === 2`)
	w.do(chromedp.Click(`//li[.//b[text()="¥5,001.00"]]//button[contains(@class, "pick")]`))
	w.key("e")
	w.until("asked why", `document.querySelector("dialog[open] input:focus")`)
	w.do(chromedp.SendKeys("dialog input", "母亲账户\n"))
	w.until("handed up, first of all, with its reason",
		`document.querySelector(".rows li .task")?.textContent.includes("母亲账户")`)
	w.do(chromedp.Click(`//li[.//b[text()="¥5,002.00"]]//button[contains(@class, "pick")]`))
	w.key("d")
	w.until("asked again", `document.querySelector("dialog[open]")`)
	w.js(`document.querySelector("dialog").dispatchEvent(new KeyboardEvent("keydown", {key: "1", bubbles: true}))`)
	w.until("leaving", `document.querySelector(".rows .leaving")`)
	w.do(chromedp.Navigate("about:blank")) // before the five seconds are over
	h.waitFor("dismissed all the same", func() bool {
		return h.ok(k.analyst, http.MethodGet, "/v1/queue", "")["counts"].(map[string]any)["review"] == 0.0
	})

	h.ok(k.analyst, http.MethodPost, "/v1/reports", reportDoc("big", "3801", "1801", "600000.00", 60, ""))
	w.signedIn(h.url, k.supervisor)
	w.do(chromedp.Click(`//div[@class="tabs"]/button[@data-show="decide"]`))
	w.until("it waits", `document.querySelector(".rows .state.proposed") && document.querySelectorAll(".rows li").length === 1`)
	w.key("j")
	w.until("chosen", `document.querySelector(".rows li.chosen")`)
	w.key("c")
	w.until("claimed, with what is left of it", `/\d\d:\d\d/.test(document.querySelector(".rows .task")?.textContent)`)
	w.key("c")
	time.Sleep(500 * time.Millisecond)
	if mine := h.ok(k.supervisor, http.MethodGet, "/v1/queue", "")["counts"].(map[string]any)["mine"]; mine != 1.0 {
		t.Errorf("claiming again gave it back: %v", mine)
	}
	w.key("a")
	w.until("approved", `document.querySelector(".side .case .state.requested")`)
}

// A return is carried to its end in the console, each step by whoever may: an
// analyst works it out, two others approve, the bank pays. An appeal is received
// and decided.
func TestBrowserReturn(t *testing.T) {
	w := openWindow(t)
	h := newHarness(t)
	k := h.keys()
	made := h.ok(k.analyst, http.MethodPost, "/v1/reports", reportDoc("ret", "3901", "1901", "8000.00", 60, ""))
	caseID := made["id"].(string)
	stop := made["stops"].([]any)[0].(map[string]any)["id"].(string)
	h.ok(k.pcbc, http.MethodPost, "/v1/bank/stops/"+stop+"/outcome",
		fmt.Sprintf(`{"result":"held","effective_at":"%s","held_amount":"8000.00","balance":"8000.00"}`, minutesAgo(0)))
	h.ok(k.supervisor, http.MethodPost, "/v1/stops/"+stop+"/freeze", `{"reason":"case 2026-1188"}`)
	w.do(chromedp.EmulateViewport(1440, 1000), chromedp.Navigate(h.url), chromedp.WaitVisible("#door"))
	if w.js("document.documentElement.lang") != "zh" {
		w.do(chromedp.Click("#language"))
	}
	at := h.url + "/#/cases/" + caseID
	as := func(key string) {
		t.Helper()
		w.signedIn(h.url, key)
		w.do(chromedp.Navigate(at))
		w.until("the case", `document.querySelector(".case .accounts")`)
	}
	as(k.analyst)
	w.do(chromedp.Click(`//button[text()="拟定返还方案"]`))
	w.until("proposed", `document.querySelector(".return h3")?.textContent.startsWith("已拟定")`)
	approve := func(question string) {
		t.Helper()
		w.do(chromedp.Click(`//section[@class="return"]//button[text()="批准"]`))
		w.until("asked: "+question, `document.querySelector("dialog[open]")?.textContent.includes("`+question+`")`)
		w.do(chromedp.Click(`//dialog//button[text()="批准"]`))
	}
	as(k.supervisor)
	approve("之后还须另一人批准")
	w.until("one has approved, another must", `document.querySelector(".return h3")?.textContent.startsWith("一人已批准") && document.querySelector(".return .note")?.textContent.includes("supervisor")`)
	if b := w.js(`[...document.querySelectorAll(".return button")].find(b => b.textContent === "批准").disabled`); b != "true" {
		t.Error("who approved is offered the second approval")
	}
	as(k.admin)
	approve("第二人批准后立即通知银行")
	w.until("the banks are told", `document.querySelector(".return h3")?.textContent.startsWith("已通知银行返还")`)
	h.waitFor("the bank is told", func() bool {
		return h.ok(k.pcbc, http.MethodGet, "/v1/bank/stops/"+stop,
			"")["return"] != nil
	})
	h.ok(k.pcbc, http.MethodPost, "/v1/bank/stops/"+stop+"/return",
		`{"result":"returned","amount":"8000.00","reference":"R-1"}`)
	w.until("completed", `document.querySelector(".return h3")?.textContent.startsWith("已返还") && document.querySelector(".return").textContent.includes("¥8,000.00")`)
	w.accessible("a return that is completed")
	w.shot("return")

	// An appeal for another stop: received with what is said, decided in part.
	other := h.ok(k.analyst, http.MethodPost, "/v1/reports", reportDoc("apl", "3902", "1902", "9000.00", 60, ""))
	held := other["stops"].([]any)[0].(map[string]any)["id"].(string)
	h.ok(k.pcbc, http.MethodPost, "/v1/bank/stops/"+held+"/outcome",
		fmt.Sprintf(`{"result":"held","effective_at":"%s","held_amount":"9000.00","balance":"9000.00"}`, minutesAgo(0)))
	at = h.url + "/#/cases/" + other["id"].(string)
	as(k.supervisor)
	w.do(chromedp.Click(`//tr[.//span[@data-stop="` + held + `"]]//summary`))
	w.do(chromedp.WaitVisible(`//button[text()="受理申诉"]`), chromedp.Click(`//button[text()="受理申诉"]`))
	w.until("the form", `document.querySelector("dialog[open] [name=text]")`)
	w.do(chromedp.SendKeys("dialog [name=holder]", "李四"), chromedp.SendKeys("dialog [name=text]", "货款"),
		chromedp.Click(`//dialog//button[text()="受理"]`))
	w.until("received", `document.querySelector(".appeal h3")?.textContent.includes("待裁定")`)
	w.do(chromedp.Click(`//section[@class="appeal"]//button[text()="裁定"]`))
	w.until("the decision", `document.querySelector("dialog[open] [name=reason]")`)
	w.do(chromedp.SendKeys("dialog [name=amount]", "4000.00"), chromedp.SendKeys("dialog [name=reason]", "有合同"),
		chromedp.Click(`//dialog//button[text()="裁定"]`))
	w.until("decided", `document.querySelector(".appeal")?.textContent.includes("申诉成立") && document.querySelector(".appeal")?.textContent.includes("¥4,000.00")`)
	if left := h.ok(k.supervisor, http.MethodGet, "/v1/stops/"+held, "")["held_amount"]; left != "5000.00" {
		t.Errorf("held afterwards: %v", left)
	}

	// What changes while a case is read is seen: its answer is held back here until
	// the page has heard of a change that is not in it.
	w.do(chromedp.Navigate(h.url+"/#/queue"), chromedp.WaitVisible(".tabs"))
	w.js(`(() => {
		const get = window.fetch, gate = new Promise((open) => (window.open_ = open));
		window.fetch = async (path, with_) => {
			const answer = await get(path, with_);
			if (String(path).startsWith("/v1/cases/") && !window.read) { window.read = true; await gate; }
			return answer;
		};
		import("/http.js").then((m) => m.onLive((kind) => { if (kind === "stop" && window.read) window.told = true; }));
		return 1;
	})()`)
	w.do(chromedp.Navigate(at))
	w.until("the case is read", `window.read`)
	h.ok(k.supervisor, http.MethodPost, "/v1/stops/"+held+"/release", `{"reason":"appeal"}`)
	w.until("the change is told", `window.told`)
	w.js(`window.open_(1), 1`)
	w.until("the case as it is now", `document.querySelector(".case .state.released")`)
}

// A case of 240 stops on 120 accounts: there at once, an account a row, folded
// where it is too much, decided of together with one question; on a telephone with
// its amounts and actions; on paper whole.
func TestBrowserLargeCase(t *testing.T) {
	w := openWindow(t)
	h := newHarness(t)
	k := h.keys()
	var payments []string
	for i := range 240 {
		payments = append(payments, fmt.Sprintf(`{"payer_account":"622209","payee_account":"62170%05d","payee_bank":"%s","amount":"%d.00","currency":"CNY","at":"%s"}`,
			i%120, []string{"PCBC", "ABOC", "ICBK"}[i%3], 300+i, minutesAgo(60+i)))
	}
	made := h.ok(k.analyst, http.MethodPost, "/v1/reports",
		fmt.Sprintf(`{"id":"large","at":"%s","source":"110","district":"520103","fraud_type":"task-rebate","victim":{"holder":"甲","phone":"13800138000"},"transfers":[%s]}`,
			wallClock(), strings.Join(payments, ",")))
	at := h.url + "/#/cases/" + made["id"].(string)
	h.waitFor("all stops", func() bool {
		return len(h.ok(k.analyst, http.MethodGet, "/v1/cases/"+made["id"].(string), "")["stops"].([]any)) == 240
	})
	w.do(chromedp.EmulateViewport(1440, 900), chromedp.Navigate(h.url), chromedp.WaitVisible("#door"))
	if w.js("document.documentElement.lang") != "zh" {
		w.do(chromedp.Click("#language"))
	}
	w.signedIn(h.url, k.supervisor)
	w.do(chromedp.Navigate(h.url + "/#/cases"))
	w.until("the cases", `document.querySelector("#page tbody tr")`)
	w.js(`window.asked = performance.now(), location.hash = "` + strings.TrimPrefix(at, h.url+"/") + `"`)
	w.until("the case, an account a row, the graph on its victim",
		`document.querySelectorAll(".accounts tbody tr").length === 120 && document.querySelector(".trail svg")?.textContent.includes("被害人")`)
	t.Logf("240 stops: the first view after %s ms", w.js(`Math.round(performance.now() - window.asked)`))
	if high := w.js(`document.querySelector(".trail").clientHeight`); len(high) > 3 {
		t.Errorf("the graph is %s pixels high", high)
	}
	w.until("the rest is folded", `document.querySelector(".trail svg")?.textContent.includes("另有 114 个账户")`)
	w.accessible("a large case")
	w.shot("large")
	w.do(chromedp.SendKeys(`.case input[type="search"]`, "6217000117"))
	w.until("found where it was folded", `document.querySelector(".trail svg")?.textContent.includes("000117")`)
	w.do(chromedp.Click(`//button[text()="展开全部"]`), chromedp.Click(`//button[text()="全部"]`))
	w.until("unfolded", `[...document.querySelectorAll(".case button")].some(b => b.textContent === "收起")`)
	w.shot("large-unfolded")
	if shown := w.js(`document.querySelectorAll(".accounts tbody tr:not([hidden])").length`); shown != "25" {
		t.Errorf("%s accounts are shown at first", shown)
	}

	w.do(chromedp.EmulateViewport(390, 844), chromedp.Reload())
	w.until("on a telephone", `document.querySelectorAll(".accounts tbody tr").length === 120`)
	if wide := w.js("document.documentElement.scrollWidth"); wide != "390" {
		t.Errorf("at 390 pixels the case is %s wide", wide)
	}
	w.until("amount and action can be seen", `(() => { const r = document.querySelector(".accounts tbody tr"); r.scrollIntoView(); const seen = (e) => { const b = e.getBoundingClientRect(); return b.width > 0 && b.left >= 0 && b.right <= 390 }; return seen(r.cells[3]) && seen(r.querySelector(".actions button")) })()`)
	w.shot("large-phone")
	w.do(chromedp.EmulateViewport(1440, 900), chromedp.Reload())
	w.until("wide again", `document.querySelectorAll(".accounts tbody tr").length === 120`)
	w.do(chromedp.Click(`.accounts thead input`))
	w.until("all are chosen", `document.querySelector(".many")?.textContent.includes("已选 240")`)
	w.do(chromedp.Click(`//p[contains(@class, "many")]//button[starts-with(text(), "解除")]`))
	w.until("one question", `document.querySelector("dialog[open]")?.textContent.includes("240 笔止付，共 ¥100,680.00")`)
	w.do(chromedp.SendKeys("dialog input", "误报"), chromedp.Click(`//dialog//button[text()="解除"]`))
	h.waitFor("all are released, with the reason", func() bool {
		stops := h.ok(k.analyst, http.MethodGet, "/v1/stops?state=released&limit=500", "")["stops"].([]any)
		return len(stops) == 240
	})
	pdf, err := chromedp.Call(w.ctx, page.PrintToPDF, page.PrintToPDFParams{})
	if err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv("STOPLINE_SHOTS"); dir != "" {
		if err := os.WriteFile(dir+"/large.pdf", pdf.Data, 0o600); err != nil {
			t.Error(err)
		}
	}
}

// A service that hangs is not live: its connection stays and says nothing. The
// console says since when, and is live again when it answers.
func TestBrowserHungService(t *testing.T) {
	w := openWindow(t)
	h := newHarness(t)
	front, hang := hanging(t, h.url)
	w.do(chromedp.EmulateViewport(1280, 800), chromedp.Navigate(front), chromedp.WaitVisible("#door"))
	w.signedIn(front, h.keys().analyst)
	w.until("live", `document.querySelector("#state").textContent !== "" && !document.querySelector("#state").classList.contains("off")`)
	hang.Store(true)
	w.lasting("said to be lost, since when", 40*time.Second,
		`document.querySelector("#state.off") && /\d\d:\d\d:\d\d/.test(document.querySelector("#state").textContent)`)
	hang.Store(false)
	w.lasting("live again", 40*time.Second, `!document.querySelector("#state").classList.contains("off") && document.querySelector("#state").textContent !== ""`)
}

// hanging stands before a service and, while it is told to, lets nothing through
// that comes back, with every connection kept.
func hanging(t *testing.T, service string) (front string, hang *atomic.Bool) {
	t.Helper()
	hang = &atomic.Bool{}
	target, err := url.Parse(service)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pass := httputil.NewSingleHostReverseProxy(target)
	pass.FlushInterval = -1
	pass.ModifyResponse = func(r *http.Response) error {
		r.Body = &held{r.Body, hang, r.Request.Context().Done()}
		return nil
	}
	pass.ErrorLog = nil
	server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		for hang.Load() && r.Context().Err() == nil {
			time.Sleep(20 * time.Millisecond)
		}
		pass.ServeHTTP(rw, r)
	}), ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { hang.Store(false); _ = server.Close() })
	return "http://" + l.Addr().String(), hang
}

// held is a body that gives nothing more while it is held.
type held struct {
	io.ReadCloser
	hang *atomic.Bool
	gone <-chan struct{}
}

func (b *held) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	for b.hang.Load() {
		select {
		case <-b.gone:
			return 0, io.EOF
		case <-time.After(20 * time.Millisecond):
		}
	}
	return n, err
}
