// Which turns to show.
import { html, useEffect, useRef, useState } from "../../html.js";
import { languageName, t } from "../../text.js";
import { satelliteName } from "./names.js";

const STATUSES = ["ok", "failed", "cancelled", "in_progress"];
const TYPING_MS = 300;

/** `choose` gets the filter: only what is set is in it. */
export function Filters({ filter, satellites, languages, choose }) {
  const [words, setWords] = useState("");
  const timer = useRef(null);
  useEffect(() => () => clearTimeout(timer.current), []);

  const change = (key, value) => {
    const { [key]: _, ...others } = filter;
    choose(value ? { ...others, [key]: value } : others);
  };
  const search = (text) => {
    clearTimeout(timer.current);
    change("q", text.trim());
  };
  const typed = (event) => {
    const text = event.currentTarget.value;
    setWords(text);
    clearTimeout(timer.current);
    // While a character is being composed (注音, 拼音) nothing is searched for.
    if (!event.isComposing) timer.current = setTimeout(search, TYPING_MS, text);
  };
  const submit = (event) => {
    event.preventDefault();
    search(words);
  };
  const choice = (key, label, options) => html`
    <label>${label}
      <select value=${filter[key] ?? ""} onChange=${(event) => change(key, event.currentTarget.value)}>
        <option value="">${t("all")}</option>
        ${options.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}
      </select>
    </label>`;

  return html`
    <form class="filters" role="search" onSubmit=${submit}>
      <label class="wide">${t("search")}
        <input type="search" maxlength="200" autocomplete="off" value=${words} onInput=${typed} oncompositionend=${typed} />
      </label>
      ${choice("satellite", t("satellite"), satellites.map((id) => [id, satelliteName(id)]))}
      ${choice("language", t("language"), languages.map((tag) => [tag, languageName(tag)]))}
      ${choice("status", t("outcome"), STATUSES.map((each) => [each, t(`outcome-${each}`)]))}
    </form>
    ${filter.conversation && html`
      <p class="row">
        <span>${t("one-conversation")}</span>
        <button class="secondary outline" onClick=${() => change("conversation", null)}>${t("show-all")}</button>
      </p>`}`;
}
