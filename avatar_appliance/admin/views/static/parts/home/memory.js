// Who holds how much memory of each GPU, and of the machine.
import { html } from "../../html.js";
import { decimal, t } from "../../text.js";
import { size } from "../quantity.js";

const COLOURS = 8;

/** Whether anything runs on a GPU here; the machine's own memory is the device `cpu`. */
export const isGpu = (device) => device.device !== "cpu";

export function Memory({ devices, notes }) {
  return html`
    <section aria-labelledby="memory">
      <h2 id="memory">${t("memory")}</h2>
      ${!devices.some(isGpu) && html`<p class="notice" data-no-gpu>${t("no-gpu")}</p>`}
      ${devices.map((device) => html`<${Device} key=${device.device} device=${device} />`)}
      ${notes.length > 0 && html`
        <ul class="notes" lang="en">${notes.map((note) => html`<li key=${note}><small>${note}</small></li>`)}</ul>`}
    </section>`;
}

function Device({ device }) {
  const name = isGpu(device) ? `${device.device} · ${device.name}` : t("ram");
  const facts = [
    device.temperature_c !== null && `${decimal(device.temperature_c, 0)} °C`,
    device.utilisation_percent !== null && t("at-work", { percent: device.utilisation_percent }),
  ].filter(Boolean);
  if (device.lost || device.usable_bytes === null) {
    return html`
      <article class="device" data-device=${device.device}>
        <h3>${name}</h3>
        <p class="trouble">${t("device-lost")}</p>
      </article>`;
  }
  const parts = held(device);
  return html`
    <article class="device" data-device=${device.device}>
      <header>
        <h3>${name}</h3>
        <small>${facts.join(" · ")}</small>
      </header>
      <div class="memory" role="img" aria-label=${parts.map((part) => `${part.name} ${size(part.bytes)}`).join(", ")}>
        ${parts.map((part) => part.bytes > 0 && html`
          <span key=${part.key} class=${part.colour} title=${`${part.name} ${size(part.bytes)}`}
            style=${{ flexGrow: part.bytes }}></span>`)}
      </div>
      <ul class="legend">
        ${parts.map((part) => html`
          <li key=${part.key} data-part=${part.key}>
            <span class="swatch ${part.colour}"></span> ${part.name} <b>${size(part.bytes)}</b>
          </li>`)}
      </ul>
      <p class="facts"><small>${t("budget", { budget: size(device.budget_bytes), usable: size(device.usable_bytes) })}</small></p>
      ${device.room_bytes < 0 && html`<p class="notice">${t("over-budget", { size: size(-device.room_bytes) })}</p>`}
    </article>`;
}

/** Return the parts of a device's memory in the order of the bar. */
function held(device) {
  const ours = Object.entries(device.charges).map(([name, bytes], index) =>
    ({ key: name, name, bytes, colour: `part-${index % COLOURS}` }));
  const programs = (device.foreign_processes ?? []).filter((program) => program.name);
  const whose = programs.map((each) => (each.used_bytes === null ? each.name : `${each.name} ${size(each.used_bytes)}`)).join(", ");
  const others = whose ? t("others-with", { programs: whose }) : t("others");
  const taken = Math.max(device.budget_bytes, device.charged_bytes + device.foreign_bytes);
  const parts = [
    ...ours,
    { key: "others", name: others, bytes: device.foreign_bytes, colour: "part-others" },
    { key: "room", name: t("room"), bytes: Math.max(0, device.room_bytes), colour: "part-room" },
    { key: "kept", name: t("kept-free"), bytes: Math.max(0, device.usable_bytes - taken), colour: "part-kept" },
  ];
  return parts.filter((part) => part.bytes > 0 || part.key === "room");
}
