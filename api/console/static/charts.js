// Charts: Apache ECharts in the page's colours, each with its table and its
// export. The library comes when the first chart is shown.
import { lines } from "/csv.js";
import { el, empty, table, quiet } from "/dom.js";
import { keep } from "/http.js";
import { t } from "/words.js";

let library;
const load = () => (library ??= import("/lib/echarts.js").catch(() => null));

// colours are the style sheet's, as they are now.
function colours() {
  const probe = el("i", { hidden: true });
  document.body.append(probe);
  const read = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const c = {};
  for (const name of ["ink", "quiet", "line", "ground", "card", "raised", "accent", "mid", "pale", "good", "part", "out"])
    c[name] = read(name);
  probe.remove();
  return c;
}

const still = matchMedia("(prefers-reduced-motion: reduce)");

// chart is a box of a height in which a chart is drawn once it is in the page.
// option is made from the colours; it is made again when they change. The label
// is for people who cannot see it. click hears of the element that was clicked.
/**
 * @param {string} label
 * @param {number} height in pixels
 * @param {(colours: Record<string, string>) => object} option
 * @param {{width?: number, click?: (element: any) => void}} [more] width in pixels
 */
export function chart(label, height, option, { width, click } = {}) {
  const box = el("div", { class: "chart", role: "img", "aria-label": label });
  box.style.height = height + "px";
  if (width) box.style.width = width + "px";
  let drawn = null;
  let begun = false;
  const draw = () => drawn?.setOption(dressed(option), { notMerge: true });
  const watch = new ResizeObserver(async () => {
    if (!box.isConnected) {
      watch.disconnect();
      removeEventListener("look", draw);
      drawn?.dispose();
      return;
    }
    if (drawn) return drawn.resize();
    if (begun || !box.clientWidth) return;
    begun = true;
    const echarts = await load();
    if (!echarts) return box.replaceWith(empty(t("nocharts")));
    if (!box.isConnected) return;
    drawn = echarts.init(box, null, { renderer: "svg" });
    box.setAttribute("role", "img");
    if (click) drawn.on("click", click);
    draw();
    addEventListener("look", draw);
  });
  watch.observe(box);
  return box;
}

// dressed adds what all charts have.
function dressed(option) {
  const c = colours();
  const own = option(c);
  const axis = (a) => ({
    axisLine: { lineStyle: { color: c.line } },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: c.line } },
    ...a,
    axisLabel: { color: c.quiet, fontSize: 12, ...a.axisLabel },
    nameTextStyle: { color: c.quiet, fontSize: 12, ...a.nameTextStyle },
  });
  const axes = (a) => (Array.isArray(a) ? a.map(axis) : a && axis(a));
  return {
    animationDuration: still.matches ? 0 : 150,
    animationDurationUpdate: still.matches ? 0 : 150,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: c.ink },
    ...own,
    xAxis: axes(own.xAxis),
    yAxis: axes(own.yAxis),
    legend: own.legend && { textStyle: { color: c.quiet }, itemWidth: 14, itemHeight: 10, top: 0, right: 0, ...own.legend },
    grid: own.grid ?? { left: 8, right: 16, top: 32, bottom: 8, containLabel: true },
    tooltip: own.tooltip && {
      confine: true,
      backgroundColor: c.card,
      borderColor: c.line,
      textStyle: { color: c.ink, fontSize: 13 },
      axisPointer: { type: "shadow" },
      ...own.tooltip,
    },
  };
}

// tip is what a pointer over a chart shows: lines of text.
export const tip = (...lines) =>
  el(
    "div",
    { class: "tip" },
    lines.filter(Boolean).map((l) => el("div", {}, l)),
  );

// figure is a chart with its title, its unit, its table and its export.
/**
 * @param {{title: string, hint?: string, unit?: string, drawing: Element, heads: any[], rows: any[][], name: string,
 *   open?: boolean, tools?: any[]}} what name is the export's file, without its end
 */
export function figure({ title, hint, unit, drawing, heads, rows, name, open = false, tools = [] }) {
  const plain = (c) => (Array.isArray(c) ? c[0] : c);
  const text = () => lines([heads, ...rows].map((r) => r.map(plain)));
  // A byte order mark, so that spreadsheets read Chinese.
  const csv = () => keep(new Blob(["\ufeff" + text()], { type: "text/csv" }), `stopline-${name}.csv`);
  return el(
    "section",
    { class: "card figure" },
    el(
      "header",
      {},
      el("h2", {}, title, unit && el("small", {}, " " + unit)),
      tools,
      el("button", { type: "button", class: "small", "aria-label": `CSV: ${title}`, onclick: csv }, "CSV"),
    ),
    hint && el("p", {}, quiet(hint)),
    drawing,
    el("details", { open }, el("summary", {}, t("astable")), table(title, heads, rows)),
  );
}
