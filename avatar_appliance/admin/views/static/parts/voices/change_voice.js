// What the owner may change of a profile.
import { ask } from "../../api.js";
import { html, useState } from "../../html.js";
import { languageName, t } from "../../text.js";
import { Dialog } from "../dialog.js";
import { Trouble } from "../trouble.js";
import { useSending } from "../use_sending.js";
import { ConsentField, consentIn } from "./consent_field.js";
import { LanguagesField } from "./languages.js";

const TIERS = ["auto", "fast", "high-quality"];
const PURPOSES = ["answers", "announcements", "night-whisper"];

export function ChangeVoice({ voice, cloners, close }) {
  const [languages, setLanguages] = useState(voice.languages);
  const [agreed, setAgreed] = useState(voice.consent !== null);
  const [speed, setSpeed] = useState(voice.speed);
  const { error, busy, send } = useSending(close);

  const submit = (event) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const wanted = {
      name: fields.get("name"), languages, tier: fields.get("tier"), purpose: fields.get("purpose"), speed,
      transcript: fields.get("transcript"), transcript_language: fields.get("transcript_language"),
    };
    // Only what is otherwise: a change of the sound, or of the words, has the voice checked anew.
    const change = Object.fromEntries(
      Object.entries(wanted).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(voice[key])));
    const consent = consentIn(fields, agreed);
    const known = voice.consent && { given_by: voice.consent.given_by, purpose: voice.consent.purpose };
    if (JSON.stringify(consent) !== JSON.stringify(known)) change.consent = consent;
    send(async () => {
      if (Object.keys(change).length) await ask("PATCH", `/api/voices/${voice.id}`, { body: change });
    });
  };
  const choice = (name, options) => html`
    <label>${t(name)}
      <select name=${name}>
        ${options.map(([each, text]) => html`<option value=${each} selected=${voice[name] === each}>${text}</option>`)}
      </select>
    </label>`;

  return html`
    <${Dialog} title=${t("change-voice", { name: voice.name })} close=${close}>
      <form onSubmit=${submit}>
        <label>${t("name")} <input name="name" required maxlength="80" defaultValue=${voice.name} /></label>
        <${LanguagesField} cloners=${cloners} chosen=${languages} choose=${setLanguages} />
        <label>${t("transcript")}
          <textarea name="transcript" rows="3" maxlength="1000" defaultValue=${voice.transcript}></textarea>
          <small>${t("transcript-help")}</small>
        </label>
        <label>${t("transcript_language")}
          <select name="transcript_language">
            ${[...new Set([voice.transcript_language, ...languages])].map((tag) => html`
              <option value=${tag} selected=${tag === voice.transcript_language}>${languageName(tag)}</option>`)}
          </select>
        </label>
        ${choice("purpose", PURPOSES.map((each) => [each, t(`purpose-${each}`)]))}
        ${choice("tier", TIERS.map((each) => [each, t(`tier-${each}`)]))}
        <label>${t("speed")} (${speed}×)
          <input type="range" min="0.5" max="2" step="0.05" value=${speed} onInput=${(event) => setSpeed(Number(event.currentTarget.value))} />
        </label>
        <${ConsentField} agreed=${agreed} agree=${setAgreed} given=${voice.consent} />
        <${Trouble} error=${error} />
        <button type="submit" disabled=${!languages.length || busy} aria-busy=${busy}>${t("save")}</button>
      </form>
    <//>`;
}
