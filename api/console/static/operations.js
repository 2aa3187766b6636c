// Operations: what waits for a person, whether the books are right, and how the
// service is.
import { el, t, ask, act, table, span, now, setClock, say } from "/app.js";

export async function operations(root) {
  const duties = el("div"), health = el("div");
  root.append(el("h1", {}, t("operations")), el("h2", {}, t("duties")), duties, el("h2", {}, t("health")), health, el("p", {}, el("button", { onclick: () => act(verify) }, t("verify"))));

  async function verify() {
    const v = await ask("/v1/statistics/verification");
    setTimeout(() => say(v.differences.length ? t("wrong", v.differences.length) : v.behind ? t("behind", v.behind) : t("right", v.stops)));
  }
  async function draw() {
    const d = await ask("/v1/duties?limit=200");
    setClock(d.at);
    duties.replaceChildren(d.duties.length ? table(t("duties"), [t("due"), t("what"), t("case")], d.duties.map((x) => [x.until ? (x.overdue ? t("overdue") + " " + span(now() - Date.parse(x.until)) : span(Date.parse(x.until) - now())) : "–", x.text, el("a", { href: "#/cases/" + x.case_id }, x.case_id.slice(0, 12))])) : el("p", { class: "empty" }, t("noduties")));
    const text = await (await fetch("/metrics")).text();
    const lines = text.split("\n").filter((l) => /^stopline_(lag_messages|dead_letters_total|deliveries_total|events_total|brakes_fallen|hot_entities)/.test(l)).map((l) => l.match(/^(\S+?)(\{.*\})? (\S+)$/)).filter(Boolean);
    health.replaceChildren(table(t("health"), ["", "", ""], lines.map(([, name, labels = "", v]) => [name.replace("stopline_", ""), labels, [Number(v).toLocaleString("en-US"), "n"]])));
  }
  await draw();
  const again = setInterval(() => draw().catch(() => {}), 5000);
  return { close: () => clearInterval(again) };
}
