// The coordinator's decisions as they are taken (Server-Sent Events), while somebody looks.
import { useEffect, useRef, useState } from "../../html.js";

/** A browser gives an event only to those who ask for its kind. */
export const KINDS = [
  "start", "ready", "stop", "stopped", "sleep", "asleep", "wake", "failed", "crashed", "grant", "degrade", "deny",
  "surprise", "shed", "residue", "guest-mode", "device", "wish", "canary",
];
const KEPT = 200;
const AGAIN_MS = 3000;
const SAME_MS = 50; // the box reckons the time of day anew for each answer

/**
 * Return the decisions since the page was opened, newest first, and whether the stream is "live" or "away".
 *
 * `changed` is called after each one, and whenever the stream begins: what was missed has to be asked for.
 */
export function useDecisions(changed) {
  const [taken, setTaken] = useState([]);
  const [stream, setStream] = useState("away");
  const tell = useRef(changed);
  tell.current = changed;

  useEffect(() => {
    let source = null;
    let timer = null;
    const take = (event) => {
      const decision = JSON.parse(event.data);
      setTaken((known) => [decision, ...known].slice(0, KEPT));
      tell.current();
    };
    const close = () => {
      clearTimeout(timer);
      source?.close();
      source = null;
    };
    const open = () => {
      close();
      source = new EventSource("/api/events");
      source.onopen = () => {
        setStream("live");
        tell.current();
      };
      source.onerror = () => {
        setStream("away");
        // The browser comes back by itself after a broken connection, but not after a refusal.
        if (source?.readyState === EventSource.CLOSED) timer = setTimeout(open, AGAIN_MS);
      };
      KINDS.forEach((kind) => source.addEventListener(kind, take));
    };
    const shown = () => (document.hidden ? close() : open()); // the box has few streams, and nobody looks
    document.addEventListener("visibilitychange", shown);
    shown();
    return () => {
      document.removeEventListener("visibilitychange", shown);
      close();
    };
  }, []);
  return { taken, stream };
}

/** Put what the stream brought together with what the box remembers, newest first. */
export function together(taken, remembered) {
  const isSame = (one) => (other) =>
    one.kind === other.kind && one.text === other.text && Math.abs(new Date(one.at) - new Date(other.at)) < SAME_MS;
  const more = taken.filter((one) => !remembered.some(isSame(one)));
  return [...more, ...remembered].sort((one, other) => new Date(other.at) - new Date(one.at));
}
