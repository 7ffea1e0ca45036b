// The sound of a question on its way to the box: one piece after the other, as large as they have become meanwhile.
import { ask } from "../../api.js";

const MOST_BYTES = 60_000; // a body has 64 KiB at most

export class SoundUpload {
  path = null;
  waiting = [];
  position = 0;
  ending = false;
  over = false;
  sending = false;

  failed = () => {};

  /** `listener` gets the error that ends it, if one does. */
  onFailed(listener) {
    this.failed = listener;
  }

  /** Say where it goes; what came before waits until then. */
  open(turn_id) {
    this.path = `/api/chat/${turn_id}/sound`;
    this.send();
  }

  add(samples) {
    if (this.ending || this.over) return;
    this.waiting.push(samples);
    this.send();
  }

  /** This was all. */
  end() {
    this.ending = true;
    this.send();
  }

  /** Nobody wants more of it. */
  close() {
    this.over = true;
    this.waiting = [];
  }

  async send() {
    if (this.sending || !this.path) return;
    this.sending = true;
    try {
      while (!this.over && (this.waiting.length || this.ending)) {
        const body = new Blob(this.take());
        const last = this.ending && !this.waiting.length;
        if (last) this.over = true;
        await ask("POST", `${this.path}?position=${this.position}&last=${last}`, { body });
        this.position += body.size;
      }
    } catch (error) {
      // The end of the question may be found, and the turn over, while a piece is under way.
      if (!this.over && error.code !== "turn-over") this.failed(error);
      this.close();
    }
    this.sending = false;
  }

  take() {
    const pieces = [];
    let bytes = 0;
    while (this.waiting.length && bytes + this.waiting[0].byteLength <= MOST_BYTES) {
      bytes += this.waiting[0].byteLength;
      pieces.push(this.waiting.shift());
    }
    return pieces;
  }
}
