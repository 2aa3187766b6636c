// Cases: the list, one whole, and what a search finds.
import { badge, el, empty, money, table, when } from "/dom.js";
import { ask, countdowns } from "/http.js";
import { t } from "/words.js";
import { bankName } from "/names.js";
import { caseView, flash } from "/case.js";

export async function cases(root, [first, stop]) {
  if (first === "find") return found(root, cases.sought);
  if (first) return one(root, first, stop);
  return all(root);
}

// sought is what was typed into the search.
cases.sought = "";

async function one(root, id, stop) {
  let view = null;
  const draw = async () => {
    view = await caseView(id, draw);
    root.replaceChildren(view);
  };
  await draw();
  if (stop) flash(view, stop);
  return { close: countdowns(root) };
}

// left is how the list was left: who comes back finds it so.
const left = { state: "", rows: 100, scroll: 0 };

async function all(root) {
  const states = ["", "open", "investigating", "solved", "closed"];
  const state = el(
    "select",
    {
      "aria-label": t("state"),
      onchange: () => {
        Object.assign(left, { state: state.value, rows: 100, scroll: 0 });
        start();
      },
    },
    states.map((s) => el("option", { value: s, selected: s === left.state }, t(s || "allstates"))),
  );
  const out = el("div", { class: "card" });
  root.append(el("div", { class: "title" }, el("h1", {}, t("cases")), state), out);
  const heads = [
    t("case"),
    t("opened"),
    t("state"),
    [t("reported"), "n"],
    [t("requested_"), "n"],
    [t("held"), "n"],
    [t("frozen_"), "n"],
    [t("returned_"), "n"],
  ];
  const row = (c) => [
    el("a", { href: "#/cases/" + c.id }, c.id.slice(4, 14)),
    when(c.opened_at),
    t(c.state),
    ...["reported", "requested", "held", "frozen", "returned"].map((k) => [money(c.amounts[k]), "n"]),
  ];
  let list = [];
  let wanted = left.rows;
  async function read(after) {
    const page = await ask(
      `/v1/cases?limit=100&state=${state.value}${after ? "&after=" + encodeURIComponent(after) : ""}`
        .replace("&state=&", "&")
        .replace(/&state=$/, ""),
    );
    list = [...list, ...page.cases];
    left.rows = Math.max(100, list.length);
    if (page.next && list.length < wanted) return read(page.next);
    wanted = 0;
    out.replaceChildren(
      list.length ? table(t("cases"), heads, list.map(row)) : empty(t("nocases")),
      ...(page.next ? [el("p", {}, el("button", { type: "button", onclick: () => read(page.next) }, t("more")))] : []),
    );
  }
  const start = () => {
    list = [];
    return read();
  };
  await start();
  scrollTo(0, left.scroll);
  return {
    close() {
      left.scroll = scrollY;
    },
  };
}

async function found(root, q) {
  if (!q) return root.append(empty(t("search")));
  const got = await ask("/v1/search", "POST", { q });
  if (got.cases.length === 1 && !got.stops.length && !got.transfers.length) {
    location.replace("#/cases/" + got.cases[0]);
    return;
  }
  const link = (id) => (id ? el("a", { href: "#/cases/" + id }, id.slice(4, 14)) : "");
  root.append(el("h1", {}, t("found", q)));
  if (!got.stops.length && !got.transfers.length && !got.cases.length) return root.append(empty(t("none", q)));
  const part = (title, heads, rows) =>
    rows.length && root.append(el("section", { class: "card" }, el("h2", {}, title), table(title, heads, rows)));
  part(
    t("cases"),
    [t("case")],
    got.cases.map((id) => [el("a", { href: "#/cases/" + id }, id.slice(4, 14))]),
  );
  part(
    t("stops"),
    [t("account"), t("bank"), t("state"), [t("amount"), "n"], t("case")],
    got.stops.map((s) => [
      `${s.account.number} ${s.account.holder ?? ""}`,
      bankName(s.account.bank),
      badge(s.state),
      [money(s.amount, s.currency), "n"],
      link(s.case_id),
    ]),
  );
  part(
    t("transfers"),
    [t("time"), t("payer"), t("payee"), [t("amount"), "n"], t("id"), t("case")],
    got.transfers.map((f) => [
      when(f.at),
      `${f.payer_account} ${f.payer_holder ?? ""}`,
      `${f.payee_account ?? t("cash")} ${f.payee_holder ?? ""}`,
      [money(f.amount, f.currency), "n"],
      f.id,
      link(f.case_id),
    ]),
  );
}
