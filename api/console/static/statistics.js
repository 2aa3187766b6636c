// Statistics: stopped, traced, held and returned kept apart. One range of time
// serves the page; every chart has its table and its export.
import { button, card, cents, cityDay, count, el, fraudWord, money, percent, quiet, short } from "/dom.js";
import { act, ask, now, save } from "/http.js";
import { chart, figure, tip } from "/charts.js";
import { lang, t } from "/words.js";

const days = (n) => 86400e3 * n;
const n = (text) => [text, "n"];
const seconds = (p) => [p.p50, p.p90, p.p99].map((v) => v.toFixed(1)).join(" / ");

// spans are the ranges that are asked for most, up to the end of today.
const spans = {
  today: (today) => today,
  week: (today) => cityDay(Date.parse(today) - days(6)),
  thirty: (today) => cityDay(Date.parse(today) - days(29)),
  thismonth: (today) => today.slice(0, 8) + "01",
  thisyear: (today) => today.slice(0, 5) + "01-01",
};

const breakdowns = [
  ["fraud_type", "fraud_type"],
  ["month", "month"],
  ["day", "day"],
  ["district", "district"],
  ["bank", "banks"],
  ["hop", "hops"],
];

// classes are those of minutes since the transfer.
const classes = ["≤ 1", "≤ 5", "≤ 15", "≤ 30", "≤ 60", "> 60"];

export async function statistics(root, [a, b, c]) {
  const today = cityDay(now());
  const date = /^\d{4}-\d\d-\d\d$/;
  const from = el("input", { type: "date", id: "from", value: date.test(a) ? a : spans.thirty(today) });
  const to = el("input", { type: "date", id: "to", value: date.test(b) ? b : cityDay(now() + days(1)) });
  const by = el(
    "select",
    { id: "by", "aria-label": t("breakdown") },
    breakdowns.map(([v, w]) => el("option", { value: v, selected: v === c }, t(w))),
  );
  const go = () => (location.hash = `#/statistics/${from.value}/${to.value}/${by.value}`);
  by.addEventListener("change", go);
  const quick = Object.entries(spans).map(([word, first]) =>
    button(word, () => {
      from.value = first(today);
      to.value = cityDay(now() + days(1));
      go();
    }),
  );
  const month = el("input", { type: "month", id: "month", value: today.slice(0, 7), "aria-label": t("monthly") });
  const download = (f) =>
    el(
      "button",
      {
        type: "button",
        onclick: () =>
          act(() => save(`/v1/statistics/report?month=${month.value}&format=${f}&lang=${lang()}`, `stopline-${month.value}.${f}`)),
      },
      f.toUpperCase(),
    );
  const out = el("div", { "aria-live": "polite" });
  root.append(
    el(
      "form",
      { class: "title", onsubmit: (e) => (e.preventDefault(), go()) },
      el("h1", {}, t("statistics")),
      el("span", { class: "actions" }, quick),
      el("label", { for: "from" }, t("from")),
      from,
      el("label", { for: "to" }, t("to")),
      to,
      by,
      el("button", {}, t("show")),
    ),
    out,
    card(
      t("monthly"),
      el("p", {}, quiet(t("monthlyhint"))),
      el("p", { class: "fields" }, month, ["json", "csv", "xlsx", "pdf"].map(download)),
    ),
  );
  await draw(out, from.value, to.value, by.value);
}

async function draw(out, from, to, by) {
  const recovery = (a, b, by) => ask(`/v1/statistics/recovery?from=${a}&to=${b}&by=${by}`);
  // The span before is as long as this one.
  const before = cityDay(Date.parse(from) - (Date.parse(to) - Date.parse(from)));
  const [s, hops, banks, daily, past] = await Promise.all([
    recovery(from, to, by),
    recovery(from, to, "hop"),
    recovery(from, to, "bank"),
    recovery(from, to, "day"),
    recovery(before, from, "month"),
  ]);
  out.replaceChildren(
    headline(s.total, past.total),
    el("div", { class: "grid" }, funnel(s.total, past.total, hops.rows), goldenHour(s.total), trend(daily.rows), timeToStop(s.total)),
    bankCards(banks.rows),
    breakdown(by, s),
  );
}

