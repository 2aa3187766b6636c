// The live queue: what can still be saved comes first, and nothing moves under
// the hand: what is new gathers behind a bar.
import { asked, badge, button, el, empty, money, span, tail } from "/dom.js";
import { act, ask, decides, me, now, onLive, setClock } from "/http.js";
import { lang, t } from "/words.js";
import { caseView } from "/case.js";

// undoable is how long a dismissal can be taken back, in milliseconds.
const undoable = 5000;

export async function queue(root, [wanted]) {
  let items = [];
  let chosen = null;
  let closed = false;
  let leaving = null; // a dismissal that can still be taken back
  const opened = new Set(); // cases of which every alert is shown

  const list = el("ol", { class: "rows", "aria-label": t("queue") });
  const bar = el("button", { class: "bar", type: "button", hidden: true, onclick: () => load() });
  const today = el("p", { class: "today" });
  const side = el("section", { class: "side", "aria-label": t("case") }, empty(t("choose")));
  const next = el("button", { type: "button", class: "primary", onclick: () => act(takeNext) }, t("next") + " ", el("kbd", {}, "n"));
  const desk = el("div", { class: "desk" }, el("div", { class: "listing" }, el("div", { class: "over" }, next, today), bar, list), side);
  root.append(desk);

  const free = (i) => i.task.state === "open" || !i.task.state;

  // groups are the alerts by case, the one that is most urgent first.
  function groups() {
    const of = new Map();
    for (const i of items) {
      const name = i.case_id || i.alert_id;
      of.set(name, [...(of.get(name) ?? []), i]);
    }
    return [...of.values()];
  }
  const visible = () => groups().flatMap((g) => (opened.has(g[0].case_id) ? g : g.slice(0, 1)));

  function draw() {
    const rows = groups().flatMap(([first, ...more]) => [
      row(first, more.length),
      ...(opened.has(first.case_id) ? more.map((i) => row(i)) : []),
    ]);
    const focus = document.activeElement?.closest?.("li")?.id;
    list.replaceChildren(...(rows.length ? rows : [el("li", { class: "empty" }, t("nothing"))]));
    if (focus) document.getElementById(focus)?.querySelector(".pick")?.focus({ preventScroll: true });
    headline();
  }

  function row(i, others) {
    if (leaving?.id === i.alert_id)
      return el(
        "li",
        { id: i.alert_id, class: "leaving" },
        t("dismissed"),
        " ",
        el("button", { type: "button", onclick: undo }, t("undo") + " ", el("kbd", {}, "u")),
      );
    const zh = lang() === "zh";
    const seen = (zh ? i.seen_zh : i.seen_en).slice(0, 4).join(zh ? "，" : ", ");
    const counts = i.until && (i.held_amount || i.state === "requested" || i.state === "acknowledged");
    const task = i.task.state === "claimed" ? t("claimed", i.task.by) : i.task.state === "escalated" ? t("escalated") : null;
    return el(
      "li",
      { id: i.alert_id, class: [chosen === i.alert_id && "chosen", others === undefined && "member"].filter(Boolean).join(" ") || null },
      el(
        "button",
        { type: "button", class: "pick", "aria-pressed": String(chosen === i.alert_id), onclick: () => choose(i.alert_id) },
        el(
          "span",
          { class: "line" },
          el("span", { class: "time", "data-since": i.at, title: t("since") }, span(now() - Date.parse(i.at))),
          el("b", { class: "money" }, i.amount ? money(i.amount, i.currency) : "–"),
          badge(i.state || i.action),
          counts && el("span", { class: "left", "data-until": i.until, title: t("left") }, span(Date.parse(i.until) - now())),
          el("span", { class: "score", title: t("score") }, String(i.score)),
        ),
        el(
          "span",
          { class: "line" },
          el("span", { class: "kind" }, t(i.fraud_type)),
          el("span", { class: "seen" }, seen || (zh ? i.why_zh : i.why_en)),
        ),
        el(
          "span",
          { class: "line quiet" },
          i.payee && el("span", {}, `${i.payer ? tail(i.payer) : ""} → ${tail(i.payee)} ${i.bank}`),
          task && el("span", { class: "task" }, task),
        ),
      ),
      el(
        "div",
        { class: "actions" },
        i.state === "proposed" && approval(i),
        button(i.task.state === "claimed" ? "unclaim" : "claim", () => claim(i)),
        button("escalate", () => escalate(i)),
        button("dismiss", () => dismiss(i)),
        others > 0 &&
          el(
            "button",
            { type: "button", "aria-expanded": String(opened.has(i.case_id)), onclick: () => fold(i.case_id) },
            t("others", others),
          ),
      ),
    );
  }

  // approval shows the four eyes before they surprise.
  const barred = (i) => (!decides() ? t("supervisormust") : i.proposed_by === me.name ? t("othermust") : null);
  function approval(i) {
    const why = barred(i);
    return [
      button("approve", () => approve(i), { class: "primary", disabled: Boolean(why), title: why }),
      why && el("span", { class: "quiet" }, why),
    ];
  }

  function fold(id) {
    if (!opened.delete(id)) opened.add(id);
    draw();
  }

  // headline is the day so far, and what is free to be taken.
  let day = null;
  function headline() {
    const open = items.filter(free).map((i) => Date.parse(i.at));
    const holds = items.filter((i) => i.held_amount).length;
    today.replaceChildren(
      ...(day ? [t("todayheld"), " ", el("b", {}, money(day.amount_held)), ` / ${t("todayof")} ${money(day.amount_requested)} · `] : []),
      el("b", {}, String(holds)),
      ` ${t("holds")}`,
      ...(open.length
        ? [
            " · ",
            el("b", {}, String(open.length)),
            ` ${t("waiting_")} · ${t("oldest")} `,
            el("b", { class: "time", "data-since": new Date(Math.min(...open)).toISOString() }, span(now() - Math.min(...open))),
          ]
        : []),
    );
  }
  async function readDay() {
    const date = (ms) => new Date(ms + 8 * 3600e3).toISOString().slice(0, 10);
    day = (await ask(`/v1/statistics/recovery?from=${date(now())}&to=${date(now() + 86400e3)}&by=day`)).total;
    headline();
  }

  async function read() {
    const page = await ask("/v1/queue?limit=100");
    setClock(page.at);
    return page.items;
  }
  async function load() {
    const read_ = await read();
    if (closed) return;
    items = read_;
    bar.hidden = true;
    draw();
  }
  // refresh changes what is shown in its place, and counts what is new.
  async function refresh() {
    const fresh = await read();
    if (closed) return;
    const by = new Map(fresh.map((i) => [i.alert_id, i]));
    items = items.map((i) => by.get(i.alert_id) ?? { ...i, gone: true }).filter((i) => !i.gone || i.alert_id === chosen);
    const known = new Set(items.map((i) => i.alert_id));
    const more = fresh.filter((i) => !known.has(i.alert_id)).length;
    if (!items.length && more) return load();
    bar.hidden = more === 0;
    bar.textContent = t("new", more);
    draw();
  }

  // choose opens an alert's case beside the list.
  async function choose(id) {
    chosen = id;
    for (const li of list.children) {
      li.classList.toggle("chosen", li.id === id);
      li.querySelector(".pick")?.setAttribute("aria-pressed", String(li.id === id));
    }
    desk.classList.add("open");
    const i = items.find((x) => x.alert_id === id);
    await showCase(i?.case_id);
    side.scrollTop = 0;
  }
  async function showCase(id) {
    const back = el("button", { type: "button", class: "back", onclick: () => desk.classList.remove("open") }, "← " + t("back"));
    if (!id) return side.replaceChildren(back, empty(t("nocase")));
    try {
      const view = await caseView(id, () => showCase(id));
      if (items.find((x) => x.alert_id === chosen)?.case_id === id) side.replaceChildren(back, view);
    } catch (e) {
      side.replaceChildren(back, empty(e.message));
    }
  }

  // takeNext claims the most urgent one that nobody has; whoever was quicker
  // keeps it, and the one after is tried.
  async function takeNext() {
    await load();
    for (const i of items.filter(free).slice(0, 5)) {
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

  async function work(i, what, body = {}) {
    await ask(`/v1/alerts/${i.alert_id}/${what}`, "POST", body);
    await refresh();
  }
  const claim = (i) => act(() => work(i, i.task.state === "claimed" ? "unclaim" : "claim"));
  const escalate = (i) => act(() => work(i, "escalation"));
  const approve = (i) =>
    act(async () => {
      await ask(`/v1/stops/${i.stop_id}/approval`, "POST", {});
      await refresh();
      if (chosen === i.alert_id) await showCase(i.case_id);
    });

  async function dismiss(i) {
    const answer = await asked(
      t("dismissas"),
      ["false-alarm", "useful", "confirmed"].map((v) => [v, t(v)]),
      { reason: true },
    );
    if (!answer) return;
    send();
    const body = { verdict: answer.choice, ...(answer.reason && { reason: answer.reason }) };
    leaving = { id: i.alert_id, send: () => act(() => work(i, "dismissal", body)), timer: setTimeout(send, undoable) };
    draw();
  }
  function send() {
    if (!leaving) return;
    const l = leaving;
    clearTimeout(l.timer);
    leaving = null;
    l.send();
  }
  function undo() {
    clearTimeout(leaving?.timer);
    leaving = null;
    draw();
  }

  // What happens leads to a look at the queue: soon, and not more than once a
  // second; once more a little later, since alerts are in the books a second or
  // two after they happen.
  let due = 0;
  let again = 0;
  let last = 0;
  const look = () => {
    due = 0;
    last = performance.now();
    refresh().catch(() => {});
  };
  const unhear = onLive((kind) => {
    if (!due) due = setTimeout(look, Math.max(150, 1000 - (performance.now() - last)));
    clearTimeout(again);
    if (kind === "alert") again = setTimeout(look, 2500);
  });
  const tick = setInterval(() => {
    for (const e of root.querySelectorAll("[data-since]")) e.textContent = span(now() - Date.parse(e.dataset.since));
    for (const e of root.querySelectorAll("[data-until]")) e.textContent = span(Date.parse(e.dataset.until) - now());
  }, 1000);
  const daily = setInterval(() => readDay().catch(() => {}), 10000);

  await load();
  readDay().catch(() => {});
  if (wanted) await choose(wanted);
  return {
    close() {
      send();
      closed = true;
      unhear();
      clearInterval(tick);
      clearInterval(daily);
      clearTimeout(due);
      clearTimeout(again);
    },
    key(k) {
      const rows = visible();
      const n = rows.findIndex((i) => i.alert_id === chosen);
      const i = rows[n];
      if (k === "j" || k === "k") {
        const to = rows[Math.min(rows.length - 1, Math.max(0, n + (k === "j" ? 1 : -1)))];
        if (!to) return;
        document.getElementById(to.alert_id)?.scrollIntoView({ block: "nearest" });
        choose(to.alert_id);
      } else if (k === "n") act(takeNext);
      else if (k === "u") undo();
      else if (!i) return;
      else if (k === "c") claim(i);
      else if (k === "d") dismiss(i);
      else if (k === "e") escalate(i);
      else if (k === "a" && i.state === "proposed" && !barred(i)) approve(i);
    },
  };
}
