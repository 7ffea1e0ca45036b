// How answers shall come: kept for this browser.
import { get } from "../../api.js";
import { html, useEffect, useState } from "../../html.js";
import { languageName, t } from "../../text.js";

const KEPT = "chat-choice";
const NOTHING_CHOSEN = { voice: null, language: null, aloud: true };

function kept() {
  try {
    return { ...NOTHING_CHOSEN, ...JSON.parse(localStorage.getItem(KEPT)) };
  } catch {
    return NOTHING_CHOSEN;
  }
}

/** Return what is chosen, how to change it, and what there is to choose from (null: not known yet). */
export function useChoice() {
  const [choice, setChoice] = useState(kept);
  const [offer, setOffer] = useState(null);
  useEffect(() => {
    const coming = new AbortController();
    // Without it one can still talk: everything is as the house has it.
    get("/api/chat", { signal: coming.signal }).then(setOffer, () => {});
    return () => coming.abort();
  }, []);
  const choose = (part) => {
    const chosen = { ...choice, ...part };
    localStorage.setItem(KEPT, JSON.stringify(chosen));
    setChoice(chosen);
  };
  // A voice that has gone is not asked for.
  const gone = offer && choice.voice && !offer.voices.some((voice) => voice.name === choice.voice);
  return { choice: gone ? { ...choice, voice: null } : choice, choose, offer };
}

export function Choices({ choice, choose, offer }) {
  const voices = (offer?.voices ?? []).filter(({ languages }) =>
    !choice.language || languages.some((tag) => bare(tag) === bare(choice.language)));
  const pick = (name) => (event) => choose({ [name]: event.currentTarget.value || null });
  return html`
    <div class="choices">
      <label>${t("chat-voice")}
        <select name="voice" value=${choice.voice ?? ""} disabled=${!choice.aloud} onChange=${pick("voice")}>
          <option value="">${t("chat-house-voice")}</option>
          ${voices.map((voice) => html`<option value=${voice.name}>${voice.title}</option>`)}
        </select>
      </label>
      <label>${t("language")}
        <select name="language" value=${choice.language ?? ""} onChange=${pick("language")}>
          <option value="">${t("chat-automatic")}</option>
          ${(offer?.languages ?? []).map((tag) => html`<option value=${tag}>${languageName(tag)}</option>`)}
        </select>
      </label>
      <label class="inline">
        <input type="checkbox" role="switch" name="aloud" checked=${choice.aloud}
          onChange=${(event) => choose({ aloud: event.currentTarget.checked })} /> ${t("chat-aloud")}
      </label>
    </div>`;
}

const bare = (tag) => tag.split("-")[0].toLowerCase();
