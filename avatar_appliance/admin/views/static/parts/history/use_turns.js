// Turns, newest first: the newest page again and again, older ones when somebody asks for them.
import { get } from "../../api.js";
import { useEffect, useState } from "../../html.js";
import { usePolled } from "../use_polled.js";

const PAGE = 20;
const LOOK_MS = 5000;

/** The filter goes into a request, never into the address of the page: it may be what somebody said. */
function address(filter, cursor) {
  const given = Object.entries({ ...filter, limit: PAGE, cursor }).filter(([, value]) => value);
  return `/api/turns?${new URLSearchParams(given)}`;
}

/** Put the newest page before what is known of older ones. */
function joined(page, known) {
  if (page.next_cursor === null) return { items: page.items, cursor: null }; // that is all there is
  const at = known ? known.items.findIndex((turn) => turn.id === page.items.at(-1)?.id) : -1;
  const older = at < 0 ? [] : known.items.slice(at + 1);
  return { items: [...page.items, ...older], cursor: older.length ? known.cursor : page.next_cursor };
}

/** Return `turns` (null until they are there), whether there is `more`, `older` to get it, `drop` for what was deleted. */
export function useTurns(filter) {
  const { data, error, look } = usePolled(address(filter), () => LOOK_MS);
  const [known, setKnown] = useState(null);
  const [trouble, setTrouble] = useState(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (data) setKnown((before) => joined(data, before));
  }, [data]);

  const older = async () => {
    setBusy(true);
    setTrouble(null);
    try {
      const page = await get(address(filter, known.cursor));
      setKnown((before) => ({
        items: [...before.items, ...page.items.filter((turn) => !before.items.some((each) => each.id === turn.id))],
        cursor: page.next_cursor,
      }));
    } catch (failed) {
      setTrouble(failed);
    }
    setBusy(false);
  };
  const drop = (isGone) => {
    setKnown((before) => ({ ...before, items: before.items.filter((turn) => !isGone(turn)) }));
    look();
  };
  return { turns: known?.items ?? null, more: Boolean(known?.cursor), older, busy, error: trouble ?? error, drop };
}
