// Where a case's money went: accounts from left to right by hop, each once; a
// line's width is its amount, a node's shape and colour its state. The graph opens
// on the victims; what is too much for one look is folded, and unfolds by a click.
import { badge, button, card, cents, el, empty, money, shape, span, stateWord, table, tail, tone, when } from "/dom.js";
import { now } from "/http.js";
import { bankName } from "/names.js";
import { chart, tip } from "/charts.js";
import { t } from "/words.js";

// What is shown at first: so many children of a node, and so many nodes in all.
const perNode = 6;
const atFirst = 40;

// The grid, in pixels.
const column = 200;
const line = 64;
const window_ = 380; // the height of the graph's box, at most

const yuan = (minor, currency) => money((minor / 100).toFixed(2), currency);

// graph joins the trees of payments into one net: an account is one node, however
// often money came to it, and a line the sum of what went along it.
export function graph(trees) {
  const nodes = new Map();
  const links = new Map();
  const node = (key, make) => {
    if (!nodes.has(key)) nodes.set(key, { key, minor: 0, held: 0, states: new Set(), stops: [], children: [], hop: 0, ...make });
    return nodes.get(key);
  };
  const join = (from, to, n) => {
    const id = from.key + ">" + to.key;
    if (!links.has(id)) {
      links.set(id, { from, to, minor: 0, transfers: [] });
      from.children.push(to);
    }
    const l = links.get(id);
    l.minor += cents(n.amount);
    l.transfers.push(n.transfer);
  };
  const place = (n, parent) => {
    const end = !n.stop_id;
    const key = end ? `${n.state}:${n.account.number || parent.key}` : n.account.number;
    const own = node(key, { account: n.account, hop: n.hop, currency: n.currency, end });
    own.hop = Math.min(own.hop, n.hop);
    own.minor += cents(n.amount);
    own.held += cents(n.held_amount);
    own.states.add(n.state);
    if (n.stop_id) own.stops.push(n.stop_id);
    if (n.ends_at && (!own.ends || n.ends_at < own.ends)) own.ends = n.ends_at;
    if (own !== parent) join(parent, own, n);
    for (const child of n.children) place(child, own);
    return own;
  };
  const roots = new Map();
  for (const tree of trees) {
    const payer = tree.payer_account ?? "";
    const victim = node("victim:" + payer, { account: { number: payer, bank: "" }, hop: 0, currency: tree.currency, victim: true });
    victim.states.add("victim");
    victim.minor += cents(tree.amount);
    roots.set(victim.key, victim);
    place(tree, victim);
  }
  for (const n of nodes.values()) n.children.sort((a, b) => b.minor - a.minor);
  return { nodes, links, roots: [...roots.values()] };
}

// shownOf chooses what is drawn: from the victims on, the larger sums first, as
// far as nodes are opened. It returns the nodes in their columns, and what is folded.
function shownOf(g, opened, found) {
  const shown = new Map(); // key to node
  const folded = [];
  const queue = [...g.roots];
  for (const r of g.roots) shown.set(r.key, r);
  while (queue.length) {
    const n = queue.shift();
    const next = n.children.filter((c) => !shown.has(c.key));
    const whole = opened.has(n.key) || opened.has("*");
    const room = shown.size < atFirst || whole;
    const take = whole ? next : room ? next.slice(0, perNode) : [];
    for (const c of next) if (found?.has(c.key) && !take.includes(c)) take.push(c);
    for (const c of take) {
      shown.set(c.key, c);
      queue.push(c);
    }
    const rest = next.filter((c) => !shown.has(c.key));
    if (rest.length) folded.push({ of: n, nodes: rest, minor: rest.reduce((m, c) => m + c.minor, 0) });
  }
  return { shown, folded };
}

// pathsTo are the nodes on the way to those that are sought.
function pathsTo(g, q) {
  const hit = (n) => n.account.number.includes(q) || (n.account.holder ?? "").includes(q) || bankName(n.account.bank).includes(q);
  const parents = new Map();
  for (const l of g.links.values()) parents.set(l.to.key, [...(parents.get(l.to.key) ?? []), l.from]);
  const keys = new Set();
  const hits = [...g.nodes.values()].filter(hit);
  const climb = (n) => {
    if (keys.has(n.key)) return;
    keys.add(n.key);
    for (const p of parents.get(n.key) ?? []) climb(p);
  };
  hits.forEach(climb);
  return { keys, hits: new Set(hits.map((n) => n.key)) };
}

