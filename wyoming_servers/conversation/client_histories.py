"""Summaries of histories that clients keep themselves: each is found again by the messages that it tells of.

A client sends its whole history with each request, and nobody says where it was cut the last time. So a summary is
kept under the digest of the messages it stands for, in the scope of one client and one of its conversations. In
memory only.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from avatar_appliance.facts import same_words
from wyoming_servers.backends.chat_message import Message

from .question import Question

# Of one conversation: the latest, and what is left of them where the client takes a few turns back.
MOST_SUMMARIES: Final = 4
# Of one conversation: what somebody wanted forgotten, and the answers that were broken off.
MOST_FORGOTTEN: Final = 32
MOST_BROKEN_OFF: Final = 32


@dataclass(frozen=True, slots=True)
class Told:
    """What a summary tells."""

    messages: int
    """So many of a history, from its beginning."""
    digest: bytes
    summary: str


@dataclass(slots=True, eq=False)
class _Scope:
    told: list[Told] = field(default_factory=list)
    """Shortest first."""
    forgotten: list[str] = field(default_factory=list)
    """Words that somebody wanted forgotten."""
    broken_off: list[tuple[str, str]] = field(default_factory=list)
    """Questions, and what was heard of their answers."""
    last_s: float = 0.0

    def as_heard(self, turn: Sequence[Message]) -> Sequence[Message]:
        """Return a turn without what of its answer nobody heard."""
        for question, heard in self.broken_off:
            answer = turn[-1]
            if turn[0].content.strip() == question and answer.role == "assistant" and answer.content.startswith(heard):
                return [*turn[:-1], replace(answer, content=heard)]
        return turn


@dataclass(frozen=True, slots=True)
class Untold:
    """Turns of a history that wait to be condensed, and what is told of those before them."""

    former: Told | None
    begins: int
    """So many messages of the history come before them."""
    turns: tuple[Sequence[Message], ...]
    scope: object
    """Where the summary belongs; another one after something was forgotten."""


class ClientHistories:
    """What is kept of the latest histories, bounded in number and age."""

    def __init__(self, *, ttl_s: float, conversations: int, clock: Callable[[], float]) -> None:
        """`clock` is monotonic, in seconds."""
        self._ttl_s = ttl_s
        self._most = conversations
        self._clock = clock
        self._scopes: OrderedDict[tuple[str, str], _Scope] = OrderedDict()

    def visible(self, question: Question) -> tuple[Message, ...]:
        """Return a client's history as it is shown: without the turns in which somebody said what is forgotten.

        Of answers that were broken off there is what was heard; the client does not know that.
        """
        earlier, scope = question.earlier or (), self._find(question)
        if scope is None or not (scope.forgotten or scope.broken_off):
            return earlier
        kept = [
            message
            for turn in turns_of(earlier)
            if not any(words in same_words(turn[0].content) for words in scope.forgotten)
            for message in scope.as_heard(turn)
        ]
        return (*earlier[: first_turn(earlier)], *kept)

    def told(self, question: Question, earlier: Sequence[Message]) -> Told | None:
        """Return the summary that tells most of a history; None where there is none."""
        scope = self._find(question)
        if scope is None or not scope.told:
            return None
        found, wanted = None, {told.messages: told for told in scope.told}
        for messages, digest in _marks(earlier, max(wanted)):
            if (told := wanted.get(messages)) is not None and told.digest == digest:
                found = told
        return found

    def untold(self, question: Question, until: int) -> Untold:
        """Return the whole turns among the first `until` messages of a history that no summary tells yet."""
        scope = self._find(question) or self._made(question)
        earlier = self.visible(question)
        former = self.told(question, earlier)
        reached = former.messages if former else first_turn(earlier)
        begins, turns = reached, list[Sequence[Message]]()
        for turn in turns_of(earlier[reached:]):
            if (reached := reached + len(turn)) > until:
                break
            turns.append(turn)
        return Untold(former, begins, tuple(turns), scope)

    def keep(self, question: Question, untold: Untold, turns: int, summary: str) -> bool:
        """Keep what tells of the first `turns` of `untold`, and of what was told before; say whether it is kept.

        It is not where something was forgotten meanwhile, which the summary may tell.
        """
        scope = self._find(question)
        if scope is None or scope is not untold.scope:
            return False
        messages = untold.begins + sum(map(len, untold.turns[:turns]))
        *_, (reached, digest) = _marks(self.visible(question), messages)
        assert reached == messages, "a summary tells of whole turns"
        others = [told for told in scope.told if told.messages != messages]
        scope.told = sorted([*others, Told(messages, digest, summary)], key=lambda told: told.messages)
        del scope.told[:-MOST_SUMMARIES]
        return True

    def drop_mentions(self, question: Question, text: str) -> None:
        """Forget that somebody said this: no summary tells it, and no turn with it is shown any more."""
        if question.earlier is not None:
            scope = self._find(question)
            forgotten = [*(scope.forgotten if scope else ()), same_words(text)][-MOST_FORGOTTEN:]
            broken_off = scope.broken_off if scope else []
            made = self._made(question)
            made.forgotten, made.broken_off = forgotten, broken_off

    def break_off(self, question: Question, asked: str, heard: str) -> None:
        """Note that of the answer to an earlier question no more than `heard` was heard."""
        if question.earlier is not None:
            scope = self._find(question) or self._made(question)
            if (asked, heard) not in scope.broken_off:
                scope.broken_off = [*scope.broken_off, (asked, heard)][-MOST_BROKEN_OFF:]

    # -- scopes ----------------------------------------------------------------------------------------------------

    def _made(self, question: Question) -> _Scope:
        scope = self._scopes[_key(question)] = _Scope(last_s=self._clock())
        while len(self._scopes) > self._most:
            self._scopes.popitem(last=False)
        return scope

    def _find(self, question: Question) -> _Scope | None:
        oldest_s = self._clock() - self._ttl_s
        while self._scopes and next(iter(self._scopes.values())).last_s < oldest_s:
            self._scopes.popitem(last=False)
        scope = self._scopes.get(_key(question))
        if scope is not None:
            scope.last_s = self._clock()
            self._scopes.move_to_end(_key(question))
        return scope


def turns_of(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """Yield whole turns: what the user says, and everything up to the next that they say.

    What comes before the first question belongs to no turn.
    """
    starts = [index for index, message in enumerate(messages) if message.role == "user"]
    for start, end in zip(starts, [*starts[1:], len(messages)], strict=False):
        yield messages[start:end]


def first_turn(messages: Sequence[Message]) -> int:
    """Return how many messages come before the first question."""
    return next((index for index, message in enumerate(messages) if message.role == "user"), len(messages))


def _key(question: Question) -> tuple[str, str]:
    return question.client, question.conversation_id


def _marks(messages: Sequence[Message], most: int) -> Iterator[tuple[int, bytes]]:
    """Yield, after each whole turn among the first `most` messages, how many they are and the digest of all of them."""
    digest = hashlib.sha256()
    for index, message in enumerate(messages[:most]):
        digest.update(json.dumps(message.as_json(), ensure_ascii=True).encode())
        if index + 1 == len(messages) or messages[index + 1].role == "user":
            yield index + 1, digest.digest()
