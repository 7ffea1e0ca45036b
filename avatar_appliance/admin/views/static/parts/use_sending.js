// A form on its way to the box: busy, then done, or told what went wrong; nothing that was filled in is lost.
import { useState } from "../html.js";

/** Return `error`, `busy` and `send(work)`, which waits for `work()` and then calls `done`. */
export function useSending(done) {
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);

  const send = async (work) => {
    setBusy(true);
    setError(null);
    try {
      await work();
      done();
    } catch (trouble) {
      setError(trouble);
      setBusy(false);
    }
  };
  return { error, busy, send };
}
