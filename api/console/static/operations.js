// Operations: what waits for a person, whether the books are right, how the
// banks are reached, and how the service is.
import { button, card, cents, count, el, empty, message, name, quiet, short, span, table, when } from "/dom.js";
import { act, ask, decides, now, today } from "/http.js";
import { phoneLink } from "/alert.js";
import { chart, tip } from "/charts.js";
import { bank } from "/names.js";
import { decideMany, wordOf } from "/stops.js";
import { t } from "/words.js";

// samples are the service's figures since the page was first opened.
const samples = [];
const every = 5000; // milliseconds
const kept = 360; // half an hour
// ago names a moment by how long it is past: the page has one clock, the service's.
const ago = (ms) => t("ago", span(Date.now() - ms));

export async function operations(root) {
  const duties = el("div");
  const banks = el("div");
  const tiles = el("dl", { class: "headline" });
  const dead = el("div");
  let answers = new Map();
  let rounds = 0;
  const moving = (word, f) =>
    chart(t(word), 120, (c) => ({
      grid: { left: 8, right: 8, top: 12, bottom: 4, containLabel: true },
      tooltip: { trigger: "axis", formatter: ([p]) => p && tip(ago(p.value[0]), count(Math.round(p.value[1]))) },
      xAxis: {
        type: "time",
        min: samples[0]?.at,
        max: samples.at(-1)?.at,
        splitLine: { show: false },
        axisLabel: { hideOverlap: true, formatter: ago },
      },
      yAxis: { type: "value", minInterval: 1, axisLabel: { formatter: short } },
      series: [
        {
          type: "line",
          showSymbol: samples.length < 3,
          color: c.accent,
          areaStyle: { color: c.accent, opacity: 0.12 },
          data: samples.map((s) => [s.at, f(s)]).filter((p) => p[1] !== null),
        },
      ],
    }));
  root.append(
    el("div", { class: "title" }, el("h1", {}, t("operations"))),
    tiles,
    el(
      "div",
      { class: "grid" },
      el(
        "section",
        { class: "card" },
        el("h2", {}, t("rate"), el("small", {}, ` ${t("persecond")} · ${t("lastminutes")}`)),
        moving("rate", (s) => s.rate),
      ),
      el(
        "section",
        { class: "card" },
        el("h2", {}, t("lag"), el("small", {}, ` ${t("lagunit")}`)),
        moving("lag", (s) => s.lag),
      ),
    ),
    card(t("duties"), duties),
    card(t("bankdelivery"), el("p", {}, quiet(t("bankhint"))), banks),
    decides() &&
      card(
        t("dead"),
        el("p", {}, quiet(t("deadhint"))),
        el(
          "p",
          {},
          button("show", () => act(() => letters(dead))),
        ),
        dead,
      ),
    decides() &&
      card(
        t("books"),
        el("p", {}, quiet(t("verifyhint"))),
        el(
          "p",
          {},
          button("verify", () => act(verify)),
        ),
      ),
  );

  async function draw() {
    if (rounds++ % 6 === 0) answers = await answersToday();
    const [d, figures] = await Promise.all([ask("/v1/duties?limit=200"), metrics()]);
    drawDuties(duties, d, draw);
    delivery(banks, figures, answers);
    tiles.replaceChildren(...summary(figures));
    dispatchEvent(new CustomEvent("look")); // the moving charts, with the new sample
  }
  await draw();
  const again = setInterval(() => draw().catch(() => {}), every);
  return { close: () => clearInterval(again) };
}

// metrics reads the service's figures: [name, labels, value] of each.
async function metrics() {
  const text = await (await fetch("/metrics")).text();
  const list = [...text.matchAll(/^(stopline_\w+)(?:\{(.*)\})? (\S+)$/gm)].map(([, name, labels = "", v]) => ({
    name: name.slice(9),
    labels,
    value: Number(v),
  }));
  const sum = (name) => list.filter((x) => x.name === name).reduce((n, x) => n + x.value, 0);
  const at = Date.now();
  const events = sum("events_total");
  const last = samples.at(-1);
  const rate = last ? Math.max(0, (1000 * (events - last.events)) / (at - last.at)) : null;
  samples.push({ at, events, rate, lag: sum("lag_messages") });
  if (samples.length > kept) samples.shift();
  return { list, sum };
}

function summary({ sum }) {
  const s = samples.at(-1);
  const tile = (word, value, unit) => el("div", {}, el("dt", {}, t(word)), el("dd", {}, value), el("dd", { class: "quiet" }, unit ?? ""));
  return [
    tile("rate", s.rate === null ? "–" : count(Math.round(s.rate)), t("persecond")),
    tile("lag", count(s.lag), t("lagunit")),
    tile("legs", count(sum("legs_total"))),
    tile("alerts", count(sum("alerts_total"))),
    tile("hot", count(sum("hot_entities"))),
    tile("dead", count(sum("dead_letters_total"))),
    tile("brakes", count(sum("brakes_fallen"))),
  ];
}

