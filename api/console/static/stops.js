// The stops of a case, an account a row: its state, its money, its clock, and what
// may be decided, of one or of many at once.
import { asked, author, badge, button, card, cents, el, empty, filled, message, money, quiet, span, stateWord, when } from "/dom.js";
import { act, ask, decides, me, now, ofCenter, save, say } from "/http.js";
import { bankName } from "/names.js";
import { lang, t } from "/words.js";

// What may be decided in each state: the route, and its word.
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
  undelivered: [["release", "release"]],
  held,
  partial: held,
  extended: [held[0], held[2]],
  frozen: [held[0], held[2]],
};
const order = ["approval", "rejection", "freeze", "extension", "release"];

// allowed says whether the reader may decide so of a stop, or why not.
const barred = (s, path) => (path === "approval" && s.proposed_by === me.name ? t("othermust") : null);
const may = (s, path) => (decisions[s.state] ?? []).some(([p]) => p === path) && !barred(s, path);

// firstRows is how many accounts are shown before more are asked for.
const firstRows = 25;

// accounts are the stops by the account that they are on, the first hop and the
// larger sums first.
export function accounts(stops) {
  const of = new Map();
  for (const s of stops) {
    const a = of.get(s.account.number) ?? { ...s.account, hop: s.hop, stops: [], asked: 0, held: 0, currency: s.currency };
    a.stops.push(s);
    a.hop = Math.min(a.hop, s.hop);
    a.asked += cents(s.amount);
    a.held += cents(s.held_amount);
    a.holder ||= s.account.holder;
    of.set(s.account.number, a);
  }
  return [...of.values()].sort((a, b) => a.hop - b.hop || b.asked - a.asked);
}

const sum = (minor, currency) => money((minor / 100).toFixed(2), currency);

export function stopsCard(c, changed) {
  if (!c.stops.length) return card(t("stops"), empty(t("nocase")));
  const list = accounts(c.stops);
  const chosen = new Set(); // stops
  const tools = el("p", { class: "actions many", hidden: true });
  const boxes = [];
  const body = el("tbody");
  const all = decides() && el("input", { type: "checkbox", "aria-label": t("chooseall"), onchange: () => chooseAll() });

  function drawTools() {
    const stops = c.stops.filter((s) => chosen.has(s.id));
    tools.hidden = !stops.length;
    tools.replaceChildren(
      el("b", {}, t("chosen", stops.length)),
      ...order
        .map((path) => [path, stops.filter((s) => may(s, path))])
        .filter(([, of]) => of.length)
        .map(([path, of]) =>
          el(
            "button",
            { type: "button", class: path === "approval" ? "primary" : null, onclick: () => act(() => decideMany(path, of, changed)) },
            `${t(wordOf(path))} (${of.length})`,
          ),
        ),
    );
  }
  function chooseAll() {
    for (const [box, a] of boxes) {
      box.checked = all.checked;
      for (const s of a.stops) all.checked ? chosen.add(s.id) : chosen.delete(s.id);
    }
    drawTools();
  }
  const box = (a) => {
    const b = el("input", {
      type: "checkbox",
      "aria-label": a.number,
      onchange: () => {
        for (const s of a.stops) b.checked ? chosen.add(s.id) : chosen.delete(s.id);
        drawTools();
      },
    });
    boxes.push([b, a]);
    return b;
  };
  const rows = list.map((a, n) => accountRow(a, changed, decides() && box(a), n >= firstRows));
  body.append(...rows);
  const more = list.length > firstRows && button("allaccounts", () => (rows.forEach((r) => (r.hidden = false)), more.remove()));
  const heads = [all || null, t("state"), t("account"), [t("amount")], [t("held")], t("left"), t("action")];
  return card(
    `${t("stops")} · ${t("naccounts", list.length, c.stops.length)}`,
    tools,
    el(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": t("stops") },
      el(
        "table",
        { class: "accounts" },
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            heads.map((h) => el("th", { class: Array.isArray(h) ? "n" : null }, h)),
          ),
        ),
        body,
      ),
    ),
    more && el("p", {}, more),
  );
}

export const wordOf = (path) =>
  ({ approval: "approve", rejection: "reject", freeze: "freeze", extension: "extend", release: "release" })[path];

function accountRow(a, changed, box, hidden) {
  const states = [...new Set(a.stops.map((s) => s.state))];
  const ends = a.stops
    .map((s) => s.ends_at)
    .filter(Boolean)
    .sort()[0];
  const paths = order.filter((path) => decides() && a.stops.some((s) => (decisions[s.state] ?? []).some(([p]) => p === path)));
  return el(
    "tr",
    { hidden },
    el("td", {}, box || ""),
    el(
      "td",
      { class: "states" },
      states.map((s) => [badge(s), a.stops.length > 1 && quiet(` ${a.stops.filter((x) => x.state === s).length} `)]),
    ),
    el(
      "td",
      { class: "whose" },
      a.stops.map((s) => el("span", { "data-stop": s.id })),
      el("b", {}, a.number),
      el("br"),
      quiet([a.holder, bankName(a.bank), t("hopn", a.hop)].filter(Boolean).join(" · ")),
    ),
    el("td", { class: "n" }, sum(a.asked, a.currency)),
    el("td", { class: "n" }, a.stops.some((s) => s.held_amount) ? sum(a.held, a.currency) : "–"),
    el("td", {}, ends ? el("span", { class: "left", "data-until": ends }, span(Date.parse(ends) - now())) : ""),
    el(
      "td",
      {},
      el(
        "span",
        { class: "actions" },
        paths.map((path) => {
          const of = a.stops.filter((s) => may(s, path));
          const why = of.length ? null : barred(a.stops[0], path);
          return el(
            "button",
            {
              type: "button",
              class: path === "approval" ? "primary" : null,
              disabled: !of.length,
              title: why,
              onclick: () => act(() => decideMany(path, of, changed)),
            },
            t(wordOf(path)),
          );
        }),
        about(a, changed),
      ),
    ),
  );
}

