// Amounts as people read them.
import { decimal, language } from "../text.js";

const KIB = 1024;
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];
const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;

/** `7.1 GiB`, in the units of nvidia-smi and systemd. */
export function size(bytes) {
  const power = bytes === 0 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log(Math.abs(bytes)) / Math.log(KIB)));
  return `${decimal(bytes / KIB ** power, power >= 3 ? 1 : 0)} ${UNITS[power]}`;
}

/** `2 min`, `3 hr`: the largest unit only. */
export function duration(seconds) {
  for (const [unit, unit_s] of [["day", DAY_S], ["hour", HOUR_S], ["minute", MINUTE_S]]) {
    if (seconds >= unit_s) return counted(Math.round(seconds / unit_s), unit);
  }
  return counted(Math.max(0, Math.round(seconds)), "second");
}

/** `0.75 s`. */
export const seconds = (milliseconds) => `${decimal(milliseconds / 1000, 2)} s`;

/** The time of day, with the date where it is another day. */
export function clock(iso) {
  const at = new Date(iso);
  const isToday = at.toDateString() === new Date().toDateString();
  const day = isToday ? {} : { month: "short", day: "numeric" };
  return new Intl.DateTimeFormat(language, { ...day, hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(at);
}

const counted = (number, unit) =>
  new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }).format(number);
