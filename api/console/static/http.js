// The way to the service: requests as the key's owner, what happens as it
// happens, and the service's clock. The key lives in this tab alone.
import { $, cityDay, cityTime, count, el, message, span } from "/dom.js";
import { lang, t } from "/words.js";

export const key = () => sessionStorage.getItem("key");
export const me = { name: "", role: "", simulation: null };
export const decides = () => me.role === "supervisor" || me.role === "admin";
export const ofCenter = () => me.role !== "police";

export class Refused extends Error {}

// patience is how long an answer may take, and silence how long the stream may be
// quiet, which beats every five seconds: then the service is lost.
const patience = 30000;
const silence = 16000;

// ask sends a request. A problem becomes an error with its words and status; an
// unknown key leads back to the door.
/**
 * @param {string} path
 * @param {string} method
 * @param {any} [body] JSON
 * @param {Record<string, string>} headers
 * @returns {Promise<any>}
 */
export async function ask(path, method = "GET", body, headers = {}) {
  const yaml = headers["Content-Type"] === "application/yaml";
  const type = body === undefined ? {} : { "Content-Type": "application/json" };
  const hung = new AbortController();
  const late = setTimeout(() => hung.abort(), patience);
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: { Authorization: "Bearer " + key(), ...type, ...headers },
      body: yaml ? body : body && JSON.stringify(body),
      signal: hung.signal,
      keepalive: Boolean(body) && !yaml, // a decision is sent, even when the tab is closed
    });
  } catch {
    lost(true);
    throw new Error(t("lost", since));
  } finally {
    clearTimeout(late);
  }
  heard();
  setClock(answer.headers.get("Stopline-Time"), answer.headers.get("Stopline-Pace"));
  if (answer.status === 401) {
    dispatchEvent(new CustomEvent("refused"));
    throw new Refused(t("refused"));
  }
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw Object.assign(new Error(wordsOf(problem) || answer.statusText), { status: answer.status, problem });
  }
  if (answer.status === 204) return null;
  return answer.headers.get("Content-Type").includes("json") ? answer.json() : answer.blob();
}

// wordsOf says a problem in the reader's language, with the fields that are wrong.
function wordsOf(problem) {
  const fields = (problem.errors ?? []).slice(0, 3).map((e) => `${e.pointer ?? ""} ${message(e, e.detail)}`.trim());
  return [message(problem, problem.detail), ...fields].filter(Boolean).join(lang() === "zh" ? "；" : "; ");
}

// act does something, and says how it went.
export async function act(what) {
  try {
    const words = await what();
    if (words !== null) say(words ?? t("done"));
  } catch (e) {
    say(t("failed", e.message), true);
  }
}

let saying;
export function say(text, bad = false) {
  clearTimeout(saying);
  $("said").textContent = text;
  $("said").classList.toggle("bad", bad);
  saying = setTimeout(() => ($("said").textContent = ""), bad ? 10000 : 4000);
}

// save lets the browser keep a document that needs the key.
export async function save(path, name) {
  const got = await ask(path);
  keep(got instanceof Blob ? got : new Blob([JSON.stringify(got, null, 2)]), name);
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

// The state of the connection, for the head of the page.
let since = null;
function lost(is) {
  since = is ? (since ?? new Date().toTimeString().slice(0, 8)) : null;
  showState();
}

// heard is the end of being lost: an answer, or news of the stream. While the
// stream is silent an answer alone does not make it live.
let streaming = false;
function heard() {
  if (since && (streaming || !stream)) lost(false);
}
function showState() {
  const e = $("state");
  e.classList.toggle("off", since !== null);
  e.textContent = since ? t("lost", since) : streaming ? t("live") : "";
}

// onLive hears of alerts, work and stops as they happen: f(kind, document). It
// returns the way to stop. "hello" means that some may have been missed.
const listeners = new Set();
export function onLive(f) {
  listeners.add(f);
  return () => listeners.delete(f);
}

let stream;
export async function listen() {
  stream?.abort();
  const mine = (stream = new AbortController());
  while (!mine.signal.aborted) {
    // A service that hangs says nothing more, and the connection stays: what is
    // silent is given up, and asked for again.
    const quiet = new AbortController();
    const give = () => quiet.abort();
    mine.signal.addEventListener("abort", give);
    let watch = setTimeout(give, silence);
    const alive = () => {
      clearTimeout(watch);
      watch = setTimeout(give, silence);
    };
    try {
      const answer = await fetch("/v1/live", { headers: { Authorization: "Bearer " + key() }, signal: quiet.signal });
      if (answer.status === 401 || answer.status === 403) return;
      if (answer.ok) await follow(answer.body, alive);
    } catch {
      if (mine.signal.aborted) return;
    } finally {
      clearTimeout(watch);
      mine.signal.removeEventListener("abort", give);
    }
    streaming = false;
    lost(true);
    await new Promise((f) => setTimeout(f, 2000));
  }
}

export function hangUp() {
  stream?.abort();
  stream = null;
  streaming = false;
  since = null;
  showState();
}

// follow reads server-sent events until they end.
async function follow(body, alive) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    alive();
    const parts = (text + value).split("\n\n");
    text = parts.pop();
    for (const part of parts) {
      const kind = part.match(/^event: (.*)$/m)?.[1];
      const data = part.match(/^data: (.*)$/m)?.[1];
      if (!kind || !data) continue;
      const doc = JSON.parse(data);
      if (kind === "hello" || kind === "alive") setClock(doc.at, doc.pace);
      if (kind === "hello") {
        streaming = true;
        lost(false);
      }
      for (const f of listeners) f(kind, doc);
    }
  }
}

// now is the service's time, as each of its answers tells it: in a simulated city
// it is the city's, and runs at a pace of its own.
const clock = { at: 0, mark: 0, pace: 1 };
function setClock(text, pace) {
  if (text) Object.assign(clock, { at: Date.parse(text), mark: performance.now(), pace: Number(pace ?? 1) });
}
export const now = () => (clock.at ? clock.at + (performance.now() - clock.mark) * clock.pace : Date.now());

// showClock writes the service's time into the head of the page, and says where
// it is a simulated city's, and how fast that lives.
export function showClock() {
  const city = me.simulation;
  const e = $("clock");
  e.classList.toggle("simulated", Boolean(city));
  if (!city) return e.replaceChildren(clock.at ? cityTime(now()).slice(11, 19) : "");
  const slow = clock.pace < 0.95 * city.speed;
  const pace = slow ? t("cityslow", count(city.speed), count(Math.round(clock.pace))) : `×${count(city.speed)}`;
  e.title = t("cityhint");
  e.replaceChildren(el("b", {}, t("city")), el("span", {}, ` ${pace}`), ` ${cityTime(now()).slice(5, 16).replace("T", " ")}`);
}

// countdowns keeps what counts in a part of the page: the time since, and what is
// left. It returns the way to stop.
export function countdowns(root) {
  const tick = setInterval(() => {
    for (const e of root.querySelectorAll("[data-since]")) e.textContent = span(now() - Date.parse(e.dataset.since));
    for (const e of root.querySelectorAll("[data-until]")) e.textContent = span(Date.parse(e.dataset.until) - now());
  }, 1000);
  return () => clearInterval(tick);
}

// today reads the day's statistics, by what is asked.
export const today = (by) => ask(`/v1/statistics/recovery?from=${cityDay(now())}&to=${cityDay(now() + 86400e3)}&by=${by}`);