// headline is the center's line: what a newspaper would print of it.
function headline(r, past) {
  const tile = (word, now, before) =>
    el("div", {}, el("dt", {}, t(word)), el("dd", {}, now), el("dd", { class: "quiet" }, t("before", before)));
  return el(
    "dl",
    { class: "headline" },
    tile("cases_solved", count(r.cases_solved), count(past.cases_solved)),
    tile("arrested", count(r.arrests), count(past.arrests)),
    tile("held_total", money(r.amount_held), money(past.amount_held)),
    tile("returned_total", money(r.amount_returned), money(past.amount_returned)),
  );
}

// funnel is each step by itself, and a share of what was asked for at the first
// hop. Traced is what went on to the second: later hops are the same money again.
function funnel(r, past, hops) {
  const first = r.amount_requested_first;
  const traced = hops.find((x) => x.key === "2")?.amount_requested ?? "0.00";
  const steps = [
    ["reported", r.amount_reported, past.amount_reported],
    ["requested_", first, past.amount_requested_first],
    ["traced", traced],
    ["held", r.amount_held, past.amount_held],
    ["frozen_", r.amount_frozen, past.amount_frozen],
    ["returned_", r.amount_returned, past.amount_returned],
  ];
  const share = (v) => (cents(first) ? ` · ${percent(v, first).toFixed(1)} %` : "");
  const option = (c) => ({
    grid: { left: 20, right: 190, top: 8, bottom: 8, containLabel: true },
    xAxis: { type: "value", show: false },
    yAxis: { type: "category", inverse: true, data: steps.map(([w]) => t(w)), axisLine: { show: false }, axisLabel: { color: c.ink } },
    series: [
      {
        type: "bar",
        barWidth: "60%",
        data: steps.map(([w, v]) => ({
          value: cents(v) / 100,
          itemStyle: { color: w === "reported" ? c.quiet : c.accent, borderRadius: 2 },
          label: { formatter: money(v) + (w === "reported" ? "" : share(v)) },
        })),
        label: { show: true, position: "right", color: c.ink },
      },
    ],
  });
  return figure({
    title: t("funnel"),
    hint: t("funnelhint"),
    name: "funnel",
    drawing: chart(t("funnel"), 250, option),
    heads: ["", n(t("amount")), n(t("periodbefore"))],
    rows: steps.map(([w, v, past]) => [t(w), n(money(v)), n(past === undefined ? "–" : money(past))]),
  });
}

// goldenHour is the curve of success against the minutes that went by.
function goldenHour(r) {
  const share = r.minutes.map((all, i) => (all ? (100 * r.minutes_held[i]) / all : null));
  const option = (c) => ({
    grid: { left: 8, right: 8, top: 40, bottom: 24, containLabel: true },
    legend: {},
    tooltip: {
      trigger: "axis",
      formatter: ([p]) =>
        tip(
          `${classes[p.dataIndex]} ${t("minutesince")}`,
          `${r.minutes_held[p.dataIndex]} / ${r.minutes[p.dataIndex]}`,
          share[p.dataIndex] === null ? "–" : share[p.dataIndex].toFixed(1) + " %",
        ),
    },
    xAxis: { type: "category", data: classes, name: t("minutesince"), nameLocation: "middle", nameGap: 28 },
    yAxis: [
      { type: "value", max: 100, axisLabel: { formatter: "{value} %" } },
      { type: "value", splitLine: { show: false }, axisLabel: { formatter: short } },
    ],
    series: [
      { name: t("requests"), type: "bar", yAxisIndex: 1, data: r.minutes, itemStyle: { color: c.pale, borderRadius: 2 }, barWidth: "50%" },
      {
        name: t("successrate"),
        type: "line",
        data: share,
        connectNulls: true,
        symbol: "circle",
        symbolSize: 8,
        lineStyle: { width: 2.5 },
        color: c.accent,
        label: {
          show: true,
          position: "top",
          color: c.ink,
          formatter: (p) => (p.value === null || p.value === undefined ? "" : Math.round(p.value) + " %"),
        },
      },
    ],
  });
  return figure({
    title: t("minutes"),
    name: "minutes",
    drawing: chart(t("minutes"), 276, option),
    heads: [t("minutesince"), n(t("requests")), n(t("held")), n("%")],
    rows: r.minutes.map((all, i) => [
      classes[i],
      n(count(all)),
      n(count(r.minutes_held[i])),
      n(share[i] === null ? "–" : share[i].toFixed(1)),
    ]),
  });
}