function drawDuties(box, d, drawn) {
  const due = (x) =>
    !x.until
      ? "–"
      : x.overdue
        ? el("b", { class: "left" }, `${t("overdue")} ${span(now() - Date.parse(x.until))}`)
        : span(Date.parse(x.until) - now());
  // What may be done of a stop at once; all else is done where the case is.
  const steps = { approve: ["approval", "rejection"], "hold-ends": ["freeze", "extension"], "freeze-ends": ["freeze"] };
  const decide = async (x, path) => decideMany(path, [await ask("/v1/stops/" + x.id)], () => drawn());
  const rows = d.duties.map((x) => {
    const at = x.case_id.startsWith("alt_") ? "#/queue/" + x.id : `#/cases/${x.case_id}${x.id.startsWith("stp_") ? "/" + x.id : ""}`;
    const line = bank(x.values?.bank)?.hotline;
    return [
      [due(x), "nowrap"],
      message(x, x.text),
      el(
        "span",
        { class: "actions" },
        decides() && (steps[x.kind] ?? []).map((path) => button(wordOf(path), () => act(() => decide(x, path)))),
        x.kind === "call-bank" && line && phoneLink(line),
        el("a", { href: at, class: "button" }, t("handle")),
      ),
    ];
  });
  box.replaceChildren(
    d.duties.length ? table(t("duties"), [t("due"), t("what"), t("action")], rows, { class: "scroll tall wrap" }) : empty(t("noduties")),
  );
}

// answersToday is how the banks answered today, by bank.
async function answersToday() {
  return new Map((await today("bank")).rows.map((r) => [r.key, r]));
}

// delivery is how each bank answers, and how it gets its messages.
function delivery(box, { list }, answers) {
  const of = new Map([...answers.keys()].filter(Boolean).map((bank) => [bank, { delivered: 0, failed: 0, waiting: 0, open: 0 }]));
  for (const { name, labels, value } of list) {
    const bank = labels.match(/bank="([^"]*)"/)?.[1];
    if (!bank) continue;
    if (!of.has(bank)) of.set(bank, { delivered: 0, failed: 0, waiting: 0, open: 0 });
    const b = of.get(bank);
    if (name === "deliveries_total") b[labels.match(/result="([^"]*)"/)[1]] += value;
    if (name === "bank_waiting") b.waiting = value;
    if (name === "bank_breaker_open") b.open = value;
  }
  const again = (bank) => decides() && button("again", () => act(() => ask(`/v1/banks/${bank}/delivery`, "POST")));
  const share = (r) =>
    r && cents(r.amount_requested) ? ((100 * cents(r.amount_held)) / cents(r.amount_requested)).toFixed(1) + " %" : "–";
  const seconds = (r) => (r ? [r.seconds_to_answer.p50, r.seconds_to_answer.p99].map((v) => v.toFixed(1)).join(" / ") : "–");
  const rows = [...of].sort().map(([bank, b]) => {
    const r = answers.get(bank);
    return [
      bank,
      [count(r?.stops_requested ?? 0), "n"],
      [share(r), "n"],
      [seconds(r), "n"],
      ...[b.delivered, b.failed, b.waiting].map((v) => [count(v), "n"]),
      el("span", { class: b.open ? "state missed" : "state held" }, (b.open ? "✕ " : "● ") + t(b.open ? "breaker" : "well")),
      again(bank) || "",
    ];
  });
  const figures = ["requests", "heldshare", "answer5099", "delivered", "undone", "waiting"].map((w) => [t(w), "n"]);
  box.replaceChildren(of.size ? table(t("bankdelivery"), [t("bank"), ...figures, t("state"), t("action")], rows) : empty(t("nobanks")));
}

// letters are documents that were refused: what came, and why.
async function letters(box) {
  const { items } = await ask("/v1/dead-letters?limit=50");
  const again = (x) => button("replay", () => act(() => ask(`/v1/dead-letters/${x.partition}/${x.offset}/replay`, "POST")));
  const rows = items.map((x) => [
    [when(x.at), "nowrap"],
    x.topic,
    el("span", { title: x.reason }, name("reason", x.reason)),
    el("details", {}, el("summary", {}, `${x.bytes} B`), mistakes(x), el("pre", { tabindex: 0 }, x.document)),
    again(x),
  ]);
  box.replaceChildren(
    items.length
      ? table(t("dead"), [t("time"), t("topic"), t("reason"), t("document_"), t("action")], rows, { class: "scroll wrap" })
      : empty(t("nodead")),
  );
  return null;
}

// mistakes are what is wrong with a refused document, each with its field.
const mistakes = (x) =>
  x.problems?.length
    ? el(
        "ul",
        {},
        x.problems.map((p) => el("li", {}, `${p.field ?? ""} ${message(p)}`.trim())),
      )
    : el("p", {}, x.error);

async function verify() {
  const v = await ask("/v1/statistics/verification");
  if (v.differences.length) throw new Error(t("wrong", v.differences.length));
  return t("right", v.stops);
}
