// One model: what it is doing, and what a person may ask of it.
import { ask } from "../../api.js";
import { html, useState } from "../../html.js";
import { t } from "../../text.js";
import { duration, size } from "../quantity.js";
import { Trouble } from "../trouble.js";

const COLOURS = {
  ready: "ready", busy: "ready", elsewhere: "ready", failed: "refused", sleeping: "calm", stopped: "calm", "held-down": "calm",
};
const MOVING = new Set(["starting", "falling-asleep", "waking", "stopping"]);

/** Return which word says best what a worker does. */
function phase(worker) {
  if (worker.external) return "elsewhere";
  if (worker.state === "stopped" && worker.held_down) return "held-down";
  return worker.state === "ready" && worker.leases > 0 ? "busy" : worker.state;
}

/** Return what makes sense now: the API's names of it. */
function commands(worker) {
  if (worker.external) return [];
  const byState = {
    starting: ["stop"], ready: [worker.can_sleep && !worker.leases && "sleep", "stop", worker.leases > 0 && "force"],
    sleeping: ["wake", "stop"], stopped: ["start"], failed: ["start"],
  };
  return [...(byState[worker.state] ?? []), worker.pinned ? "unpin" : "pin"].filter(Boolean);
}

export function WorkerCard({ worker, changed }) {
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(null);
  const now = phase(worker);

  const run = async (command) => {
    const isForced = command === "force";
    if (isForced && !confirm(t("confirm-force", { worker: worker.name, count: worker.leases }))) return;
    setBusy(command);
    setError(null);
    try {
      await ask("POST", `/api/workers/${worker.name}/${isForced ? "stop?force=true" : command}`);
    } catch (trouble) {
      setError(trouble);
    }
    setBusy(null);
    changed();
  };

  return html`
    <article class="worker" data-worker=${worker.name} data-state=${now}>
      <header>
        <h3>${worker.name}</h3>
        <span class="state ${COLOURS[now] ?? ""}" aria-busy=${MOVING.has(now)}>${t(`phase-${now}`)}</span>
      </header>
      <p class="facts"><small>${facts(worker)}</small></p>
      ${worker.state === "failed" && html`
        <div class="trouble">
          <p><span lang="en">${worker.last_error}</span>
            ${worker.retry_in_s !== null && html`<br /><small>${t("tried-again", { wait: duration(worker.retry_in_s) })}</small>`}</p>
        </div>`}
      <${Trouble} error=${error} />
      ${!worker.external && html`
        <footer class="row" role="toolbar" aria-label=${worker.name}>
          ${commands(worker).map((command) => html`
            <button key=${command} class="${command === "force" ? "danger" : "secondary"} outline"
              disabled=${busy !== null} aria-busy=${busy === command}
              title=${t(`do-${command}-help`)} onClick=${() => run(command)}>${t(`do-${command}`)}</button>`)}
        </footer>`}
    </article>`;
}

function facts(worker) {
  const { charged_bytes, rest_bytes, measured } = worker.memory;
  const wanted = t(measured ? "would-take" : "would-take-about", { size: size(rest_bytes) });
  return [
    t(`role-${worker.role}`),
    worker.engine !== worker.name && worker.engine,
    worker.device,
    !worker.external && (charged_bytes ? size(charged_bytes) : wanted),
    worker.progress && html`<span lang="en">${worker.progress}</span>`,
    worker.leases > 0 && t("in-use-by", { count: worker.leases, most: worker.max_leases }),
    worker.idle_s >= 60 && t("idle-for", { time: duration(worker.idle_s) }),
    worker.draining && t("draining"),
    worker.pinned && t("pinned"),
  ].filter(Boolean).flatMap((each, index) => (index ? [" · ", each] : [each]));
}
