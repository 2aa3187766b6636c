// Elements and tables, and how money, times, states and messages are written.
import { messages, names } from "/messages.js";
import { t, lang } from "/words.js";

/** @type {(id: string) => HTMLElement} */
export const $ = (id) => document.getElementById(id);

const svgTags = new Set(["svg", "g", "path", "rect", "title"]);

// el makes an element: attributes, listeners (on…), and children, in lists or
// not; what is null or false is left out.
/**
 * @param {string} tag
 * @param {Attributes} attributes
 * @param {...Child} children
 * @returns {any}
 */
export function el(tag, attributes = {}, ...children) {
  const e = svgTags.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [k, v] of Object.entries(attributes)) {
    if (v === null || v === undefined || v === false) continue;
    if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
    else e.setAttribute(k, v === true ? "" : v);
  }
  e.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return e;
}

export const button = (word, onclick, more = {}) => el("button", { type: "button", onclick, ...more }, t(word));
export const empty = (text) => el("p", { class: "empty" }, text);
export const quiet = (...text) => el("span", { class: "quiet" }, ...text);

// card is a part of a page, with its title and what can be done with it.
export const card = (title, ...body) => el("section", { class: "card" }, el("h2", {}, title), ...body);

// table makes a table of heads and rows; a cell is text, an element, or a list
// of its content and its class ("n" for figures).
export function table(caption, heads, rows, more = {}) {
  const cell = (tag) => (c) => (Array.isArray(c) ? el(tag, { class: c[1] }, c[0]) : el(tag, {}, c));
  return el(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": caption, ...more },
    el(
      "table",
      {},
      el("caption", { class: "hidden" }, caption),
      el("thead", {}, el("tr", {}, heads.map(cell("th")))),
      el(
        "tbody",
        {},
        rows.map((r) => el("tr", {}, r.map(cell("td")))),
      ),
    ),
  );
}

// money writes an exact decimal with commas; what is not known is a dash.
export function money(amount, currency = "CNY") {
  if (amount === undefined || amount === "") return "–";
  return (currency === "CNY" ? "¥" : currency + " ") + amount.replace(/\B(?=(\d{3})+(\.|$))/g, ",");
}

export const count = (n) => Number(n).toLocaleString(lang() === "zh" ? "zh-CN" : "en-US");

// short is a figure for an axis: 1.2万, 12K.
export const short = (n) =>
  Number(n).toLocaleString(lang() === "zh" ? "zh-CN" : "en-US", { notation: "compact", maximumFractionDigits: 1 });

// cents are exact: 49800.00 is 4980000.
export const cents = (amount) => Math.round(parseFloat(amount || "0") * 100);

// when is a time to the second, as the service gives it: local to the city.
export const when = (text = "") => text.slice(0, 19).replace("T", " ");

// cityTime is that of milliseconds, in UTC+8.
export const cityTime = (ms) => new Date(ms + 8 * 3600e3).toISOString();

// cityDay is its day.
export const cityDay = (ms) => cityTime(ms).slice(0, 10);

// percent is a part of an exact amount.
export const percent = (part, whole) => (cents(whole) ? (100 * cents(part)) / cents(whole) : 0);

// span is a length of time, the same width while it counts.
export function span(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  const h = Math.floor(s / 3600);
  const two = (n) => String(n).padStart(2, "0");
  if (h > 99) return t("daysleft", Math.floor(h / 24));
  const rest = `${two(Math.floor((s % 3600) / 60))}:${two(s % 60)}`;
  return h > 0 ? `${h}:${rest}` : rest;
}

// A message of the service is a code and its values; the service hands out the
// words of its codes, so that they are written once. Amounts come as
// "1234.50 CNY", moments as RFC 3339, lengths of time as "48h0m0s".
const at = () => (lang() === "zh" ? 0 : 1);

// name is a word of a group, such as a state of a stop; what the group does not
// have stays as it is.
export const name = (group, value) => names[group]?.[value]?.[at()] ?? value;

// author is who signed: a person by name, the service by what it did, a bank by
// its code; two who decided together are both named.
export const author = (by = "") =>
  by
    .split(", ")
    .map((one) => (one.startsWith("bank ") ? `${name("role", "bank")} ${one.slice(5)}` : name("author", one)))
    .join(lang() === "zh" ? "、" : ", ");

