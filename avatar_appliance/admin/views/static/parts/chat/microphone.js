// The microphone of this device, as samples.
const RATE_HZ = 16_000; // what speech recognition hears anyway
// A voice in a room where the box may be speaking, unlike a recording to learn a voice from (parts/recorder.js).
const CLEAR = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
export const QUIET_DB = -60;

/** Browsers lend the microphone to pages that came encrypted, or from the machine itself. */
export const canListen = () => Boolean(navigator.mediaDevices?.getUserMedia && globalThis.AudioWorkletNode);

/** `hear` gets samples (Int16Array) and how loud they are in dB, until `close`. */
export class Microphone {
  /** Open it; throws what `getUserMedia` throws. */
  static async open() {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: CLEAR });
    const { context, source } = sourceOf(stream);
    const microphone = new Microphone(stream, context);
    try {
      await context.audioWorklet.addModule(new URL("./microphone_worklet.js", import.meta.url));
      const worklet = new AudioWorkletNode(context, "microphone", { numberOfOutputs: 0 });
      worklet.port.onmessage = ({ data }) => microphone.hear(data, loudness(data));
      source.connect(worklet);
    } catch (error) {
      microphone.close();
      throw error;
    }
    return microphone;
  }

  constructor(stream, context) {
    Object.assign(this, { stream, context, rate_hz: context.sampleRate, hear: () => {} });
  }

  close() {
    this.hear = () => {};
    this.stream.getTracks().forEach((track) => track.stop());
    if (this.context.state !== "closed") this.context.close();
  }
}

function sourceOf(stream) {
  const context = new AudioContext({ sampleRate: RATE_HZ });
  try {
    return { context, source: context.createMediaStreamSource(stream) };
  } catch {
    // Firefox does not resample a microphone; the box does.
    context.close();
    const own = new AudioContext();
    return { context: own, source: own.createMediaStreamSource(stream) };
  }
}

function loudness(samples) {
  const power = samples.reduce((sum, sample) => sum + (sample / 32768) ** 2, 0) / samples.length;
  return Math.max(QUIET_DB, 10 * Math.log10(power + 1e-9));
}
