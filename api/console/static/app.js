// The console: it shows what the API hands to the key that was entered. The key
// lives in this tab alone.
import { words } from "/words.js";
import { queue } from "/queue.js";
import { cases } from "/cases.js";
import { statistics } from "/statistics.js";
import { operations } from "/operations.js";
import { patterns } from "/patterns.js";

export const $ = (id) => document.getElementById(id);
let language = localStorage.getItem("language") || (navigator.language.startsWith("zh") ? "zh" : "en");

// t is a word in the reader's language, with its parts filled in.
export function t(word, ...parts) {
  let text = words[language][word] ?? word;
  for (const p of parts) text = text.replace("{}", p);
  return text;
}

export const lang = () => language;

// el makes an element: attributes, listeners (on…), text and children.
export function el(tag, attributes = {}, ...children) {
  const svg = ["svg", "g", "path", "rect", "text", "line", "circle", "title"].includes(tag);
  const e = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [k, v] of Object.entries(attributes)) {
    if (v === null || v === undefined || v === false) continue;
    if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
    else e.setAttribute(k, v === true ? "" : v);
  }
  e.append(...children.filter((c) => c !== null && c !== undefined));
  return e;
}

// table makes a table: heads and rows of cells; a cell is text, an element, or
// [text, class].
export function table(caption, heads, rows) {
  const cell = (tag) => (c) => (Array.isArray(c) ? el(tag, { class: c[1] }, c[0]) : el(tag, {}, c));
  return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    el("table", {}, el("caption", { class: "hidden" }, caption), el("thead", {}, el("tr", {}, ...heads.map(cell("th")))), el("tbody", {}, ...rows.map((r) => el("tr", {}, ...r.map(cell("td")))))));
}

export const money = (amount, currency = "CNY") => (amount === undefined || amount === "" ? "–" : (currency === "CNY" ? "¥" : currency + " ") + amount.replace(/\B(?=(\d{3})+(\.|$))/g, ","));
export const yuan = (minor) => money((minor / 100).toFixed(2));

