// One case: what was seen, where the money went, and what may be decided.
import {
  asked,
  author,
  badge,
  button,
  card,
  cents,
  cityTime,
  el,
  empty,
  message,
  money,
  quiet,
  shape,
  span,
  stateWord,
  table,
  tail,
  tone,
  when,
} from "/dom.js";
import { act, ask, decides, me, now, ofCenter, onLive, save } from "/http.js";
import { chart, tip } from "/charts.js";
import { lang, t } from "/words.js";

// caseView is one case, whole. changed is called when something was decided
// here, or is to be shown anew.
export async function caseView(id, changed) {
  const [c, trail, seen] = await Promise.all([
    ask("/v1/cases/" + id),
    ask(`/v1/cases/${id}/trail`),
    ofCenter() ? ask(`/v1/cases/${id}/evidence`).catch(() => null) : null,
  ]);
  const [returns, waiting] = await Promise.all([
    Promise.all(c.returns.map((r) => ask("/v1/returns/" + r))),
    Promise.all(c.stops.filter((s) => s.state === "proposed").map((s) => ask("/v1/stops/" + s.id))),
  ]);
  const proposers = new Map(waiting.map((s) => [s.id, s.timeline[0]?.by]));
  const stopRows = stops(c, proposers, changed);
  const view = el(
    "article",
    { class: "case" },
    el(
      "header",
      {},
      el("h1", {}, t("case") + " ", el("a", { href: "#/cases/" + c.id }, c.id.slice(4, 14))),
      el(
        "p",
        { class: "quiet" },
        `${t(c.state)} · ${t("opened")} ${when(c.opened_at)}`,
        c.members.length > 0 && " · " + t("members", c.members.length),
        c.arrests > 0 && ` · ${t("arrests")} ${c.arrests}`,
      ),
    ),
    amounts(c.amounts),
    ...(seen ? [hits(seen), timeline(seen)] : []),
    trailCard(trail, (stopID) => flash(view, stopID)),
    stopRows,
    reports(c),
    returnsCard(c, returns, changed),
    ofCenter() && progress(c, changed),
  );
  keepFresh(view, c, changed);
  return view;
}

// keepFresh shows the case anew when one of its stops changes; while somebody
// works in it, a bar offers that instead.
function keepFresh(view, c, changed) {
  const stopIDs = new Set(c.stops.map((s) => s.id));
  let bar = null;
  const unhear = onLive((kind, doc) => {
    if (!view.isConnected) return unhear();
    if (kind !== "stop" || (doc.case_id !== c.id && !c.members.includes(doc.case_id) && !stopIDs.has(doc.id))) return;
    if (!view.contains(document.activeElement) && !view.querySelector("details[open]")) {
      unhear();
      changed();
    } else if (!bar) {
      bar = el("button", { type: "button", class: "bar", onclick: () => (unhear(), changed()) }, t("changed"));
      view.prepend(bar);
    }
  });
}

