// What happens in the talk: one question at a time, and a new one ends the one before.
import { stream } from "../../api.js";
import { useEffect, useRef, useState } from "../../html.js";
import { conversation, earlierTurns, keepConversation, leaveConversation, newTurn } from "./conversation.js";
import { Speaker } from "./speaker.js";

/** What happens to a turn when an event of `/api/chat` comes. */
const AFTER = {
  heard: (turn, { text }) => ({ ...turn, state: text ? "thinking" : "over", question: text }),
  piece: (turn, { text }) => ({ ...turn, state: "answering", answer: turn.answer + text }),
  answered: (turn, { handled }) => ({ ...turn, handled }),
  failed: (turn, failure) => ({ ...turn, failures: [...turn.failures, failure] }),
  ended: (turn) => ({ ...turn, state: "over" }),
  recorded: (turn, recorded) => ({ ...turn, recorded }),
};

export function useChat() {
  const [turns, setTurns] = useState([]);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const [sounding, setSounding] = useState(false);
  const speaker = useRef(null);
  speaker.current ??= new Speaker(setSounding);
  const running = useRef(null);

  const change = (key, how) => setTurns((all) => all.map((turn) => (turn.key === key ? how(turn) : turn)));

  const stop = () => {
    speaker.current.stop();
    running.current?.abort();
    running.current = null;
    setBusy(false);
  };
  useEffect(() => {
    const coming = new AbortController();
    earlierTurns(coming.signal).then((earlier) => setTurns((all) => [...earlier, ...all]), (trouble) => {
      if (trouble.name !== "AbortError") setError(trouble);
    });
    return () => {
      coming.abort();
      stop();
      speaker.current.close();
    };
  }, []);

  /** `asked` is the body for `/api/chat`; a spoken question has its `speech`, which is closed when it was heard. */
  const ask = async (asked, speech) => {
    stop();
    speaker.current.wake();
    const mine = (running.current = new AbortController());
    const key = crypto.randomUUID?.() ?? String(performance.now());
    speech?.upload.onFailed((trouble) => {
      setError(trouble);
      mine.abort();
    });
    mine.signal.addEventListener("abort", () => speech?.close());
    setError(null);
    setBusy(true);
    const turn = { ...newTurn(key), question: asked.text ?? null, state: speech ? "listening" : "thinking" };
    setTurns((all) => [...all, turn]);
    const body = { ...asked, conversation_id: conversation() };
    try {
      for await (const { name, data } of stream("/api/chat", { body, signal: mine.signal })) {
        if (mine.signal.aborted) break;
        if (name === "began") {
          keepConversation(data.conversation_id);
          speech?.upload.open(data.turn_id);
        }
        if (name === "heard" || name === "ended") speech?.close();
        if (name === "sound") speaker.current.play(data.rate_hz, data.pcm);
        if (name in AFTER) change(key, (turn) => AFTER[name](turn, data));
        if (name === "ended") setBusy(false);
      }
    } catch (trouble) {
      if (!mine.signal.aborted) setError(trouble);
    }
    speech?.close();
    change(key, (turn) => (turn.state === "over" ? turn : { ...turn, state: "stopped" }));
    if (running.current === mine) {
      running.current = null;
      setBusy(false);
    }
  };

  const begin = () => {
    stop();
    leaveConversation();
    setTurns([]);
    setError(null);
  };
  /** Whoever is about to speak hears nothing more, and the page may make sound afterwards. */
  const interrupt = () => {
    stop();
    speaker.current.wake();
  };
  return { turns, error, busy, sounding, ask, stop, begin, interrupt };
}
