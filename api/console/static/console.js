"use strict";
// The page asks the API every two seconds with the key that was entered. The
// key lives in this tab alone.

const words = {
  zh: { api: "接口", leave: "退出", key: "API 密钥（分析员、主管或管理员）", enter: "进入", where: "本机运行时，密钥由 make run 打印，保存在数据目录的 keys.json。",
    stops: "止付", alerts: "预警", state: "状态", since: "转账至今", amount: "金额", account: "账户", hop: "层级", id: "编号", action: "处置", at: "时间", score: "分数", why: "依据",
    nostops: "暂无止付。识别到诈骗或收到报案后，这里会出现。", noalerts: "暂无预警。", refused: "密钥无效，或角色无权查看。", lost: "自 {} 起无法连接，正在重试", other: "EN",
    proposed: "◇ 待批准", requested: "◉ 已发出", undelivered: "⚠ 未答复", acknowledged: "◎ 已接收", held: "■ 全额止付", partial: "◧ 部分止付", missed: "□ 已转走", mismatch: "≠ 信息不符", refused_: "✕ 拒绝",
    rejected: "✕ 不予批准", extended: "■ 续止", frozen: "❄ 冻结", released: "○ 解除", expired: "⌛ 到期", stop: "止付", review: "复核", warn: "提示" },
  en: { api: "API", leave: "Leave", key: "API key (analyst, supervisor or admin)", enter: "Enter", where: "In a local run, make run prints the keys; they are in keys.json of the data directory.",
    stops: "Stops", alerts: "Alerts", state: "State", since: "Since transfer", amount: "Amount", account: "Account", hop: "Hop", id: "Id", action: "Action", at: "Time", score: "Score", why: "Why",
    nostops: "No stops yet. They appear when a fraud is recognised or reported.", noalerts: "No alerts yet.", refused: "The key is not known, or its role may not see this.", lost: "no answer since {}; trying again", other: "中文",
    proposed: "◇ for approval", requested: "◉ requested", undelivered: "⚠ no answer", acknowledged: "◎ acknowledged", held: "■ held", partial: "◧ partly held", missed: "□ gone", mismatch: "≠ mismatch", refused_: "✕ refused",
    rejected: "✕ rejected", extended: "■ extended", frozen: "❄ frozen", released: "○ released", expired: "⌛ expired", stop: "stop", review: "review", warn: "warn" },
};
const $ = (id) => document.getElementById(id);
let language = sessionStorage.getItem("language") || (navigator.language.startsWith("zh") ? "zh" : "en");
let lostSince = null;

const t = (word) => words[language][word] ?? word;

function speak() {
  document.documentElement.lang = language;
  for (const e of document.querySelectorAll("[data-t]")) e.textContent = t(e.dataset.t);
  $("language").textContent = t("other");
}

async function ask(path) {
  const answer = await fetch(path, { headers: { Authorization: "Bearer " + sessionStorage.getItem("key") } });
  if (answer.status === 401 || answer.status === 403) throw new Error("refused");
  if (!answer.ok) throw new Error("lost");
  return answer.json();
}

function row(cells) {
  const tr = document.createElement("tr");
  for (const [text, kind] of cells) {
    const td = document.createElement("td");
    if (kind === "code") {
      const code = document.createElement("code");
      code.textContent = text;
      td.append(code);
    } else {
      td.textContent = text;
      if (kind) td.className = kind;
    }
    tr.append(td);
  }
  return tr;
}

const money = (amount, currency) => (currency === "CNY" ? "¥" : currency + " ") + amount.replace(/\B(?=(\d{3})+\.)/g, ",");
const span = (from, to) => {
  const s = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));
  return s < 3600 ? `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}` : `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
};

function showStops(stops) {
  $("nostops").hidden = stops.length > 0;
  $("stops").replaceChildren(...stops.map((s) => row([
    [t(s.state === "refused" ? "refused_" : s.state)],
    [s.requested_at ? span(s.transfer.at, s.requested_at) : ""],
    [money(s.amount, s.currency), "n"], [s.reason.text],
    [`${s.account.bank} …${s.account.number.slice(-6)}`, "code"], [String(s.hop), "n"], [s.id, "code"],
  ])));
}

function showAlerts(alerts) {
  $("noalerts").hidden = alerts.length > 0;
  $("alerts").replaceChildren(...alerts.map((a) => row([
    [t(a.action)], [new Date(a.at).toLocaleString(language)], [a.transfer ? money(a.transfer.amount, a.transfer.currency) : "", "n"], [String(a.score), "n"],
    [a.hits.map((h) => h.pattern + " (" + Object.entries(h.values).map(([k, v]) => `${k} = ${v}`).join(", ") + ")").join("; ")],
  ])));
}

async function refresh() {
  if (!sessionStorage.getItem("key")) return;
  try {
    const [stops, alerts] = await Promise.all([ask("/v1/stops?limit=30"), ask("/v1/alerts?limit=30")]);
    $("door").hidden = true;
    $("desk").hidden = $("leave").hidden = false;
    $("stale").textContent = "";
    lostSince = null;
    showStops(stops.stops);
    showAlerts(alerts.alerts);
  } catch (e) {
    if (e.message === "refused") {
      sessionStorage.removeItem("key");
      $("refused").textContent = t("refused");
      $("door").hidden = false;
      $("desk").hidden = $("leave").hidden = true;
      return;
    }
    lostSince ??= new Date();
    $("stale").textContent = t("lost").replace("{}", lostSince.toLocaleTimeString(language));
  }
}

$("door").addEventListener("submit", (e) => {
  e.preventDefault();
  sessionStorage.setItem("key", $("key").value.trim());
  $("key").value = $("refused").textContent = "";
  refresh();
});
$("leave").addEventListener("click", () => { sessionStorage.removeItem("key"); location.reload(); });
$("language").addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  sessionStorage.setItem("language", language);
  speak();
  refresh();
});
speak();
refresh();
setInterval(refresh, 2000);
