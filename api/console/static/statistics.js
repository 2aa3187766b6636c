// Statistics: stopped, traced, held and returned kept apart. One range of time
// serves the page; every chart has its table and its export.
import { el, t, ask, act, money, table, save, keep, now, fraud } from "/app.js";

const day = (ms) => new Date(ms + 8 * 3600e3).toISOString().slice(0, 10);
const number = (v) => Number(v).toLocaleString("en-US");
const n = (text) => [text, "n"];

export async function statistics(root) {
  const from = el("input", { type: "date", id: "from", value: day(now() - 30 * 86400e3) }), to = el("input", { type: "date", id: "to", value: day(now() + 86400e3) });
  const by = el("select", { id: "by", "aria-label": t("show") }, ...[["fraud_type", "fraud_type"], ["month", "month"], ["day", "day"], ["district", "district"], ["bank", "banks"], ["hop", "hops"]].map(([v, w]) => el("option", { value: v }, t(w))));
  const month = el("input", { type: "month", id: "month", value: day(now()).slice(0, 7), "aria-label": t("monthly") });
  const out = el("div");
  const download = (f) => el("button", { onclick: () => act(() => save(`/v1/statistics/report?month=${month.value}&format=${f}&lang=${document.documentElement.lang}`, `stopline-${month.value}.${f}`)) }, f.toUpperCase());
  root.append(el("h1", {}, t("statistics")), el("form", { class: "filters", onsubmit: (e) => (e.preventDefault(), act(draw)) }, el("label", { for: "from" }, t("from")), from, el("label", { for: "to" }, t("to")), to, by, el("button", {}, t("show"))),
    el("p", { class: "filters" }, t("monthly"), month, ...["json", "csv", "xlsx", "pdf"].map(download)), out);

  async function draw() {
    // The period before is as long as this one.
    const length = Date.parse(to.value) - Date.parse(from.value), before = new Date(Date.parse(from.value) - length).toISOString().slice(0, 10);
    const recovery = (a, b, by) => ask(`/v1/statistics/recovery?from=${a}&to=${b}&by=${by}`);
    const hops = await recovery(from.value, to.value, "hop");
    const [s, banks, past] = await Promise.all([recovery(from.value, to.value, by.value), recovery(from.value, to.value, "bank"), recovery(before, from.value, "month")]);
    const r = s.total, p = past.total;
    const key = (x) => (by.value === "fraud_type" ? fraud(x.key) : x.key) || "–";
    const cents = (text) => Math.round(parseFloat(text) * 100);
    const traced = money((hops.rows.filter((x) => x.key !== "1").reduce((sum, x) => sum + cents(x.amount_requested), 0) / 100).toFixed(2));
    const first = money(hops.rows.find((x) => x.key === "1")?.amount_requested ?? "0.00");
    const steps = [["reported", money(r.amount_reported), p.amount_reported], ["requested_", first], ["traced", traced], ["held", money(r.amount_held), p.amount_held], ["frozen_", money(r.amount_frozen), p.amount_frozen], ["returned_", money(r.amount_returned), p.amount_returned]];
    const value = (text) => parseFloat(text.replace(/[^\d.]/g, "")) || 0;
    const classes = ["≤ 1", "≤ 5", "≤ 15", "≤ 30", "≤ 60", "> 60"];
    const share = (a, b) => (parseFloat(b) ? (100 * parseFloat(a)) / parseFloat(b) : 0);
    const segments = [["to_request", r.seconds_to_request], ["to_answer", r.seconds_to_answer], ["to_hold", r.seconds_to_hold]];
    const longest = Math.max(0.1, ...segments.flatMap(([, x]) => [x.p99]));
    out.replaceChildren(
      el("p", { class: "headline" }, t("line", number(r.cases_solved), number(r.arrests), money(r.amount_held), money(r.amount_returned)), " ", el("span", { class: "quiet" }, t("compared", money(p.amount_held), money(p.amount_returned)))),
      chart("funnel", "¥", steps.map(([w, v]) => [t(w), value(v), v]), ["", n(t("amount")), n(t("periodbefore"))], steps.map(([w, v, past]) => [t(w), n(v), n(past === undefined ? "–" : money(past))])),
      chart("minutes", "%", r.minutes.map((all, i) => [classes[i], all ? r.minutes_held[i] / all : 0, `${r.minutes_held[i]} / ${all}`]), [t("minutesince"), n(t("requested_")), n(t("held"))], r.minutes.map((all, i) => [classes[i], n(String(all)), n(String(r.minutes_held[i]))]), 1),
      chart("segments", "s", segments.map(([w, x]) => [t(w), x.p50, `${x.p50.toFixed(1)} / ${x.p90.toFixed(1)} / ${x.p99.toFixed(1)}`, x.p90, x.p99]), ["", n("50 %"), n("90 %"), n("99 %")], segments.map(([w, x]) => [t(w), n(x.p50.toFixed(2)), n(x.p90.toFixed(2)), n(x.p99.toFixed(2))]), longest),
      chart("bankschart", "%", banks.rows.map((x) => [x.key || "–", share(x.amount_held, x.amount_requested), `${share(x.amount_held, x.amount_requested).toFixed(1)} %`]), [t("bank"), n(t("requested_")), n(t("held")), n("%"), n(t("answer"))],
        banks.rows.map((x) => [x.key || "–", n(money(x.amount_requested)), n(money(x.amount_held)), n(share(x.amount_held, x.amount_requested).toFixed(1)), n([x.seconds_to_answer.p50, x.seconds_to_answer.p90, x.seconds_to_answer.p99].map((v) => v.toFixed(1)).join(" / "))]), 100),
      chart("heldchart", "¥", s.rows.map((x) => [key(x), parseFloat(x.amount_held), `${money(x.amount_held)} / ${money(x.amount_requested)}`]),
        ["", n(t("stops")), n(t("held_s")), n(t("partial")), n(t("missed")), n(t("reported")), n(t("requested_")), n(t("held")), n(t("frozen_")), n(t("returned_"))],
        [...s.rows, { ...r, key: "Σ" }].map((x) => [x.key === "Σ" ? "Σ" : key(x), ...[x.stops_requested, x.stops_held, x.stops_partial, x.stops_missed].map((v) => n(number(v))), ...[x.amount_reported, x.amount_requested, x.amount_held, x.amount_frozen, x.amount_returned].map((v) => n(money(v)))]),
        Math.max(1, ...s.rows.map((x) => parseFloat(x.amount_requested))), true));
  }
  await draw();
  return {};
}