/** @type {[word: string, seconds: number, from: number][]} */
const units = [
  ["spandays", 86400, 3 * 86400],
  ["spanhours", 3600, 3600],
  ["spanminutes", 60, 60],
  ["spanseconds", 1, 0],
];
// lasting is a length of time as people say it: in days from three on, else in the
// largest unit that is whole.
function lasting(text) {
  const of = { h: 3600, m: 60, s: 1 };
  const s = [...text.matchAll(/(\d+)([hms])/g)].reduce((n, [, v, unit]) => n + v * of[unit], 0);
  const [word, unit] = units.find(([, unit, from]) => s >= from && s % unit === 0) ?? units[3];
  const n = s / unit;
  return t(n === 1 ? word + "_1" : word, n);
}

function written(v, kind) {
  if (v === undefined || v === null) return "";
  if (Array.isArray(v)) return v.map((x) => name(kind, x)).join(lang() === "zh" ? "、" : ", ");
  if (kind === "money") return money(...v.split(" "));
  if (kind === "time") return v.slice(5, 16).replace("T", " ");
  if (kind === "span") return lasting(v);
  return String(name(kind, v));
}

// message is what the service says, in the reader's language; without words for
// its code, which a newer service may give, what it said itself.
/**
 * @param {Message} m
 * @param {string} otherwise where there is no code
 * @returns {string}
 */
export function message(m, otherwise = "") {
  const text = messages[m?.code]?.[at()];
  if (!text) return otherwise || m?.code || "";
  return text.replace(/\{(\w+)(?::([\w-]+))?\}/g, (_, n, kind) => written(m.values?.[n], kind));
}

// tail is the end of an account, by which people tell accounts apart.
export const tail = (account) => (account.length > 8 ? "…" + account.slice(-6) : account);

// Shapes tell states without their colour. Each is a path in a square of 16,
// filled; what runs against the outline is a hole.
const disc = (r, sweep) => `M8 ${8 - r}A${r} ${r} 0 1 ${sweep} 8 ${8 + r}A${r} ${r} 0 1 ${sweep} 8 ${8 - r}Z`;
const ring = disc(7, 1) + disc(5.4, 0);
const lock = "M3 7H13V15H3ZM4.5 7V5A3.5 3.5 0 0 1 11.5 5V7H9.9V5A1.9 1.9 0 0 0 6.1 5V7Z";
const cross = "M3.2 1.8L8 6.6 12.8 1.8 14.2 3.2 9.4 8 14.2 12.8 12.8 14.2 8 9.4 3.2 14.2 1.8 12.8 6.6 8 1.8 3.2Z";
const check = "M1.8 8.4L3.4 6.8 6.4 9.8 12.8 3.4 14.4 5 6.4 13Z";
const shapes = {
  proposed: "M8 0.8L15.2 8 8 15.2 0.8 8ZM8 3.4L3.4 8 8 12.6 12.6 8Z",
  requested: ring + disc(2.2, 1),
  undelivered: "M8 1L15.6 15H0.4ZM7.2 6V10.6H8.8V6ZM7.2 11.8V13.4H8.8V11.8Z",
  acknowledged: ring + "M4.4 8.3L5.6 7.1 7.2 8.7 10.6 5.3 11.8 6.5 7.2 11.1Z",
  held: lock,
  extended: lock,
  partial: disc(7, 1) + "M8 2.6A5.4 5.4 0 0 0 8 13.4Z",
  missed: ring,
  mismatch: "M2 4.6H14V6.6H2ZM2 9.4H14V11.4H2ZM10.2 1.4L12 2.2 5.8 14.6 4 13.8Z",
  refused: cross,
  rejected: cross,
  frozen: "M7.2 1H8.8V6.6L13.6 3.8 14.4 5.2 9.6 8 14.4 10.8 13.6 12.2 8.8 9.4V15H7.2V9.4L2.4 12.2 1.6 10.8 6.4 8 1.6 5.2 2.4 3.8 7.2 6.6Z",
  returning: "M7 2L1 8 7 14V10H15V6H7Z",
  returned: check,
  released: "M3 7H13V15H3ZM4.5 7V4A3.5 3.5 0 0 1 11.2 2.6L9.8 3.4A1.9 1.9 0 0 0 6.1 4V7ZM5 9V13H11V9Z",
  expired: "M3 1H13V3.4L9.4 8 13 12.6V15H3V12.6L6.6 8 3 3.4Z",
  cash: "M1 4H15V12H1Z" + disc(2.4, 0),
  merchant: "M2 2H14L15 7H14V14H2V7H1ZM6.5 9V14H9.5V9Z",
  small: disc(3, 1),
  deep: "M1 7H4V10H1ZM6.5 7H9.5V10H6.5ZM12 7H15V10H12Z",
  victim: "M8 1A3.2 3.2 0 1 1 8 7.4A3.2 3.2 0 1 1 8 1ZM8 8.6A6 6 0 0 1 14 15H2A6 6 0 0 1 8 8.6Z",
  review: "M8 2C12 2 15 6 15.6 8 15 10 12 14 8 14S1 10 0.4 8C1 6 4 2 8 2Z" + disc(3, 0) + disc(1.4, 1),
  stop: "M5 0.8H11L15.2 5V11L11 15.2H5L0.8 11V5ZM4 7V9H12V7Z",
};

