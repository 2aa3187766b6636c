// Patterns: what is in force, how each turned out week by week, and an editor
// that checks as you type, tries on the past and proposes.
import { author, button, card, count, el, fraudWord, empty, quiet, table } from "/dom.js";
import { act, ask, decides, me } from "/http.js";
import { chart, tip } from "/charts.js";
import { lang, t } from "/words.js";

export async function patterns(root) {
  const [c, s] = await Promise.all([ask("/v1/patterns"), ask("/v1/patterns/statistics")]);
  const text = c.text ?? (await ask("/v1/patterns/versions/" + c.version)).text ?? "";
  const proposals = el("div");
  const edit = editor(c, text, () => waiting(proposals, edit));
  root.append(
    el(
      "div",
      { class: "title" },
      el("h1", {}, t("patterns")),
      quiet(`${c.version} · ${t("by")} ${author(c.by)} · ${c.published_at.slice(0, 16).replace("T", " ")}`),
    ),
    card(t("inforce"), el("p", {}, quiet(`${t("weeks")}: ${t("weekshint")}`)), listing(c, s)),
    edit.view,
    card(t("proposals"), proposals),
  );
  await Promise.all([edit.check(), waiting(proposals, edit)]);
  return { close: edit.close };
}

// listing has a pattern a row: what it asks for and how it turned out.
function listing(c, s) {
  const of = new Map(s.patterns.map((p) => [p.pattern, p]));
  const heads = [
    t("pattern"),
    t("stage"),
    t("action"),
    [t("weight"), "n"],
    [t("alerts"), "n"],
    [t("confirmed"), "n"],
    [t("false-alarm"), "n"],
    [t("precision"), "n"],
    t("weeks"),
  ];
  const rows = c.patterns.map((p) => {
    const x = of.get(p.id);
    const name = el(
      "details",
      {},
      el("summary", {}, lang() === "zh" ? p.name_zh : p.name_en),
      el("p", {}, el("code", {}, p.when)),
      el("p", { class: "quiet" }, `${p.id} · ${fraudWord(p.fraud_type)} · ${p.source ?? ""}`),
    );
    const figures = [x?.alerts ?? 0, x?.confirmed ?? 0, x?.false_alarms ?? 0].map((v) => [count(v), "n"]);
    const judged = (x?.confirmed ?? 0) + (x?.false_alarms ?? 0);
    const precision =
      x === undefined || x.precision === null
        ? "–"
        : el("span", {}, (100 * x.precision).toFixed(0) + " %", el("br"), quiet(t("judged", count(x.confirmed), count(judged))));
    return [
      name,
      p.stage ? t("stage_" + p.stage) : "",
      t(p.then ?? ""),
      [String(p.weight), "n"],
      ...figures,
      [precision, "n"],
      x ? spark(x.weeks) : "",
    ];
  });
  return table(t("patterns"), heads, rows, { class: "scroll listing" });
}

// spark is the weeks' alerts as small bars, what was confirmed filled.
function spark(weeks) {
  const most = Math.max(1, ...weeks.map((w) => w.alerts));
  const bar = (w, i, v, name) =>
    el(
      "rect",
      { class: name, x: i * 8, y: 20 - (20 * v) / most, width: 6, height: (20 * v) / most },
      el("title", {}, `${w.week}: ${w.confirmed} / ${w.alerts}`),
    );
  return el(
    "svg",
    {
      class: "spark",
      viewBox: `0 0 ${weeks.length * 8} 20`,
      width: weeks.length * 8,
      height: 20,
      role: "img",
      "aria-label": weeks.map((w) => `${w.week}: ${w.confirmed} / ${w.alerts}`).join(", "),
    },
    weeks.map((w, i) => [bar(w, i, w.alerts, "all"), bar(w, i, w.confirmed, "value")]),
  );
}

