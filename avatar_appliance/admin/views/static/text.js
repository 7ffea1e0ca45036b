// What the pages say, in the owners' languages.
import en from "./text/en.js";
import zhTW from "./text/zh-TW.js";

const TEXTS = { en, "zh-TW": zhTW };
export const LANGUAGES = { en: "English", "zh-TW": "繁體中文" };

function preferred() {
  const kept = localStorage.getItem("language");
  if (kept in TEXTS) return kept;
  for (const tag of navigator.languages) {
    if (tag.toLowerCase().startsWith("zh")) return "zh-TW";
    if (tag.toLowerCase().startsWith("en")) return "en";
  }
  return "en";
}

export let language = preferred();

/** Say everything in this language from now on; who shows something has to show it anew. */
export function setLanguage(chosen) {
  language = chosen;
  localStorage.setItem("language", chosen);
  document.documentElement.lang = chosen;
}

/** Return a text, with `{name}` replaced. */
export function t(key, values = {}) {
  const text = TEXTS[language][key] ?? TEXTS.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Return which of the texts that the API gives in both languages is to be shown. */
export const told = (texts) => texts?.[language] ?? texts?.en ?? "";

/** Return a language's name in the reader's language. */
export function languageName(tag) {
  try {
    return new Intl.DisplayNames([language], { type: "language" }).of(tag);
  } catch {
    return tag;
  }
}

export const dateTime = (iso) =>
  new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
export const decimal = (number, digits = 1) =>
  new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(number);
