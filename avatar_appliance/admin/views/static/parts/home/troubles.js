// What is not as it should be, from all that the box tells.
import { t } from "../../text.js";
import { duration } from "../quantity.js";

const WORDS = new Set(["canary-failed"]); // codes of docs/errors.md that a problem may have

/** Return what is wrong: `key`, `text` and perhaps `said` (the box's own English), `hint`, `code`, `since`; worst first. */
export function troubles({ info, vram, health }) {
  const found = [];
  if (health?.store === "down") found.push({ key: "store", text: t("trouble-store"), hint: t("trouble-store-hint") });
  for (const each of info?.processes ?? []) {
    if (each.kind !== "server" || each.state === "ready") continue;
    found.push({
      key: each.name,
      text: t("trouble-server", { server: t(`role-${each.role}`), state: t(`server-${each.state}`) }),
      hint: each.state === "starting" ? null : t("trouble-server-hint"), since: each.since,
    });
  }
  for (const device of vram?.devices ?? []) {
    if (device.lost) {
      found.push({ key: device.device, text: t("trouble-device", { device: device.device }), hint: t("trouble-device-hint") });
    }
  }
  for (const worker of vram?.workers ?? []) {
    if (worker.state !== "failed") continue;
    const again = worker.retry_in_s === null ? "" : t("tried-again", { wait: duration(worker.retry_in_s) });
    found.push({
      key: worker.name, text: t("trouble-worker", { worker: worker.name }), said: worker.last_error, hint: again, since: worker.since,
    });
  }
  for (const problem of info?.problems ?? []) {
    const words = WORDS.has(problem.code) ? t(`problem-${problem.code}`) : null;
    found.push({
      key: `${problem.code} ${problem.worker}`, code: problem.code, since: problem.since,
      text: words ?? problem.text, said: words && problem.text, hint: problem.hint, isEnglish: true,
    });
  }
  return found;
}
