// A turn with its stages; fetched when somebody wants to see them.
import { ask, get } from "../../api.js";
import { html, useEffect, useState } from "../../html.js";
import { t } from "../../text.js";
import { Trouble } from "../trouble.js";
import { Stages } from "./stages.js";

/** `narrow` shows the turn's conversation only; `drop` gets a test for what was deleted. */
export function TurnDetails({ turn, narrow, drop }) {
  const [whole, setWhole] = useState(null);
  const [error, setError] = useState(null);
  const conversation = turn.conversation_id;

  useEffect(() => {
    let isCurrent = true;
    get(`/api/turns/${turn.id}`).then(
      (found) => isCurrent && setWhole(found), (trouble) => isCurrent && setError(trouble));
    return () => { isCurrent = false; };
  }, [turn.id, turn.ended_at]);

  const removeConversation = async () => {
    if (!confirm(t("delete-conversation-sure"))) return;
    try {
      await ask("DELETE", `/api/conversations/${encodeURIComponent(conversation)}`);
      drop((each) => each.conversation_id === conversation);
    } catch (trouble) {
      setError(trouble);
    }
  };

  return html`
    <${Trouble} error=${error} />
    ${!whole && !error && html`<p aria-busy="true">${t("loading")}</p>`}
    ${whole && html`<${Stages} turn=${whole} />`}
    ${conversation && html`
      <p class="row">
        <button class="secondary outline" onClick=${() => narrow(conversation)}>${t("whole-conversation")}</button>
        <button class="danger outline" onClick=${removeConversation}>${t("delete-conversation")}</button>
      </p>`}`;
}