// layout gives every node its place: a column for each hop, rows in the order in
// which their parents stand.
function layout(g, { shown, folded }) {
  const columns = [];
  const placed = [];
  const at = new Map();
  const put = (item, hop) => {
    columns[hop] ??= 0;
    placed.push({ ...item, x: hop * column, row: columns[hop]++, hop });
    at.set(item.key, placed.at(-1));
  };
  const byHop = [...shown.values()].sort((a, b) => a.hop - b.hop);
  const row = (n) =>
    Math.min(...[...g.links.values()].filter((l) => l.to === n && at.has(l.from.key)).map((l) => at.get(l.from.key).row), 1e9);
  for (let hop = 0; byHop.some((n) => n.hop >= hop); hop++) {
    const here = byHop.filter((n) => n.hop === hop).map((n) => ({ n, row: row(n) }));
    here.sort((a, b) => a.row - b.row || b.n.minor - a.n.minor);
    for (const { n } of here) put({ key: n.key, n }, hop);
    for (const f of folded.filter((f) => f.of.hop === hop - 1)) put({ key: "more:" + f.of.key, f }, hop);
  }
  const deepest = Math.max(1, ...columns.filter(Boolean));
  for (const p of placed) p.y = (p.row + (deepest - columns[p.hop]) / 2 / (deepest > 12 ? 1e9 : 1)) * line;
  return { placed, at, width: columns.length * column, height: deepest * line };
}

const stateOf = (n) =>
  n.victim
    ? "victim"
    : (["held", "extended", "partial", "frozen", "returning", "requested", "acknowledged", "undelivered", "proposed"].find((s) =>
        n.states.has(s),
      ) ?? [...n.states][0]);

function about(n) {
  if (n.victim) return tip(t("victim_"), n.account.number, yuan(n.minor, n.currency));
  return tip(
    `${n.account.number} ${bankName(n.account.bank)}`,
    n.account.holder,
    `${[...n.states].map(stateWord).join(", ")} · ${t("taint")} ${yuan(n.minor, n.currency)}`,
    n.held > 0 && `${t("held")} ${yuan(n.held, n.currency)}`,
    n.ends && `${t("left")} ${span(Date.parse(n.ends) - now())}`,
    n.stops.length > 1 && t("nstops", n.stops.length),
  );
}

const words = (n) =>
  n.victim
    ? `${t("victim_")}\n${tail(n.account.number)}`
    : `${n.end ? stateWord([...n.states][0]) : `${tail(n.account.number)} ${bankName(n.account.bank)}`}\n${yuan(n.minor, n.currency)}`;

