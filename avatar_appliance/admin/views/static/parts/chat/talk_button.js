// The microphone's button: tap and talk until you pause, or hold it while you talk.
import { html, useEffect, useRef, useState } from "../../html.js";
import { t } from "../../text.js";
import { QUIET_DB, canListen } from "./microphone.js";
import { Speech } from "./speech.js";

const HOLD_MS = 350; // a touch that is longer than a tap

const after = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** `ask` gets what belongs into the question and its speech; `listening` is whether that still goes on. */
export function TalkButton({ listening, interrupt, ask, failed }) {
  const [level_db, setLevel] = useState(QUIET_DB);
  const [opening, setOpening] = useState(false);
  const speech = useRef(null);
  const release = useRef(null);
  const gone = useRef(false);
  useEffect(() => () => {
    gone.current = true;
    speech.current?.close();
  }, []);

  const begin = async (released) => {
    interrupt();
    failed(null);
    setOpening(true);
    setLevel(QUIET_DB);
    const isHeld = Promise.race([released.then(() => false), after(HOLD_MS).then(() => true)]);
    let mine;
    try {
      mine = speech.current = await Speech.begin(setLevel);
    } catch (error) {
      failed(error.name === "NotAllowedError" ? "chat-microphone-denied" : "chat-microphone-missing");
      return;
    } finally {
      setOpening(false);
    }
    if (gone.current) return mine.close();
    const held = await isHeld;
    if (held) released.then(() => mine.end());
    ask({ rate_hz: mine.rate_hz, patient: held }, mine);
  };

  const press = (event) => {
    if (event.button || opening) return;
    if (listening) return speech.current?.end();
    event.currentTarget.setPointerCapture(event.pointerId);
    begin(new Promise((done) => (release.current = done)));
  };
  // A keyboard has no way to hold: it taps.
  const click = (event) => {
    if (event.detail || opening) return;
    if (listening) return speech.current?.end();
    begin(Promise.resolve());
  };

  if (!canListen()) return null;
  return html`
    <button type="button" class="talk ${listening ? "stop" : ""}" aria-pressed=${listening} aria-busy=${opening}
      aria-label=${t(listening ? "chat-talk-end" : "chat-talk")} title=${t("chat-talk-help")}
      onPointerDown=${press} onPointerUp=${() => release.current?.()} onPointerCancel=${() => release.current?.()}
      onClick=${click} onContextMenu=${(event) => event.preventDefault()}>
      ${!opening && html`<${MicrophoneIcon} />`}
      ${listening && html`<meter min=${QUIET_DB} max="0" value=${level_db} aria-label=${t("level")}></meter>`}
    </button>`;
}

const MicrophoneIcon = () => html`
  <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2"
    stroke-linecap="round"><rect x="9" y="2" width="6" height="12" rx="3" fill="currentColor" /><path
      d="M5 11a7 7 0 0 0 14 0M12 18v4M8 22h8" /></svg>`;
