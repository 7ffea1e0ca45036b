// A question while it is spoken: from the microphone to the box.
import { Microphone } from "./microphone.js";
import { SoundUpload } from "./sound_upload.js";

export class Speech {
  /** Begin to listen; `level` gets how loud it is. Throws what `getUserMedia` throws. */
  static async begin(level) {
    return new Speech(await Microphone.open(), level);
  }

  constructor(microphone, level) {
    this.upload = new SoundUpload();
    this.microphone = microphone;
    this.rate_hz = microphone.rate_hz;
    microphone.hear = (samples, level_db) => {
      this.upload.add(samples);
      level(level_db);
    };
  }

  /** The question is complete. */
  end() {
    this.upload.end();
    this.microphone.close();
  }

  /** It was heard, or nobody wants to hear it. */
  close() {
    this.upload.close();
    this.microphone.close();
  }
}