// amounts are the case's figures, and a bar of what became of what was asked
// for.
function amounts(a) {
  const parts = [
    ["reported", a.reported],
    ["requested_", a.requested],
    ["traced", a.traced],
    ["held", a.held],
    ["frozen_", a.frozen],
    ["returned_", a.returned],
  ];
  const whole = Math.max(cents(a.requested), cents(a.held) + cents(a.frozen) + cents(a.returned), 1);
  let x = 0;
  const bit = (name, v) => {
    const width = (100 * cents(v)) / whole;
    const r = el("rect", { class: name, x, width, height: 8 });
    x += width;
    return r;
  };
  return el(
    "section",
    { class: "card" },
    el(
      "dl",
      { class: "figures" },
      parts.map(([word, v]) => el("div", {}, el("dt", {}, t(word)), el("dd", {}, money(v)))),
    ),
    el(
      "svg",
      { class: "share", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
      el("rect", { class: "ground", width: 100, height: 8 }),
      bit("returned", a.returned),
      bit("frozen", a.frozen),
      bit("held", a.held),
    ),
  );
}

// hits say each pattern with the values that it saw, in words.
function hits(seen) {
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
function timeline(seen) {
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

// The trail's grid, in pixels.
const column = 190;
const line = 74;

// trailCard draws the money's way from left to right: a column for each hop; a
// line's width is its amount; a node's shape and colour its state.
function trailCard(trail, choose) {
  if (!trail.trees.length) return card(t("trail"), empty(t("notrail")));
  const nodes = [];
  const links = [];
  let rows = 0;
  let columns = 1;
  const place = (n, depth) => {
    const own = { n, x: depth, y: 0, index: nodes.length };
    nodes.push(own);
    columns = Math.max(columns, depth + 1);
    const below = n.children.map((child) => place(child, depth + 1));
    own.y = below.length ? (below[0].y + below.at(-1).y) / 2 : rows++;
    for (const b of below) links.push({ from: own, to: b });
    return own;
  };
  // Payments of one victim begin at one place.
  const victims = new Map();
  for (const tree of trail.trees) {
    const payer = tree.payer_account ?? "";
    victims.set(payer, [...(victims.get(payer) ?? []), tree]);
  }
  for (const [payer, trees] of victims) {
    place({ state: "victim", account: { number: payer, bank: "" }, children: trees }, 0);
  }
  const most = Math.max(1, ...links.map((l) => cents(l.to.n.amount)));
  const text = (n) =>
    n.state === "victim"
      ? `${t("victim_")}\n${tail(n.account.number)}`
      : `${n.account.number ? `${tail(n.account.number)} ${n.account.bank}` : stateWord(n.state)}\n${money(n.amount, n.currency)}`;
  const about = (n) =>
    n.state === "victim"
      ? tip(t("victim_"), n.account.number)
      : tip(
          `${n.account.number} ${n.account.bank}`,
          n.account.holder,
          `${stateWord(n.state)} · ${t("taint")} ${money(n.amount, n.currency)}`,
          n.held_amount && cents(n.held_amount) > 0 && `${t("held")} ${money(n.held_amount, n.currency)}`,
          n.ends_at && `${t("left")} ${span(Date.parse(n.ends_at) - now())}`,
        );
  const height = rows * line + 44;
  const width = columns * column;
  const option = (c) => ({
    grid: { left: 0, right: 0, top: 28, bottom: 0 },
    xAxis: {
      type: "category",
      position: "top",
      data: Array.from({ length: columns }, (_, i) => (i ? t("hopn", i) : t("victim_"))),
      axisLine: { show: false },
      splitLine: { show: false },
    },
    yAxis: { type: "value", inverse: true, min: -0.5, max: rows - 0.3, show: false },
    tooltip: { formatter: (p) => p.data.tip() },
    series: [
      {
        type: "graph",
        coordinateSystem: "cartesian2d",
        edgeSymbol: ["none", "arrow"],
        edgeSymbolSize: 7,
        emphasis: { focus: "adjacency" },
        label: {
          show: true,
          position: "bottom",
          distance: 4,
          fontSize: 12,
          lineHeight: 15,
          color: c.ink,
          formatter: (p) => p.data.words,
          backgroundColor: c.card,
        },
        data: nodes.map((p) => ({
          name: String(p.index),
          value: [p.x, p.y],
          symbol: "path://" + shape(p.n.state),
          symbolSize: p.n.state === "small" ? 8 : 24,
          symbolKeepAspect: true,
          itemStyle: { color: c[tone(p.n.state)] },
          words: text(p.n),
          stop: p.n.stop_id,
          tip: () => about(p.n),
        })),
        links: links.map((l) => ({
          source: l.from.index,
          target: l.to.index,
          lineStyle: { width: Math.max(1, (14 * cents(l.to.n.amount)) / most), color: c.accent, opacity: 0.4, curveness: 0 },
          tip: () =>
            tip(when(l.to.n.transfer.at), `${money(l.to.n.transfer.amount)} · ${t("taint")} ${money(l.to.n.amount)}`, l.to.n.transfer.id),
        })),
      },
    ],
  });
  const states = [...new Set(nodes.map((p) => p.n.state))].filter((s) => s !== "victim");
  return card(
    t("trail"),
    trail.limited && el("p", { class: "quiet" }, t("limited")),
    el(
      "div",
      { class: "scroll trail", tabindex: 0, role: "region", "aria-label": t("trail") },
      chart(t("trail"), height, option, { width, click: (p) => p.data.stop && choose(p.data.stop) }),
    ),
    el("p", { class: "legend" }, states.map(badge)),
    el(
      "details",
      {},
      el("summary", {}, t("astable")),
      table(
        t("trail"),
        [[t("hop"), "n"], t("account"), t("state"), t("time"), [t("amount"), "n"], [t("held"), "n"]],
        nodes
          .filter((p) => p.n.state !== "victim")
          .map(({ n }) => [
            [String(n.hop), "n"],
            `${n.account.number} ${n.account.bank}`,
            badge(n.state),
            when(n.transfer.at),
            [money(n.amount, n.currency), "n"],
            [money(n.held_amount, n.currency), "n"],
          ]),
      ),
    ),
  );
}

// flash shows a stop that was chosen in the trail.
function flash(view, stopID) {
  const row = view.querySelector(`[data-stop="${CSS.escape(stopID)}"]`)?.closest("tr");
  row?.scrollIntoView({ block: "center" });
  row?.classList.add("flash");
  setTimeout(() => row?.classList.remove("flash"), 1500);
}

// What may be decided in each state: the route, its word, and whether to ask
// first.
const held = [
  ["freeze", "freeze"],
  ["extension", "extend"],
  ["release", "release"],
];
const decisions = {
  proposed: [
    ["approval", "approve"],
    ["rejection", "reject"],
  ],
  requested: [["release", "release"]],
  acknowledged: [["release", "release"]],
  held,
  partial: held,
  extended: [held[0], held[2]],
  frozen: [held[2]],
};

function stops(c, proposers, changed) {
  const decide = async (s, path, word) => {
    if (path !== "approval") {
      const answer = await asked(t("sure_" + path, money(s.held_amount ?? s.amount, s.currency)), [[path, t(word)]], { reason: true });
      if (!answer) return null;
      await ask(`/v1/stops/${s.id}/${path}`, "POST", answer.reason ? { reason: answer.reason } : {}, { "If-Match": `"${s.version}"` });
    } else await ask(`/v1/stops/${s.id}/${path}`, "POST", {}, { "If-Match": `"${s.version}"` });
    changed();
  };
  const why = (s, path) => (path === "approval" && proposers.get(s.id) === me.name ? t("othermust") : null);
  const actions = (s) =>
    el(
      "span",
      { class: "actions" },
      decides() &&
        (decisions[s.state] ?? []).map(([path, word]) =>
          button(word, () => act(() => decide(s, path, word)), {
            disabled: Boolean(why(s, path)),
            title: why(s, path),
            class: path === "approval" ? "primary" : null,
          }),
        ),
      button("notice", () => act(() => save(`/v1/stops/${s.id}/notice`, `notice-${s.id}.html`))),
      history(s),
    );
  const rows = c.stops.map((s) => [
    badge(s.state),
    el("span", { "data-stop": s.id }, s.account.number, el("br"), quiet(`${s.account.bank} · ${t("hopn", s.hop)}`)),
    [money(s.amount, s.currency), "n"],
    [money(s.held_amount, s.currency), "n"],
    s.ends_at ? el("span", { class: "left", "data-until": s.ends_at }, span(Date.parse(s.ends_at) - now())) : "",
    actions(s),
  ]);
  return card(
    t("stops"),
    c.stops.length
      ? table(t("stops"), [t("state"), t("account"), [t("amount"), "n"], [t("held"), "n"], t("left"), t("action")], rows)
      : empty(t("nocase")),
  );
}

// stepWord names a step of a stop's life: that it was proposed is no wait for
// somebody's approval, which most need none of.
const stepWord = (e) => (e.state === "proposed" ? t("proposal_step") : stateWord(e.state));

// reason is why, as a person gave it, or in words where the service did.
const reason = (e) => (e.reason_code ? message({ code: e.reason_code }, e.reason) : e.reason);

// arithmetic is a line's division in the reader's language.
const arithmetic = (text = "") =>
  text.replace(" rest ", ` ${t("rest")} `).replace(", and 1 of what is left over: among the largest rests", t("restfen"));

// history is what happened to a stop, asked for when it is opened.
function history(s) {
  const d = el(
    "details",
    {
      ontoggle: async () => {
        if (!d.open || d.childElementCount > 1) return;
        try {
          const full = await ask("/v1/stops/" + s.id);
          d.append(
            el(
              "ol",
              { class: "history" },
              full.timeline.map((e) => el("li", {}, `${when(e.at)} · ${stepWord(e)} · ${author(e.by)}`, e.reason && " · " + reason(e))),
            ),
          );
        } catch (e) {
          d.append(empty(e.message));
        }
      },
    },
    el("summary", {}, t("history")),
  );
  return d;
}

function reports(c) {
  if (!c.reports.length) return null;
  const rows = c.reports.map((r) => [r.id, r.source, r.holder ?? "–", r.district ?? "–", [money(r.amount, r.currency), "n"]]);
  return card(t("reports"), table(t("reports"), [t("id"), t("source"), t("holder"), t("district_"), [t("amount"), "n"]], rows));
}

function returnsCard(c, returns, changed) {
  const propose = async () => {
    await ask(`/v1/cases/${c.id}/returns`, "POST");
    changed();
  };
  return card(
    t("returns"),
    returns.length ? returns.map((r) => proposal(r, changed)) : empty(t("noreturns")),
    ofCenter() &&
      el(
        "p",
        {},
        button("propose", () => act(propose)),
      ),
  );
}

// proposal is a return with the arithmetic of each part, so that a person can
// check it, and what may be decided of it.
function proposal(r, changed) {
  const steps = {
    proposed: r.pool === "0.00" ? ["approval", "withdrawal"] : ["announcement", "withdrawal"],
    announced: ["approval", "withdrawal"],
  };
  const words = { approval: "approve", withdrawal: "withdraw", announcement: "announce" };
  const decide = async (path) => {
    await ask(`/v1/returns/${r.id}/${path}`, "POST", {});
    changed();
  };
  const why = (path) =>
    path !== "approval"
      ? null
      : !decides()
        ? t("supervisormust")
        : r.proposed_by === me.name || r.approvals.includes(me.name)
          ? t("othermust")
          : null;
  const cells = (l) => [
    l.victim_account,
    [money(l.loss, r.currency), "n"],
    [money(l.traced, r.currency), "n"],
    [money(l.amount, r.currency), "n"],
    arithmetic(l.arithmetic),
  ];
  return el(
    "section",
    { class: "return" },
    el("h3", {}, `${t(r.state)} · ${money(r.total, r.currency)}`),
    el(
      "p",
      { class: "quiet" },
      `${when(r.proposed_at)} · ${author(r.proposed_by)}`,
      r.approvals.length > 0 && ` · ${t("approvals")}: ${r.approvals.map(author).join(", ")}`,
    ),
    r.accounts.map((x) =>
      el(
        "p",
        { class: "quiet" },
        `${x.account.number} ${x.account.bank} · ${money(x.frozen, r.currency)} · ${message({ code: x.why_code, values: x.why_values }, x.why)}`,
      ),
    ),
    table(t("arithmetic"), [t("victim"), [t("loss"), "n"], [t("traced"), "n"], [t("amount"), "n"], t("arithmetic")], r.lines.map(cells), {
      class: "scroll wrap",
    }),
    el(
      "p",
      { class: "actions" },
      ofCenter() &&
        (steps[r.state] ?? []).map((path) =>
          button(words[path], () => act(() => decide(path)), { disabled: Boolean(why(path)), title: why(path) }),
        ),
      button("document", () => act(() => save(`/v1/returns/${r.id}/document`, `return-${r.id}.html`))),
    ),
  );
}

// progress is what people did about the case; the outcome teaches the patterns.
function progress(c, changed) {
  const choice = (list, at) =>
    el(
      "select",
      {},
      list.map(([v, word]) => el("option", { value: v, selected: v === at }, t(word))),
    );
  const state = choice(
    ["open", "investigating", "solved", "closed"].map((s) => [s, s]),
    c.state,
  );
  const outcome = choice(
    [
      ["", "asbefore"],
      ["confirmed", "confirmed"],
      ["unfounded", "unfounded"],
    ],
    "",
  );
  const arrests = el("input", { type: "number", min: 0, max: 100000, value: c.arrests });
  const reason = el("input", { maxlength: 256, placeholder: t("reasonhint") });
  const store = async () => {
    const body = { state: state.value, arrests: Number(arrests.value) };
    if (outcome.value) body.outcome = outcome.value;
    if (reason.value) body.reason = reason.value;
    await ask("/v1/cases/" + c.id, "PATCH", body, { "If-Match": `"${c.version}"` });
    changed();
  };
  const field = (word, input) => el("label", {}, t(word), input);
  return card(
    t("progress"),
    el(
      "form",
      { class: "fields", onsubmit: (e) => (e.preventDefault(), act(store)) },
      field("state", state),
      field("arrests", arrests),
      field("outcome", outcome),
      field("reason", reason),
      el("button", {}, t("save")),
    ),
  );
}