// trend is what was asked for, held and returned, day by day.
function trend(rows) {
  const series = [
    ["requested_", "amount_requested", "pale", "bar"],
    ["held", "amount_held", "accent", "bar"],
    ["returned_", "amount_returned", "good", "line"],
  ];
  const option = (c) => ({
    grid: { left: 8, right: 8, top: 40, bottom: rows.length > 14 ? 40 : 8, containLabel: true },
    legend: {},
    tooltip: {
      trigger: "axis",
      formatter: ([p]) => tip(rows[p.dataIndex].key, ...series.map(([w, key]) => `${t(w)} ${money(rows[p.dataIndex][key])}`)),
    },
    xAxis: { type: "category", data: rows.map((x) => x.key.slice(5)) },
    yAxis: { type: "value", axisLabel: { formatter: short } },
    dataZoom: rows.length > 14 ? [{ type: "slider", height: 18, bottom: 4, borderColor: c.line, textStyle: { color: c.quiet } }] : [],
    series: series.map(([w, key, colour, type]) => ({
      name: t(w),
      type,
      data: rows.map((x) => cents(x[key]) / 100),
      color: c[colour],
      barGap: "-100%",
      barMaxWidth: 32,
      z: type === "line" ? 3 : colour === "accent" ? 2 : 1,
      symbol: "diamond",
      symbolSize: 7,
    })),
  });
  return figure({
    title: t("trend"),
    unit: t("yuan"),
    name: "days",
    drawing: chart(t("trend"), 250, option),
    heads: [t("time"), ...series.map(([w]) => n(t(w))), n(t("frozen_"))],
    rows: rows.map((x) => [x.key, ...series.map(([, key]) => n(money(x[key]))), n(money(x.amount_frozen))]),
  });
}

// timeToStop stacks the percentiles of each segment.
function timeToStop(r) {
  const segments = [
    ["to_request", r.seconds_to_request],
    ["to_answer", r.seconds_to_answer],
    ["to_hold", r.seconds_to_hold],
  ];
  /** @type {[name: string, colour: string, of: (p: any) => number][]} */
  const parts = [
    ["50 %", "accent", (p) => p.p50],
    ["90 %", "mid", (p) => p.p90 - p.p50],
    ["99 %", "pale", (p) => p.p99 - p.p90],
  ];
  const option = (c) => ({
    grid: { left: 20, right: 24, top: 32, bottom: 8, containLabel: true },
    legend: {},
    tooltip: {
      trigger: "axis",
      formatter: ([p]) => tip(t(segments[p.dataIndex][0]), `50 / 90 / 99 %: ${t("nseconds", seconds(segments[p.dataIndex][1]))}`),
    },
    xAxis: { type: "value", axisLabel: { formatter: (v) => t("nseconds", short(v)) } },
    yAxis: { type: "category", inverse: true, data: segments.map(([w]) => t(w)), axisLine: { show: false }, axisLabel: { color: c.ink } },
    series: parts.map(([name, colour, f]) => ({
      name,
      type: "bar",
      stack: "time",
      barWidth: "45%",
      color: c[colour],
      data: segments.map(([, p]) => Math.max(0, f(p))),
    })),
  });
  return figure({
    title: t("segments"),
    unit: t("seconds"),
    name: "segments",
    drawing: chart(t("segments"), 250, option),
    heads: ["", n("50 %"), n("90 %"), n("99 %")],
    rows: segments.map(([w, p]) => [t(w), n(p.p50.toFixed(2)), n(p.p90.toFixed(2)), n(p.p99.toFixed(2))]),
  });
}

