// The conversation of this tab: a reload goes on with it, another tab has its own.
import { get } from "../../api.js";

const KEPT = "conversation";
const MOST_TURNS = 20;

export const conversation = () => sessionStorage.getItem(KEPT);
export const keepConversation = (id) => sessionStorage.setItem(KEPT, id);
export const leaveConversation = () => sessionStorage.removeItem(KEPT);

/** Return what was said in it so far, oldest first, as `useChat` has it. */
export async function earlierTurns(signal) {
  const id = conversation();
  if (!id) return [];
  try {
    const { turns } = await get(`/api/conversations/${encodeURIComponent(id)}?limit=${MOST_TURNS}`, { signal });
    return turns.items.reverse().map((turn) => ({
      ...newTurn(turn.id), state: "over", question: turn.transcript ?? "", answer: turn.answer ?? "", recorded: { turn },
    }));
  } catch (error) {
    if (error.status !== 404) throw error;
    return []; // deleted, or nothing of it was taken down
  }
}

/** `state`: listening, thinking, answering, over or stopped; `question` is null until it was heard. */
export const newTurn = (key) => ({
  key, state: "thinking", question: null, answer: "", handled: true, failures: [], recorded: null,
});
