// Whose voice it is, and what they allow it for.
import { html } from "../../html.js";
import { t } from "../../text.js";

/** `given` is a consent on record, or null; the fields are called `given_by` and `given_for`. */
export function ConsentField({ agreed, agree, given = null }) {
  return html`
    <fieldset>
      <legend>${t("consent")}</legend>
      <label>
        <input type="checkbox" checked=${agreed} onChange=${() => agree(!agreed)} /> ${t("consent-agreed")}
      </label>
      ${agreed
        ? html`
          <label>${t("given-by")}
            <input name="given_by" required maxlength="300" defaultValue=${given?.given_by ?? ""} />
          </label>
          <label>${t("given-for")}
            <input name="given_for" required maxlength="300" defaultValue=${given?.purpose ?? t("given-for-default")} />
          </label>`
        : html`<small>${t("consent-missing")}</small>`}
    </fieldset>`;
}

/** Return what the fields say, as the API takes it; null without agreement. */
export const consentIn = (fields, agreed) =>
  agreed ? { given_by: fields.get("given_by"), purpose: fields.get("given_for") } : null;
