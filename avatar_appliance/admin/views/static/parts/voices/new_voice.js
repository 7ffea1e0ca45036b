// From a person who reads aloud to a profile.
import { ask } from "../../api.js";
import { html, useState } from "../../html.js";
import { language, t } from "../../text.js";
import { Dialog } from "../dialog.js";
import { SoundSource } from "../sound_source.js";
import { Trouble } from "../trouble.js";
import { useSending } from "../use_sending.js";
import { ConsentField, consentIn } from "./consent_field.js";
import { LanguagesField } from "./languages.js";
import { scriptIn } from "./script.js";

export function NewVoice({ cloners, close }) {
  const [languages, setLanguages] = useState([language]);
  const [sound, setSound] = useState(null);
  const [agreed, setAgreed] = useState(false);
  const { error, busy, send } = useSending(close);

  const submit = (event) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const profile = { name: fields.get("name"), languages, consent: consentIn(fields, agreed) };
    const form = new FormData();
    form.append("profile", JSON.stringify(profile));
    form.append("recording", sound);
    send(() => ask("POST", "/api/voices", { body: form }));
  };

  return html`
    <${Dialog} title=${t("add-voice")} close=${close}>
      <form onSubmit=${submit}>
        <label>${t("name")} <input name="name" required maxlength="80" autocomplete="off" /></label>
        <${LanguagesField} cloners=${cloners} chosen=${languages} choose=${setLanguages} />
        <${SoundSource} script=${scriptIn(languages[0])} take=${setSound} />
        <${ConsentField} agreed=${agreed} agree=${setAgreed} />
        <${Trouble} error=${error} />
        <button type="submit" disabled=${!sound || !languages.length || busy} aria-busy=${busy}>${t("make-voice")}</button>
        ${!sound && html`<small>${t("recording-first")}</small>`}
      </form>
    <//>`;
}
