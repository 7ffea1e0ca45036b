// One turn: who said what where, what was answered, how soon, and how it sounded.
import { ask } from "../../api.js";
import { html, useState } from "../../html.js";
import { dateTime, languageName, t } from "../../text.js";
import { seconds } from "../quantity.js";
import { Trouble } from "../trouble.js";
import { Degraded } from "./degraded.js";
import { satelliteName, speakerName } from "./names.js";
import { outcome, outcomeColour, rejection } from "./outcome.js";
import { TurnDetails } from "./turn_details.js";

export function TurnCard({ turn, people, narrow, drop }) {
  const [isOpen, setOpen] = useState(false);
  const [error, setError] = useState(null);
  const came = outcome(turn);
  const where = turn.satellite_id ? satelliteName(turn.satellite_id) : turn.device_id;

  const remove = async () => {
    if (!confirm(t("delete-turn-sure"))) return;
    setError(null);
    try {
      await ask("DELETE", `/api/turns/${turn.id}`);
      drop((each) => each.id === turn.id);
    } catch (trouble) {
      setError(trouble);
    }
  };

  return html`
    <article class="turn" data-turn=${turn.id} data-outcome=${came}>
      <header>
        <p>
          <time datetime=${turn.started_at}>${dateTime(turn.started_at)}</time>
          ${where && html` · <span title=${turn.satellite_id}>${where}</span>`}
          ${turn.speaker && html` · <b>${speakerName(turn.speaker, people)}</b>`}
        </p>
        <span class="state ${outcomeColour(came)}" aria-busy=${came === "in_progress"}>${t(`outcome-${came}`)}</span>
      </header>
      ${turn.transcript && html`<${Words} label="heard" text=${turn.transcript} language=${turn.language} />`}
      ${turn.rejected && html`<p data-rejected=${turn.rejected}><small>${rejection(turn.rejected)}</small></p>`}
      ${turn.audio_in && html`<${Sound} label="play-heard" recording=${turn.audio_in} />`}
      ${turn.answer && html`<${Words} label=${turn.transcript ? "answered" : "said"} text=${turn.answer} language=${turn.language} />`}
      ${turn.audio_out.map((recording) => html`<${Sound} key=${recording.url} label="play-answered" recording=${recording} />`)}
      ${turn.error_code && html`<p class="trouble">${t("failed-with", { code: turn.error_code })}</p>`}
      <${Degraded} text=${turn.degraded} />
      <p class="facts"><small>${facts(turn).join(" · ")}</small></p>
      <${Trouble} error=${error} />
      <details onToggle=${(event) => setOpen(event.currentTarget.open)}>
        <summary>${t("details")}</summary>
        ${isOpen && html`<${TurnDetails} turn=${turn} narrow=${narrow} drop=${drop} />`}
        <p class="row"><button class="danger outline" onClick=${remove}>${t("delete-turn")}</button></p>
      </details>
    </article>`;
}

const Words = ({ label, text, language }) => html`
  <p class="utterance ${label === "heard" ? "" : "ours"}"><small>${t(label)}</small> <q lang=${language}>${text}</q></p>`;

const Sound = ({ label, recording }) => html`
  <audio controls preload="none" src=${recording.url} aria-label=${t(label)}></audio>`;

function facts(turn) {
  return [
    turn.answer_delay_ms !== null && t("first-sound", { time: seconds(turn.answer_delay_ms) }),
    turn.duration_ms !== null && t("in-all", { time: seconds(turn.duration_ms) }),
    turn.language && languageName(turn.language),
    turn.voice && t("voice-was", { voice: turn.voice }),
  ].filter(Boolean);
}
