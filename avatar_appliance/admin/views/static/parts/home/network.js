// What Home Assistant sees of this box.
import { html } from "../../html.js";
import { t } from "../../text.js";

export function Network({ discovery }) {
  if (!discovery) return null;
  const { services, addresses, reason, warnings } = discovery;
  const hosts = addresses.length ? addresses : [location.hostname];
  return html`
    <section aria-labelledby="network" data-announced=${services.some((each) => each.announced)}>
      <h2 id="network">Home Assistant</h2>
      <p>${t("network-about")}</p>
      ${services.length > 0 && html`
        <ul class="services">
          ${services.map((each) => html`
            <li key=${each.role} data-service=${each.role}>
              <b>${t(`role-${each.role}`)}</b>${" "}
              ${hosts.map((host) => html`<code key=${host}>${at(host, each.port)}</code> `)}
              <span class="state ${each.announced ? "ready" : ""}">${t(each.announced ? "announced" : "not-announced")}</span>
              ${each.announced && html`<br /><small>${t("announced-as", { name: each.instance })}</small>`}
            </li>`)}
        </ul>`}
      ${[reason, ...warnings].filter(Boolean).map((notice) => html`
        <p class="notice" lang="en" key=${notice.code}>${notice.text} <small>${notice.hint}</small></p>`)}
    </section>`;
}

const at = (host, port) => (host.includes(":") ? `[${host.replace(/^\[|\]$/g, "")}]:${port}` : `${host}:${port}`);
