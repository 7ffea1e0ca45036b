"""What was said before, per conversation."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from wyoming_servers.backends.chat_message import Message


@dataclass(slots=True)
class _Conversation:
    messages: list[Message] = field(default_factory=list)
    last_s: float = 0.0


class ConversationMemory:
    """Turns of the latest conversations, bounded in number, age and length."""

    def __init__(self, *, turns: int, ttl_s: float, conversations: int, clock: Callable[[], float]) -> None:
        """`clock` is monotonic, in seconds."""
        self._turns = turns
        self._ttl_s = ttl_s
        self._most = conversations
        self._clock = clock
        self._conversations: OrderedDict[str, _Conversation] = OrderedDict()

    def recall(self, conversation_id: str) -> list[Message]:
        """Return the earlier messages, oldest first; empty for a new or forgotten conversation."""
        self._forget()
        found = self._conversations.get(conversation_id)
        return list(found.messages) if found else []

    def remember(self, conversation_id: str, question: str, answer: str) -> None:
        """Add a finished turn."""
        self._forget()
        conversation = self._conversations.setdefault(conversation_id, _Conversation())
        conversation.messages += [Message("user", question), Message("assistant", answer)]
        keep = 2 * self._turns
        conversation.messages = conversation.messages[-keep:] if keep else []
        conversation.last_s = self._clock()
        self._conversations.move_to_end(conversation_id)
        while len(self._conversations) > self._most:
            self._conversations.popitem(last=False)

    def forget_older_half(self, conversation_id: str) -> None:
        """Drop the older half of a conversation, whole turns at a time and at least one."""
        conversation = self._conversations.get(conversation_id)
        if conversation is not None:
            turns = len(conversation.messages) // 2
            del conversation.messages[: 2 * ((turns + 1) // 2)]

    def _forget(self) -> None:
        oldest_s = self._clock() - self._ttl_s
        while self._conversations:
            identity, conversation = next(iter(self._conversations.items()))
            if conversation.last_s >= oldest_s:
                return
            del self._conversations[identity]
