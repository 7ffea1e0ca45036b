// Plays sound while the rest of it still arrives.
const AHEAD_S = 0.08; // what the first piece waits, so that the second is there in time

export class Speaker {
  context = null;
  playing = new Set();
  next_s = 0;

  /** `changed` gets whether anything is heard. */
  constructor(changed) {
    this.changed = changed;
  }

  /** Browsers make no sound before somebody touched the page: to be called when that happens. */
  wake() {
    this.context ??= new AudioContext();
    if (this.context.state === "suspended") this.context.resume();
  }

  /** Play 16-bit samples (in Base64) after what came before. */
  play(rate_hz, pcm) {
    this.wake();
    const bytes = Uint8Array.from(atob(pcm), (character) => character.charCodeAt(0));
    const samples = new Int16Array(bytes.buffer, 0, bytes.length >> 1);
    if (!samples.length) return;
    const buffer = this.context.createBuffer(1, samples.length, rate_hz);
    buffer.copyToChannel(Float32Array.from(samples, (sample) => sample / 32768), 0);
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.context.destination);
    source.onended = () => this.forget(source);
    this.next_s = Math.max(this.next_s, this.context.currentTime + AHEAD_S);
    source.start(this.next_s);
    this.next_s += buffer.duration;
    this.playing.add(source);
    this.changed(true);
  }

  /** Be silent at once. */
  stop() {
    for (const source of this.playing) {
      source.onended = null;
      source.stop();
    }
    this.playing.clear();
    this.next_s = 0;
    this.changed(false);
  }

  close() {
    this.stop();
    this.context?.close();
    this.context = null;
  }

  forget(source) {
    this.playing.delete(source);
    if (!this.playing.size) this.changed(false);
  }
}
