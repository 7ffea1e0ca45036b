// Requests that have no worker yet.
import { html } from "../../html.js";
import { decimal, t } from "../../text.js";

export function Waiting({ requests }) {
  return html`
    <section aria-labelledby="waiting">
      <h2 id="waiting">${t("waiting")}</h2>
      ${requests.length === 0 && html`<p>${t("nobody-waits")}</p>`}
      ${requests.length > 0 && html`
        <ul>
          ${requests.map((each) => html`
            <li key=${each.lease_id} data-lease=${each.lease_id}>
              ${t("waits", {
                who: each.client, ladder: each.ladder.join(", "), waited: decimal(each.waited_s), left: decimal(each.deadline_in_s),
              })}
            </li>`)}
        </ul>`}
    </section>`;
}
