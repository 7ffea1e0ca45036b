// Hear a voice say something.
import { ask } from "../../api.js";
import { html, useEffect, useState } from "../../html.js";
import { t } from "../../text.js";
import { Trouble } from "../trouble.js";

const SAMPLES = { zh: "晚安，廚房的燈已經關了。", en: "Good night, the kitchen lights are off." };

export function Listen({ voice }) {
  const [heard, setHeard] = useState(null);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => () => heard && URL.revokeObjectURL(heard), [heard]);

  const say = async (event) => {
    event.preventDefault();
    const text = new FormData(event.currentTarget).get("text");
    setBusy(true);
    setError(null);
    try {
      setHeard(URL.createObjectURL(await ask("POST", "/api/speech/say", { body: { text, voice: voice.id } })));
    } catch (trouble) {
      setError(trouble);
    }
    setBusy(false);
  };

  return html`
    <form class="listen" onSubmit=${say}>
      <fieldset role="group">
        <input name="text" required maxlength="300" aria-label=${t("what-to-say")}
          defaultValue=${SAMPLES[voice.languages[0].split("-")[0]] ?? SAMPLES.en} />
        <button type="submit" aria-busy=${busy} disabled=${busy}>${t("listen")}</button>
      </fieldset>
      <${Trouble} error=${error} />
      ${heard && html`<audio controls autoplay src=${heard}></audio>`}
    </form>`;
}