// editor holds a catalogue's text. What is wrong is said while it is typed.
function editor(c, text, proposed) {
  const area = el("textarea", { spellcheck: "false", rows: 22, "aria-label": t("catalogue") });
  area.value = text;
  const problems = el("ul", { class: "problems" });
  const days = el(
    "select",
    { "aria-label": t("lastdays") },
    [1, 7, 30].map((n) => el("option", { value: n, selected: n === 7 }, t("days", n))),
  );
  const trial = button("backtest", () => act(tryOut), { disabled: true });
  const reason = el("input", { "aria-label": t("reason"), placeholder: t("reasonhint"), maxlength: 256 });
  const propose = button("propose_", () => act(send), { disabled: true, class: "primary" });
  const result = el("div", { role: "status" });
  const yaml = (path, more = {}) => ask(path, "POST", area.value, { "Content-Type": "application/yaml", ...more });

  async function send() {
    await yaml("/v1/patterns/proposals?reason=" + encodeURIComponent(reason.value), { "If-Match": `"${c.version}"` });
    await proposed();
  }
  // tryOut scores the last days again: what is in the editor beside what is in
  // force.
  async function tryOut() {
    trial.disabled = true;
    result.replaceChildren(el("progress", { "aria-label": t("backtest") }));
    try {
      const r = await yaml("/v1/patterns/backtest?days=" + days.value);
      result.replaceChildren(...outcome(r));
    } catch (e) {
      result.replaceChildren();
      throw e;
    } finally {
      trial.disabled = false;
    }
  }
  // toLine puts the cursor where a problem is.
  const toLine = (n) => {
    const lines = area.value.split("\n");
    const at = lines.slice(0, n - 1).join("\n").length + (n > 1 ? 1 : 0);
    area.focus();
    area.setSelectionRange(at, at + (lines[n - 1]?.length ?? 0));
    area.scrollTop = (area.scrollHeight * (n - 4)) / lines.length;
  };
  const problem = (detail) => {
    const at = Number(
      detail
        .match(/line (\d+)|:(\d+):/)
        ?.slice(1)
        .find(Boolean),
    );
    return el("li", {}, at ? el("button", { type: "button", class: "small", onclick: () => toLine(at) }, detail) : detail);
  };
  let due;
  let asked = 0;
  async function check() {
    const mine = ++asked;
    let body;
    let wrong = [];
    try {
      body = await yaml("/v1/patterns/check");
    } catch (e) {
      const errors = e.problem?.errors;
      wrong = errors?.length ? errors.map((x) => x.detail) : [e.message];
    }
    if (mine !== asked) return; // it was changed meanwhile
    const same = body?.version === c.version;
    propose.disabled = !body || same;
    trial.disabled = !body;
    problems.replaceChildren(
      ...(body ? [el("li", { class: "fine" }, same ? t("unchanged") : t("fine", body.patterns))] : wrong.map(problem)),
    );
  }
  area.addEventListener("input", () => {
    propose.disabled = trial.disabled = true;
    clearTimeout(due);
    due = setTimeout(() => check().catch(() => {}), 400);
  });
  const view = card(
    t("catalogue"),
    el("p", {}, quiet(t("backtestfirst"))),
    area,
    el("div", { role: "status" }, problems),
    el("p", { class: "fields" }, days, trial, reason, propose),
    result,
  );
  const set = (other) => {
    area.value = other;
    view.scrollIntoView({ block: "start" });
    return check();
  };
  return { view, check, set, close: () => clearTimeout(due) };
}

// waiting lists the proposals: they wait for somebody other than who made them.
async function waiting(box, edit) {
  const { proposals } = await ask("/v1/patterns/proposals");
  const decide = (p, method, path, word, why) =>
    button(
      word,
      () =>
        act(async () => {
          await ask("/v1/patterns/proposals/" + p.version + path, method);
          await waiting(box, edit);
        }),
      { disabled: Boolean(why), title: why },
    );
  const why = (p) => (!decides() ? t("supervisormust") : p.proposed_by === me.name ? t("othermust") : null);
  const rows = proposals.map((p) => [
    el("code", {}, p.version.slice(0, 12)),
    `${author(p.proposed_by)} · ${p.proposed_at.slice(0, 16).replace("T", " ")}`,
    p.reason ?? "",
    el(
      "span",
      { class: "actions" },
      decide(p, "POST", "/approval", "approve", why(p)),
      decide(p, "DELETE", "", "withdraw"),
      button("show", () => act(() => edit.set(p.text))),
      why(p) && quiet(why(p)),
    ),
  ]);
  box.replaceChildren(
    proposals.length ? table(t("proposals"), [t("catalogue"), t("by"), t("reason"), t("action")], rows) : empty(t("noproposals")),
  );
}

// outcome is a backtest: both catalogues side by side, day by day, and the
// patterns that differ.
function outcome(r) {
  const pair = (word, key) => [t(word), [count(r.candidate[key]), "n"], [count(r.live[key]), "n"]];
  const sum = (d) => d.stop + d.review + d.warn;
  const days = [...new Set([...r.candidate.days, ...r.live.days].map((d) => d.day))].sort();
  const of = (f, day) => sum(f.days.find((d) => d.day === day) ?? { stop: 0, review: 0, warn: 0 });
  const option = (c) => ({
    legend: {},
    tooltip: {
      trigger: "axis",
      formatter: ([p]) =>
        tip(
          days[p.dataIndex],
          `${t("candidate")} ${of(r.candidate, days[p.dataIndex])}`,
          `${t("inforce")} ${of(r.live, days[p.dataIndex])}`,
        ),
    },
    xAxis: { type: "category", data: days.map((d) => d.slice(5)) },
    yAxis: { type: "value", minInterval: 1 },
    series: [
      { name: t("candidate"), type: "bar", color: c.accent, barMaxWidth: 24, data: days.map((d) => of(r.candidate, d)) },
      { name: t("inforce"), type: "bar", color: c.pale, barMaxWidth: 24, data: days.map((d) => of(r.live, d)) },
    ],
  });
  const signed = (v) => [(v > 0 ? "+" : "") + v, "n"];
  return [
    el("h3", {}, t("backtest"), el("small", {}, ` ${count(r.events)} ${t("events")} · ${t("nseconds", r.seconds)}`)),
    el(
      "div",
      { class: "grid outcome" },
      table(
        t("backtest"),
        ["", [t("candidate"), "n"], [t("inforce"), "n"]],
        [pair("caught", "caught"), pair("notcaught", "missed"), pair("false-alarm", "false_positives"), pair("falsestops", "false_stops")],
      ),
      el("div", {}, el("h3", {}, t("alertsaday")), chart(t("alertsaday"), 200, option)),
    ),
    r.difference.length
      ? table(
          t("difference"),
          [t("difference"), [t("alerts"), "n"], [t("confirmed"), "n"], [t("false-alarm"), "n"]],
          r.difference.map((d) => [d.pattern, ...[d.alerts, d.true_alerts, d.false_alerts].map(signed)]),
        )
      : el("p", { class: "quiet" }, t("nodifference")),
  ];
}
