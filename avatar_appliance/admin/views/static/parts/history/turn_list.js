// The turns of a filter.
import { html } from "../../html.js";
import { t } from "../../text.js";
import { Trouble } from "../trouble.js";
import { TurnCard } from "./turn_card.js";
import { useTurns } from "./use_turns.js";

/** Give it a `key` of the filter: another filter is another list. */
export function TurnList({ filter, people, narrow }) {
  const { turns, more, older, busy, error, drop } = useTurns(filter);
  return html`
    <${Trouble} error=${error} />
    ${!turns && !error && html`<p aria-busy="true">${t("loading")}</p>`}
    ${turns?.length === 0 && html`<p class="notice">${t(Object.keys(filter).length ? "no-match" : "no-turns")}</p>`}
    ${turns?.map((turn) => html`
      <${TurnCard} key=${turn.id} turn=${turn} people=${people} narrow=${narrow} drop=${drop} />`)}
    ${more && html`<button class="secondary" aria-busy=${busy} disabled=${busy} onClick=${older}>${t("older")}</button>`}`;
}
