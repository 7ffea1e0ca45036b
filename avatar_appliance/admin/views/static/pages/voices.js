// The voices of the household: what there is, how far it is, and another one.
import { html, useState } from "../html.js";
import { Reason, Trouble } from "../parts/trouble.js";
import { usePolled } from "../parts/use_polled.js";
import { ImportVoice } from "../parts/voices/import_voice.js";
import { NewVoice } from "../parts/voices/new_voice.js";
import { VoiceCard } from "../parts/voices/voice_card.js";
import { t } from "../text.js";

const UNFINISHED = new Set(["recorded", "checking", "cloning"]);
const BUSY_MS = 1000;
const CALM_MS = 10_000;

export function Voices() {
  const { data, error, look } = usePolled("/api/voices", (list) =>
    list?.items.some((voice) => UNFINISHED.has(voice.state)) ? BUSY_MS : CALM_MS);
  const [open, setOpen] = useState(null); // "new" or "import"
  const close = () => {
    setOpen(null);
    look();
  };

  return html`
    <div class="title">
      <h1>${t("voices")}</h1>
      <div class="row">
        <button onClick=${() => setOpen("new")}>${t("add-voice")}</button>
        <button class="secondary outline" onClick=${() => setOpen("import")}>${t("import")}</button>
      </div>
    </div>
    <p>${t("voices-about")}</p>
    <${Trouble} error=${error} />
    <${Reason} reason=${data?.reason} />
    ${data?.items.map((voice) => html`
      <${VoiceCard} key=${voice.id} voice=${voice} cloners=${data.cloners} changed=${look} />`)}
    ${data?.items.length === 0 && html`<p class="notice">${t("no-voices")}</p>`}
    ${!data && !error && html`<p aria-busy="true"></p>`}
    ${open === "new" && html`<${NewVoice} cloners=${data?.cloners ?? []} close=${close} />`}
    ${open === "import" && html`<${ImportVoice} close=${close} />`}`;
}
