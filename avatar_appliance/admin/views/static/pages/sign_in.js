// Whoever has the owner's token comes in.
import { ask } from "../api.js";
import { html } from "../html.js";
import { Trouble } from "../parts/trouble.js";
import { useSending } from "../parts/use_sending.js";
import { t } from "../text.js";

export function SignIn({ done }) {
  const { error, busy, send } = useSending(done);

  const signIn = (event) => {
    event.preventDefault();
    const token = new FormData(event.currentTarget).get("token").trim();
    send(() => ask("POST", "/api/session", { token }));
  };

  return html`
    <article class="narrow">
      <h1>${t("sign-in")}</h1>
      <form onSubmit=${signIn}>
        <label>${t("owner-token")}
          <input name="token" type="password" autocomplete="current-password" required autofocus spellcheck=${false} />
          <small>${t("owner-token-help")}</small>
        </label>
        <${Trouble} error=${error} text=${error?.status === 401 ? t("wrong-token") : null} />
        <button type="submit" aria-busy=${busy} disabled=${busy}>${t("sign-in")}</button>
      </form>
    </article>`;
}
