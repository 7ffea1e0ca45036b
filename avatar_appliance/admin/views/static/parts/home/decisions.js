// What the coordinator did, and why.
import { html, useState } from "../../html.js";
import { dateTime, t } from "../../text.js";
import { clock } from "../quantity.js";
import { KINDS, together } from "./use_decisions.js";

const FEW = 10;
const BAD = new Set(["failed", "crashed", "deny", "surprise", "canary"]);
const GOOD = new Set(["ready", "grant", "asleep", "wake"]);
const colour = (kind) => (BAD.has(kind) ? "refused" : GOOD.has(kind) ? "ready" : "calm");

export function Decisions({ taken, remembered, stream }) {
  const [most, setMost] = useState(FEW);
  const all = together(taken, remembered);
  return html`
    <section aria-labelledby="decisions">
      <div class="title">
        <h2 id="decisions">${t("decisions")}</h2>
        <small class="state ${stream === "live" ? "ready" : ""}" data-stream=${stream}>${t(`stream-${stream}`)}</small>
      </div>
      ${all.length === 0 && html`<p>${t("no-decisions")}</p>`}
      <ol class="decisions" role="log" aria-labelledby="decisions">
        ${all.slice(0, most).map((decision) => html`
          <li key=${`${decision.at} ${decision.text}`} data-kind=${decision.kind}>
            <time datetime=${decision.at} title=${dateTime(decision.at)}>${clock(decision.at)}</time>
            <span>
              <b class="state ${colour(decision.kind)}">
                ${KINDS.includes(decision.kind) ? t(`decision-${decision.kind}`) : decision.kind}</b>
              ${decision.worker && html` <b>${decision.worker}</b>`}
              ${" "}<small lang="en">${decision.text}</small>
            </span>
          </li>`)}
      </ol>
      ${all.length > most && html`
        <button class="secondary outline" onClick=${() => setMost(most * 3)}>${t("show-more")}</button>`}
    </section>`;
}
