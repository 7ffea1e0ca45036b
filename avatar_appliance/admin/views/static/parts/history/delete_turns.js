// Delete many turns: what a satellite heard, what a person said, what was said in a time.
import { ask } from "../../api.js";
import { html, useState } from "../../html.js";
import { t } from "../../text.js";
import { Dialog } from "../dialog.js";
import { Trouble } from "../trouble.js";
import { satelliteName } from "./names.js";

export function DeleteTurns({ satellites, people, close, deleted }) {
  const [wanted, setWanted] = useState({ satellite: "", speaker: "", since: "", until: "" });
  const [matching, setMatching] = useState(null); // how many turns; null: not counted yet
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const isGiven = Object.values(wanted).some(Boolean);

  const change = (key) => (event) => {
    setWanted({ ...wanted, [key]: event.currentTarget.value });
    setMatching(null);
  };
  const send = async (confirmed) => {
    const query = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value));
    for (const key of ["since", "until"]) if (wanted[key]) query.set(key, new Date(wanted[key]).toISOString());
    if (confirmed) query.set("confirm", "yes");
    setBusy(true);
    setError(null);
    try {
      await ask("DELETE", `/api/turns?${query}`);
      deleted();
    } catch (trouble) {
      setBusy(false);
      if (trouble.code === "confirmation-needed") setMatching(trouble.more.matching);
      else setError(trouble);
    }
  };
  const submit = (event) => {
    event.preventDefault();
    send(false);
  };
  const choice = (key, options) => html`
    <label>${t(key)}
      <select value=${wanted[key]} onChange=${change(key)}>
        <option value="">${t("any")}</option>
        ${options.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}
      </select>
    </label>`;
  const moment = (key, label) => html`
    <label>${t(label)} <input type="datetime-local" value=${wanted[key]} onInput=${change(key)} /></label>`;

  return html`
    <${Dialog} title=${t("delete-many")} close=${close}>
      <p>${t("delete-many-about")}</p>
      <form onSubmit=${submit}>
        ${choice("satellite", satellites.map((id) => [id, satelliteName(id)]))}
        ${choice("speaker", [...people])}
        <div class="grid">${moment("since", "since-when")} ${moment("until", "until-when")}</div>
        <${Trouble} error=${error} />
        ${matching === null && html`
          <button type="submit" disabled=${!isGiven || busy} aria-busy=${busy}>${t("count-first")}</button>`}
        ${matching === 0 && html`<p class="notice" role="status">${t("no-match")}</p>`}
        ${matching > 0 && html`
          <p class="notice" role="status">${t("delete-many-sure", { count: matching })}</p>
          <button type="button" class="stop" disabled=${busy} aria-busy=${busy} onClick=${() => send(true)}>
            ${t("delete-many-now", { count: matching })}</button>`}
      </form>
    <//>`;
}
