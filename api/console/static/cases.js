// Cases: what belongs together, where the money went, and what may be decided.
import { el, t, lang, ask, act, sought, money, span, badge, now, table, save, shape, stateWord } from "/app.js";

export async function cases(root, [first]) {
  if (first === "find" && sought) return find(root, sought);
  if (first === "find") return root.append(el("p", { class: "empty" }, t("search")));
  if (first) {
    const draw = async () => root.replaceChildren(await caseView(first, draw));
    await draw();
    return {};
  }
  const page = await ask("/v1/cases?limit=100");
  root.append(el("h1", {}, t("cases")), page.cases.length ? table(t("cases"), [t("case"), t("opened"), t("progress"), [t("reported"), "n"], [t("held"), "n"], [t("frozen_"), "n"], [t("returned_"), "n"]],
    page.cases.map((c) => [el("a", { href: "#/cases/" + c.id }, c.id.slice(0, 12)), when(c.opened_at), t(c.state), [money(c.amounts.reported), "n"], [money(c.amounts.held), "n"], [money(c.amounts.frozen), "n"], [money(c.amounts.returned), "n"]])) : el("p", { class: "empty" }, t("nocases")));
  return {};
}

const when = (text) => text.slice(0, 19).replace("T", " ");

async function find(root, q) {
  const found = await ask("/v1/search", "POST", { q });
  if (found.cases.length === 1 && !found.stops.length && !found.transfers.length) {
    location.hash = "#/cases/" + found.cases[0];
    return {};
  }
  root.append(el("h1", {}, q), (found.stops.length ? table(q, [t("account"), t("bank"), t("state"), [t("amount"), "n"], t("case")], found.stops.map((s) => [s.account.number, s.account.bank, badge(s.state), [money(s.amount, s.currency), "n"], el("a", { href: "#/cases/" + s.case_id }, s.case_id.slice(0, 12))]))
    : "") || "");
  if (found.transfers.length) root.append(table(t("transfers"), ["", t("account"), "→", [t("amount"), "n"], "", t("case")], found.transfers.map((f) => [when(f.at), `${f.payer_account} ${f.payer_holder ?? ""}`, `${f.payee_account ?? t("cash")} ${f.payee_holder ?? ""}`, [money(f.amount, f.currency), "n"], f.id, f.case_id ? el("a", { href: "#/cases/" + f.case_id }, f.case_id.slice(0, 12)) : ""])));
  if (!found.stops.length && !found.transfers.length && !found.cases.length) root.append(el("p", { class: "empty" }, t("none", q)));
  for (const c of found.cases) root.append(el("p", {}, el("a", { href: "#/cases/" + c }, c)));
  return {};
}

// patternNames are the patterns' names in words, by id; none for those who may
// not read the catalogue.
async function patternNames() {
  const { patterns } = await ask("/v1/patterns").catch(() => ({ patterns: [] }));
  return new Map(patterns.map((p) => [p.id, { zh: p.name_zh, en: p.name_en }]));
}

