// Which languages a voice shall speak.
import { html } from "../../html.js";
import { languageName, t } from "../../text.js";

const HOUSE = ["en", "zh-TW"];
const bare = (tag) => tag.toLowerCase().split("-")[0];

/** The house's languages, then what else the cloning workers speak, then what is chosen already. */
export function offered(cloners, chosen = []) {
  const tags = [...HOUSE];
  for (const tag of [...chosen, ...cloners.flatMap((cloner) => cloner.languages)]) {
    if (!tags.some((known) => known === tag || (bare(known) === bare(tag) && !chosen.includes(tag)))) tags.push(tag);
  }
  return tags;
}

export function LanguagesField({ cloners, chosen, choose }) {
  const toggle = (tag) => choose(chosen.includes(tag) ? chosen.filter((each) => each !== tag) : [...chosen, tag]);
  return html`
    <fieldset class="tags">
      <legend>${t("languages")}</legend>
      ${offered(cloners, chosen).map((tag) => html`
        <label class="inline" key=${tag}>
          <input type="checkbox" checked=${chosen.includes(tag)} onChange=${() => toggle(tag)} /> ${languageName(tag)}
        </label>`)}
    </fieldset>`;
}
