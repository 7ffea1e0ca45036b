// Runs on the thread of the sound: hands on what the microphone hears, 20 ms at a time, as 16-bit samples.
class MicrophoneProcessor extends AudioWorkletProcessor {
  samples = new Int16Array(Math.round(sampleRate / 50));
  filled = 0;

  process([[channel]]) {
    for (const sample of channel ?? []) {
      this.samples[this.filled++] = Math.max(-1, Math.min(1, sample)) * 32767;
      if (this.filled === this.samples.length) {
        this.port.postMessage(this.samples);
        this.samples = new Int16Array(this.samples.length);
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("microphone", MicrophoneProcessor);