// caseView is one case, whole.
export async function caseView(id, changed) {
  const [c, trail, seen, names] = await Promise.all([ask("/v1/cases/" + id), ask(`/v1/cases/${id}/trail`), ask(`/v1/cases/${id}/evidence`).catch(() => null), patternNames()]);
  const returns = await Promise.all(c.returns.map((r) => ask("/v1/returns/" + r)));
  const a = c.amounts;
  const figure = (word, v) => el("div", {}, el("dt", {}, t(word)), el("dd", {}, money(v)));
  const decide = (s, what) => el("button", { onclick: () => act(async () => { await ask(`/v1/stops/${s.id}/${what.path}`, "POST", {}); changed(); }) }, t(what.word));
  const may = (s) => ({ proposed: [["approval", "approve"], ["rejection", "reject"]], held: [["extension", "extend"], ["freeze", "freeze"], ["release", "release"]], partial: [["extension", "extend"], ["freeze", "freeze"], ["release", "release"]],
    extended: [["freeze", "freeze"], ["release", "release"]], frozen: [["release", "release"]], requested: [["release", "release"]] }[s.state] ?? []).map(([path, word]) => decide(s, { path, word }));
  return el("article", { class: "case" },
    el("h1", {}, t("case") + " ", el("a", { href: "#/cases/" + c.id }, c.id.slice(4, 12)), el("small", {}, ` ${t(c.state)} · ${t("opened")} ${when(c.opened_at)}${c.members.length ? " · " + t("members", c.members.length) : ""}`)),
    el("dl", { class: "figures" }, figure("reported", a.reported), figure("requested_", a.requested), figure("traced", a.traced), figure("held", a.held), figure("frozen_", a.frozen), figure("returned_", a.returned)),
    ...(seen ? timeline(seen) : []),
    el("h2", {}, t("trail")), trail.trees.length ? graph(trail.trees) : el("p", { class: "empty" }, t("notrail")),
    el("h2", {}, t("stops")), table(t("stops"), [t("state"), t("account"), t("bank"), [t("hop"), "n"], [t("amount"), "n"], [t("held"), "n"], t("left"), t("action")],
      c.stops.map((s) => [badge(s.state), s.account.number, s.account.bank, [String(s.hop), "n"], [money(s.amount, s.currency), "n"], [money(s.held_amount, s.currency), "n"], s.ends_at ? span(Date.parse(s.ends_at) - now()) : "", el("span", { class: "actions" }, ...may(s), el("button", { onclick: () => act(() => save(`/v1/stops/${s.id}/notice`, `notice-${s.id}.html`)) }, t("notice")), history(s))])),
    ...(seen ? hits(seen, names) : []),
    el("h2", {}, t("returns")), el("p", {}, el("button", { onclick: () => act(async () => { await ask(`/v1/cases/${id}/returns`, "POST"); changed(); }) }, t("propose"))), ...returns.map((r) => proposal(r, changed)));
}

// history is what happened to a stop, asked for when it is opened.
function history(s) {
  const d = el("details", { ontoggle: async () => {
    if (!d.open || d.childElementCount > 1) return;
    try {
      const full = await ask("/v1/stops/" + s.id);
      d.append(el("ol", { class: "history" }, ...full.timeline.map((e) => el("li", {}, `${when(e.at)} · ${stateWord(e.state)} · ${e.by}${e.reason ? " · " + e.reason : ""}`))));
    } catch (e) {
      d.append(el("p", { class: "empty" }, e.message));
    }
  } }, el("summary", {}, t("history")));
  return d;
}

// proposal is a return with the arithmetic of each part, so that a person can
// check it, and what may be decided of it.
function proposal(r, changed) {
  const may = { proposed: r.pool === "0.00" ? ["approval", "withdrawal"] : ["announcement", "withdrawal"], announced: ["approval", "withdrawal"] }[r.state] ?? [];
  const words = { approval: "approve", withdrawal: "withdraw", announcement: "announce" };
  return el("section", { class: "return" }, el("h3", {}, `${t(r.state)} · ${money(r.total, r.currency)}`, el("small", {}, ` ${when(r.proposed_at)} · ${r.proposed_by}${r.approvals.length ? " · " + t("approvals") + ": " + r.approvals.join(", ") : ""}`)),
    ...r.accounts.map((x) => el("p", { class: "quiet" }, `${x.account.number} ${x.account.bank} · ${money(x.frozen, r.currency)} · ${x.why}`)),
    el("div", { class: "wrap" }, table(t("arithmetic"), [t("victim"), [t("loss"), "n"], [t("traced"), "n"], [t("amount"), "n"], t("arithmetic")], r.lines.map((l) => [l.victim_account, [money(l.loss, r.currency), "n"], [money(l.traced, r.currency), "n"], [money(l.amount, r.currency), "n"], l.arithmetic ?? ""]))),
    el("p", { class: "actions" }, ...may.map((path) => el("button", { onclick: () => act(async () => { await ask(`/v1/returns/${r.id}/${path}`, "POST", {}); changed(); }) }, t(words[path]))), el("button", { onclick: () => act(() => save(`/v1/returns/${r.id}/document`, `return-${r.id}.html`)) }, t("document"))));
}

