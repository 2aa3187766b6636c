// Patterns: what is in force, how each turned out week by week, and an editor
// that checks as you type.
import { el, t, lang, ask, act, table } from "/app.js";

export async function patterns(root) {
  const [c, s] = await Promise.all([ask("/v1/patterns"), ask("/v1/patterns/statistics")]);
  const of = new Map(s.patterns.map((p) => [p.pattern, p]));
  const problems = el("ul", { class: "problems" });
  const text = el("textarea", { spellcheck: "false", rows: 24, "aria-label": t("catalogue") });
  text.value = c.text ?? (await ask("/v1/patterns/versions/" + c.version)).text ?? "";
  const reason = el("input", { "aria-label": t("reason"), placeholder: t("reason"), maxlength: 256 });
  const propose = el("button", { disabled: true, onclick: () => act(send) }, t("propose_"));
  const days = el("select", { "aria-label": t("lastdays") }, ...[1, 7, 30].map((n) => el("option", { value: n, selected: n === 7 }, t("days", n))));
  const trial = el("button", { disabled: true, onclick: () => act(tryOut) }, t("backtest")), tried = el("div", { role: "status" }), waiting = el("div");
  root.append(el("h1", {}, t("patterns"), el("small", {}, ` ${c.version} · ${t("by")} ${c.by} · ${c.published_at.slice(0, 16).replace("T", " ")}`)),
    table(t("patterns"), [t("patterns"), t("stage"), t("action"), [t("weight"), "n"], [t("alerts"), "n"], [t("confirmed"), "n"], [t("false-alarm"), "n"], [t("precision"), "n"], t("weeks")],
      c.patterns.map((p) => {
        const x = of.get(p.id);
        return [el("span", { title: p.when }, lang() === "zh" ? p.name_zh : p.name_en), p.stage ?? "", t(p.then ?? ""), [String(p.weight), "n"], [String(x?.alerts ?? 0), "n"], [String(x?.confirmed ?? 0), "n"], [String(x?.false_alarms ?? 0), "n"], [x?.precision === null || x === undefined ? "–" : (100 * x.precision).toFixed(0) + " %", "n"], x ? spark(x.weeks) : ""];
      })),
    el("h2", {}, t("catalogue")), el("p", { class: "quiet" }, t("backtestfirst")), text, el("div", { role: "status" }, problems),
    el("p", { class: "filters" }, days, trial, reason, propose), tried, el("h2", {}, t("proposals")), waiting);

  const yaml = (method, path) => fetch(path, { method, headers: { Authorization: "Bearer " + sessionStorage.getItem("key"), "Content-Type": "application/yaml", ...(path.includes("/proposals") ? { "If-Match": `"${c.version}"` } : {}) }, body: text.value });
  async function send() {
    const answer = await yaml("POST", "/v1/patterns/proposals?reason=" + encodeURIComponent(reason.value));
    if (!answer.ok) throw new Error((await answer.json()).detail);
    await proposed();
  }
  // tryOut scores the last days again: what is in the editor beside what is in force.
  async function tryOut() {
    trial.disabled = true;
    tried.replaceChildren(el("progress", { "aria-label": t("backtest") }));
    try {
      const answer = await yaml("POST", "/v1/patterns/backtest?days=" + days.value);
      const r = await answer.json();
      if (!answer.ok) throw new Error(r.detail);
      tried.replaceChildren(...outcome(r));
    } catch (e) {
      tried.replaceChildren();
      throw e;
    } finally {
      trial.disabled = false;
    }
  }
  // proposals wait for somebody other than who made them.
  async function proposed() {
    const { proposals } = await ask("/v1/patterns/proposals");
    const decide = (p, method, path, word) => el("button", { onclick: () => act(async () => { await ask("/v1/patterns/proposals/" + p.version + path, method); await proposed(); }) }, t(word));
    waiting.replaceChildren(proposals.length ? table(t("proposals"), [t("catalogue"), t("by"), t("reason"), t("action")], proposals.map((p) => [p.version, `${p.proposed_by} · ${p.proposed_at.slice(0, 16).replace("T", " ")}`, p.reason ?? "", el("span", { class: "actions" }, decide(p, "POST", "/approval", "approve"), decide(p, "DELETE", "", "withdraw"), el("button", { onclick: () => { text.value = p.text; check(); } }, t("show")))])) : el("p", { class: "empty" }, t("noproposals")));
  }
  let due, asked = 0;
  async function check() {
    const mine = ++asked;
    const answer = await yaml("POST", "/v1/patterns/check");
    const body = await answer.json().catch(() => ({}));
    if (mine !== asked) return; // it was changed meanwhile
    propose.disabled = !answer.ok || body.version === c.version;
    trial.disabled = !answer.ok;
    problems.replaceChildren(...(answer.ok ? [el("li", { class: "fine" }, t("fine", body.patterns))] : (body.errors ?? [{ detail: body.detail }]).map((e) => el("li", {}, e.detail))));
  }
  text.addEventListener("input", () => { propose.disabled = trial.disabled = true; clearTimeout(due); due = setTimeout(() => check().catch(() => {}), 400); });
  await Promise.all([check(), proposed()]);
  return { close: () => clearTimeout(due) };
}

