// Another recording for a profile that there is.
import { ask } from "../../api.js";
import { html, useState } from "../../html.js";
import { t } from "../../text.js";
import { Dialog } from "../dialog.js";
import { SoundSource } from "../sound_source.js";
import { Trouble } from "../trouble.js";
import { scriptIn } from "./script.js";

export function RecordAgain({ voice, close }) {
  const [sound, setSound] = useState(null);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);

  const send = async (event) => {
    event.preventDefault();
    const form = new FormData();
    form.append("recording", sound);
    setBusy(true);
    setError(null);
    try {
      await ask("PUT", `/api/voices/${voice.id}/recording`, { body: form });
      close();
    } catch (trouble) {
      setError(trouble);
      setBusy(false);
    }
  };

  return html`
    <${Dialog} title=${t("record-voice-again", { name: voice.name })} close=${close}>
      <form onSubmit=${send}>
        <${SoundSource} script=${scriptIn(voice.transcript_language)} take=${setSound} />
        <${Trouble} error=${error} />
        <button type="submit" disabled=${!sound || busy} aria-busy=${busy}>${t("take-recording")}</button>
      </form>
    <//>`;
}
