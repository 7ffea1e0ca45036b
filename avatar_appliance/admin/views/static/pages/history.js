// What was said and answered. Nothing of it gets into the address of this page.
import { get } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { DeleteTurns } from "../parts/history/delete_turns.js";
import { Filters } from "../parts/history/filters.js";
import { TurnList } from "../parts/history/turn_list.js";
import { t } from "../text.js";

const LANGUAGES = ["en", "zh"]; // the box finds zh-TW by zh, too

/** The satellites and languages of the latest conversations, and the people who have a voice here: choices, no more. */
async function choices() {
  const [talks, voices] = await Promise.allSettled([get("/api/conversations?limit=200"), get("/api/voices")]);
  const items = talks.value?.items ?? [];
  const distinct = (values) => [...new Set(values.filter(Boolean))].sort();
  return {
    satellites: distinct(items.map((talk) => talk.satellite_id)),
    languages: distinct([...LANGUAGES, ...items.map((talk) => talk.language?.split("-")[0])]),
    people: new Map((voices.value?.items ?? []).map((voice) => [voice.id, voice.name])),
  };
}

export function History() {
  const [filter, setFilter] = useState({});
  const [known, setKnown] = useState({ satellites: [], languages: LANGUAGES, people: new Map() });
  const [isDeleting, setDeleting] = useState(false);
  const [round, setRound] = useState(0); // another one after a deletion
  useEffect(() => {
    let isCurrent = true;
    choices().then((found) => isCurrent && setKnown(found));
    return () => { isCurrent = false; };
  }, [round]);

  const deleted = () => {
    setDeleting(false);
    setRound(round + 1);
  };
  return html`
    <div class="title">
      <h1>${t("history")}</h1>
      <button class="danger outline" onClick=${() => setDeleting(true)}>${t("delete-many")}</button>
    </div>
    <p>${t("history-about")}</p>
    <${Filters} key=${filter.conversation} filter=${filter} satellites=${known.satellites} languages=${known.languages}
      choose=${setFilter} />
    <${TurnList} key=${`${round} ${JSON.stringify(filter)}`} filter=${filter} people=${known.people}
      narrow=${(conversation) => setFilter({ conversation })} />
    ${isDeleting && html`<${DeleteTurns} satellites=${known.satellites} people=${known.people}
      close=${() => setDeleting(false)} deleted=${deleted} />`}`;
}
