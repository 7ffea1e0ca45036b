// Record a voice from the microphone of this device.
import { html, useEffect, useRef, useState } from "../html.js";
import { decimal, t } from "../text.js";

const MOST_S = 90; // the box takes 120 s at most
const KINDS = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
// Nothing between the voice and us: what phones do to make calls clear is what makes a voice sound like a phone.
const PLAIN = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
const QUIET_DB = -60;
const LOUD_DB = -3;

/** Browsers lend the microphone to pages that came encrypted, or from the machine itself. */
export const canRecord = () => Boolean(navigator.mediaDevices?.getUserMedia && globalThis.MediaRecorder);

/** Shows `script` to read aloud; `take` gets a Blob, or null when there is none any more. */
export function Recorder({ script, take }) {
  const [state, setState] = useState("idle"); // asking, recording, done
  const [elapsed_s, setElapsed] = useState(0);
  const [level_db, setLevel] = useState(QUIET_DB);
  const [trouble, setTrouble] = useState(null);
  const [heard, setHeard] = useState(null);
  const running = useRef(null);

  const stop = () => {
    const now = running.current;
    running.current = null;
    if (!now) return;
    clearInterval(now.timer);
    if (now.recorder.state !== "inactive") now.recorder.stop();
    now.stream.getTracks().forEach((track) => track.stop());
    now.context.close();
  };
  useEffect(() => stop, []);
  useEffect(() => () => heard && URL.revokeObjectURL(heard), [heard]);

  const start = async () => {
    setTrouble(null);
    setHeard(null);
    take(null);
    setState("asking");
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: PLAIN });
    } catch (error) {
      setTrouble(error.name === "NotAllowedError" ? "microphone-denied" : "microphone-missing");
      setState("idle");
      return;
    }
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const recorder = new MediaRecorder(stream, {
      mimeType: KINDS.find((kind) => MediaRecorder.isTypeSupported(kind)), audioBitsPerSecond: 192_000,
    });
    const parts = [];
    recorder.ondataavailable = (event) => parts.push(event.data);
    recorder.onstop = () => {
      const sound = new Blob(parts, { type: recorder.mimeType });
      setState("done");
      setHeard(URL.createObjectURL(sound));
      take(sound);
    };
    const began = performance.now();
    const timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      setLevel(Math.max(QUIET_DB, 10 * Math.log10(power + 1e-9)));
      const seconds = (performance.now() - began) / 1000;
      setElapsed(seconds);
      if (seconds >= MOST_S) stop();
    }, 100);
    running.current = { recorder, stream, context, timer };
    recorder.start();
    setElapsed(0);
    setState("recording");
  };

  if (!canRecord()) return html`<p class="notice">${t("microphone-needs-https")}</p>`;
  const recording = state === "recording";
  return html`
    <div class="recorder">
      ${script && html`<blockquote class="script">${script}</blockquote>`}
      <div class="row">
        ${recording
          ? html`<button type="button" class="stop" onClick=${stop}>■ ${t("stop")}</button>`
          : html`<button type="button" onClick=${start} aria-busy=${state === "asking"}>
              ● ${t(state === "done" ? "record-again" : "record")}</button>`}
        <output>${decimal(elapsed_s, 0)} s</output>
        ${recording && html`
          <meter min=${QUIET_DB} max="0" low="-45" high=${LOUD_DB} optimum="-20" value=${level_db}
            aria-label=${t("level")}></meter>`}
      </div>
      ${recording && html`<p class="hint">${t(elapsed_s < 20 ? "read-on" : "long-enough")}</p>`}
      ${heard && html`<audio controls src=${heard}></audio>`}
      ${trouble && html`<p role="alert" class="trouble">${t(trouble)}</p>`}
    </div>`;
}
