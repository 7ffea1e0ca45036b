"""The turns to which something may still be added. Memory only: no I/O, no clock; `now` is an argument."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from avatar_appliance.store.turn import AudioFile, Stage, Turn, new_turn_id

from .clues import Evidence
from .errors import StageInterrupted
from .grouping import Grouping, group
from .report import StageReport, StageStarted
from .reported import Origin, ended_stage, origin, parts_of, running_stage
from .rules import JoinRules
from .sealed import Memory
from .summary import summarise


@dataclass(slots=True)
class _Open:
    """A reported stage, its parts, when we last heard of it, and where it is stored (None: not yet)."""

    stage: Stage
    parts: tuple[Stage, ...]
    evidence: Evidence
    touched_at: float
    stored_in: str | None = None


@dataclass(frozen=True, slots=True)
class Unsaved:
    """What the store does not know yet: turns to write, which of them are new, and ids merged into others."""

    turns: tuple[Turn, ...]
    new: frozenset[str]
    merged: frozenset[str]


class OpenTurns:
    """Takes what is reported about stages and keeps them grouped into turns, always up to date."""

    def __init__(self, rules: JoinRules) -> None:
        """Start empty."""
        self._rules = rules
        self._open: dict[str, _Open] = {}
        self._by_origin: dict[Origin, str] = {}
        self._turn_of: dict[str, str] = {}
        self._changed: set[str] = set()
        self._memory = Memory()
        self._grouping: Grouping = group((), self._memory, rules)

    def turn_of(self, stage_id: str) -> str | None:
        """Return the id of the turn a stage is part of at the moment; None if that was deleted."""
        return self._turn_of.get(stage_id)

    def start(self, started: StageStarted, now: float) -> str:
        """Take that a stage began and return its id; nothing changes if it is known already."""
        known = self._by_origin.get(origin(started))
        if known is not None:
            return known
        return self._put(running_stage(started, secrets.token_hex(16)), (), now)

    def end(self, report: StageReport, now: float) -> tuple[str, bool]:
        """Take that a stage ended; returns its id and whether that was news (a report sent twice is not)."""
        known = self._by_origin.get(origin(report))
        if known is not None and self._is_over(known):
            return known, False
        stage_id = known or secrets.token_hex(16)
        return self._put(ended_stage(report, stage_id), parts_of(report, stage_id), now), True

    def attach(self, stage_id: str, audio: AudioFile) -> None:
        """Note where the audio of a stage is kept."""
        entry = self._open[stage_id]
        entry.stage = replace(entry.stage, audio=audio)
        self._changed.add(self._turn_of[stage_id])

    def interrupt(self, connection_ids: Collection[str]) -> None:
        """End the running stages of these connections: nobody is left to report them."""
        self._interrupt(entry for entry in self._open.values() if entry.stage.connection_id in connection_ids)

    def expire(self, now: float) -> None:
        """End what ran for too long, and close turns to which nothing can be added, except unsaved ones."""
        last_start = now - self._rules.stage_limit_s
        self._interrupt(entry for entry in self._open.values() if entry.stage.started_at < last_start)
        last_touched: dict[str, float] = {}
        for stage_id, entry in self._open.items():
            turn_id = self._turn_of[stage_id]
            last_touched[turn_id] = max(entry.touched_at, last_touched.get(turn_id, entry.touched_at))
        limit = now - self._rules.keep_s
        self._close({turn_id for turn_id, at in last_touched.items() if at < limit} - self._changed)
        self._make_room(now)

    def reopen(self, turns: Iterable[Turn], now: float) -> None:
        """Take up stored turns again, as they were before a restart."""
        for turn in turns:
            for stage in turn.stages:
                if stage.parent_id is None:
                    parts = tuple(part for part in turn.stages if part.parent_id == stage.id)
                    heard_at = min(now, stage.started_at if stage.ended_at is None else stage.ended_at)
                    self._open[stage.id] = _Open(stage, parts, Evidence.of(stage, self._rules), heard_at, turn.id)
                    self._by_origin[origin(stage)] = stage.id
                    self._turn_of[stage.id] = turn.id
        self._grouping = group(self._evidence(), self._memory, self._rules)
        self.expire(now)
        self._regroup()

    def unsaved(self) -> Unsaved | None:
        """Return what to store next, or None if the store knows everything."""
        if not self._changed:
            return None
        of_turn: dict[str, list[Stage]] = {turn_id: [] for turn_id in self._changed}
        stored = {entry.stored_in for entry in self._open.values()} - {None}
        for stage_id, turn_id in self._turn_of.items():
            if turn_id in of_turn:
                entry = self._open[stage_id]
                of_turn[turn_id] += (entry.stage, *entry.parts)
        turns = sorted(
            (summarise(turn_id, stages) for turn_id, stages in of_turn.items()),
            key=lambda turn: (turn.started_at, turn.id),
        )
        merged = {turn_id for turn_id in stored if turn_id is not None} - set(self._turn_of.values())
        return Unsaved(tuple(turns), frozenset(self._changed - stored), frozenset(merged))

    def saved(self, unsaved: Unsaved) -> None:
        """Note that the store has taken what `unsaved` returned last."""
        for turn in unsaved.turns:
            for stage in turn.stages:
                if stage.id in self._open:
                    self._open[stage.id].stored_in = turn.id
        self._changed.difference_update(turn.id for turn in unsaved.turns)

    def deleted(self, turn_ids: Collection[str]) -> list[AudioFile]:
        """Somebody has deleted these from the store: forget the stages stored there; returns their audio."""
        leaving = {stage_id for stage_id, entry in self._open.items() if entry.stored_in in turn_ids}
        audio = [self._open[stage_id].stage.audio for stage_id in leaving]
        self._leave(leaving)
        # What was about to be added to them becomes a turn of its own, under an id of its own.
        self._turn_of = {i: turn_id for i, turn_id in self._turn_of.items() if turn_id not in turn_ids}
        self._changed.difference_update(turn_ids)
        self._regroup()
        return [file for file in audio if file is not None]

    def give_up(self, unsaved: Unsaved) -> None:
        """The store cannot take these turns, ever: forget them."""
        self._close({turn.id for turn in unsaved.turns})

    def _evidence(self) -> Iterable[Evidence]:
        return (entry.evidence for entry in self._open.values())

    def _put(self, stage: Stage, parts: tuple[Stage, ...], now: float) -> str:
        known = self._open.get(stage.id)
        if len(self._open) >= 2 * self._rules.max_open_stages:
            # The store has failed for long: memory is bounded even so.
            self._close({self._turn_of[min(self._open, key=lambda i: self._open[i].touched_at)]})
        stored_in = None if known is None else known.stored_in
        self._open[stage.id] = _Open(stage, parts, Evidence.of(stage, self._rules), now, stored_in)
        self._by_origin[origin(stage)] = stage.id
        self._regroup()
        self._changed.add(self._turn_of[stage.id])
        return stage.id

    def _is_over(self, stage_id: str) -> bool:
        stage = self._open[stage_id].stage
        # A stage we gave up on may turn out to have ended after all.
        return stage.ended_at is not None and stage.error_code != StageInterrupted.code

    def _interrupt(self, entries: Iterable[_Open]) -> None:
        for entry in entries:
            stage = entry.stage
            if stage.ended_at is None:
                entry.stage = replace(stage, ended_at=stage.started_at, error_code=StageInterrupted.code)
                entry.evidence = Evidence.of(entry.stage, self._rules)
                self._changed.add(self._turn_of[stage.id])

    def _make_room(self, now: float) -> None:
        """Close the turns that were quiet for longest if too many are open.

        Joins that later reports could still have dissolved are dissolved first, and stored so, before they leave.
        """
        excess = len(self._open) - self._rules.max_open_stages
        if excess <= 0:
            return
        quiet_first = sorted(self._open.values(), key=lambda e: (e.stage.ended_at is None, e.touched_at))
        closing = {self._turn_of[entry.stage.id] for entry in quiet_first[:excess]}
        of_turn: dict[str, list[_Open]] = {turn_id: [] for turn_id in closing}
        for stage_id, entry in self._open.items():
            if self._turn_of[stage_id] in closing:
                of_turn[self._turn_of[stage_id]].append(entry)
        old = now - self._rules.window_s
        unsure = [
            entry
            for entries in of_turn.values()
            if not self._grouping.is_certain(entry.evidence for entry in entries)
            or any(entry.touched_at >= old for entry in entries)
            for entry in entries
        ]
        if unsure:
            mature = {stage_id for stage_id, entry in self._open.items() if entry.touched_at < old}
            last_touched = max(entry.touched_at for entry in unsure)
            blind_until = last_touched + self._rules.window_s + self._rules.overlap_s
            self._grouping.hold(mature, self._memory, blind_until)
            self._regroup()
        self._drop_turns(closing - self._changed)

    def _drop_turns(self, turn_ids: Collection[str]) -> None:
        """Let turns go without settling anything."""
        leaving = {stage_id for stage_id, turn_id in self._turn_of.items() if turn_id in turn_ids}
        self._memory.forget(leaving)
        self._drop(leaving)

    def _close(self, turn_ids: Collection[str]) -> None:
        self._leave({stage_id for stage_id, turn_id in self._turn_of.items() if turn_id in turn_ids})
        self._changed.difference_update(turn_ids)

    def _leave(self, stage_ids: Collection[str]) -> None:
        if stage_ids:
            self._grouping.leave(stage_ids, self._memory)
            self._drop(stage_ids)

    def _drop(self, stage_ids: Collection[str]) -> None:
        for stage_id in stage_ids:
            del self._by_origin[origin(self._open.pop(stage_id).stage)], self._turn_of[stage_id]

    def _regroup(self) -> None:
        """Group anew and hand out turn ids: a turn takes the id of its earliest stage, if still free."""
        self._grouping = group(self._evidence(), self._memory, self._rules)
        before = self._turn_of
        after: dict[str, str] = {}
        given: set[str] = set()
        for stage_ids in self._grouping.turns:
            turn_id = next((before[i] for i in stage_ids if i in before and before[i] not in given), None)
            if turn_id is None:
                turn_id = new_turn_id(self._open[stage_ids[0]].stage.started_at)
            given.add(turn_id)
            after.update(dict.fromkeys(stage_ids, turn_id))
        moved = {stage_id for stage_id, turn_id in after.items() if before.get(stage_id) != turn_id}
        touched = {after[stage_id] for stage_id in moved} | {before[i] for i in moved if i in before}
        self._turn_of = after
        self._changed = (self._changed | touched) & given
