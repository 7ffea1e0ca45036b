// Where a recording comes from: the microphone, or a file.
import { html, useState } from "../html.js";
import { t } from "../text.js";
import { Recorder, canRecord } from "./recorder.js";

/** `take` gets a Blob or a File, or null; `script` is what to read aloud. */
export function SoundSource({ script, take }) {
  const [from, setFrom] = useState(canRecord() ? "microphone" : "file");
  const choose = (event) => {
    setFrom(event.currentTarget.value);
    take(null);
  };
  return html`
    <fieldset>
      <legend>${t("recording")}</legend>
      ${["microphone", "file"].map((each) => html`
        <label class="inline">
          <input type="radio" name="from" value=${each} checked=${from === each} onChange=${choose} /> ${t(`from-${each}`)}
        </label>`)}
    </fieldset>
    ${from === "microphone"
      ? html`<${Recorder} script=${script} take=${take} />`
      : html`
        <label>${t("sound-file")}
          <input type="file" accept="audio/*,video/webm,.m4a,.ogg,.flac" name="file"
            onChange=${(event) => take(event.currentTarget.files[0] ?? null)} />
          <small>${t("sound-file-help")}</small>
        </label>`}`;
}
