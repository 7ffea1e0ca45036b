// Another recording for a profile that there is.
import { ask } from "../../api.js";
import { html, useState } from "../../html.js";
import { t } from "../../text.js";
import { Dialog } from "../dialog.js";
import { SoundSource } from "../sound_source.js";
import { Trouble } from "../trouble.js";
import { useSending } from "../use_sending.js";
import { scriptIn } from "./script.js";

export function RecordAgain({ voice, close }) {
  const [sound, setSound] = useState(null);
  const { error, busy, send } = useSending(close);

  const submit = (event) => {
    event.preventDefault();
    const form = new FormData();
    form.append("recording", sound);
    send(() => ask("PUT", `/api/voices/${voice.id}/recording`, { body: form }));
  };

  return html`
    <${Dialog} title=${t("record-voice-again", { name: voice.name })} close=${close}>
      <form onSubmit=${submit}>
        <${SoundSource} script=${scriptIn(voice.transcript_language)} take=${setSound} />
        <${Trouble} error=${error} />
        <button type="submit" disabled=${!sound || busy} aria-busy=${busy}>${t("take-recording")}</button>
      </form>
    <//>`;
}
