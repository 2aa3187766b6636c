// Giving back: a return with its arithmetic, and what may be decided of it.
import { asked, author, button, card, el, empty, filled, message, money, table, when } from "/dom.js";
import { act, ask, decides, me, ofCenter, save } from "/http.js";
import { bankName } from "/names.js";
import { lang, t } from "/words.js";

// returnsCard is the case's returns, the newest last, and the way to work out one.
export function returnsCard(c, returns, changed) {
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

// arithmetic is a line's division in the reader's language.
const arithmetic = (text = "") =>
  text.replace(" rest ", ` ${t("rest")} `).replace(", and 1 of what is left over: among the largest rests", t("restfen"));

// proposal is a return with the arithmetic of each part, so that a person can
// check it, and what may be decided of it.
function proposal(r, changed) {
  const steps = {
    proposed: r.pool === "0.00" ? ["approval", "withdrawal"] : ["announcement", "withdrawal"],
    announced: ["approval", "objection", "withdrawal"],
    approved: ["approval", "withdrawal"],
  };
  const words = { approval: "approve", withdrawal: "withdraw", announcement: "announce", objection: "object" };
  // What a person who decided of a return must know before the next one does.
  const standing = r.state === "approved" ? t("onemore", r.approvals.join(", ")) : null;
  const decide = async (path) => {
    if (path === "objection") return object();
    if (path === "approval") {
      const answer = await asked(
        t(r.state === "approved" ? "surefinal" : "surefirst", money(r.total, r.currency)),
        [[path, t("approve")]],
        {
          reason: true,
        },
      );
      if (!answer) return null;
    }
    await ask(`/v1/returns/${r.id}/${path}`, "POST", {});
    changed();
    return undefined;
  };
  const object = async () => {
    const form = await filled(
      t("objectto"),
      [
        ["who", t("objectwho"), { required: true }],
        ["text", t("objecttext"), { required: true, rows: 4, maxlength: 4000 }],
      ],
      "receive",
    );
    if (!form) return null;
    await ask(`/v1/returns/${r.id}/objections`, "POST", form);
    changed();
    return undefined;
  };
  const judge = async (o) => {
    const answer = await asked(t("judgeobjection", o.who), [
      ["dismissed", t("objection_dismissed")],
      ["upheld", t("objection_upheld")],
    ]);
    if (!answer) return null;
    await ask(`/v1/returns/${r.id}/objections/${o.id}/decision`, "POST", { decision: answer.choice });
    changed();
    return undefined;
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
    el("h3", {}, `${t("return_" + r.state)} · ${money(r.total, r.currency)}`),
    standing && el("p", { class: "note" }, standing),
    r.state === "announced" && r.until && el("p", {}, t("announceduntil", when(r.until))),
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
        `${x.account.number} ${bankName(x.account.bank)} · ${money(x.frozen, r.currency)} · ${message({ code: x.why_code, values: x.why_values }, x.why)}`,
      ),
    ),
    table(t("arithmetic"), [t("victim"), [t("loss"), "n"], [t("traced"), "n"], [t("amount"), "n"], t("arithmetic")], r.lines.map(cells), {
      class: "scroll wrap",
    }),
    r.objections.map((o) =>
      el(
        "p",
        {},
        `${t("objection")}: ${o.who}: ${o.text} · ${t("objection_" + o.state)} `,
        o.state === "open" && decides() && button("decide", () => act(() => judge(o))),
      ),
    ),
    r.paid_back !== "0.00" && el("p", {}, `${t("paidback")} ${money(r.paid_back, r.currency)}`),
    el(
      "p",
      { class: "actions" },
      ofCenter() &&
        (steps[r.state] ?? []).map((path) =>
          button(words[path], () => act(() => decide(path)), { disabled: Boolean(why(path)), title: why(path) }),
        ),
      button("document", () => act(() => save(`/v1/returns/${r.id}/document?format=pdf&lang=${lang()}`, `return-${r.id}.pdf`))),
    ),
  );
}
