// Who has the GPUs: voice, or somebody else.
import { ask } from "../../api.js";
import { html, useState } from "../../html.js";
import { dateTime, t } from "../../text.js";
import { Trouble } from "../trouble.js";

const CHOICES = [
  { key: "guest-1h", mode: "on", duration_s: 3600 },
  { key: "guest-2h", mode: "on", duration_s: 7200 },
  { key: "guest-on", mode: "on" },
  { key: "guest-off", mode: "off" },
  { key: "guest-auto", mode: "auto" },
];
const SHARE = /^others hold (\d+%) of the GPU$/;

export function GuestMode({ guest, changed }) {
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(null);

  const choose = async ({ key, mode, duration_s }) => {
    setBusy(key);
    setError(null);
    try {
      await ask("POST", "/api/guest-mode", { body: duration_s ? { mode, duration_s } : { mode } });
    } catch (trouble) {
      setError(trouble);
    }
    setBusy(null);
    changed();
  };
  // Of the three ways to switch it on, only the one without an end can be told from what the box says.
  const isNow = ({ mode, duration_s }) => mode === guest.mode && !duration_s && guest.until === null;

  return html`
    <section aria-labelledby="guest-mode" data-guest=${guest.mode}>
      <h2 id="guest-mode">${t("guest-mode")}</h2>
      <p>${t("guest-about")}</p>
      <p><b class="state ${guest.mode === "on" ? "" : "ready"}">${said(guest)}</b></p>
      <${Trouble} error=${error} />
      <div class="row" role="toolbar" aria-labelledby="guest-mode">
        ${CHOICES.map((choice) => html`
          <button key=${choice.key} class=${isNow(choice) ? "" : "secondary outline"} aria-pressed=${isNow(choice)}
            disabled=${busy !== null} aria-busy=${busy === choice.key} onClick=${() => choose(choice)}>${t(choice.key)}</button>`)}
      </div>
    </section>`;
}

function said({ mode, until, guests }) {
  if (mode === "auto") {
    const lent = Object.entries(guests).map(([device, why]) => `${device} (${reason(why)})`).join(", ");
    return lent ? t("guest-is-auto-lent", { devices: lent }) : t("guest-is-auto");
  }
  const words = mode === "on" ? t("guest-is-on") : t("guest-is-off");
  return `${words} ${until ? t("until", { at: dateTime(until) }) : t("until-changed")}`;
}

/** Return why voice keeps off a GPU: a share of it, or a program's name. */
function reason(why) {
  const share = SHARE.exec(why);
  return share ? t("guest-share", { share: share[1] }) : why;
}
