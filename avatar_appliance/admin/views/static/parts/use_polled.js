// Data that is asked for again and again while somebody looks at it.
import { get } from "../api.js";
import { useCallback, useEffect, useRef, useState } from "../html.js";

/** Return data, error and a function to look at once; `interval_ms(data)` says how long to wait after each answer. */
export function usePolled(path, interval_ms) {
  const [data, setData] = useState(null);
  const [error, setError] = useState(null);
  const timer = useRef(null);
  const going = useRef(null);

  const look = useCallback(async () => {
    clearTimeout(timer.current);
    going.current?.abort();
    const mine = (going.current = new AbortController());
    let found = null;
    try {
      found = await get(path, { signal: mine.signal });
      setData(found);
      setError(null);
    } catch (trouble) {
      if (mine.signal.aborted) return;
      setError(trouble);
    }
    if (mine.signal.aborted) return;
    // A page that nobody sees asks for nothing.
    if (!document.hidden) timer.current = setTimeout(look, interval_ms(found));
  }, [path]);

  useEffect(() => {
    const shown = () => !document.hidden && look();
    document.addEventListener("visibilitychange", shown);
    look();
    return () => {
      document.removeEventListener("visibilitychange", shown);
      clearTimeout(timer.current);
      going.current?.abort();
    };
  }, [look]);
  return { data, error, look };
}
