// Who has a part in a case: whom to telephone, visits to those who are being talked
// out of their money, appeals of those whose money is held.
import { asked, badge, button, card, el, empty, filled, money, quiet, table, when } from "/dom.js";
import { act, ask, decides, ofCenter } from "/http.js";
import { bank, bankName, district } from "/names.js";
import { phoneLink } from "/alert.js";
import { documentName, t } from "/words.js";

// callCard is whom to telephone: each victim with the accounts that they paid from,
// and each bank that still has something to do.
export function callCard(c, seen, changed) {
  const victims = new Map();
  const add = (holder, phone, account, place) => {
    if (!holder && !phone) return;
    const key = phone || holder;
    const v = victims.get(key) ?? { holder, phone, accounts: new Set(), district: place };
    v.holder ||= holder;
    v.district ||= place;
    if (account) v.accounts.add(account);
    victims.set(key, v);
  };
  for (const r of c.reports) add(r.holder, r.phone, null, r.district);
  for (const a of seen?.alerts ?? [])
    if (a.transfer) add(a.transfer.payer.holder, a.transfer.payer.phone, a.transfer.payer.account, a.district);
  const waiting = new Map();
  for (const s of c.stops) {
    if (["requested", "acknowledged", "undelivered", "held", "partial", "extended"].includes(s.state))
      waiting.set(s.account.bank, (waiting.get(s.account.bank) ?? 0) + 1);
  }
  if (!victims.size && !waiting.size) return null;
  const visit = async (v) => {
    const form = await filled(
      t("visitto", v.holder || v.phone),
      [
        ["holder", t("holder"), { required: true, value: v.holder ?? "" }],
        ["phone", t("phone"), { value: v.phone ?? "", maxlength: 32 }],
        ["district", t("district_"), { required: true, value: v.district ?? "", maxlength: 16 }],
        ["grid", t("grid"), { maxlength: 64 }],
        ["reason", t("reason")],
      ],
      "sendout",
    );
    if (!form) return null;
    await ask(`/v1/cases/${c.id}/visits`, "POST", form);
    changed();
  };
  return card(
    t("tocall"),
    el(
      "dl",
      { class: "facts people" },
      [...victims.values()].map((v) => [
        el("dt", {}, t("victim_")),
        el(
          "dd",
          {},
          el("b", {}, v.holder || t("unnamed")),
          " ",
          phoneLink(v.phone),
          " ",
          quiet([...v.accounts].join(", "), v.district ? ` · ${district(v.district)}` : ""),
          " ",
          ofCenter() && button("visit", () => act(() => visit(v))),
        ),
      ]),
      [...waiting].map(([code, n]) => {
        const b = bank(code);
        return [
          el("dt", {}, t("bank")),
          el(
            "dd",
            {},
            el("b", {}, bankName(code)),
            " ",
            b?.hotline ? phoneLink(b.hotline) : quiet(t("nohotline")),
            " ",
            quiet(t("nstops", n), b?.on_duty ? ` · ${b.on_duty}` : ""),
          ),
        ];
      }),
    ),
  );
}

// visitsCard is who was sent to whom, and what they found.
export function visitsCard(c, visits, changed) {
  if (!visits.length) return null;
  const confirm = async (v) => {
    const answer = await asked(
      t("visitfound", v.holder),
      ["averted", "met", "paid", "unreached"].map((f) => [f, t("found_" + f)]),
      { reason: true },
    );
    if (!answer) return null;
    await ask(`/v1/visits/${v.id}/confirmation`, "POST", { found: answer.choice, ...(answer.reason && { reason: answer.reason }) });
    changed();
  };
  const rows = visits.map((v) => [
    `${v.holder} ${v.phone ?? ""}`,
    `${district(v.district)} ${v.grid ?? ""}`,
    t("level_" + v.level),
    v.found ? t("found_" + v.found) : el("span", { class: "left", "data-until": v.due }, ""),
    v.found ? "" : button("confirmvisit", () => act(() => confirm(v))),
  ]);
  return card(t("visits"), table(t("visits"), [t("holder"), t("district_"), t("level"), t("state"), t("action")], rows));
}

// appealsCard is who contests a stop of the case, and the desk that decides.
export function appealsCard(c, appeals, changed) {
  if (!appeals.length) return null;
  const decide = async (a, stop) => {
    const form = await filled(
      t("decideappeal", a.holder),
      [
        ["decision", t("decision"), { choices: ["upheld", "dismissed"].map((d) => [d, t("appeal_" + d)]) }],
        ["amount", t("releaseamount", money(stop?.held_amount, stop?.currency)), { inputmode: "decimal" }],
        ["reason", t("reason"), { required: true }],
      ],
      "decide",
    );
    if (!form) return null;
    if (form.decision === "dismissed") delete form.amount;
    await ask(`/v1/appeals/${a.id}/decision`, "POST", form);
    changed();
  };
  const came = async (a) => {
    const missing = a.documents.filter((d) => !d.received);
    if (!missing.length) return t("alldocuments");
    const form = await filled(
      t("documentscame"),
      missing.map((d) => [d.name, documentName(d.name), { type: "checkbox" }]),
      "save",
    );
    if (!form) return null;
    await ask(`/v1/appeals/${a.id}/documents`, "POST", { documents: Object.keys(form) });
    changed();
  };
  return card(
    t("appeals"),
    appeals.map((a) => {
      const stop = c.stops.find((s) => s.id === a.stop_id);
      return el(
        "section",
        { class: "appeal" },
        el("h3", {}, `${a.holder} · ${t("appeal_" + a.state)}`),
        el("p", {}, a.text),
        el(
          "p",
          { class: "quiet" },
          stop && [badge(stop.state), ` ${stop.account.number} ${money(stop.held_amount, stop.currency)} · `],
          `${t("opened_")} ${when(a.opened_at)}`,
          a.state === "received" && [" · ", el("span", { class: "left", "data-until": a.decide_by }, "")],
          a.released_amount && ` · ${t("released_")} ${money(a.released_amount, stop?.currency)}`,
        ),
        el(
          "p",
          {},
          t("documents"),
          ": ",
          a.documents.map((d) =>
            el("span", { class: d.received ? "state held" : "quiet" }, `${d.received ? "●" : "○"} ${documentName(d.name)} `),
          ),
        ),
        a.state === "received" &&
          ofCenter() &&
          el(
            "p",
            { class: "actions" },
            button("documentscame", () => act(() => came(a))),
            button("decide", () => act(() => decide(a, stop)), { disabled: !decides(), title: decides() ? null : t("supervisormust") }),
          ),
      );
    }),
    appeals.length ? null : empty(t("noappeals")),
  );
}
