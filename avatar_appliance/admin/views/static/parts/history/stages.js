// What happened when, within a turn: a bar per stage, with the moment of its first output.
import { html } from "../../html.js";
import { languageName, t } from "../../text.js";
import { seconds } from "../quantity.js";
import { rejection } from "./outcome.js";

/** Actions and listening are parts of another stage. */
export function Stages({ turn }) {
  const ends = turn.stages.map((stage) => (stage.offset_ms ?? 0) + (stage.duration_ms ?? stage.first_output_ms ?? 0));
  const total_ms = Math.max(1, ...ends);
  return html`
    <ol class="stages">
      ${turn.stages.map((stage) => html`
        <li key=${stage.id} data-stage=${stage.kind} class=${stage.parent_id ? "part" : ""}>
          <b>${t(`stage-${stage.kind}`)}</b> <span>${times(stage)}</span>
          <${Bar} stage=${stage} total_ms=${total_ms} />
          <small>${facts(stage).join(" · ")}</small>
          ${stage.degraded && html`<small lang="en">${stage.degraded}</small>`}
          ${stage.error_code && html`<small class="state refused">${t("failed-with", { code: stage.error_code })}</small>`}
        </li>`)}
    </ol>`;
}

function Bar({ stage, total_ms }) {
  const percent = (milliseconds) => `${(100 * Math.max(0, milliseconds)) / total_ms}%`;
  const { offset_ms, duration_ms, first_output_ms } = stage;
  return html`
    <span class="track" aria-hidden="true">
      ${duration_ms !== null && html`
        <span class="span ${stage.kind}" style=${{ left: percent(offset_ms), width: percent(duration_ms) }}></span>`}
      ${first_output_ms !== null && html`<span class="mark" style=${{ left: percent(offset_ms + first_output_ms) }}></span>`}
    </span>`;
}

function times({ duration_ms, first_output_ms }) {
  const parts = [
    duration_ms === null ? t("outcome-in_progress") : seconds(duration_ms),
    first_output_ms !== null && t("first-output", { time: seconds(first_output_ms) }),
  ];
  return parts.filter(Boolean).join(", ");
}

function facts(stage) {
  const { detail, prompt_cache: cache } = stage;
  return [
    stage.worker,
    stage.voice,
    stage.language && languageName(stage.language),
    stage.cancelled && t("outcome-cancelled"),
    typeof detail.rejected === "string" && rejection(detail.rejected),
    detail.echo_cut && t("echo-cut"),
    typeof detail.tool === "string" && detail.tool,
    cache && t("prompt-cache", { percent: Math.round(100 * cache.hit_rate), tokens: cache.prompt_tokens }),
  ].filter(Boolean);
}
