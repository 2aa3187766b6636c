// One case: what was seen, whom to telephone, where the money went, and what may
// be decided.
import { button, card, cents, el, money, table, when } from "/dom.js";
import { act, ask, ofCenter, onLive } from "/http.js";
import { hits, timeline } from "/evidence.js";
import { appealsCard, callCard, visitsCard } from "/people.js";
import { returnsCard } from "/returns.js";
import { stopsCard } from "/stops.js";
import { trailCard } from "/trail.js";
import { district } from "/names.js";
import { t } from "/words.js";

// caseView is one case, whole. changed is called when something was decided
// here, or is to be shown anew.
export async function caseView(id, changed) {
  const fresh = keepFresh(changed);
  try {
    const [view, c] = await read(id, changed);
    fresh.show(view, c);
    return view;
  } catch (e) {
    fresh.close();
    throw e;
  }
}

async function read(id, changed) {
  const none = () => null;
  const [c, trail, seen, appeals, visits] = await Promise.all([
    ask("/v1/cases/" + id),
    ask(`/v1/cases/${id}/trail`),
    ofCenter() ? ask(`/v1/cases/${id}/evidence`).catch(none) : null,
    ask("/v1/appeals?all=true").catch(none),
    ask("/v1/visits?all=true").catch(none),
  ]);
  const returns = await Promise.all(c.returns.map((r) => ask("/v1/returns/" + r)));
  const ofCase = (x) => x.case_id === c.id || c.members.includes(x.case_id);
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
      el(
        "p",
        { class: "noprint" },
        button("printit", () => print()),
      ),
    ),
    amounts(c.amounts),
    callCard(c, seen, changed),
    ...(seen ? [hits(seen), timeline(seen)] : []),
    trailCard(trail, (stops) => flash(view, stops[0])),
    stopsCard(c, changed),
    reports(c),
    visitsCard(c, visits?.visits.filter(ofCase) ?? [], changed),
    appealsCard(c, appeals?.appeals.filter(ofCase) ?? [], changed),
    returnsCard(c, returns, changed),
    ofCenter() && progress(c, changed),
  );
  wholeOnPaper(view);
  return [view, c];
}

// wholeOnPaper opens what is folded while the case is printed: a paper cannot be
// clicked.
function wholeOnPaper(view) {
  const before = () => {
    if (!view.isConnected) return stop();
    for (const d of view.querySelectorAll("details:not([open])")) {
      if (d.childElementCount > 1) d.open = d.dataset.printed = true;
    }
    for (const r of view.querySelectorAll("tr[hidden]")) {
      r.hidden = false;
      r.dataset.printed = true;
    }
  };
  const after = () => {
    for (const d of view.querySelectorAll("details[data-printed]")) d.open = false;
    for (const r of view.querySelectorAll("tr[data-printed]")) r.hidden = true;
    for (const e of view.querySelectorAll("[data-printed]")) delete e.dataset.printed;
  };
  const stop = () => {
    removeEventListener("beforeprint", before);
    removeEventListener("afterprint", after);
  };
  addEventListener("beforeprint", before);
  addEventListener("afterprint", after);
}

// keepFresh shows the case anew when one of its stops changes; while somebody
// works in it, a bar offers that instead. It hears from before the case is read:
// what came between is looked at once the page has the view.
function keepFresh(changed) {
  const early = [];
  /** @type {(...news: any[]) => any} */
  let hear = (...news) => early.push(news);
  const unhear = onLive((...news) => hear(...news));
  const show = (view, c) => {
    const known = new Map(c.stops.map((s) => [s.id, s.version]));
    const differs = (s) => known.get(s.id) !== s.version;
    let bar = null;
    let over = false;
    const close = () => {
      over = true;
      unhear();
    };
    const anew = () => {
      close();
      changed();
    };
    const offer = () => {
      if (over || bar) return;
      if (!view.contains(document.activeElement) && !view.querySelector("details[open]")) return anew();
      bar = el("button", { type: "button", class: "bar", onclick: anew }, t("changed"));
      view.prepend(bar);
    };
    const look = async (kind, doc) => {
      if (!view.isConnected) return close();
      if (kind === "hello") {
        const read = await ask("/v1/cases/" + c.id).catch(() => c); // some may have been missed
        if (read.stops.length !== known.size || read.stops.some(differs)) offer();
      } else if (kind === "stop" && (doc.case_id === c.id || c.members.includes(doc.case_id) || known.has(doc.id))) offer();
    };
    setTimeout(() => {
      hear = look;
      if (!view.isConnected) close();
      for (const [kind, doc] of early) if (kind === "hello" || differs(doc)) look(kind, doc);
    });
  };
  return { show, close: unhear };
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

// flash shows a stop that was chosen in the trail.
export function flash(view, stopID) {
  const row = view.querySelector(`[data-stop="${CSS.escape(stopID)}"]`)?.closest("tr");
  row?.scrollIntoView({ block: "center" });
  row?.classList.add("flash");
  setTimeout(() => row?.classList.remove("flash"), 1500);
}

function reports(c) {
  if (!c.reports.length) return null;
  const rows = c.reports.map((r) => [
    r.id,
    r.source,
    `${r.holder ?? "–"} ${r.phone ?? ""}`,
    r.district ? district(r.district) : "–",
    [money(r.amount, r.currency), "n"],
  ]);
  return card(t("reports"), table(t("reports"), [t("id"), t("source"), t("holder"), t("district_"), [t("amount"), "n"]], rows));
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
