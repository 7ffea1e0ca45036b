// What went wrong, and what to do about it.
import { html } from "../html.js";
import { t, told } from "../text.js";
import { Remarks } from "./remarks.js";

/** `text` replaces the sentence of the error. */
export function Trouble({ error, text }) {
  if (!error) return null;
  const said = text ?? (error.status === 0 ? t("unreachable") : error.text);
  return html`
    <div class="trouble" role="alert">
      <p>${said}${!text && error.hint && html`<br /><small>${error.hint}</small>`}</p>
      <${Remarks} remarks=${error.remarks ?? []} />
    </div>`;
}

/** A reason that the API gives in both languages. */
export const Reason = ({ reason }) => reason && html`<p class="notice">${told(reason.text)}</p>`;
