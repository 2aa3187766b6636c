// The live queue: what can still be saved comes first, and nothing moves under
// the hand: what is new gathers behind a bar.
import { el, t, lang, ask, act, money, span, badge, now, setClock, stateWord } from "/app.js";
import { caseView } from "/cases.js";

export async function queue(root) {
  let items = [], fresh = 0, chosen = null, closed = false;
  let leaving = null; // a dismissal that can still be taken back
  const opened = new Set(); // cases of which every alert is shown
  const list = el("ol", { class: "queue", "aria-label": t("queue") });
  const bar = el("button", { class: "bar", hidden: true, onclick: () => load() });
  const next = el("button", { class: "next", onclick: () => act(takeNext) }, t("next"));
  const side = el("section", { class: "side", "aria-label": t("case") }, el("p", { class: "empty" }, t("choose")));
  const today = el("p", { class: "quiet today" });
  root.append(today, el("div", { class: "desk" }, el("div", {}, next, bar, list, el("p", { class: "keys" }, t("keys"))), side));

  const why = (i) => (lang() === "zh" ? i.why_zh : i.why_en);
  function row(i, others) {
    if (leaving?.id === i.alert_id) return el("li", { id: i.alert_id, class: "leaving" }, t("dismissed"), " ", el("button", { onclick: undo }, t("undo")));
    const act1 = (word, f, more = {}) => el("button", { ...more, onclick: (e) => (e.stopPropagation(), f()) }, t(word));
    const task = i.task.state === "claimed" ? el("span", { class: "task" }, t("claimed", i.task.by)) : i.task.state === "escalated" ? el("span", { class: "task" }, t("escalated")) : null;
    return el("li", { id: i.alert_id, class: [chosen === i.alert_id ? "chosen" : "", others === undefined ? "member" : ""].join(" ").trim() || null, onclick: () => choose(i.alert_id) },
      el("div", { class: "head" }, el("span", { class: "time", "data-since": i.at, title: t("since") }, span(now() - Date.parse(i.at))), el("b", { class: "money" }, i.amount ? money(i.amount, i.currency) : "–"),
        i.state ? badge(i.state) : el("span", { class: "state" }, t(i.action)), i.until && (i.held_amount || i.state === "requested" || i.state === "acknowledged") ? el("span", { class: "left", "data-until": i.until, title: t("left") }, span(Date.parse(i.until) - now())) : null, task, el("span", { class: "score", title: t("score") }, String(i.score))),
      el("div", {}, why(i), i.payee ? el("span", { class: "quiet" }, ` → ${i.payee} ${i.bank}`) : null),
      el("div", { class: "actions" }, i.state === "proposed" ? act1("approve", () => decide(i, "approval")) : null, act1(i.task.state === "claimed" ? "unclaim" : "claim", () => claim(i)), act1("escalate", () => escalate(i)), act1("dismiss", () => dismiss(i)),
        others ? el("button", { "aria-expanded": String(opened.has(i.case_id)), onclick: (e) => (e.stopPropagation(), fold(i.case_id)) }, t("others", others)) : null));
  }
  // groups are the alerts by case, the one that is most urgent first.
  function groups() {
    const of = new Map();
    for (const i of items) {
      const name = i.case_id || i.alert_id;
      of.set(name, [...(of.get(name) ?? []), i]);
    }
    return [...of.values()];
  }
  const shown = () => groups().flatMap((g) => (opened.has(g[0].case_id) ? g : g.slice(0, 1)));
  function fold(id) {
    opened.has(id) ? opened.delete(id) : opened.add(id);
    draw();
  }
  function draw() {
    const rows = groups().flatMap(([first, ...more]) => [row(first, more.length), ...(opened.has(first.case_id) ? more.map((i) => row(i)) : [])]);
    list.replaceChildren(...(rows.length ? rows : [el("li", { class: "empty" }, t("nothing"))]));
  }
  // headline is the day so far.
  async function headline() {
    const day = (ms) => new Date(ms + 8 * 3600e3).toISOString().slice(0, 10);
    const { total } = await ask(`/v1/statistics/recovery?from=${day(now())}&to=${day(now() + 86400e3)}&by=day`);
    const open = items.filter((i) => i.task.state === "open" || !i.task.state).map((i) => Date.parse(i.at));
    today.textContent = t("today", money(total.amount_held), money(total.amount_requested), items.filter((i) => i.held_amount).length) + (open.length ? " · " + t("oldest", span(now() - Math.min(...open))) : "");
  }
  async function load() {
    const page = await ask("/v1/queue?limit=100");
    if (closed) return;
    setClock(page.at);
    items = page.items;
    fresh = 0;
    bar.hidden = true;
    draw();
  }
  // refresh changes what is shown in its place, and counts what is new.
  async function refresh() {
    const page = await ask("/v1/queue?limit=100");
    if (closed) return;
    setClock(page.at);
    const by = new Map(page.items.map((i) => [i.alert_id, i]));
    items = items.map((i) => by.get(i.alert_id) ?? { ...i, gone: true }).filter((i) => !i.gone || i.alert_id === chosen);
    const known = new Set(items.map((i) => i.alert_id));
    fresh = page.items.filter((i) => !known.has(i.alert_id)).length;
    if (!items.length && fresh) return load();
    bar.hidden = fresh === 0;
    bar.textContent = t("new", fresh);
    draw();
  }
  async function choose(id) {
    chosen = id;
    draw();
    const i = items.find((x) => x.alert_id === id);
    side.replaceChildren();
    if (i?.case_id) {
      try {
        side.append(await caseView(i.case_id, refresh));
      } catch (e) {
        side.append(el("p", { class: "empty" }, e.message));
      }
    }
  }
  // takeNext claims the most urgent one that nobody has; whoever was quicker
  // keeps it, and the one after is tried.
  async function takeNext() {
    await load();
    for (const i of items.filter((x) => x.task.state === "open" || !x.task.state).slice(0, 5)) {
      try {
        await ask(`/v1/alerts/${i.alert_id}/claim`, "POST", {});
      } catch {
        continue;
      }
      await refresh();
      await choose(i.alert_id);
      document.getElementById(i.alert_id)?.scrollIntoView({ block: "nearest" });
      return;
    }
    throw new Error(t("nofree"));
  }
  // leave dismisses after five seconds in which it can be taken back.
  function leave(i, verdict) {
    send();
    const f = () => at(i, "dismissal", { verdict });
    leaving = { id: i.alert_id, f, timer: setTimeout(send, 5000) };
    draw();
  }
  function send() {
    if (!leaving) return;
    const { f, timer } = leaving;
    clearTimeout(timer);
    leaving = null;
    f();
  }
  function undo() {
    clearTimeout(leaving?.timer);
    leaving = null;
    draw();
  }
  const at = (i, what, body = {}) => act(async () => { await ask(`/v1/alerts/${i.alert_id}/${what}`, "POST", body); await refresh(); });
  const claim = (i) => at(i, i.task.state === "claimed" ? "unclaim" : "claim");
  const escalate = (i) => at(i, "escalation");
  const decide = (i, what) => act(async () => { await ask(`/v1/stops/${i.stop_id}/${what}`, "POST", {}); await refresh(); });
  function dismiss(i) {
    const close = () => d.remove();
    const d = el("dialog", { "aria-label": t("dismiss") }, el("p", {}, t("reason")), ...["false-alarm", "useful", "confirmed"].map((v) => el("button", { onclick: () => { close(); leave(i, v); } }, t(v))), el("button", { onclick: close }, t("cancel")));
    root.append(d);
    d.showModal();
  }

  const stream = new AbortController();
  let due = 0, again = 0; // alerts are in the books a second or two after they happen
  const later = () => {
    due ||= setTimeout(() => { due = 0; refresh().catch(() => {}); }, 300);
    clearTimeout(again);
    again = setTimeout(() => refresh().catch(() => {}), 2500);
  };
  (async () => {
    while (!closed) {
      try {
        const answer = await fetch("/v1/live", { headers: { Authorization: "Bearer " + sessionStorage.getItem("key") }, signal: stream.signal });
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let r = await reader.read(); !r.done; r = await reader.read()) if (/event: (alert|stop|work)/.test(r.value)) later();
      } catch {
        if (closed) return;
      }
      await new Promise((f) => setTimeout(f, 2000));
    }
  })();
  const tick = setInterval(() => {
    for (const e of list.querySelectorAll("[data-since]")) e.textContent = span(now() - Date.parse(e.dataset.since));
    for (const e of list.querySelectorAll("[data-until]")) e.textContent = span(Date.parse(e.dataset.until) - now());
  }, 1000);
  await load();
  headline().catch(() => {});
  const daily = setInterval(() => headline().catch(() => {}), 10000);
  return {
    close() { send(); closed = true; stream.abort(); clearInterval(tick); clearInterval(daily); clearTimeout(due); clearTimeout(again); },
    key(k) {
      const rows = shown();
      const n = rows.findIndex((i) => i.alert_id === chosen);
      const i = rows[n];
      if (k === "j" || k === "k") {
        const next = rows[Math.min(rows.length - 1, Math.max(0, n + (k === "j" ? 1 : -1)))];
        if (next) choose(next.alert_id).then(() => document.getElementById(next.alert_id)?.scrollIntoView({ block: "nearest" }));
      } else if (k === "n") act(takeNext);
      else if (k === "u") undo();
      else if (i && k === "c") claim(i);
      else if (i && k === "d") dismiss(i);
      else if (i && k === "e") escalate(i);
      else if (i && k === "a" && i.state === "proposed") decide(i, "approval");
    },
  };
}
