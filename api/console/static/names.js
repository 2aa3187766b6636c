// What codes mean: banks, with whom to telephone there, and districts. They are
// read once; what is not known is shown by its code.
import { ask } from "/http.js";
import { lang } from "/words.js";

let banks = new Map();
let districts = new Map();

// learn reads the banks' names before the first page, and the districts', which
// are thousands, after it.
export async function learn() {
  try {
    banks = new Map((await ask("/v1/banks")).banks.map((b) => [b.code, b]));
  } catch {
    return; // codes are shown
  }
  ask("/v1/districts")
    .then((d) => (districts = new Map(d.districts.map((x) => [x.code, x.name]))))
    .catch(() => {});
}

export const bank = (code) => banks.get(code) ?? null;

// bankName is short in Chinese, as people say it: 建设银行 for 中国建设银行.
export function bankName(code) {
  const b = bank(code);
  if (!b) return code ?? "";
  return lang() === "zh" ? b.zh.replace(/^中国(?!银行)/, "") : b.en;
}

// codesOf finds banks by what people type of their names.
export const codesOf = (text) => {
  const q = text.trim().toLowerCase();
  return q.length < 2 ? [] : [...banks.values()].filter((b) => (b.zh + " " + b.en).toLowerCase().includes(q)).map((b) => b.code);
};

// district is a district's name with that of its city.
export function district(code) {
  const name = districts.get(code);
  if (!name) return code || "–";
  const city = districts.get(code.slice(0, 4) + "00");
  return city && city !== name ? `${city}${name}` : name;
}
