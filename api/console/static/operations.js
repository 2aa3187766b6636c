// Operations: what waits for a person, whether the books are right, and how the
// service is.
import { el, t, ask, act, table, span, now, setClock, say } from "/app.js";

export async function operations(root) {
  const duties = el("div"), health = el("div"), banks = el("div"), dead = el("div");
  root.append(el("h1", {}, t("operations")), el("h2", {}, t("duties")), duties, el("h2", {}, t("bankdelivery")), banks, el("h2", {}, t("dead")), el("p", {}, el("button", { onclick: () => act(letters) }, t("show"))), dead, el("h2", {}, t("health")), health, el("p", {}, el("button", { onclick: () => act(verify) }, t("verify"))));

  async function verify() {
    const v = await ask("/v1/statistics/verification");
    setTimeout(() => say(v.differences.length ? t("wrong", v.differences.length) : v.behind ? t("behind", v.behind) : t("right", v.stops)));
  }
  // letters are documents that were refused: what came, and why.
  async function letters() {
    const { items } = await ask("/v1/dead-letters?limit=50");
    const again = (x) => el("button", { onclick: () => act(() => ask(`/v1/dead-letters/${x.partition}/${x.offset}/replay`, "POST")) }, t("replay"));
    dead.replaceChildren(items.length ? el("div", { class: "wrap" }, table(t("dead"), ["", t("topic"), t("reason"), t("document_"), ""], items.map((x) => [[x.at.slice(0, 19).replace("T", " "), "nowrap"], x.topic, el("span", { title: x.error }, x.reason),
      el("details", {}, el("summary", {}, `${x.bytes} B`), el("p", {}, x.error), el("pre", { tabindex: 0 }, x.document)), again(x)]))) : el("p", { class: "empty" }, t("nodead")));
  }
  // delivery is how each bank gets its messages, of this replica's figures.
  function delivery(samples) {
    const of = new Map();
    for (const [, name, labels = "", v] of samples) {
      const bank = labels.match(/bank="([^"]*)"/)?.[1];
      if (!bank) continue;
      const b = of.get(bank) ?? { delivered: 0, failed: 0, waiting: 0, open: 0 };
      of.set(bank, b);
      if (name === "stopline_deliveries_total") b[labels.match(/result="([^"]*)"/)[1]] += Number(v);
      if (name === "stopline_bank_waiting") b.waiting = Number(v);
      if (name === "stopline_bank_breaker_open") b.open = Number(v);
    }
    const again = (bank) => el("button", { onclick: () => act(() => ask(`/v1/banks/${bank}/delivery`, "POST")) }, t("again"));
    banks.replaceChildren(of.size ? table(t("bankdelivery"), [t("bank"), [t("delivered"), "n"], [t("undone"), "n"], [t("waiting"), "n"], t("state"), ""], [...of].sort().map(([bank, b]) => [bank, ...[b.delivered, b.failed, b.waiting].map((v) => [v.toLocaleString("en-US"), "n"]), b.open ? "✕ " + t("breaker") : "● " + t("well"), again(bank)])) : el("p", { class: "empty" }, t("nobanks")));
  }
  async function draw() {
    const d = await ask("/v1/duties?limit=200");
    setClock(d.at);
    duties.replaceChildren(d.duties.length ? table(t("duties"), [t("due"), t("what"), t("case")], d.duties.map((x) => [x.until ? (x.overdue ? t("overdue") + " " + span(now() - Date.parse(x.until)) : span(Date.parse(x.until) - now())) : "–", x.text, el("a", { href: "#/cases/" + x.case_id }, x.case_id.slice(0, 12))])) : el("p", { class: "empty" }, t("noduties")));
    const text = await (await fetch("/metrics")).text();
    const lines = text.split("\n").filter((l) => /^stopline_(lag_messages|dead_letters_total|deliveries_total|bank_|events_total|brakes_fallen|hot_entities)/.test(l)).map((l) => l.match(/^(\S+?)(\{.*\})? (\S+)$/)).filter(Boolean);
    delivery(lines);
    health.replaceChildren(table(t("health"), ["", "", ""], lines.filter((l) => !/deliveries|bank_/.test(l[1])).map(([, name, labels = "", v]) => [name.replace("stopline_", ""), labels, [Number(v).toLocaleString("en-US"), "n"]])));
  }
  await draw();
  const again = setInterval(() => draw().catch(() => {}), 5000);
  return { close: () => clearInterval(again) };
}
