// The live queue: what waits for a decision comes first, the larger amount before
// the smaller, and nothing moves under the hand: what is new gathers behind a bar.
import { asked, author, badge, button, count, el, fraudWord, empty, money, quiet, span, tail } from "/dom.js";
import { act, ask, countdowns, decides, me, now, onLive, today as todayBy } from "/http.js";
import { bankName } from "/names.js";
import { lang, t } from "/words.js";
import { alertView, take } from "/alert.js";
import { caseView } from "/case.js";

// undoable is how long a dismissal can be taken back, in milliseconds.
const undoable = 5000;

// A page of the queue; the most that is asked for at once.
const pageSize = 100;
const most = 500;

// left is how the queue was left: who comes back finds it so.
const left = { filter: "all", scroll: 0, items: pageSize };

export async function queue(root, [wanted]) {
  let items = [];
  let chosen = null;
  let closed = false;
  let leaving = null; // a dismissal that can still be taken back
  const opened = new Set(); // cases of which every alert is shown
  let filter = left.filter;
  let counts = {};
  let next = ""; // the cursor of the page after what is shown

  const list = el("ol", { class: "rows", "aria-label": t("queue") });
  const bar = el("button", { class: "bar", type: "button", hidden: true, onclick: () => load() });
  const rest = el("button", { class: "bar", type: "button", hidden: true, onclick: () => act(() => further().then(() => null)) });
  const today = el("p", { class: "today" });
  const tabs = el(
    "div",
    { class: "tabs", role: "group", "aria-label": t("filter") },
    ["all", "escalated", "decide", "asked", "review", "hold", "mine"].map((name) =>
      el("button", { type: "button", "data-show": name, onclick: () => sift(name) }, t("show_" + name), " ", el("b")),
    ),
  );
  const side = el("section", { class: "side", "aria-label": t("case") }, empty(t("choose")));
  const first = el("button", { type: "button", class: "primary", onclick: () => act(takeNext) }, t("next") + " ", el("kbd", {}, "n"));
  const desk = el(
    "div",
    { class: "desk" },
    el("div", { class: "listing" }, el("div", { class: "over" }, first, today), tabs, bar, el("div", { class: "list" }, list, rest)),
    side,
  );
  root.append(desk);

  const free = (i) => i.task.state === "open" || !i.task.state;

  // groups are the alerts by case, the one that is most urgent first.
  function groups() {
    const of = new Map();
    for (const i of items) {
      const name = i.case_id || i.id;
      of.set(name, [...(of.get(name) ?? []), i]);
    }
    return [...of.values()];
  }
  const visible = () => groups().flatMap((g) => (opened.has(g[0].case_id) ? g : g.slice(0, 1)));

  // draw leaves a row that is as it was where it is: a click or the focus on it is
  // not lost while the city goes on.
  let drawn = new Map();
  function draw() {
    const wanted = groups().flatMap(([first, ...more]) => [
      [first, more.length],
      ...(opened.has(first.case_id) ? more.map((i) => [i, undefined]) : []),
    ]);
    const kept = new Map();
    for (const [i, others] of wanted) {
      const like = JSON.stringify([i, others, chosen === i.id, opened.has(i.case_id), leaving?.id === i.id]);
      const old = drawn.get(i.id);
      kept.set(i.id, old?.like === like ? old : { like, li: row(i, others) });
    }
    drawn = kept;
    const rows = kept.size ? [...kept.values()].map((k) => k.li) : [el("li", { class: "empty" }, t("nothing"))];
    const focus = document.activeElement?.closest?.("li")?.id;
    const staying = new Set(rows);
    for (const li of [...list.children]) if (!staying.has(li)) li.remove();
    rows.forEach((li, n) => list.children[n] === li || list.insertBefore(li, list.children[n] ?? null));
    if (focus && !list.contains(document.activeElement)) drawn.get(focus)?.li.querySelector(".pick")?.focus({ preventScroll: true });
    headline();
  }

  function row(i, others) {
    if (leaving?.id === i.id)
      return el(
        "li",
        { id: i.id, class: "leaving" },
        t("dismissed"),
        " ",
        el("button", { type: "button", onclick: undo }, t("undo") + " ", el("kbd", {}, "u")),
      );
    const zh = lang() === "zh";
    const seen = [!i.alert_id && (zh ? i.why_zh : i.why_en), ...(zh ? i.seen_zh : i.seen_en)]
      .filter(Boolean)
      .slice(0, 4)
      .join(zh ? "，" : ", ");
    const counts = i.until && (i.held_amount || i.state === "requested" || i.state === "acknowledged");
    const task =
      i.task.state === "claimed"
        ? [t("claimed", author(i.task.by)), " ", el("span", { "data-until": i.task.until }, span(Date.parse(i.task.until) - now()))]
        : i.task.state === "escalated"
          ? `${t("escalatedby", author(i.task.by))}: ${i.task.reason}`
          : null;
    const about = i.payee
      ? [i.holder, i.phone?.replace(/^\+86/, ""), i.payer && tail(i.payer), "→", i.payee_holder, tail(i.payee), bankName(i.bank)]
      : [i.entity?.replace(/^\w+:/, "").replace(/^\+86/, "")];
    return el(
      "li",
      { id: i.id, class: [chosen === i.id && "chosen", others === undefined && "member"].filter(Boolean).join(" ") || null },
      el(
        "button",
        { type: "button", class: "pick", "aria-pressed": String(chosen === i.id), onclick: () => choose(i.id) },
        el(
          "span",
          { class: "line" },
          el("span", { class: "time", "data-since": i.at, title: t("since") }, span(now() - Date.parse(i.at))),
          el("b", { class: "money" }, i.amount ? money(i.amount, i.currency) : "–"),
          badge(i.state || i.action),
          counts && el("span", { class: "left", "data-until": i.until, title: t("left") }, span(Date.parse(i.until) - now())),
          i.score > 0 && el("span", { class: "score", title: t("score") }, String(i.score)),
        ),
        el(
          "span",
          { class: "line" },
          el("span", { class: "kind" }, fraudWord(i.fraud_type)),
          el("span", { class: "seen" }, seen || (zh ? i.why_zh : i.why_en)),
        ),
        el(
          "span",
          { class: "line quiet" },
          el("span", { class: "about" }, about.filter(Boolean).join(" ")),
          task && el("span", { class: "task" }, task),
        ),
      ),
      el(
        "div",
        { class: "actions" },
        i.state === "proposed" && approval(i),
        mine(i) ? button("unclaim", () => unclaim(i)) : button("claim", () => claim(i), { disabled: i.task.state === "claimed" }),
        button("escalate", () => escalate(i)),
        i.alert_id && button("dismiss", () => dismiss(i)),
        others > 0 &&
          el(
            "button",
            { type: "button", "aria-expanded": String(opened.has(i.case_id)), onclick: () => fold(i.case_id) },
            t("others", others),
          ),
      ),
    );
  }

  const mine = (i) => i.task.state === "claimed" && i.task.by === me.name;

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
    const open = items.filter((i) => free(i) && i.amount && !i.held_amount).map((i) => Date.parse(i.at));
    const oldest = Math.min(...open);
    today.replaceChildren(
      ...(day ? [t("todayheld"), " ", el("b", {}, money(day.amount_held)), ` / ${t("todayof")} ${money(day.amount_requested)}`] : []),
      ...(open.length
        ? [el("br"), `${t("oldest")} `, el("b", { class: "time", "data-since": new Date(oldest).toISOString() }, span(now() - oldest))]
        : []),
    );
    for (const tab of tabs.children) {
      tab.setAttribute("aria-pressed", String(filter === tab.dataset.show));
      tab.lastChild.textContent = count(counts[tab.dataset.show] ?? 0);
      tab.hidden = tab.dataset.show === "escalated" && !counts.escalated && filter !== "escalated";
    }
    rest.hidden = !next;
    rest.textContent = t("further", count((counts[filter] ?? 0) - items.length));
  }
  // sift shows one sort of what there is.
  function sift(name) {
    filter = left.filter = name;
    left.items = pageSize;
    act(() => load().then(() => null));
  }
  async function readDay() {
    day = (await todayBy("day")).total;
    headline();
  }

  // read asks for as many rows as are shown, a page at a time.
  async function read(after = "", wants = left.items) {
    let got = [];
    let cursor = after;
    do {
      const limit = Math.min(most, wants - got.length);
      const page = await ask(`/v1/queue?limit=${limit}&show=${filter}${cursor && "&after=" + encodeURIComponent(cursor)}`);
      counts = page.counts;
      got = [...got, ...page.items];
      cursor = page.next ?? "";
    } while (cursor && got.length < wants);
    next = cursor;
    return got;
  }
  // further shows one page more.
  async function further() {
    const more = await read(next, pageSize);
    if (closed) return;
    const known = new Set(items.map((i) => i.id));
    items = [...items, ...more.filter((i) => !known.has(i.id))];
    left.items = items.length;
    draw();
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
    const by = new Map(fresh.map((i) => [i.id, i]));
    items = items.map((i) => by.get(i.id) ?? { ...i, gone: true }).filter((i) => !i.gone || i.id === chosen);
    const known = new Set(items.map((i) => i.id));
    const more = fresh.filter((i) => !known.has(i.id)).length;
    if (!items.length && more) return load();
    bar.hidden = more === 0;
    bar.textContent = t("new", more);
    draw();
  }

  // choose opens an alert's case beside the list.
  // The row has an address of its own, which can be kept and sent.
  async function choose(id) {
    chosen = id;
    history.replaceState(null, "", "#/queue/" + id);
    draw();
    desk.classList.add("open");
    const i = items.find((x) => x.id === id);
    if (i) await showItem(i);
    side.scrollTop = 0;
  }
  // showItem shows the case of what was chosen, or the alert where there is none.
  async function showItem(i) {
    const back = el("button", { type: "button", class: "back", onclick: () => desk.classList.remove("open") }, "← " + t("back"));
    // What the item has become: the row's own state, or the case that was opened.
    const again = () =>
      showItem({ ...i, ...items.find((x) => x.id === i.id), case_id: items.find((x) => x.id === i.id)?.case_id ?? i.case_id });
    const taken = (made) => becomes(i, made);
    try {
      const view = i.case_id && (i.stop_id || !i.alert_id) ? await caseView(i.case_id, again) : alertView(i, taken);
      if (chosen === i.id) side.replaceChildren(back, view);
    } catch (e) {
      side.replaceChildren(back, empty(e.message));
    }
  }

  // becomes shows what an alert that was taken as a report has become: the row of
  // its stop, with the case.
  async function becomes(i, made) {
    await load();
    const row = items.find((x) => made.stops.some((s) => s.id === x.stop_id));
    if (row) await choose(row.id);
    else await showItem({ ...i, case_id: made.id, stop_id: made.stops[0]?.id });
  }

  // takeNext claims the most urgent one that nobody has; whoever was quicker
  // keeps it, and the one after is tried.
  async function takeNext() {
    await load();
    for (const i of items.filter(free).slice(0, 5)) {
      try {
        await ask(`/v1/alerts/${i.id}/claim`, "POST", {});
      } catch {
        continue;
      }
      await refresh();
      await choose(i.id);
      document.getElementById(i.id)?.scrollIntoView({ block: "nearest" });
      return;
    }
    throw new Error(t("nofree"));
  }

  async function work(i, what, body = {}) {
    await ask(`/v1/alerts/${i.id}/${what}`, "POST", body);
    await refresh();
  }
  const claim = (i) => act(() => work(i, "claim"));
  const unclaim = (i) => act(() => work(i, "unclaim"));
  const escalate = (i) =>
    act(async () => {
      const answer = await asked(t("escalatewhy"), [["escalate", t("escalate")]], { reason: true, needed: true });
      if (!answer) return null;
      await work(i, "escalation", { reason: answer.reason });
    });

  // A claim goes on while its case is open beside the queue: it is renewed when
  // less than half of it is left.
  const renewing = setInterval(() => {
    const i = items.find((x) => x.id === chosen);
    const pace = me.simulation?.speed ?? 1; // a person's minutes, in a city that runs faster
    if (i && mine(i) && Date.parse(i.task.until) - now() < 300e3 * pace) ask(`/v1/alerts/${i.id}/claim`, "POST", {}).catch(() => {});
  }, 20000);
  const approve = (i) =>
    act(async () => {
      await ask(`/v1/stops/${i.stop_id}/approval`, "POST", {});
      await refresh();
      if (chosen === i.id) await showItem(items.find((x) => x.id === i.id) ?? i);
    });

  // dismiss asks what it was. What is confirmed is not dismissed but stopped.
  async function dismiss(i) {
    const kinds = ["false-alarm", "useful", i.stop_id ? "confirmed" : i.payee && "confirmedstop"].filter(Boolean);
    const answer = await asked(
      t("dismissas"),
      kinds.map((v) => [v, t(v)]),
      { reason: true },
    );
    if (!answer) return;
    if (answer.choice === "confirmedstop")
      return act(async () => {
        await becomes(i, await take(i, answer));
      });
    send();
    const body = { verdict: answer.choice, ...(answer.reason && { reason: answer.reason }) };
    leaving = { id: i.id, send: () => act(() => work(i, "dismissal", body)), timer: setTimeout(send, undoable) };
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
    if (kind === "alive") return;
    if (!due) due = setTimeout(look, Math.max(150, 1000 - (performance.now() - last)));
    clearTimeout(again);
    if (kind === "alert") again = setTimeout(look, 2500);
  });
  const still = countdowns(root);
  const daily = setInterval(() => readDay().catch(() => {}), 10000);

  await load();
  readDay().catch(() => {});
  const scroller = list.parentElement;
  scroller.scrollTop = left.scroll;
  const closing = () => send(); // what was dismissed is sent before the tab is gone
  addEventListener("pagehide", closing);
  if (wanted) await choose(wanted);
  return {
    close() {
      send();
      left.scroll = scroller.scrollTop;
      removeEventListener("pagehide", closing);
      clearInterval(renewing);
      closed = true;
      unhear();
      still();
      clearInterval(daily);
      clearTimeout(due);
      clearTimeout(again);
    },
    // key does what a key stands for, and says whether it stands for anything.
    key(k) {
      const rows = visible();
      const n = rows.findIndex((i) => i.id === chosen);
      const i = rows[n];
      if (k === "j" || k === "k") {
        const to = rows[Math.min(rows.length - 1, Math.max(0, n + (k === "j" ? 1 : -1)))];
        if (!to) return true;
        document.getElementById(to.id)?.scrollIntoView({ block: "nearest" });
        choose(to.id);
      } else if (k === "n") act(takeNext);
      else if (k === "u") undo();
      else if (!i) return false;
      else if (k === "c") claim(i);
      else if (k === "d" && i.alert_id) dismiss(i);
      else if (k === "e") escalate(i);
      else if (k === "a" && i.state === "proposed" && !barred(i)) approve(i);
      else return false;
      return true;
    },
  };
}
