// From a person who reads aloud to a profile.
import { ask } from "../../api.js";
import { html, useState } from "../../html.js";
import { language, t } from "../../text.js";
import { Dialog } from "../dialog.js";
import { SoundSource } from "../sound_source.js";
import { Trouble } from "../trouble.js";
import { LanguagesField } from "./languages.js";
import { scriptIn } from "./script.js";

export function NewVoice({ cloners, close }) {
  const [languages, setLanguages] = useState([language]);
  const [sound, setSound] = useState(null);
  const [agreed, setAgreed] = useState(false);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);

  const send = async (event) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const profile = { name: fields.get("name"), languages };
    if (agreed) profile.consent = { given_by: fields.get("given_by"), purpose: fields.get("purpose") };
    const form = new FormData();
    form.append("profile", JSON.stringify(profile));
    form.append("recording", sound);
    setBusy(true);
    setError(null);
    try {
      await ask("POST", "/api/voices", { body: form });
      close();
    } catch (trouble) {
      setError(trouble);
      setBusy(false);
    }
  };

  return html`
    <${Dialog} title=${t("add-voice")} close=${close}>
      <form onSubmit=${send}>
        <label>${t("name")} <input name="name" required maxlength="80" autocomplete="off" /></label>
        <${LanguagesField} cloners=${cloners} chosen=${languages} choose=${setLanguages} />
        <${SoundSource} script=${scriptIn(languages[0])} take=${setSound} />
        <fieldset>
          <legend>${t("consent")}</legend>
          <label>
            <input type="checkbox" checked=${agreed} onChange=${() => setAgreed(!agreed)} /> ${t("consent-agreed")}
          </label>
          ${agreed
            ? html`
              <label>${t("given-by")} <input name="given_by" required maxlength="300" /></label>
              <label>${t("given-for")} <input name="purpose" required maxlength="300" defaultValue=${t("given-for-default")} /></label>`
            : html`<small>${t("consent-missing")}</small>`}
        </fieldset>
        <${Trouble} error=${error} />
        <button type="submit" disabled=${!sound || !languages.length || busy} aria-busy=${busy}>${t("make-voice")}</button>
        ${!sound && html`<small>${t("recording-first")}</small>`}
      </form>
    <//>`;
}
