// A profile that was exported, here or elsewhere.
import { ask } from "../../api.js";
import { html } from "../../html.js";
import { t } from "../../text.js";
import { Dialog } from "../dialog.js";
import { Trouble } from "../trouble.js";
import { useSending } from "../use_sending.js";

export function ImportVoice({ close }) {
  const { error, busy, send } = useSending(close);

  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    send(() => ask("POST", "/api/voices/import", { body: form }));
  };

  return html`
    <${Dialog} title=${t("import")} close=${close}>
      <form onSubmit=${submit}>
        <label>${t("exported-profile")} <input type="file" name="archive" accept=".zip" required /></label>
        <${Trouble} error=${error} />
        <button type="submit" aria-busy=${busy} disabled=${busy}>${t("import")}</button>
      </form>
    <//>`;
}
