// Lists that people keep: the watchlist, exceptions from patterns, who is known to
// be good, and brakes that have fallen.
import { asked, author, button, card, el, empty, filled, quiet, table, when } from "/dom.js";
import { act, ask, decides, now } from "/http.js";
import { t } from "/words.js";

const path = encodeURIComponent;
// until is the end of a day that was chosen, in the center's zone.
const until = (day) => (day ? { until: `${day}T23:59:59+08:00` } : {});
const inDays = (n) => new Date(now() + n * 86400e3 + 8 * 3600e3).toISOString().slice(0, 10);

export async function lists(root) {
  const parts = { exceptions: el("div"), good: el("div"), brakes: el("div") };
  root.append(
    el("div", { class: "title" }, el("h1", {}, t("lists"))),
    watchCard(),
    card(
      t("exceptions"),
      el("p", {}, quiet(t("exceptionhint"))),
      decides() &&
        el(
          "p",
          {},
          button("addexception", () => act(except)),
        ),
      parts.exceptions,
    ),
    card(
      t("knowngood"),
      el("p", {}, quiet(t("knowngoodhint"))),
      decides() &&
        el(
          "p",
          {},
          button("addgood", () => act(good)),
        ),
      parts.good,
    ),
    card(t("brakes"), el("p", {}, quiet(t("brakehint"))), parts.brakes),
  );

  async function except() {
    const catalogue = await ask("/v1/patterns");
    const form = await filled(
      t("addexception"),
      [
        ["entity", t("entity"), { required: true, placeholder: "acct:6217000010098765432" }],
        ["pattern", t("pattern"), { choices: [["*", t("allpatterns")], ...catalogue.patterns.map((p) => [p.id, p.name_zh ?? p.id])] }],
        ["until", t("until_"), { type: "date", required: true, value: inDays(30) }],
        ["reason", t("reason"), { required: true }],
      ],
      "save",
    );
    if (!form) return null;
    await ask(`/v1/exceptions/${path(form.entity)}/${path(form.pattern)}`, "PUT", { reason: form.reason, ...until(form.until) });
    await draw();
    return undefined;
  }
  async function good() {
    const form = await filled(
      t("addgood"),
      [
        ["entity", t("entity"), { required: true, placeholder: "acct:6217000010098765432" }],
        [
          "as",
          t("as"),
          { choices: ["merchant", "payroll", "utility", "government", "own-account", "other"].map((x) => [x, t("good_" + x)]) },
        ],
        ["until", t("until_"), { type: "date" }],
        ["reason", t("reason"), { required: true }],
      ],
      "save",
    );
    if (!form) return null;
    await ask(`/v1/known-good/${path(form.entity)}`, "PUT", { as: form.as, reason: form.reason, ...until(form.until) });
    await draw();
    return undefined;
  }
  const end = async (what, title) => {
    if (!(await asked(title, [["end", t("end")]]))) return null;
    await ask(what, "DELETE");
    await draw();
    return undefined;
  };
  const release = async (b) => {
    if (!(await asked(t("releasebrake", b.pattern), [["release", t("release")]]))) return null;
    await ask(`/v1/brakes/${path(b.pattern)}/release`, "POST");
    await draw();
    return undefined;
  };

  async function draw() {
    const [x, g, b] = await Promise.all([ask("/v1/exceptions"), ask("/v1/known-good"), ask("/v1/brakes")]);
    const show = (box, items, heads, row, none) =>
      box.replaceChildren(items.length ? table(t("lists"), [...heads, t("reason"), t("by"), t("action")], items.map(row)) : empty(t(none)));
    const tail = (i) => [i.reason ?? "", `${author(i.by)} ${when(i.at)}`];
    const ends = (i) => (i.until ? when(i.until) : t("noend"));
    show(
      parts.exceptions,
      x.items,
      [t("entity"), t("pattern"), t("until_")],
      (i) => [
        i.entity,
        i.pattern === "*" ? t("allpatterns") : i.pattern,
        ends(i),
        ...tail(i),
        decides()
          ? button("end", () => act(() => end(`/v1/exceptions/${path(i.entity)}/${path(i.pattern)}`, t("endexception", i.entity))))
          : "",
      ],
      "noexceptions",
    );
    show(
      parts.good,
      g.items,
      [t("entity"), t("as"), t("until_")],
      (i) => [
        i.entity,
        t("good_" + i.as),
        ends(i),
        ...tail(i),
        decides() ? button("end", () => act(() => end(`/v1/known-good/${path(i.entity)}`, t("endgood", i.entity)))) : "",
      ],
      "nogood",
    );
    show(
      parts.brakes,
      b.items,
      [t("pattern")],
      (i) => [
        i.pattern === "*" ? t("allpatterns") : i.pattern,
        ...tail(i),
        decides() ? button("release", () => act(() => release(i))) : "",
      ],
      "nobrakes",
    );
  }
  await draw();
  const again = setInterval(() => draw().catch(() => {}), 10000);
  return { close: () => clearInterval(again) };
}

// watchCard puts an account, a number, a device or a host on the watchlist, or
// takes it off.
function watchCard() {
  const put = async () => {
    const form = await filled(
      t("addwatch"),
      [
        ["entity", t("entity"), { required: true, placeholder: "acct:6217000010098765432 · tel:+8613800138000" }],
        ["risk", t("risk"), { choices: ["confirmed", "suspected", "cleared"].map((r) => [r, t("risk_" + r)]) }],
        ["until", t("until_"), { type: "date", value: inDays(180) }],
        ["reason", t("reason"), { required: true }],
      ],
      "save",
    );
    if (!form) return null;
    await ask(`/v1/watchlist/${path(form.entity)}`, "PUT", { risk: form.risk, reason: form.reason, ...until(form.until) });
    return undefined;
  };
  const take = async () => {
    const form = await filled(t("removewatch"), [["entity", t("entity"), { required: true }]], "end");
    if (!form) return null;
    await ask(`/v1/watchlist/${path(form.entity)}`, "DELETE");
    return undefined;
  };
  return card(
    t("watchlist_"),
    el("p", {}, quiet(t("watchhint"))),
    el(
      "p",
      { class: "actions" },
      button("addwatch", () => act(put)),
      button("removewatch", () => act(take)),
    ),
  );
}