export const shape = (state) => shapes[state] ?? shapes.small;

export const icon = (state) =>
  el("svg", { class: "icon", viewBox: "0 0 16 16", width: 14, height: 14, "aria-hidden": "true" }, el("path", { d: shape(state) }));

export const stateWord = (state) => (names.stop[state] ? name("stop", state) : t(state));

// fraudWord is a type of fraud in the reader's language.
export const fraudWord = (kind) => name("fraud", kind ?? "");

export const badge = (state) => el("span", { class: "state " + state }, icon(state), stateWord(state));

// tones are the colours of states, as variables of the style sheet.
const tones = {
  held: "good",
  extended: "good",
  frozen: "good",
  returned: "good",
  partial: "part",
  returning: "part",
  requested: "accent",
  acknowledged: "accent",
  proposed: "accent",
  missed: "out",
  undelivered: "out",
  expired: "out",
  mismatch: "out",
};
export const tone = (state) => tones[state] ?? "quiet";

// asked shows a question, and answers with what was chosen: null for none. Each
// choice has a digit, and Enter in the reason is the first; a reason may be needed.
/**
 * @param {string} title
 * @param {[value: string, word: string][]} choices
 * @param {{reason?: boolean, needed?: boolean}} [how]
 */
export function asked(title, choices, { reason = false, needed = false } = {}) {
  return new Promise((resolve) => {
    const field = el("input", { maxlength: 256, placeholder: t("reasonhint"), "aria-label": t("reason"), required: needed });
    const end = (value) => {
      if (value && needed && !field.value.trim()) return field.reportValidity() || field.focus();
      d.close();
      d.remove();
      resolve(value && { choice: value, reason: field.value });
    };
    const d = el(
      "dialog",
      {
        "aria-label": title,
        oncancel: () => end(null),
        onkeydown: (e) => {
          const typing = e.target === field;
          const n = typing ? (e.key === "Enter" ? 0 : -1) : Number(e.key) - 1;
          if (!choices[n]) return;
          e.preventDefault();
          end(choices[n][0]);
        },
      },
      el("p", {}, title),
      reason && el("p", {}, field),
      el(
        "p",
        { class: "actions" },
        choices.map(([value, word], i) =>
          el(
            "button",
            { type: "button", class: i === 0 ? "primary" : null, onclick: () => end(value) },
            word,
            " ",
            el("kbd", {}, String(i + 1)),
          ),
        ),
        button("cancel", () => end(null)),
      ),
    );
    document.body.append(d);
    d.showModal();
    (needed ? field : d.querySelector("button")).focus();
  });
}

// filled shows a form, and answers with what was filled in, by name: null for
// nothing. A field is [name, label, more]: more has the attributes of an input, or
// choices for a select, or rows for a text of several lines.
/**
 * @param {string} title
 * @param {[name: string, label: string, more?: Attributes][]} fields
 * @param {string} word on the button
 * @returns {Promise<Record<string, any> | null>}
 */
export function filled(title, fields, word) {
  return new Promise((resolve) => {
    const inputs = fields.map(([name, , { choices, rows, ...more } = {}]) => {
      if (choices)
        return el(
          "select",
          { name, ...more },
          choices.map(([v, w]) => el("option", { value: v }, w)),
        );
      return el(rows ? "textarea" : "input", { name, rows, maxlength: 256, ...more });
    });
    const end = (value) => {
      d.close();
      d.remove();
      resolve(value);
    };
    const values = () =>
      Object.fromEntries(inputs.map((i) => [i.name, i.type === "checkbox" ? i.checked : i.value.trim()]).filter(([, v]) => v));
    const d = el(
      "dialog",
      { "aria-label": title, oncancel: () => end(null) },
      el(
        "form",
        { class: "fields", onsubmit: (e) => (e.preventDefault(), end(values())) },
        el("p", {}, title),
        fields.map(([, label], n) => el("label", {}, label, inputs[n])),
        el(
          "p",
          { class: "actions" },
          el("button", { class: "primary" }, t(word)),
          button("cancel", () => end(null)),
        ),
      ),
    );
    document.body.append(d);
    d.showModal();
    inputs[0].focus();
  });
}
