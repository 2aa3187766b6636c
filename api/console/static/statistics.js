// Statistics: stopped, traced, held and returned kept apart; every chart has its
// table and its export.
import { el, t, ask, act, money, table, save, now } from "/app.js";

const day = (ms) => new Date(ms + 8 * 3600e3).toISOString().slice(0, 10);
const number = (v) => Number(v).toLocaleString("en-US");

export async function statistics(root) {
  const from = el("input", { type: "date", id: "from", value: day(now() - 30 * 86400e3) }), to = el("input", { type: "date", id: "to", value: day(now() + 86400e3) });
  const by = el("select", { id: "by", "aria-label": t("show") }, ...[["fraud_type", "fraud_type"], ["month", "month"], ["day", "day"], ["district", "district"], ["bank", "banks"], ["hop", "hops"]].map(([v, w]) => el("option", { value: v }, t(w))));
  const month = el("input", { type: "month", id: "month", value: day(now()).slice(0, 7), "aria-label": t("monthly") });
  const out = el("div");
  const download = (f) => el("button", { onclick: () => act(() => save(`/v1/statistics/report?month=${month.value}&format=${f}&lang=${document.documentElement.lang}`, `stopline-${month.value}.${f}`)) }, f.toUpperCase());
  root.append(el("h1", {}, t("statistics")), el("form", { class: "filters", onsubmit: (e) => (e.preventDefault(), draw()) }, el("label", { for: "from" }, t("from")), from, el("label", { for: "to" }, t("to")), to, by, el("button", {}, t("show"))),
    el("p", { class: "filters" }, t("monthly"), month, ...["json", "csv", "xlsx", "pdf"].map(download)), out);

  async function draw() {
    const s = await ask(`/v1/statistics/recovery?from=${from.value}&to=${to.value}&by=${by.value}`);
    const r = s.total;
    out.replaceChildren(
      el("p", { class: "headline" }, t("line", number(r.cases_solved), number(r.arrests), money(r.amount_held), money(r.amount_returned))),
      el("h2", {}, t("funnel")), bars([["reported", r.amount_reported], ["requested_", r.amount_requested], ["held", r.amount_held], ["frozen_", r.amount_frozen], ["returned_", r.amount_returned]].map(([w, v]) => [t(w), parseFloat(v), money(v)])),
      el("h2", {}, t("minutes")), bars(r.minutes.map((n, i) => [["≤ 1", "≤ 5", "≤ 15", "≤ 30", "≤ 60", "> 60"][i], n ? r.minutes_held[i] / n : 0, `${r.minutes_held[i]} / ${n}`]), 1),
      el("h2", {}, t("heldchart")), bars(s.rows.map((x) => [x.key || "–", parseFloat(x.amount_held), `${money(x.amount_held)} / ${money(x.amount_requested)}`]), Math.max(1, ...s.rows.map((x) => parseFloat(x.amount_requested)))),
      table(t("statistics"), ["", [t("stops"), "n"], [t("held_s"), "n"], [t("partial"), "n"], [t("missed"), "n"], [t("reported"), "n"], [t("requested_"), "n"], [t("held"), "n"], [t("frozen_"), "n"], [t("returned_"), "n"], [t("answer"), "n"]],
        [...s.rows, { ...r, key: "Σ" }].map((x) => [x.key || "–", ...[x.stops_requested, x.stops_held, x.stops_partial, x.stops_missed].map((v) => [number(v), "n"]), ...[x.amount_reported, x.amount_requested, x.amount_held, x.amount_frozen, x.amount_returned].map((v) => [money(v), "n"]),
          [[x.seconds_to_answer.p50, x.seconds_to_answer.p90, x.seconds_to_answer.p99].map((v) => v.toFixed(1)).join(" / "), "n"]])));
  }
  await draw();
  return {};
}

// bars are a chart that can be read as a list: word, bar, value.
function bars(list, most = Math.max(1, ...list.map((b) => b[1]))) {
  return el("dl", { class: "bars" }, ...list.flatMap(([word, v, text]) => {
    const svg = el("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, el("rect", { class: "ground", width: 100, height: 10 }), el("rect", { class: "value", width: (100 * v) / most, height: 10 }));
    return [el("dt", {}, word), el("dd", {}, svg, el("span", {}, text))];
  }));
}
