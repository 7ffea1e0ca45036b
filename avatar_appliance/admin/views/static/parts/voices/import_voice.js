// A profile that was exported, here or elsewhere.
import { ask } from "../../api.js";
import { html, useState } from "../../html.js";
import { t } from "../../text.js";
import { Dialog } from "../dialog.js";
import { Trouble } from "../trouble.js";

export function ImportVoice({ close }) {
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);

  const send = async (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setError(null);
    try {
      await ask("POST", "/api/voices/import", { body: form });
      close();
    } catch (trouble) {
      setError(trouble);
      setBusy(false);
    }
  };

  return html`
    <${Dialog} title=${t("import")} close=${close}>
      <form onSubmit=${send}>
        <label>${t("exported-profile")} <input type="file" name="archive" accept=".zip" required /></label>
        <${Trouble} error=${error} />
        <button type="submit" aria-busy=${busy} disabled=${busy}>${t("import")}</button>
      </form>
    <//>`;
}