// spark is the weeks' alerts as small bars, what was confirmed filled.
function spark(weeks) {
  const most = Math.max(1, ...weeks.map((w) => w.alerts));
  return el("svg", { class: "spark", viewBox: `0 0 ${weeks.length * 8} 20`, width: weeks.length * 8, height: 20, role: "img", "aria-label": weeks.map((w) => `${w.week}: ${w.alerts}`).join(", ") },
    ...weeks.flatMap((w, i) => [el("rect", { class: "all", x: i * 8, y: 20 - (20 * w.alerts) / most, width: 6, height: (20 * w.alerts) / most }), el("rect", { class: "value", x: i * 8, y: 20 - (20 * w.confirmed) / most, width: 6, height: (20 * w.confirmed) / most })]));
}

// outcome is a backtest: both catalogues side by side, day by day, and the
// patterns that differ.
function outcome(r) {
  const pair = (word, key) => [t(word), [String(r.candidate[key]), "n"], [String(r.live[key]), "n"]];
  const sum = (d) => d.stop + d.review + d.warn;
  const all = [...new Set([...r.candidate.days, ...r.live.days].map((d) => d.day))].sort();
  const of = (f, day) => sum(f.days.find((d) => d.day === day) ?? { stop: 0, review: 0, warn: 0 });
  const most = Math.max(1, ...all.map((d) => Math.max(of(r.candidate, d), of(r.live, d))));
  const bar = (c, v) => el("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, el("rect", { class: "ground", width: 100, height: 10 }), el("rect", { class: c, width: (100 * v) / most, height: 10 }));
  return [el("h2", {}, t("backtest"), el("small", {}, ` ${r.events.toLocaleString("en-US")} ${t("events")} · ${r.seconds} s`)),
    table(t("backtest"), ["", [t("candidate"), "n"], [t("inforce"), "n"]], [pair("caught", "caught"), pair("notcaught", "missed"), pair("false-alarm", "false_positives"), pair("falsestops", "false_stops")]),
    el("h3", {}, t("alertsaday")), el("dl", { class: "bars pairs" }, ...all.flatMap((d) => [el("dt", {}, d), el("dd", {}, bar("value", of(r.candidate, d)), el("span", {}, `${t("candidate")} ${of(r.candidate, d)}`)), el("dd", {}, bar("further", of(r.live, d)), el("span", {}, `${t("inforce")} ${of(r.live, d)}`))])),
    r.difference.length ? table(t("difference"), [t("difference"), [t("alerts"), "n"], [t("confirmed"), "n"], [t("false-alarm"), "n"]], r.difference.map((d) => [d.pattern, ...[d.alerts, d.true_alerts, d.false_alerts].map((v) => [(v > 0 ? "+" : "") + v, "n"])])) : el("p", { class: "quiet" }, t("nodifference"))];
}
