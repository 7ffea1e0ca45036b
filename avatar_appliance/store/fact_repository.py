"""The table of facts: what people asked to be remembered, bounded per person."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from avatar_appliance.errors import BadRequest, NotFound
from avatar_appliance.facts import MAX_FACT_CHARS, Fact, LearnedBy, Origin, same_words

from .database import Database, Row, Transaction
from .page import Page, checked_limit, read_cursor, write_cursor

_MAX_SEARCH_CHARS = 200
_MAX_SEARCH_WORDS = 8
_MOST_KNOWN = 64

_SELECT = """
    SELECT facts.*, (
        SELECT stages.turn_id FROM stages
        WHERE stages.connection_id = facts.connection_id AND stages.started_at = facts.stage_started_at
              AND stages.kind = 'think'
    ) AS turn_id
    FROM facts
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactFilter:
    """Facts that meet every condition given; `unknown`: those of nobody in particular, instead of a speaker's."""

    speaker: str | None = None
    unknown: bool = False
    text: str | None = None
    """Words that must all occur, in any script."""

    @property
    def is_empty(self) -> bool:
        """Whether it means all facts there are."""
        return self.speaker is None and not self.unknown and self.text is None

    def where(self) -> tuple[str, list[object]]:
        """Return a WHERE clause over `facts` and its parameters; raises BadRequest for a search that is too long."""
        conditions, parameters = ["TRUE"], list[object]()
        if self.speaker is not None:
            conditions.append("speaker = ?")
            parameters.append(self.speaker)
        if self.unknown:
            conditions.append("speaker IS NULL")
        if self.text is not None:
            if len(self.text) > _MAX_SEARCH_CHARS or len(self.text.split()) > _MAX_SEARCH_WORDS:
                raise BadRequest(f"a search has at most {_MAX_SEARCH_CHARS} characters, {_MAX_SEARCH_WORDS} words")
            for word in filter(None, map(same_words, self.text.split())):
                conditions.append("instr(words, ?) > 0")
                parameters.append(word)
        return " AND ".join(conditions), parameters


