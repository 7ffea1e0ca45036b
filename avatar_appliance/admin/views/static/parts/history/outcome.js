// How a turn ended, in words.
import { t } from "../../text.js";

const REASONS = new Set([
  "echo", "no-speech", "no-speech-by-model", "unsure", "repetition", "noise-mark", "known-invention",
]);
const COLOURS = {
  ok: "ready", heard: "ready", spoken: "ready", failed: "refused", rejected: "calm", silent: "calm", cancelled: "calm",
};

/** Return what a turn came to: its status, or for one that went well what of it there was. */
export function outcome(turn) {
  if (turn.status !== "ok") return turn.status;
  if (turn.rejected) return "rejected";
  if (!turn.transcript) return turn.answer ? "spoken" : "silent"; // an announcement was never asked for
  return turn.answer ? "ok" : "heard";
}

export const outcomeColour = (word) => COLOURS[word] ?? "";

/** Return why nothing was answered. */
export const rejection = (reason) => (REASONS.has(reason) ? t(`rejected-${reason}`) : reason);