// span is a time in words of hours and minutes, the same width while it counts.
export function span(ms) {
  const s = Math.max(0, Math.round(ms / 1000)), h = Math.floor(s / 3600), m = Math.floor((s % 3600) / 60);
  const two = (n) => String(n).padStart(2, "0");
  return h > 99 ? `${Math.floor(h / 24)} d` : h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${two(m)}:${two(s % 60)}`;
}

// shapes tell a state without its colour.
const shapes = { proposed: "◇", requested: "◉", undelivered: "⚠", acknowledged: "◎", held: "■", partial: "◧", missed: "□", mismatch: "≠", refused: "✕", rejected: "✕", extended: "■", frozen: "❄", returning: "⇠", returned: "✓", released: "○", expired: "⌛", cash: "¥", merchant: "⌂", small: "·", deep: "…" };
export const shape = (state) => shapes[state] ?? "";
export const stateWord = (state) => t(state === "held" ? "held_s" : state === "refused" ? "refused_s" : state);
export const badge = (state) => el("span", { class: "state " + state }, el("span", { "aria-hidden": "true" }, shape(state) + " "), stateWord(state));

// clock is the service's time: in a simulated city it is the city's, and runs at
// its own pace.
const clock = { at: 0, mark: 0, speed: 1 };
export function setClock(text) {
  const at = Date.parse(text), mark = performance.now();
  if (clock.at && mark - clock.mark > 2000) clock.speed = Math.max(1, (at - clock.at) / (mark - clock.mark));
  if (!clock.at || mark - clock.mark > 2000) Object.assign(clock, { at, mark });
}
export const now = () => (clock.at ? clock.at + (performance.now() - clock.mark) * clock.speed : Date.now());

// fraud names a type of fraud.
export const fraud = (kind) => t(kind);

export class Refused extends Error {}

// ask sends a request as the key's owner. A problem becomes an error with its
// words.
export async function ask(path, method = "GET", body) {
  let answer;
  try {
    answer = await fetch(path, { method, headers: { Authorization: "Bearer " + sessionStorage.getItem("key"), ...(body ? { "Content-Type": "application/json" } : {}) }, body: body && JSON.stringify(body) });
  } catch {
    lost(true);
    throw new Error(t("lost", new Date().toLocaleTimeString()));
  }
  lost(false);
  if (answer.status === 401) {
    leave(t("refused"));
    throw new Refused(t("refused"));
  }
  if (!answer.ok) {
    const p = await answer.json().catch(() => ({}));
    throw Object.assign(new Error(p.detail || answer.statusText), { status: answer.status });
  }
  return answer.status === 204 ? null : answer.headers.get("Content-Type").includes("json") ? answer.json() : answer.blob();
}

let since = null;
function lost(is) {
  since = is ? (since ?? new Date().toLocaleTimeString()) : null;
  $("stale").textContent = is ? t("lost", since) : "";
}

// act does something and says how it went.
export async function act(what) {
  try {
    await what();
    say(t("done"));
  } catch (e) {
    say(t("failed", e.message));
  }
}

let saying;
export function say(text) {
  clearTimeout(saying);
  $("said").textContent = text;
  saying = setTimeout(() => ($("said").textContent = ""), 6000);
}

// save lets the browser keep a document that needs the key.
export async function save(path, name) {
  const blob = await ask(path);
  keep(blob instanceof Blob ? blob : new Blob([JSON.stringify(blob)]), name);
}

// keep hands a blob to the browser to be kept as a file.
export function keep(blob, name) {
  const url = URL.createObjectURL(blob);
  const a = el("a", { href: url, download: name });
  document.body.append(a);
  a.click();
  a.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

// sought is what was typed into the search: it stays out of the address, which
// the browser's history keeps.
export let sought = "";

const pages = { queue, cases, patterns, statistics, operations };
let page;

// show opens the page that the address names: #/page/rest.
async function show() {
  const [, name = "queue", ...rest] = location.hash.split("/");
  const next = pages[name] ?? queue;
  page?.close?.();
  page = null;
  for (const a of document.querySelectorAll("nav a[data-page]")) a.toggleAttribute("aria-current", a.dataset.page === name);
  $("page").replaceChildren();
  try {
    page = await next($("page"), rest.map(decodeURIComponent));
  } catch (e) {
    if (e.status === 403 && name === "queue") location.hash = "#/cases"; // police read, and have no queue
    else if (!(e instanceof Refused)) $("page").replaceChildren(el("p", { class: "empty", role: "alert" }, e.message));
  }
}

function speak() {
  document.documentElement.lang = language;
  for (const e of document.querySelectorAll("[data-t]")) e.textContent = t(e.dataset.t);
  for (const e of document.querySelectorAll("[data-placeholder]")) e.placeholder = t(e.dataset.placeholder);
  for (const e of document.querySelectorAll("[data-label]")) e.setAttribute("aria-label", t(e.dataset.label));
}

function enter() {
  const inside = Boolean(sessionStorage.getItem("key"));
  $("door").hidden = inside;
  for (const e of document.querySelectorAll(".inside")) e.hidden = !inside;
  if (inside) show();
}

function leave(why = "") {
  sessionStorage.removeItem("key");
  page?.close?.();
  page = null;
  $("page").replaceChildren();
  $("refused").textContent = why;
  enter();
}

$("door").addEventListener("submit", (e) => {
  e.preventDefault();
  sessionStorage.setItem("key", $("key").value.trim());
  $("key").value = "";
  $("refused").textContent = "";
  enter();
});
$("leave").addEventListener("click", () => leave());
$("language").addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  localStorage.setItem("language", language);
  speak();
  if (sessionStorage.getItem("key")) show();
});
$("theme").addEventListener("click", () => {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark" || (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", document.documentElement.dataset.theme);
});
$("find").addEventListener("submit", (e) => {
  e.preventDefault();
  sought = $("q").value.trim();
  if (location.hash === "#/cases/find") show();
  else location.hash = "#/cases/find";
});
addEventListener("hashchange", () => sessionStorage.getItem("key") && show());
addEventListener("keydown", (e) => {
  if (e.target.matches("input, select, textarea") || e.ctrlKey || e.metaKey || e.altKey) return;
  if (e.key === "/") {
    e.preventDefault();
    $("q").focus();
  } else page?.key?.(e.key, e);
});
if (localStorage.getItem("theme")) document.documentElement.dataset.theme = localStorage.getItem("theme");
speak();
enter();
