"""The joiner: takes what servers report about stages, stores it at once, and keeps turns together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from avatar_appliance.errors import AvatarError
from avatar_appliance.log import log_defect
from avatar_appliance.store import AudioDirection, AudioFile, Turn
from avatar_appliance.store.database import uncancelled

from .open_turns import OpenTurns
from .report import StageReport, StageStarted
from .rules import JoinRules

_log = logging.getLogger(__name__)


class TurnTable(Protocol):
    """Where turns are stored; `TurnRepository` is one."""

    async def open_since(self, since: float) -> Sequence[Turn]:
        """Return the turns that ended at or after `since` or not at all."""

    async def save(self, turns: Sequence[Turn], *, new: Collection[str], merged: Collection[str]) -> frozenset[str]:
        """Store `turns` and delete `merged`; returns those deleted meanwhile, then nothing was stored."""


class AudioFolder(Protocol):
    """Where recordings are stored; `AudioStore` is one."""

    async def write(
        self, turn_id: str, direction: AudioDirection, wav: bytes, *, duration_s: float | None = None
    ) -> AudioFile:
        """Store a WAV file for a turn."""

    async def delete(self, names: Collection[str]) -> int:
        """Delete files."""


@dataclass(frozen=True, slots=True)
class TurnsChanged:
    """What a listener gets after a write: turns as they are now, and ids that no longer exist."""

    saved: tuple[Turn, ...]
    removed: frozenset[str]


class TurnJoiner:
    """Joins stages to turns by their words, times and places; ambiguous ones stay separate.

    What is reported is in the store when `report` returns, also if its caller is cancelled meanwhile. If
    the store fails, the report is kept and stored with the next one or at the next `tick`.
    """

    def __init__(
        self,
        turns: TurnTable,
        audio: AudioFolder | None,
        *,
        clock: Callable[[], float],
        rules: JoinRules | None = None,
        on_change: Callable[[TurnsChanged], None] | None = None,
    ) -> None:
        """Store in `turns` and `audio` (None: recordings are not kept); `clock` returns epoch seconds."""
        self._table = turns
        self._audio = audio
        self._clock = clock
        self._rules = rules or JoinRules()
        self._on_change = on_change
        self._open = OpenTurns(self._rules)
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """After a restart: take up the turns that may still be open. Call it before the first report."""
        async with self._lock:
            now = self._clock()
            # Twice as far back as stages stay open: what has just left may still contest what has not.
            self._open.reopen(await self._table.open_since(now - 2 * self._rules.keep_s), now)
            await uncancelled(self._save())

    async def started(self, started: StageStarted) -> str | None:
        """Take that a stage began; returns the id of its turn, which a later join may still change."""
        async with self._lock:
            now = self._clock()
            self._open.expire(now)
            stage_id = self._open.start(started, now)
            await uncancelled(self._save())
            return self._open.turn_of(stage_id)

    async def report(self, report: StageReport) -> str | None:
        """Take that a stage ended; returns the id of its turn (None: deleted by its owner meanwhile).

        Raises what the store raises; the report is not lost by that.
        """
        async with self._lock:
            return await uncancelled(self._take(report))

    async def interrupt(self, connection_ids: Collection[str]) -> None:
        """A server is gone: its running stages have ended without a report."""
        async with self._lock:
            self._open.interrupt(connection_ids)
            await uncancelled(self._save())

    async def tick(self) -> None:
        """Close what is over and store what could not be stored; call it every few seconds."""
        async with self._lock:
            self._open.expire(self._clock())
            await uncancelled(self._save())

    async def _take(self, report: StageReport) -> str | None:
        now = self._clock()
        self._open.expire(now)
        stage_id, is_news = self._open.end(report, now)
        turn_id = self._open.turn_of(stage_id)
        if is_news and report.audio and self._audio is not None and turn_id is not None:
            direction: AudioDirection = "out" if report.kind == "speak" else "in"
            try:
                file = await self._audio.write(turn_id, direction, report.audio, duration_s=report.audio_duration_s)
            except AvatarError as error:
                # The words matter more than the sound: the turn is stored without it.
                _log.warning("a recording was not kept: %s (%s)", error.text, error.code)
            else:
                self._open.attach(stage_id, file)
        await self._save()
        return self._open.turn_of(stage_id)

    async def _save(self) -> None:
        while (unsaved := self._open.unsaved()) is not None:
            try:
                gone = await self._table.save(unsaved.turns, new=unsaved.new, merged=unsaved.merged)
            except AvatarError:
                raise
            except Exception as error:
                # Not the disk's fault but these rows': do not let them block all others for ever.
                log_defect(_log, "turns could not be stored and are given up", error)
                self._open.give_up(unsaved)
                raise
            if gone:
                orphans = self._open.deleted(gone)
                if self._audio is not None:
                    await self._audio.delete([file.name for file in orphans])
                self._tell(TurnsChanged((), gone))
            else:
                self._open.saved(unsaved)
                self._tell(TurnsChanged(unsaved.turns, unsaved.merged))

    def _tell(self, change: TurnsChanged) -> None:
        if self._on_change is None:
            return
        try:
            self._on_change(change)
        except Exception as error:  # noqa: BLE001 - a listener must not cost a turn
            log_defect(_log, "a listener of turns failed", error)
