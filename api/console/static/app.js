// The frame of the console: the door, the pages, the keys that work on each.
import { $, el, empty } from "/dom.js";
import { ask, hangUp, key, listen, me, ofCenter, Refused, showClock } from "/http.js";
import { lang, speak, t } from "/words.js";
import { cases } from "/cases.js";
import { operations } from "/operations.js";
import { lists } from "/lists.js";
import { learn } from "/names.js";
import { patterns } from "/patterns.js";
import { queue } from "/queue.js";
import { statistics } from "/statistics.js";

const pages = { queue, cases, patterns, lists, statistics, operations };
/** @type {(selector: string) => NodeListOf<HTMLElement>} */
const each = (selector) => document.querySelectorAll(selector);
/** @type {(e: any) => HTMLInputElement} */
const input = (e) => e;

const forPolice = ["cases", "statistics"];
let page;
let shown = 0;

// show opens the page that the address names: #/page/rest. A page that is shown
// already may take the rest itself.
async function show() {
  const [, asked = "", ...rest] = location.hash.split("/");
  let name = pages[asked] ? asked : "queue";
  if (!ofCenter() && !forPolice.includes(name)) name = "cases";
  const parts = rest.map(decodeURIComponent);
  for (const a of each("nav a")) {
    if (a.dataset.page === name) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  }
  const mine = ++shown;
  page?.close?.();
  page = null;
  const root = el("div", { class: "page " + name });
  $("page").replaceChildren(root);
  document.title = `${t(name)} · Stopline`;
  try {
    const made = (await pages[name](root, parts)) ?? {};
    if (mine === shown) page = made;
    else made.close?.();
  } catch (e) {
    if (mine === shown && !(e instanceof Refused)) root.replaceChildren(el("div", { role: "alert" }, empty(e.message)));
  }
}

// dress puts the words of the frame into the reader's language.
function dress() {
  document.documentElement.lang = lang();
  for (const e of each("[data-t]")) e.textContent = t(e.dataset.t);
  for (const e of each("[data-placeholder]")) input(e).placeholder = t(e.dataset.placeholder);
  for (const e of each("[data-label]")) e.setAttribute("aria-label", t(e.dataset.label));
  $("who").textContent = me.role && t("rolename_" + me.role) + (me.name === me.role ? "" : " · " + me.name);
}

// enter shows the pages to whoever has a key, and the door to everybody else.
async function enter() {
  if (key()) {
    try {
      Object.assign(me, { simulation: null }, await ask("/v1/me"));
      if (me.role === "bank") throw new Error(t("nobank"));
      await learn();
    } catch (e) {
      if (!(e instanceof Refused)) leave(e.message);
      return;
    }
  }
  const inside = Boolean(key());
  $("door").hidden = inside;
  for (const e of each(".inside")) e.hidden = !inside;
  for (const a of each("nav a")) a.hidden = !ofCenter() && !forPolice.includes(a.dataset.page);
  dress();
  if (!inside) return $("key").focus();
  if (ofCenter()) listen();
  await show();
}

function leave(why = "") {
  sessionStorage.removeItem("key");
  Object.assign(me, { name: "", role: "", simulation: null });
  hangUp();
  page?.close?.();
  page = null;
  shown++;
  $("page").replaceChildren();
  $("refused").textContent = why;
  enter();
}

addEventListener("refused", () => leave(t("refused")));
$("door").addEventListener("submit", (e) => {
  e.preventDefault();
  sessionStorage.setItem("key", input($("key")).value.trim());
  input($("key")).value = "";
  $("refused").textContent = "";
  enter();
});
$("leave").addEventListener("click", () => leave());
$("language").addEventListener("click", () => {
  speak(lang() === "zh" ? "en" : "zh");
  dress();
  if (key()) show();
});

const isDark = () =>
  (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
function wear(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  $("theme").textContent = isDark() ? "☀" : "☾";
  dispatchEvent(new CustomEvent("look"));
}
$("theme").addEventListener("click", () => {
  const theme = isDark() ? "light" : "dark";
  localStorage.setItem("theme", theme);
  wear(theme);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => wear());

// What is sought stays out of the address, which the browser's history keeps.
$("find").addEventListener("submit", (e) => {
  e.preventDefault();
  cases.sought = input($("q")).value.trim();
  if (location.hash === "#/cases/find") show();
  else location.hash = "#/cases/find";
});

const help = [
  ["n", "k_next"],
  ["j k", "k_move"],
  ["c", "k_claim"],
  ["a", "k_approve"],
  ["d", "k_dismiss"],
  ["e", "k_escalate"],
  ["/", "k_search"],
  ["?", "k_help"],
];
function keys() {
  const close = () => d.remove();
  const d = el(
    "dialog",
    { "aria-label": t("shortcuts"), onclick: close, onclose: close },
    el("h2", {}, t("shortcuts")),
    el(
      "dl",
      { class: "keys" },
      help.map(([k, word]) => [
        el(
          "dt",
          {},
          k.split(" ").map((x) => [el("kbd", {}, x), " "]),
        ),
        el("dd", {}, t(word)),
      ]),
    ),
  );
  document.body.append(d);
  d.showModal();
}

// A link may carry a key behind its #, which no browser sends: it signs in, and
// the address forgets it at once.
function signedIn() {
  const [, linked] = location.hash.match(/^#key=(\S+)$/) ?? [];
  if (!linked) return false;
  hangUp();
  sessionStorage.setItem("key", linked);
  history.replaceState(null, "", location.pathname);
  return true;
}

addEventListener("hashchange", () => {
  if (signedIn()) enter();
  else if (key()) show();
});
addEventListener("keydown", (e) => {
  if ((e.metaKey || e.ctrlKey) && e.key === "k" && key()) {
    e.preventDefault();
    return $("q").focus();
  }
  if (
    input(e.target).matches("input, select, textarea") ||
    e.ctrlKey ||
    e.metaKey ||
    e.altKey ||
    document.querySelector("dialog[open]") ||
    !key()
  )
    return;
  if (e.key === "/") {
    e.preventDefault();
    $("q").focus();
  } else if (e.key === "?") keys();
  else if (page?.key?.(e.key)) e.preventDefault(); // a key that opens a field is not its first letter
});

// A tab that is opened beside a signed-in one has its key: tabs of this service
// ask each other, and nothing is kept outside of them.
const tabs = new BroadcastChannel("stopline");
tabs.onmessage = ({ data }) => {
  if (data === "who") {
    if (key()) tabs.postMessage({ key: key() });
  } else if (data.key && !key()) {
    sessionStorage.setItem("key", data.key);
    enter();
  }
};

setInterval(showClock, 250);
wear(localStorage.getItem("theme"));
dress();
if (!signedIn() && !key()) tabs.postMessage("who");
enter();
