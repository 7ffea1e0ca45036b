"""What was said before, per conversation."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from avatar_appliance.facts import Origin, same_words
from wyoming_servers.backends.chat_message import Message


@dataclass(slots=True, eq=False)
class RememberedTurn:
    """One question and as much of its answer as was spoken."""

    question: str
    answer: str
    origin: Origin | None = None
    """The stage that answered."""
    broken_off: bool = False
    """Whether the person heard no more of it."""

    @property
    def messages(self) -> list[Message]:
        """Return it as a model sees it."""
        return [Message("user", self.question), Message("assistant", self.answer)]


@dataclass(slots=True)
class _Conversation:
    turns: list[RememberedTurn] = field(default_factory=list)
    older: list[RememberedTurn] = field(default_factory=list)
    """What no longer fits and waits to be condensed."""
    summary: str | None = None
    last_s: float = 0.0


class ConversationMemory:
    """Turns of the latest conversations, bounded in number, age and length."""

    def __init__(
        self, *, turns: int, ttl_s: float, conversations: int, clock: Callable[[], float], extra_aside: int = 0
    ) -> None:
        """`clock` is monotonic, in seconds.

        `extra_aside`: so many more turns than must are set aside at a time, since each time the prompt begins anew.
        """
        self._turns = turns
        self._extra_aside = extra_aside
        self._ttl_s = ttl_s
        self._most = conversations
        self._clock = clock
        self._conversations: OrderedDict[str, _Conversation] = OrderedDict()

    # -- turns -----------------------------------------------------------------------------------------------------

    def recall(self, conversation_id: str) -> list[Message]:
        """Return the earlier messages, oldest first; empty for a new or forgotten conversation."""
        found = self._find(conversation_id)
        return [message for turn in found.turns for message in turn.messages] if found else []

    def last(self, conversation_id: str) -> RememberedTurn | None:
        """Return the turn before."""
        found = self._find(conversation_id)
        return found.turns[-1] if found and found.turns else None

    def remember(
        self,
        conversation_id: str,
        question: str,
        answer: str,
        *,
        origin: Origin | None = None,
        broken_off: bool = False,
    ) -> None:
        """Add a turn that has ended."""
        self._forget()
        conversation = self._conversations.setdefault(conversation_id, _Conversation())
        conversation.turns.append(RememberedTurn(question, answer, origin, broken_off))
        if (beyond := len(conversation.turns) - self._turns) > 0:
            self._set_aside(conversation, beyond + self._extra_aside)
        conversation.last_s = self._clock()
        self._conversations.move_to_end(conversation_id)
        while len(self._conversations) > self._most:
            self._conversations.popitem(last=False)

    def break_off(self, conversation_id: str, turn: RememberedTurn, heard: str) -> None:
        """Note that of a turn's answer no more than `heard` was heard; one of which nothing was heard is forgotten."""
        found = self._find(conversation_id)
        if found is None or turn not in found.turns:
            return
        turn.answer, turn.broken_off = heard, True
        if not heard:
            found.turns.remove(turn)

    def drop_mentions(self, conversation_id: str, text: str) -> None:
        """Forget the turns in which somebody said this, and the summary, which may tell it."""
        found = self._find(conversation_id)
        if found is not None:
            words = same_words(text)
            found.turns = [turn for turn in found.turns if words not in same_words(turn.question)]
            found.older, found.summary = [], None

    # -- what no longer fits ---------------------------------------------------------------------------------------

    def summary(self, conversation_id: str) -> str | None:
        """Return what stands in the place of the turns before those that are recalled."""
        found = self._find(conversation_id)
        return found.summary if found else None

    def set_aside(self, conversation_id: str, messages: int) -> None:
        """Take out the oldest turns, and a third of the others: so many messages did not fit into a model's window."""
        found = self._find(conversation_id)
        if found is not None:
            turns = (messages + 1) // 2
            self._set_aside(found, turns + max(len(found.turns) - turns, 0) // 3)

    def older(self, conversation_id: str) -> Sequence[RememberedTurn]:
        """Return the turns that wait to be condensed, oldest first."""
        found = self._find(conversation_id)
        return tuple(found.older) if found else ()

    def condense(self, conversation_id: str, turns: Sequence[RememberedTurn], summary: str) -> None:
        """Put a summary, which tells of the former one, too, in the place of older turns."""
        found = self._find(conversation_id)
        # Forgotten meanwhile, or in part: then the summary would tell what must not be told.
        if found is not None and found.older[: len(turns)] == list(turns):
            del found.older[: len(turns)]
            found.summary = summary

    def forget_older_half(self, conversation_id: str) -> None:
        """Set the older half of a conversation aside, at least one turn; with nothing left, its summary goes, too."""
        found = self._find(conversation_id)
        if found is not None:
            if not found.turns:
                found.summary = None
            self._set_aside(found, (len(found.turns) + 1) // 2)

    def _set_aside(self, conversation: _Conversation, count: int) -> None:
        if count > 0:
            conversation.older += conversation.turns[:count]
            del conversation.turns[:count]
            # As many as may be recalled, and no more: what nobody condenses in time is dropped.
            conversation.older = conversation.older[-max(self._turns, 1) :]

    def _find(self, conversation_id: str) -> _Conversation | None:
        self._forget()
        return self._conversations.get(conversation_id)

    def _forget(self) -> None:
        oldest_s = self._clock() - self._ttl_s
        while self._conversations:
            identity, conversation = next(iter(self._conversations.items()))
            if conversation.last_s >= oldest_s:
                return
            del self._conversations[identity]
