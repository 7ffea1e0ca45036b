// Who stood in for whom, in words; the reason is the coordinator's own.
import { html } from "../../html.js";
import { t } from "../../text.js";

const STAGES = new Set(["transcribe", "think", "speak"]);
const STAGE = /^(\w+): (.*)$/s;
const INSTEAD = /^(\S+) instead of (\S+?)(?:: (.*))?$/s;

/** `text` is a turn's, `speak: piper instead of f5: no memory`, or several of these. */
export function Degraded({ text }) {
  if (!text) return null;
  return html`
    <div class="notice" data-degraded>
      ${text.split(/; (?=(?:transcribe|think|speak): )/).map((each) => html`<p key=${each}>${said(each)}</p>`)}
    </div>`;
}

function said(text) {
  const [, stage, rest] = STAGE.exec(text) ?? [];
  const [, served, wanted, reason] = INSTEAD.exec(rest ?? "") ?? [];
  if (!STAGES.has(stage) || !served) return html`<b>${t("degraded")}</b> <small lang="en">${text}</small>`;
  return html`
    <b>${t("degraded")}</b> ${t(`degraded-${stage}`, { served, wanted })}
    ${reason && html`<br /><small lang="en">${reason}</small>`}`;
}
