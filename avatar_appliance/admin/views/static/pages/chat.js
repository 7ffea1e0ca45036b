// Talk with the box: typed or spoken, read and heard.
import { html, useEffect, useRef } from "../html.js";
import { Choices, useChoice } from "../parts/chat/choices.js";
import { Composer } from "../parts/chat/composer.js";
import { TurnView } from "../parts/chat/turn_view.js";
import { useChat } from "../parts/chat/use_chat.js";
import { Trouble } from "../parts/trouble.js";
import { t } from "../text.js";

export function Chat() {
  const chat = useChat();
  const { choice, choose, offer } = useChoice();
  const end = useRef(null);
  useEffect(() => {
    if (chat.turns.length) end.current.scrollIntoView({ block: "end" });
  }, [chat.turns, chat.error]);

  return html`
    <div class="title">
      <h1>${t("chat")}</h1>
      <button class="secondary outline" disabled=${!chat.turns.length} onClick=${chat.begin}>${t("chat-new")}</button>
    </div>
    <${Choices} choice=${choice} choose=${choose} offer=${offer} />
    ${chat.turns.length === 0 && html`<p>${t("chat-about")}</p>`}
    <ol class="turns" role="log">
      ${chat.turns.map((turn) => html`<${TurnView} key=${turn.key} turn=${turn} />`)}
    </ol>
    <${Trouble} error=${chat.error} />
    <${Composer} chat=${chat} choice=${choice} most_chars=${offer?.most_text_chars ?? 2000} />
    <div ref=${end}></div>`;
}
