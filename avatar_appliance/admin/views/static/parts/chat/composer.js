// Where a question is typed or spoken, and an answer is stopped.
import { html, useEffect, useState } from "../../html.js";
import { t } from "../../text.js";
import { canListen } from "./microphone.js";
import { TalkButton } from "./talk_button.js";

/** `chat` is what `useChat` returns, `choice` how answers shall come: part of each question. */
export function Composer({ chat, choice, most_chars }) {
  const [text, setText] = useState("");
  const [trouble, setTrouble] = useState(null);
  const listening = chat.turns.at(-1)?.state === "listening";
  const going = chat.busy || chat.sounding;

  useEffect(() => {
    const escape = (event) => event.key === "Escape" && chat.stop();
    addEventListener("keydown", escape);
    return () => removeEventListener("keydown", escape);
  });

  const send = (event) => {
    event.preventDefault();
    if (!text.trim()) return;
    setText("");
    chat.ask({ ...choice, text: text.trim() });
  };

  return html`
    <form class="composer" onSubmit=${send}>
      ${trouble && html`<p role="alert" class="trouble">${t(trouble)}</p>`}
      <div class="row">
        <${TalkButton} listening=${listening} interrupt=${chat.interrupt} failed=${setTrouble}
          ask=${(spoken, speech) => chat.ask({ ...choice, ...spoken }, speech)} />
        <input name="question" autocomplete="off" enterkeyhint="send" maxlength=${most_chars} value=${text}
          placeholder=${t("chat-question")} aria-label=${t("chat-question")}
          onInput=${(event) => setText(event.currentTarget.value)} />
        ${going && !text.trim()
          ? html`<button type="button" class="stop" onClick=${chat.stop}>■ ${t("stop")}</button>`
          : html`<button type="submit" disabled=${!text.trim()}>${t("chat-send")}</button>`}
      </div>
      ${!canListen() && html`<p class="hint"><small>${t("chat-microphone-needs-https")}</small></p>`}
    </form>`;
}