// timeline has calls above one axis of time and payments below it, so that their
// overlap shows; a call that has not ended runs to the end of it.
function timeline(seen) {
  const calls = seen.calls, pays = seen.transfers;
  const times = [...calls.flatMap((k) => [Date.parse(k.at), Date.parse(k.at) + k.seconds * 1000]), ...pays.map((p) => Date.parse(p.at))];
  if (times.length) {
    const from = Math.min(...times), to = Math.max(...times, from + 60e3), width = 700, x = (ms) => 30 + ((ms - from) / (to - from)) * (width - 60);
    const svg = el("svg", { viewBox: `0 0 ${width} 130`, width, height: 130, role: "img", "aria-label": t("timeline") }, el("line", { class: "axis", x1: 10, x2: width - 10, y1: 65, y2: 65 }),
      el("text", { x: 10, y: 125 }, when(new Date(from + 8 * 3600e3).toISOString())), el("text", { x: width - 10, y: 125, "text-anchor": "end" }, when(new Date(to + 8 * 3600e3).toISOString())));
    for (const k of calls) svg.append(el("rect", { class: "call" + (k.foreign || k.spoofed ? " odd" : ""), x: x(Date.parse(k.at)), y: 36, width: Math.max(3, x(k.seconds ? Date.parse(k.at) + k.seconds * 1000 : to) - x(Date.parse(k.at))), height: 22 }, el("title", {}, `${when(k.at)} ${k.caller}\n${span(k.seconds * 1000)}`)));
    const most = Math.max(...pays.map((p) => parseFloat(p.amount)), 1);
    for (const p of pays) svg.append(el("circle", { class: "pay" + (p.stop_id ? " stopped" : ""), cx: x(Date.parse(p.at)), cy: 84, r: 4 + 10 * Math.sqrt(parseFloat(p.amount) / most) }, el("title", {}, `${when(p.at)} ${money(p.amount)} → ${p.payee_account ?? t("cash")}`)));
    return [el("h2", {}, t("timeline")), el("div", { class: "scroll graph", tabindex: 0, role: "region", "aria-label": t("timeline") }, svg)];
  }
  return [];
}

// hits lists each pattern with the values that it saw.
function hits(seen, names) {
  const rows = seen.alerts.flatMap((a) => a.hits.map((h) => [[when(a.at), "nowrap"], el("span", { title: h.pattern }, names.get(h.pattern)?.[lang()] ?? h.pattern), Object.entries(h.values).map(([k, v]) => `${k} = ${v}`).join(", "), [String(a.score), "n"]]));
  return rows.length ? [el("h2", {}, t("seen")), el("div", { class: "wrap" }, table(t("seen"), ["", "", "", [t("score"), "n"]], rows))] : [];
}

// graph draws the trail from left to right: a column for each hop, the width of
// a line is its amount, the shape its state.
function graph(trees) {
  const nodes = [], links = [];
  const value = (n) => parseFloat(n.amount);
  let most = 1, rows = 0, columns = 0;
  const place = (n, depth) => {
    const own = { n, x: depth, y: 0 };
    columns = Math.max(columns, depth + 1);
    most = Math.max(most, value(n));
    nodes.push(own);
    if (!n.children.length) own.y = rows++;
    else {
      const below = n.children.map((c) => place(c, depth + 1));
      for (const b of below) links.push([own, b]);
      own.y = (below[0].y + below[below.length - 1].y) / 2;
    }
    return own;
  };
  for (const tree of trees) place(tree, 0);
  const w = 190, h = 44, width = columns * w + 20, height = rows * h + 20;
  const x = (p) => 10 + p.x * w, y = (p) => 22 + p.y * h;
  const svg = el("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": t("trail") });
  for (const [a, b] of links) svg.append(el("path", { class: "flow", d: `M${x(a) + 150} ${y(a)} C${x(a) + 180} ${y(a)} ${x(b) - 30} ${y(b)} ${x(b)} ${y(b)}`, "stroke-width": Math.max(1, (18 * value(b.n)) / most) }));
  for (const p of nodes) {
    const n = p.n;
    svg.append(el("g", { class: "node " + n.state, transform: `translate(${x(p)} ${y(p) - 17})` }, el("title", {}, `${n.account.number} ${n.account.bank}\n${stateWord(n.state)} ${money(n.amount)}, ${t("held")} ${money(n.held_amount)}\n${when(n.transfer.at)}`),
      el("rect", { width: 150, height: 34, rx: 4 }), el("text", { x: 8, y: 14 }, `${shape(n.state)} …${n.account.number.slice(-6)} ${n.account.bank}`), el("text", { x: 8, y: 28, class: "amount" }, money(n.amount))));
  }
  return el("div", { class: "scroll graph", tabindex: 0, role: "region", "aria-label": t("trail") }, svg);
}
