// Which release this is, since when it runs, and how much room its disks have.
import { html } from "../../html.js";
import { t } from "../../text.js";
import { duration, size } from "../quantity.js";

const FULL = 0.9;

export function About({ info }) {
  return html`
    <section aria-labelledby="about">
      <h2 id="about">${t("about")}</h2>
      <p>${t("release", { version: info.version, python: info.python, time: duration(info.uptime_s) })}</p>
      ${info.disks.map((disk) => html`
        <label key=${disk.folder} data-disk=${disk.folder}>
          ${t(`disk-${disk.folder}`)} ${t("free-of", { free: size(disk.free_bytes), total: size(disk.total_bytes) })}
          <meter min="0" max=${disk.total_bytes} high=${disk.total_bytes * FULL} optimum="0"
            value=${disk.total_bytes - disk.free_bytes}></meter>
        </label>`)}
    </section>`;
}