// bankCards compare the banks, each by its own curve, all on one scale.
function bankCards(rows) {
  const curve = (x) => (c) => ({
    grid: { left: 0, right: 0, top: 6, bottom: 0 },
    xAxis: { type: "category", show: false, data: classes, boundaryGap: false },
    yAxis: { type: "value", show: false, min: 0, max: 100 },
    tooltip: {
      trigger: "axis",
      formatter: ([p]) => tip(`${classes[p.dataIndex]} ${t("minutesince")}`, `${x.minutes_held[p.dataIndex]} / ${x.minutes[p.dataIndex]}`),
    },
    series: [
      {
        type: "line",
        data: x.minutes.map((all, i) => (all ? (100 * x.minutes_held[i]) / all : null)),
        connectNulls: true,
        color: c.accent,
        areaStyle: { color: c.accent, opacity: 0.12 },
        symbol: "circle",
        symbolSize: 4,
      },
    ],
  });
  const small = rows.map((x) =>
    el(
      "div",
      { class: "bank" },
      el("h3", {}, x.key || "–"),
      el("p", {}, el("b", {}, percent(x.amount_held, x.amount_requested).toFixed(1) + " %")),
      chart(`${x.key}: ${t("minutes")}`, 56, curve(x)),
      el("p", { class: "quiet" }, t("bankanswer", x.seconds_to_answer.p50.toFixed(1))),
    ),
  );
  return figure({
    title: t("bankschart"),
    hint: t("minutes"),
    name: "banks",
    drawing: el("div", { class: "banks" }, small),
    heads: [t("bank"), n(t("requested_")), n(t("held")), n("%"), n(t("answers"))],
    rows: rows.map((x) => [
      x.key || "–",
      n(money(x.amount_requested)),
      n(money(x.amount_held)),
      n(percent(x.amount_held, x.amount_requested).toFixed(1)),
      n(seconds(x.seconds_to_answer)),
    ]),
  });
}

// breakdown is the period by whatever was chosen, with its whole table.
function breakdown(by, s) {
  const key = (x) => (by === "fraud_type" ? fraudWord(x.key) : x.key) || "–";
  const word = t(breakdowns.find(([v]) => v === by)[1]);
  const rows = [...s.rows].sort((a, b) =>
    ["month", "day", "hop"].includes(by) ? 0 : cents(b.amount_requested) - cents(a.amount_requested),
  );
  const shown = rows.slice(0, 20);
  const option = (c) => ({
    grid: { left: 20, right: 120, top: 32, bottom: 8, containLabel: true },
    legend: {},
    tooltip: {
      trigger: "axis",
      formatter: ([p]) =>
        tip(
          key(shown[p.dataIndex]),
          `${t("requested_")} ${money(shown[p.dataIndex].amount_requested)}`,
          `${t("held")} ${money(shown[p.dataIndex].amount_held)}`,
        ),
    },
    xAxis: { type: "value", axisLabel: { formatter: short } },
    yAxis: { type: "category", inverse: true, data: shown.map(key), axisLine: { show: false }, axisLabel: { color: c.ink } },
    series: [
      {
        name: t("requested_"),
        type: "bar",
        color: c.pale,
        data: shown.map((x) => cents(x.amount_requested) / 100),
        barGap: "-100%",
        barMaxWidth: 18,
        label: {
          show: true,
          position: "right",
          color: c.quiet,
          formatter: (p) => percent(shown[p.dataIndex].amount_held, shown[p.dataIndex].amount_requested).toFixed(1) + " %",
        },
      },
      { name: t("held"), type: "bar", color: c.accent, data: shown.map((x) => cents(x.amount_held) / 100), barMaxWidth: 18, z: 3 },
    ],
  });
  const counts = ["stops_requested", "stops_held", "stops_partial", "stops_missed"];
  const amounts = ["amount_reported", "amount_requested", "amount_held", "amount_frozen", "amount_returned"];
  const line = (x, name) => [name, ...counts.map((k) => n(count(x[k]))), ...amounts.map((k) => n(money(x[k])))];
  return figure({
    title: `${t("breakdown")}: ${word}`,
    unit: t("yuan"),
    name: by,
    open: true,
    drawing: chart(word, 64 + 30 * Math.max(1, shown.length), option),
    heads: [
      "",
      n(t("stops")),
      n(t("held_s")),
      n(t("partial")),
      n(t("missed")),
      n(t("reported")),
      n(t("requested_")),
      n(t("held")),
      n(t("frozen_")),
      n(t("returned_")),
    ],
    rows: [...rows.map((x) => line(x, key(x))), line(s.total, "Σ")],
  });
}
