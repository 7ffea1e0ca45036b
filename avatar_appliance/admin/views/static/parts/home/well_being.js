// Is everything well? One sentence, and what is wrong where it is not.
import { html } from "../../html.js";
import { dateTime, t } from "../../text.js";
import { troubles } from "./troubles.js";

const COLOURS = { ok: "ready", degraded: "", down: "refused" };

export function WellBeing({ info, vram, health }) {
  const found = troubles({ info, vram, health });
  const status = health.status === "ok" && found.length ? "degraded" : health.status;
  return html`
    <section class="well" data-status=${status}>
      <p class="state ${COLOURS[status]}" role="status">${t(`health-${status}`)}</p>
      ${status === "degraded" && !found.length && html`<p>${t("health-coming-up")}</p>`}
      ${found.map((each) => html`
        <div class=${status === "down" ? "trouble" : "notice"} key=${each.key} data-trouble=${each.key}>
          <p>
            <b>${each.text}</b>
            ${each.said && html`<br /><span lang="en">${each.said}</span>`}
            ${each.hint && html`<br /><small lang=${each.isEnglish ? "en" : null}>${each.hint}</small>`}
            ${(each.since || each.code) && html`
              <br />
              <small>${each.since && t("since", { at: dateTime(each.since) })} ${each.code && html`<code>${each.code}</code>`}</small>`}
          </p>
        </div>`)}
    </section>`;
}
