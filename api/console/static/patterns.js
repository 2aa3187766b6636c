// Patterns: what is in force, how each turned out week by week, and an editor
// that checks as you type.
import { el, t, lang, ask, act, table } from "/app.js";

export async function patterns(root) {
  const [c, s] = await Promise.all([ask("/v1/patterns"), ask("/v1/patterns/statistics")]);
  const of = new Map(s.patterns.map((p) => [p.pattern, p]));
  const problems = el("ul", { class: "problems" });
  const text = el("textarea", { spellcheck: "false", rows: 24, "aria-label": t("catalogue") });
  text.value = c.text ?? (await ask("/v1/patterns/versions/" + c.version)).text ?? "";
  const publish = el("button", { disabled: true, onclick: () => act(send) }, t("publish"));
  root.append(el("h1", {}, t("patterns"), el("small", {}, ` ${c.version} · ${t("by")} ${c.by} · ${c.published_at.slice(0, 16).replace("T", " ")}`)),
    table(t("patterns"), [t("patterns"), t("stage"), t("action"), [t("weight"), "n"], [t("alerts"), "n"], [t("confirmed"), "n"], [t("false-alarm"), "n"], [t("precision"), "n"], t("weeks")],
      c.patterns.map((p) => {
        const x = of.get(p.id);
        return [el("span", { title: p.when }, lang() === "zh" ? p.name_zh : p.name_en), p.stage ?? "", t(p.then ?? ""), [String(p.weight), "n"], [String(x?.alerts ?? 0), "n"], [String(x?.confirmed ?? 0), "n"], [String(x?.false_alarms ?? 0), "n"], [x?.precision === null || x === undefined ? "–" : (100 * x.precision).toFixed(0) + " %", "n"], x ? spark(x.weeks) : ""];
      })),
    el("h2", {}, t("catalogue")), el("p", { class: "quiet" }, t("backtestfirst")), text, el("p", {}, publish), el("div", { role: "status" }, problems));

  const yaml = (method, path) => fetch(path, { method, headers: { Authorization: "Bearer " + sessionStorage.getItem("key"), "Content-Type": "application/yaml", ...(method === "PUT" ? { "If-Match": `"${c.version}"` } : {}) }, body: text.value });
  async function send() {
    const answer = await yaml("PUT", "/v1/patterns?reason=console");
    if (!answer.ok) throw new Error((await answer.json()).detail);
  }
  let due, asked = 0;
  async function check() {
    const mine = ++asked;
    const answer = await yaml("POST", "/v1/patterns/check");
    const body = await answer.json().catch(() => ({}));
    if (mine !== asked) return; // it was changed meanwhile
    publish.disabled = !answer.ok || body.version === c.version;
    problems.replaceChildren(...(answer.ok ? [el("li", { class: "fine" }, t("fine", body.patterns))] : (body.errors ?? [{ detail: body.detail }]).map((e) => el("li", {}, e.detail))));
  }
  text.addEventListener("input", () => { publish.disabled = true; clearTimeout(due); due = setTimeout(() => check().catch(() => {}), 400); });
  await check();
  return { close: () => clearTimeout(due) };
}

// spark is the weeks' alerts as small bars, what was confirmed filled.
function spark(weeks) {
  const most = Math.max(1, ...weeks.map((w) => w.alerts));
  return el("svg", { class: "spark", viewBox: `0 0 ${weeks.length * 8} 20`, width: weeks.length * 8, height: 20, role: "img", "aria-label": weeks.map((w) => `${w.week}: ${w.alerts}`).join(", ") },
    ...weeks.flatMap((w, i) => [el("rect", { class: "all", x: i * 8, y: 20 - (20 * w.alerts) / most, width: 6, height: (20 * w.alerts) / most }), el("rect", { class: "value", x: i * 8, y: 20 - (20 * w.confirmed) / most, width: 6, height: (20 * w.confirmed) / most })]));
}