class FactRepository:
    """Facts in the database, newest first."""

    def __init__(self, database: Database, *, max_per_speaker: int = 100) -> None:
        """Use an open database; beyond `max_per_speaker` the oldest of a person goes."""
        self._database = database
        self._most = max_per_speaker
        self._known: dict[str | None, tuple[Fact, ...]] = {}
        self._writes = 0

    async def remember(
        self,
        text: str,
        *,
        learned_by: LearnedBy,
        origin: Origin,
        at: float,
        speaker: str | None = None,
        language: str | None = None,
        conversation_id: str | None = None,
    ) -> Fact:
        """Keep a fact said at `at` (epoch seconds) and return it; said again, it is the newest one again.

        Raises BadRequest where there are no words, or too many.
        """
        text = " ".join(text.split())
        if not same_words(text) or len(text) > MAX_FACT_CHARS:
            raise BadRequest(f"a fact has 1 to {MAX_FACT_CHARS} characters with words in them")
        values = (text, language, learned_by, conversation_id, origin.connection_id, origin.started_at, at)
        async with self._database.transaction() as transaction:
            await transaction.execute(
                "INSERT INTO facts (id, speaker, words, text, language, learned_by, conversation_id, connection_id, "
                "stage_started_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (coalesce(speaker, ''), words) DO UPDATE SET text = excluded.text, "
                "language = excluded.language, learned_by = excluded.learned_by, "
                "conversation_id = excluded.conversation_id, connection_id = excluded.connection_id, "
                "stage_started_at = excluded.stage_started_at, created_at = excluded.created_at",
                (secrets.token_hex(16), speaker, same_words(text), *values),
            )
            rows = await transaction.fetch_all(
                f"{_SELECT} WHERE speaker IS ? AND words = ?", (speaker, same_words(text))
            )
            await self._drop_oldest(transaction, speaker)
        self._written()
        return _read(rows[0])

    async def of(self, speaker: str | None, *, limit: int) -> tuple[Fact, ...]:
        """Return the newest facts of one person; None: of nobody in particular. Their turns are not looked up.

        Asked before each answer: from memory, as long as nobody writes (and nobody but us does).
        """
        known = self._known.get(speaker)
        if known is None:
            writes = self._writes
            rows = await self._database.fetch_all(
                "SELECT *, NULL AS turn_id FROM facts WHERE speaker IS ? ORDER BY created_at DESC, seq DESC LIMIT ?",
                (speaker, self._most),
            )
            known = tuple(map(_read, rows))
            if writes == self._writes and len(self._known) < _MOST_KNOWN:
                self._known[speaker] = known
        return known[:limit]

    async def list(self, wanted: FactFilter, *, limit: int = 50, cursor: str | None = None) -> Page[Fact]:
        """Return a page of facts, newest first; raises BadRequest for a bad search, limit or cursor."""
        where, parameters = wanted.where()
        after = ""
        if cursor is not None:
            at, seq = read_cursor(cursor)
            if not (seq.isascii() and seq.isdecimal() and len(seq) < 19):
                raise BadRequest("this page cursor is not one of ours", hint="Start again from the first page.")
            after = "AND (created_at, seq) < (?, ?)"
            parameters += [at, int(seq)]
        rows = await self._database.fetch_all(
            f"{_SELECT} WHERE {where} {after} ORDER BY created_at DESC, seq DESC LIMIT ?",
            [*parameters, checked_limit(limit) + 1],
        )
        last = rows[limit - 1] if len(rows) > limit else None
        next_cursor = None if last is None else write_cursor(last["created_at"], str(last["seq"]))
        return Page(tuple(map(_read, rows[:limit])), next_cursor)

    async def get(self, fact_id: str) -> Fact:
        """Return one fact; raises NotFound."""
        row = await self._database.fetch_one(f"{_SELECT} WHERE id = ?", (fact_id,))
        if row is None:
            raise NotFound("there is no such fact")
        return _read(row)

    async def delete(self, fact_id: str) -> None:
        """Delete one fact for good; raises NotFound."""
        if not await self._delete("id = ?", [fact_id]):
            raise NotFound("there is no such fact")

    async def forget(self, speaker: str | None, ids: Collection[str] | None) -> int:
        """Delete these facts of one person (None: all of them) for good; returns how many there were."""
        if ids is None:
            return await self._delete("speaker IS ?", [speaker])
        marks = ", ".join("?" * len(ids))
        return await self._delete(f"speaker IS ? AND id IN ({marks})", [speaker, *ids])

    async def count(self, wanted: FactFilter) -> int:
        """Return how many facts match."""
        where, parameters = wanted.where()
        row = await self._database.fetch_one(f"SELECT count(*) FROM facts WHERE {where}", parameters)  # noqa: S608
        assert row is not None
        return int(row[0])

    async def delete_matching(self, wanted: FactFilter) -> int:
        """Delete all facts that match for good; returns how many."""
        return await self._delete(*wanted.where())

    async def _delete(self, where: str, parameters: Sequence[object]) -> int:
        async with self._database.transaction() as transaction:
            deleted = await transaction.execute(f"DELETE FROM facts WHERE {where}", parameters)  # noqa: S608
        self._written()
        if deleted:
            await self._database.reclaim()  # the words are in the write-ahead log, too
        return deleted

    def _written(self) -> None:
        self._writes += 1
        self._known.clear()

    async def _drop_oldest(self, transaction: Transaction, speaker: str | None) -> None:
        await transaction.execute(
            "DELETE FROM facts WHERE speaker IS ?1 AND seq NOT IN ("
            "SELECT seq FROM facts WHERE speaker IS ?1 ORDER BY created_at DESC, seq DESC LIMIT ?2)",
            (speaker, self._most),
        )


def _read(row: Row) -> Fact:
    return Fact(
        id=row["id"],
        text=row["text"],
        learned_by=row["learned_by"],
        created_at=row["created_at"],
        speaker=row["speaker"],
        language=row["language"],
        conversation_id=row["conversation_id"],
        turn_id=row["turn_id"],
    )
