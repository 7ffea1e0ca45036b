// One voice: how far it is, how it sounds, and what can be done with it.
import { ask } from "../../api.js";
import { html, useState } from "../../html.js";
import { dateTime, decimal, languageName, t } from "../../text.js";
import { Remarks } from "../remarks.js";
import { Reason, Trouble } from "../trouble.js";
import { ChangeVoice } from "./change_voice.js";
import { Listen } from "./listen.js";
import { RecordAgain } from "./record_again.js";

const UNFINISHED = new Set(["recorded", "checking", "cloning"]);

export function VoiceCard({ voice, cloners, changed }) {
  const [open, setOpen] = useState(null); // "change" or "record"
  const [error, setError] = useState(null);
  const path = `/api/voices/${voice.id}`;

  const run = async (method, suffix = "", body) => {
    setError(null);
    try {
      await ask(method, path + suffix, { body });
    } catch (trouble) {
      setError(trouble);
    }
    changed();
  };
  const close = () => {
    setOpen(null);
    changed();
  };
  const remove = () => confirm(t("delete-voice", { name: voice.name })) && run("DELETE");

  return html`
    <article class="voice" data-voice=${voice.id} data-state=${voice.state}>
      <header>
        <h2>${voice.name} ${voice.is_default && html`<span title=${t("is-default")}>★</span>`}</h2>
        <span class="state ${voice.state}" aria-busy=${UNFINISHED.has(voice.state)}>${t(`state-${voice.state}`)}</span>
      </header>
      <p class="facts">
        ${voice.languages.map(languageName).join(", ")} · ${t(`purpose-${voice.purpose}`)}
        ${voice.trial?.score != null && html` · <b>${t("score", { score: voice.trial.score })}</b>`}
      </p>
      <${Reason} reason=${voice.reason} />
      <${Remarks} remarks=${voice.remarks} />
      <${Trial} trial=${voice.trial} />
      <details>
        <summary>${t("what-is-learned-from", { seconds: decimal(voice.reference_s) })}</summary>
        <audio controls preload="none" src="${path}/reference.wav?version=${voice.version}"></audio>
        ${voice.transcript && html`<blockquote lang=${voice.transcript_language}>${voice.transcript}</blockquote>`}
        ${voice.consent && html`
          <p><small>${t("consent-given", { by: voice.consent.given_by, at: dateTime(voice.consent.at) })} ${voice.consent.purpose}</small></p>`}
      </details>
      ${voice.is_voice && html`<${Listen} voice=${voice} />`}
      <${Trouble} error=${error} />
      <footer class="row">
        <button class="secondary outline" onClick=${() => setOpen("change")}>${t("change")}</button>
        <button class="secondary outline" onClick=${() => setOpen("record")}>${t("record-again")}</button>
        ${!voice.is_default && html`<button class="secondary outline" onClick=${() => run("POST", "/default")}>${t("make-default")}</button>`}
        <button class="secondary outline" onClick=${() => run("POST", "/check")}>${t("check-again")}</button>
        <a role="button" class="secondary outline" href="${path}/export" download>${t("export")}</a>
        <button class="danger outline" onClick=${remove}>${t("delete")}</button>
      </footer>
      ${open === "change" && html`<${ChangeVoice} voice=${voice} cloners=${cloners} close=${close} />`}
      ${open === "record" && html`<${RecordAgain} voice=${voice} close=${close} />`}
    </article>`;
}

function Trial({ trial }) {
  if (!trial) return null;
  const parts = [
    trial.error_percent != null && t("trial-words", { percent: decimal(trial.error_percent) }),
    trial.similarity != null && t("trial-similarity", { similarity: decimal(trial.similarity, 2) }),
  ].filter(Boolean);
  return parts.length > 0 && html`<p class="facts"><small>${t("trial")} ${parts.join(", ")}</small></p>`;
}
