// What was seen of a case: each pattern with its values, and calls and payments on
// one axis of time.
import { card, cents, cityTime, el, money, span, table, when } from "/dom.js";
import { chart, tip } from "/charts.js";
import { lang, t } from "/words.js";

// hits say each pattern with the values that it saw, in words.
export function hits(seen) {
  const zh = lang() === "zh";
  const score = new Map(seen.alerts.map((a) => [a.id, a]));
  const row = (h) => {
    const a = score.get(h.alert_id);
    const words = (zh ? h.seen_zh : h.seen_en).join(zh ? "，" : ", ");
    return [
      [when(a?.at ?? "").slice(5), "nowrap"],
      el("b", { title: h.pattern }, zh ? h.name_zh : h.name_en),
      words,
      [String(a?.score ?? ""), "n"],
    ];
  };
  if (!seen.said.length) return null;
  const first = seen.said.slice(0, 6);
  const rest = seen.said.slice(6);
  const heads = [t("time"), t("pattern"), t("values"), [t("score"), "n"]];
  return card(
    t("seen"),
    table(t("seen"), heads, first.map(row), { class: "scroll wrap hits" }),
    rest.length > 0 &&
      el(
        "details",
        {},
        el("summary", {}, `${t("more")} (${rest.length})`),
        table(t("seen"), heads, rest.map(row), { class: "scroll wrap hits" }),
      ),
  );
}

// timeline has calls above payments on one axis of time, so that their overlap
// shows; a call that has not ended runs to the end of it.
export function timeline(seen) {
  const calls = seen.calls.map((k) => ({ ...k, from: Date.parse(k.at), to: Date.parse(k.at) + k.seconds * 1000 }));
  const pays = seen.transfers.map((p) => ({ ...p, ms: Date.parse(p.at) }));
  const times = [...calls.flatMap((k) => [k.from, k.to]), ...pays.map((p) => p.ms)];
  if (!times.length) return null;
  const first = Math.min(...times);
  const end = Math.max(...times, first + 60e3);
  for (const k of calls) if (!k.seconds) k.to = end;
  const margin = (end - first) / 40;
  const most = Math.max(...pays.map((p) => cents(p.amount)), 1);
  const odd = (k) => [k.foreign && t("foreign"), k.spoofed && t("spoofed")].filter(Boolean).join(", ");
  const label = (k) => (k.seconds ? span(k.seconds * 1000) : t("running"));
  const option = (c) => ({
    grid: { left: 8, right: 16, top: 8, bottom: 4, containLabel: true },
    xAxis: {
      type: "time",
      min: first - margin,
      max: end + margin,
      splitLine: { show: false },
      axisLabel: {
        hideOverlap: true,
        formatter: (ms) => cityTime(ms).slice(11, 16) + (end - first > 36e5 * 20 ? "\n" + cityTime(ms).slice(5, 10) : ""),
      },
    },
    yAxis: { type: "category", data: [t("payment"), t("call")], splitLine: { show: true } },
    dataZoom: [{ type: "inside", filterMode: "none" }],
    tooltip: { formatter: (p) => p.data.tip() },
    series: [
      {
        type: "custom",
        data: calls.map((k) => ({
          value: [k.from, 1, k.to],
          odd: odd(k),
          tip: () => tip(when(k.at), `${k.caller} → ${k.callee}`, label(k), odd(k)),
        })),
        encode: { x: [0, 2], y: 1 },
        renderItem: (params, api) => {
          const [x, y] = api.coord([api.value(0), 1]);
          const [to] = api.coord([api.value(2), 1]);
          const k = calls[params.dataIndex];
          return {
            type: "rect",
            shape: { x, y: y - 11, width: Math.max(3, to - x), height: 22, r: 3 },
            style: { fill: odd(k) ? c.out : c.quiet, opacity: 0.85 },
            textContent: to - x > 60 ? { type: "text", style: { text: `${odd(k)} ${label(k)}`, fill: c.card, fontSize: 12 } } : undefined,
            textConfig: { position: "inside" },
          };
        },
      },
      {
        type: "scatter",
        data: pays.map((p) => ({
          value: [p.ms, 0],
          symbolSize: 10 + 22 * Math.sqrt(cents(p.amount) / most),
          itemStyle: p.stop_id ? { color: c.accent, opacity: 0.85 } : { color: c.raised, borderColor: c.quiet, borderWidth: 1.5 },
          tip: () => tip(when(p.at), `${money(p.amount)} → ${p.payee_account ?? t("cash")}`, p.stop_id && t("stopped_")),
        })),
      },
    ],
  });
  return card(
    t("timeline"),
    chart(t("timeline"), 150, option),
    el(
      "details",
      {},
      el("summary", {}, t("astable")),
      table(
        t("timeline"),
        [t("time"), "", t("payer"), t("payee"), [t("amount"), "n"]],
        [
          ...calls.map((k) => [k.at, [when(k.at), t("call"), k.caller, k.callee, [`${label(k)} ${odd(k)}`, "n"]]]),
          ...pays.map((p) => [
            p.at,
            [when(p.at), p.stop_id ? t("stopped_") : t("payment"), p.payer_account, p.payee_account ?? t("cash"), [money(p.amount), "n"]],
          ]),
        ]
          .sort((a, b) => (a[0] < b[0] ? -1 : 1))
          .map(([, row]) => row),
      ),
    ),
  );
}
