// The programs that Home Assistant talks to, and the one that watches over them.
import { html } from "../../html.js";
import { dateTime, t } from "../../text.js";
import { duration, size } from "../quantity.js";

const COLOURS = { ready: "ready", failed: "refused", stopped: "refused" };

export function Servers({ processes }) {
  const servers = processes.filter((each) => each.kind !== "worker");
  return html`
    <section aria-labelledby="servers">
      <h2 id="servers">${t("servers")}</h2>
      <ul class="services">
        ${servers.map((each) => html`
          <li key=${each.name} data-server=${each.name} data-state=${each.state}>
            <b>${t(each.role ? `role-${each.role}` : "role-control")}</b>${" "}
            <span class="state ${COLOURS[each.state] ?? ""}">${t(`server-${each.state}`)}</span>
            <br /><small>${facts(each).join(" · ")}</small>
          </li>`)}
      </ul>
    </section>`;
}

function facts({ name, since, rss_bytes, restarts, last_exit }) {
  const ended = last_exit && t("ended-last", { how: last_exit.signal ?? last_exit.code ?? "?", at: dateTime(last_exit.at) });
  return [
    name,
    since && t("for-so-long", { time: duration((Date.now() - new Date(since)) / 1000) }),
    rss_bytes && size(rss_bytes),
    restarts > 0 && t("restarts", { count: restarts }),
    restarts > 0 && ended,
  ].filter(Boolean);
}