// trailCard is the graph with its tools, its legend, and the same as a table.
// choose is called with the stops of a node that was clicked.
export function trailCard(trail, choose) {
  if (!trail.trees.length) return card(t("trail"), empty(t("notrail")));
  const g = graph(trail.trees);
  const opened = new Set();
  let sought = null;
  let zoom = null; // null: as it opens
  let made = null; // what is drawn
  const box = el("div", { class: "trail" });
  const find = el("input", {
    type: "search",
    placeholder: t("findaccount"),
    "aria-label": t("findaccount"),
    oninput: () => {
      sought = find.value.trim().length >= 3 ? pathsTo(g, find.value.trim()) : null;
      draw();
    },
  });
  const more = button("unfoldall", () => (opened.has("*") ? opened.clear() : opened.add("*"), draw()));
  const tools = el(
    "p",
    { class: "actions" },
    find,
    button("zoomin", () => turn((made.zoom ?? 1) * 1.4), { "aria-label": t("zoomin") }),
    button("zoomout", () => turn((made.zoom ?? 1) / 1.4), { "aria-label": t("zoomout") }),
    button("fit", () => turn("fit")),
    more,
  );
  function turn(to) {
    zoom = to;
    draw();
  }

  function draw() {
    const view = shownOf(g, opened, sought?.keys);
    const plan = layout(g, view);
    const height = Math.min(window_, plan.height + 70);
    more.textContent = t(opened.has("*") ? "foldagain" : "unfoldall");
    more.hidden = !view.folded.length && !opened.has("*");
    made = { plan, zoom: 1 };
    const c = chart(t("trail"), height, (colours) => option(colours, view, plan, height), {
      click: (p) => {
        if (p.dataType !== "node") return;
        if (p.data.fold) {
          opened.add(p.data.fold);
          draw();
        } else if (p.data.stops?.length) choose(p.data.stops);
      },
    });
    box.replaceChildren(c);
  }

  // option draws in pixels: at first one to one, from the first victim on, which is
  // large enough to read; fit shows everything. The wheel zooms, a drag moves.
  function option(c, view, plan, height) {
    const sums = [...g.links.values()].map((l) => l.minor);
    const most = Math.max(1, ...sums, sums.reduce((n, m) => n + m, 0) / 8); // many lines must not hide each other
    const width = box.clientWidth || 800;
    const right = plan.width - column;
    const below = plan.height - line;
    const first = plan.placed.find((p) => sought?.hits.has(p.key)) ?? plan.placed[0];
    made.zoom = typeof zoom === "number" ? zoom : 1;
    // axis is a direction: everything there is, and the part of it that is looked at.
    const axis = (pixels, from, to, most, focus) => {
      const whole = pixels / (to - from);
      const scale =
        zoom === "fit" ? Math.min(whole, most) : Math.max(made.zoom * Math.min(Math.max(whole, 0.85), most), Math.min(whole, most));
      const all = Math.max(to - from, pixels / scale);
      const min = (from + to - all) / 2;
      const part = Math.min(pixels / scale, all);
      const begin = Math.min(Math.max(focus - part / 2, min), min + all - part);
      return { min, max: min + all, startValue: begin, endValue: begin + part };
    };
    const x = axis(width, -100, right + 100, 1.6, first.x);
    const y = axis(height, -40, below + 70, 1.2, first.y);
    const dot = Math.max(6, Math.min(24, (24 * height) / (y.endValue - y.startValue)));
    const dim = (key) => (sought && !sought.keys.has(key) ? 0.25 : 1);
    const data = plan.placed.map(({ key, n, f, x, y }) => ({
      name: key,
      value: [x, y],
      symbol: "path://" + shape(f ? "deep" : stateOf(n)),
      symbolSize: f ? 14 : stateOf(n) === "small" ? 8 : dot,
      symbolKeepAspect: true,
      itemStyle: { color: f ? c.quiet : c[tone(stateOf(n))], opacity: dim(key) },
      label: { formatter: f ? `${t("foldedn", f.nodes.length)}\n${yuan(f.minor, f.of.currency)}` : words(n), opacity: dim(key) },
      stops: n?.stops,
      fold: f?.of.key,
      tip: () => (f ? tip(t("foldedn", f.nodes.length), yuan(f.minor, f.of.currency), t("clicktounfold")) : about(n)),
    }));
    const links = [...g.links.values()]
      .filter((l) => plan.at.has(l.from.key) && plan.at.has(l.to.key))
      .map((l) => ({
        source: l.from.key,
        target: l.to.key,
        lineStyle: { width: Math.max(1, (14 * l.minor) / most), color: c.accent, opacity: 0.4 * dim(l.to.key) },
        tip: () =>
          tip(
            `${t("taint")} ${yuan(l.minor, l.to.currency)}`,
            ...l.transfers.slice(0, 4).map((x) => `${when(x.at)} ${money(x.amount, l.to.currency)} ${x.id}`),
            l.transfers.length > 4 && t("npayments", l.transfers.length),
          ),
      }));
    for (const f of view.folded)
      links.push({
        source: f.of.key,
        target: "more:" + f.of.key,
        lineStyle: { width: 1, type: "dashed", color: c.quiet, opacity: 1 },
        tip: () => "",
      });
    return {
      grid: { left: 0, right: 0, top: 0, bottom: 0 },
      xAxis: { type: "value", min: x.min, max: x.max, show: false },
      yAxis: { type: "value", min: y.min, max: y.max, inverse: true, show: false },
      dataZoom: [
        { type: "inside", xAxisIndex: 0, filterMode: "none", startValue: x.startValue, endValue: x.endValue },
        { type: "inside", yAxisIndex: 0, filterMode: "none", startValue: y.startValue, endValue: y.endValue },
      ],
      tooltip: { formatter: (p) => p.data.tip() },
      series: [
        {
          type: "graph",
          coordinateSystem: "cartesian2d",
          edgeSymbol: ["none", "arrow"],
          edgeSymbolSize: 7,
          emphasis: { focus: "adjacency" },
          labelLayout: { hideOverlap: true },
          label: { show: true, position: "bottom", distance: 4, fontSize: 12, lineHeight: 15, color: c.ink, backgroundColor: c.card },
          data,
          links,
        },
      ],
    };
  }
  draw();

  const states = [...new Set([...g.nodes.values()].flatMap((n) => [...n.states]))].filter((s) => s !== "victim");
  const rows = [...g.nodes.values()].filter((n) => !n.victim).sort((a, b) => a.hop - b.hop || b.minor - a.minor);
  return card(
    t("trail"),
    trail.limited && el("p", { class: "quiet" }, t("limited")),
    tools,
    box,
    el("p", { class: "legend" }, states.map(badge)),
    el(
      "details",
      {},
      el("summary", {}, `${t("astable")} (${rows.length})`),
      table(
        t("trail"),
        [[t("hop"), "n"], t("account"), t("holder"), t("state"), [t("amount"), "n"], [t("held"), "n"]],
        rows.map((n) => [
          [String(n.hop), "n"],
          n.end && !n.account.number ? stateWord([...n.states][0]) : `${n.account.number} ${bankName(n.account.bank)}`,
          n.account.holder ?? "",
          el("span", {}, [...n.states].map(badge)),
          [yuan(n.minor, n.currency), "n"],
          [yuan(n.held, n.currency), "n"],
        ]),
      ),
    ),
  );
}
