"""What happens when somebody does not want to hear more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from avatar_appliance.facts.messages import Spoken

from .heard_part import heard_part
from .memory import ConversationMemory, RememberedTurn
from .person_memory import PersonMemory
from .question import Question
from .running_answers import RunningAnswers

# Sound goes through Home Assistant to a speaker before anybody hears it.
DELAY_S: Final = 0.5


class BargeIn:
    """Ends the work behind an answer, and has the memory keep what was heard of it."""

    def __init__(
        self,
        running: RunningAnswers,
        memory: ConversationMemory,
        person: PersonMemory | None,
        *,
        now: Callable[[], float],
    ) -> None:
        """`person` also tells what the text-to-speech server did; `now` is in epoch seconds."""
        self._running = running
        self._memory = memory
        self._person = person
        self._now = now

    async def stop(self, question: Question) -> None:
        """End the answers that are on their way to who says "stop", or else the one being spoken."""
        if self._running.stop(question) or self._person is None:
            return
        last = self._memory.last(question.conversation_id)
        if last is not None and not last.broken_off and last.origin is not None:
            known = await self._person.recall(question, last)
            self._note(question.conversation_id, last, known.spoken, ended_at=self._now())

    def note_spoken(self, conversation_id: str, turn: RememberedTurn | None, spoken: Spoken | None) -> None:
        """Take what became of an answer: one whose speech was hung up on was not heard to its end."""
        if turn is not None and spoken is not None and spoken.cancelled:
            self._note(conversation_id, turn, spoken, ended_at=spoken.ended_at)

    def _note(
        self, conversation_id: str, turn: RememberedTurn, spoken: Spoken | None, *, ended_at: float | None
    ) -> None:
        if spoken is None:
            return
        heard_s = 0.0
        if spoken.first_sound_at is not None and ended_at is not None:
            heard_s = max(ended_at - spoken.first_sound_at - DELAY_S, 0.0)
        heard = heard_part(turn.answer, heard_s)
        if len(heard) < len(turn.answer):
            self._memory.break_off(conversation_id, turn, heard)
