// What is going on at this moment.
import { html, useEffect, useRef } from "../html.js";
import { About } from "../parts/home/about.js";
import { Decisions } from "../parts/home/decisions.js";
import { GuestMode } from "../parts/home/guest_mode.js";
import { Memory, isGpu } from "../parts/home/memory.js";
import { Network } from "../parts/home/network.js";
import { Servers } from "../parts/home/servers.js";
import { useDecisions } from "../parts/home/use_decisions.js";
import { Waiting } from "../parts/home/waiting.js";
import { WellBeing } from "../parts/home/well_being.js";
import { WorkerCard } from "../parts/home/worker_card.js";
import { Trouble } from "../parts/trouble.js";
import { usePolled } from "../parts/use_polled.js";
import { t } from "../text.js";

const VRAM_MS = 5000; // what others take of a GPU is no decision of ours
const BOX_MS = 10_000;
const SOON_MS = 150; // one look for a burst of decisions

/** Down is an error for monitors (503), and an answer for us; without an answer nobody knows. */
const down = (error) => (error.more.store ? { ...error.more, status: "down" } : null);

export function Home() {
  const vram = usePolled("/api/vram", () => VRAM_MS);
  const box = usePolled("/api/system/info", () => BOX_MS);
  const check = usePolled("/health", () => BOX_MS);
  const soon = useRef(null);
  useEffect(() => () => clearTimeout(soon.current), []);
  const { taken, stream } = useDecisions(() => {
    clearTimeout(soon.current);
    soon.current = setTimeout(() => {
      vram.look();
      box.look();
      check.look();
    }, SOON_MS);
  });
  const health = check.error ? down(check.error) : check.data;
  const error = vram.error ?? box.error;

  return html`
    <h1>${t("home")}</h1>
    <${Trouble} error=${error} />
    ${!vram.data && !box.data && !error && html`<p aria-busy="true">${t("loading")}</p>`}
    ${health && !error && html`<${WellBeing} info=${box.data} vram=${vram.data} health=${health} />`}
    ${box.data && html`<${Servers} processes=${box.data.processes} />`}
    ${vram.data && html`
      <${Memory} devices=${vram.data.devices} notes=${vram.data.notes} />
      ${(vram.data.devices.some(isGpu) || vram.data.guest_mode.mode !== "auto") && html`
        <${GuestMode} guest=${vram.data.guest_mode} changed=${vram.look} />`}
      <section aria-labelledby="workers">
        <h2 id="workers">${t("workers")}</h2>
        ${vram.data.workers.length === 0 && html`<p class="notice">${t("no-workers")}</p>`}
        <div class="cards">
          ${vram.data.workers.map((worker) => html`<${WorkerCard} key=${worker.name} worker=${worker} changed=${vram.look} />`)}
        </div>
      </section>
      <${Waiting} requests=${vram.data.waiting} />
      <${Decisions} taken=${taken} remembered=${vram.data.decisions} stream=${stream} />`}
    ${box.data && html`
      <${Network} discovery=${box.data.discovery} />
      <${About} info=${box.data} />`}`;
}
