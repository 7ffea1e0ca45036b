// What the doctor says of a recording: the worst first.
import { html } from "../html.js";
import { t, told } from "../text.js";

const WORST_FIRST = ["refused", "warning", "note"];

export function Remarks({ remarks }) {
  if (!remarks?.length) return null;
  const sorted = [...remarks].sort((a, b) => WORST_FIRST.indexOf(a.severity) - WORST_FIRST.indexOf(b.severity));
  return html`
    <ul class="remarks">
      ${sorted.map((remark) => html`
        <li class=${remark.severity} key=${remark.code}><b>${t(`severity-${remark.severity}`)}</b> ${told(remark.text)}</li>`)}
    </ul>`;
}
