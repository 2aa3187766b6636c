// What the console says: each word in Chinese and in English, from the catalogue that
// the service has too (stream/event/words).
import { words } from "/messages.js";

let language = localStorage.getItem("language") || (navigator.language.startsWith("zh") ? "zh" : "en");

// t is a word in the reader's language, with its parts filled in: in their order,
// or by number where the languages differ in it.
export function t(word, ...parts) {
  let text = words[word]?.[language === "zh" ? 0 : 1] ?? word;
  for (const p of parts) text = text.replace("{}", p);
  return text.replace(/\{(\d)\}/g, (_, i) => parts[i]);
}

// documentName is a document that an appeal needs.
export const documentName = (name) => (words["document_" + name] ? t("document_" + name) : name);

export const lang = () => language;

export function speak(other) {
  language = other;
  localStorage.setItem("language", language);
}
