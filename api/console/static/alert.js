// An alert of which nothing was stopped: what was seen, whom to telephone, and the
// way to stop its payment once the payer has been reached.
import { asked, card, el, fraudWord, empty, money, quiet, when, button } from "/dom.js";
import { act, ask } from "/http.js";
import { bank, bankName } from "/names.js";
import { lang, t } from "/words.js";

// take takes an alert as its payer's report: its payment is stopped. It asks first,
// where nobody has given a reason, and returns the case, or null when it was not meant.
export async function take(i, given) {
  const answer = given ?? (await asked(t("reportask", money(i.amount, i.currency)), [["report", t("reportit")]], { reason: true }));
  if (!answer) return null;
  return ask(`/v1/alerts/${i.alert_id}/report`, "POST", answer.reason ? { reason: answer.reason } : {});
}

// phoneLink is a number that a telephone dials when it is touched.
export const phoneLink = (number) => (number ? el("a", { href: "tel:" + number, class: "phone" }, number.replace(/^\+86/, "")) : "–");

// people are those to telephone about a payment: who pays, who is paid, and the
// bank that can stop it.
export function people(i) {
  const b = bank(i.bank);
  const line = (word, name, ...more) => [el("dt", {}, t(word)), el("dd", {}, el("b", {}, name || t("unnamed")), " ", ...more)];
  return el(
    "dl",
    { class: "facts people" },
    i.payer && line("payer", i.holder, phoneLink(i.phone), " ", quiet(i.payer)),
    i.payee && line("payee", i.payee_holder, quiet(`${i.payee} · ${bankName(i.bank)}`)),
    i.bank &&
      line("bank", bankName(i.bank), b?.hotline ? phoneLink(b.hotline) : quiet(t("nohotline")), b?.on_duty && quiet(` ${b.on_duty}`)),
  );
}

// alertView is the alert whole. taken is called with the case, once it has one.
export function alertView(i, taken) {
  const zh = lang() === "zh";
  const facts = [
    [t("about"), i.entity?.replace(/^\w+:/, "")],
    [t("amount"), i.amount && money(i.amount, i.currency)],
    [t("time"), when(i.at)],
    [t("id"), i.transfer],
  ].filter(([, v]) => v);
  const report = async () => {
    const made = await take(i);
    if (made) await taken(made);
    return made ? undefined : null;
  };
  return el(
    "article",
    { class: "case" },
    el(
      "header",
      {},
      el("h1", {}, fraudWord(i.fraud_type)),
      el("p", { class: "quiet" }, `${zh ? i.why_zh : i.why_en} · ${t("score")} ${i.score}`),
    ),
    i.task.state === "escalated" && el("p", { class: "note" }, t("escalatedby", i.task.by), ": ", i.task.reason),
    card(
      t("seen"),
      el(
        "ul",
        {},
        (zh ? i.seen_zh : i.seen_en).map((w) => el("li", {}, w)),
      ),
    ),
    card(
      t("tocall"),
      people(i),
      i.payee
        ? el(
            "p",
            {},
            button("reportit", () => act(report), { class: "primary" }),
            " ",
            quiet(t("reporthint")),
          )
        : empty(t("nopayment")),
    ),
    card(
      t("nocase"),
      el(
        "dl",
        { class: "facts" },
        facts.map(([word, v]) => [el("dt", {}, word), el("dd", {}, v)]),
      ),
    ),
  );
}