// chart is bars with their title and unit, the table behind them, and its export.
function chart(title, unit, list, heads, rows, most, open = false) {
  const plain = (c) => (Array.isArray(c) ? c[0] : c);
  const cell = (c) => '"' + String(plain(c)).replaceAll('"', '""') + '"';
  // A byte order mark, so that spreadsheets read Chinese.
  const csv = () => keep(new Blob(["\ufeff" + [heads, ...rows].map((r) => r.map(cell).join(",")).join("\r\n") + "\r\n"], { type: "text/csv" }), `stopline-${title}.csv`);
  return el("section", {}, el("h2", {}, t(title), el("small", {}, ` ${unit} `), el("button", { class: "small", "aria-label": `CSV: ${t(title)}`, onclick: csv }, "CSV")), bars(list, most), el("details", { open }, el("summary", {}, t("astable")), table(t(title), heads, rows)));
}

// bars are a chart that can be read as a list: word, bar, value; further values
// are paler behind the first.
function bars(list, most = Math.max(1, ...list.map((b) => b[1]))) {
  return el("dl", { class: "bars" }, ...list.flatMap(([word, v, text, ...further]) => {
    const bar = (c, v) => el("rect", { class: c, width: (100 * v) / most, height: 10 });
    const svg = el("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, el("rect", { class: "ground", width: 100, height: 10 }), ...further.reverse().map((f) => bar("further", f)), bar("value", v));
    return [el("dt", {}, word), el("dd", {}, svg, el("span", {}, text))];
  }));
}