// decideMany decides the same of stops: one question, one list of what came of it.
export async function decideMany(path, stops, changed) {
  const word = t(wordOf(path));
  const one = stops.length === 1;
  let reason = "";
  if (!(one && path === "approval")) {
    const minor = stops.reduce((n, s) => n + cents(s.held_amount ?? s.amount), 0);
    const total = sum(minor, stops[0].currency);
    const answer = await asked(one ? t("sure_" + path, total) : t("suremany", word, stops.length, total), [[path, word]], { reason: true });
    if (!answer) return null;
    reason = answer.reason;
  }
  const decide = (s) => ask(`/v1/stops/${s.id}/${path}`, "POST", reason ? { reason } : {}, { "If-Match": `"${s.version}"` });
  if (one) {
    await decide(stops[0]);
    changed();
    return undefined;
  }
  const failed = [];
  const queue = [...stops];
  let done = 0;
  const worker = async () => {
    for (let s = queue.shift(); s; s = queue.shift()) {
      try {
        await decide(s);
      } catch (e) {
        failed.push([s, e.message]);
      }
      say(`${word} ${++done}/${stops.length}`);
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  changed();
  if (failed.length) {
    await asked(
      `${t("manydone", stops.length - failed.length, failed.length)}\n` +
        failed.map(([s, why]) => `${s.account.number} ${bankName(s.account.bank)}: ${why}`).join("\n"),
      [["ok", t("understood")]],
    );
  }
  return t("manydone", stops.length - failed.length, failed.length);
}

// about is what else there is of an account's stops: their history, why they were
// asked for, the holder's notice, an appeal, the message to the bank once more.
function about(a, changed) {
  const d = el(
    "details",
    {
      ontoggle: async () => {
        if (!d.open || d.childElementCount > 1) return;
        for (const s of a.stops) {
          try {
            d.append(await stopDetail(s, changed));
          } catch (e) {
            d.append(empty(e.message));
          }
        }
      },
    },
    el("summary", {}, t("history")),
  );
  return d;
}

// stepWord names a step of a stop's life: that it was proposed is no wait for
// somebody's approval, which most need none of.
const stepWord = (e) => (e.state === "proposed" ? t("proposal_step") : stateWord(e.state));

// reasonOf is why, as a person gave it, or in words where the service did.
const reasonOf = (e) => (e.reason_code ? message({ code: e.reason_code }, e.reason) : e.reason);

async function stopDetail(s, changed) {
  const full = await ask("/v1/stops/" + s.id);
  const why = el("ul", { class: "history" });
  const explain = async () => {
    const x = await ask(`/v1/stops/${s.id}/explanation`);
    const lines = (x.hits ?? []).map(
      (h) =>
        `${h.pattern} · ${Object.entries(h.values)
          .map(([k, v]) => `${k} = ${v}`)
          .join(", ")}`,
    );
    const head = x.catalogue ? t("explained", x.score, x.catalogue, x.replay?.same ? t("samenow") : "") : x.text;
    why.replaceChildren(...[head, ...lines].map((l) => el("li", {}, l)));
    return null;
  };
  const appeal = async () => {
    const form = await filled(
      t("appealof", s.account.number),
      [
        ["holder", t("holder"), { required: true, value: s.account.holder ?? "" }],
        ["contact", t("contact")],
        ["text", t("appealtext"), { required: true, rows: 4, maxlength: 4000 }],
      ],
      "receive",
    );
    if (!form) return null;
    await ask(`/v1/stops/${s.id}/appeals`, "POST", form);
    changed();
  };
  const by = full.delivery;
  return el(
    "div",
    { class: "stop" },
    el("p", {}, badge(s.state), " ", money(s.amount, s.currency), " ", quiet(`${when(s.transfer.at)} · ${s.transfer.id}`)),
    el(
      "ol",
      { class: "history" },
      full.timeline.map((e) => el("li", {}, `${when(e.at)} · ${stepWord(e)} · ${author(e.by)}`, e.reason && " · " + reasonOf(e))),
    ),
    by &&
      el(
        "p",
        { class: "quiet" },
        `${t("delivery")}: ${t(by.delivered ? "delivered" : by.given_up ? "givenup" : "underway")} · ${t("attempts", by.attempts.length)}`,
      ),
    el(
      "p",
      { class: "actions" },
      ofCenter() && button("explanation", () => act(explain)),
      button("notice", () => act(() => save(`/v1/stops/${s.id}/notice?format=pdf&lang=${lang()}`, `notice-${s.id}.pdf`))),
      ofCenter() && s.requested_at && button("appeal", () => act(appeal)),
      ofCenter() && by && button("again", () => act(() => ask(`/v1/stops/${s.id}/delivery`, "POST").then(() => undefined))),
    ),
    why,
  );
}
