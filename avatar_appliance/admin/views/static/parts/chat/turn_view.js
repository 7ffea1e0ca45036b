// One question and its answer, and what there is to say about them.
import { html } from "../../html.js";
import { decimal, t } from "../../text.js";
import { Degraded } from "../history/degraded.js";
import { rejection } from "../history/outcome.js";
import { Trouble } from "../trouble.js";

export function TurnView({ turn }) {
  const waiting = turn.state === "listening" || turn.state === "thinking";
  return html`
    <li class="turn" data-state=${turn.state}>
      <p class="asked ${turn.question ? "" : "nothing"}">${turn.question || t(unheard(turn))}</p>
      ${(turn.answer || waiting) && turn.question !== null && html`
        <p class="answered ${turn.handled ? "" : "apology"}" aria-busy=${waiting}>${turn.answer || t("chat-thinking")}</p>`}
      ${turn.failures.map((failure) => html`<${Failure} failure=${failure} />`)}
      <${Facts} turn=${turn} />
    </li>`;
}

/** What stands where the question will. */
const unheard = ({ state }) => ({ listening: "chat-listening", stopped: "chat-stopped" })[state] ?? "chat-not-heard";

/** What a failure of a stage means for who asked. */
const Failure = ({ failure }) => html`
  <${Trouble} error=${{ ...failure, text: `${t(`chat-failed-${failure.stage}`)} ${failure.text}` }} />`;

function Facts({ turn }) {
  const { turn: kept, times } = turn.recorded ?? {};
  const stages = kept?.stages ?? [];
  const facts = [
    turn.state === "stopped" && turn.question !== null && t("chat-stopped"),
    stages.find((stage) => stage.kind === "think" && stage.worker)?.worker,
    kept?.voice,
    ...["transcript", "first_word", "first_sound"].map((name) => {
      const ms = (times ?? { first_sound_ms: kept?.answer_delay_ms })[`${name}_ms`];
      return ms != null && t(`chat-${name.replace("_", "-")}`, { seconds: decimal(Math.max(0, ms) / 1000) });
    }),
  ].filter(Boolean);
  return html`
    ${facts.length > 0 && html`<p class="facts"><small>${facts.join(" · ")}</small></p>`}
    ${kept?.rejected && html`<p class="facts"><small>${rejection(kept.rejected)}</small></p>`}
    <${Degraded} text=${kept?.degraded} />`;
}
