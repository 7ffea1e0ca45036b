"""The moment of a restore when old and new change places, made so that a crash in it can be undone.

Everything is on the disk before the first rename: the new files in `.restoring/new/`, and in `.restoring/plan.json`
what goes where. Each step is a rename. What was there goes to `.restoring/old/`, and the rename of that folder to
`before-restore-TIME` is the moment from which the restore counts. Killed before it, the next start of the appliance
(or the next restore or backup) puts everything back.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avatar_appliance.models.disk import sync

from .errors import BackupFailed
from .ownership import owned_like

WORK_FOLDER = ".restoring"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Move:
    """One thing to replace: what is at `place` goes to `old`, and `new` (None: nothing) to `place`."""

    place: Path
    old: Path
    new: Path | None


def work_folder(state_dir: Path) -> Path:
    """Return where a restore prepares itself: on the same file system, so that a rename is enough."""
    return state_dir / WORK_FOLDER


def swap(state_dir: Path, moves: Sequence[Move], aside: Path) -> None:
    """Make the moves, all or none, then keep what was there as `aside`. Raises OSError, with everything put back."""
    work = work_folder(state_dir)
    (work / "old").mkdir(mode=0o700, exist_ok=True)
    owned_like(state_dir, work / "old")
    plan = [{"place": str(m.place), "old": str(m.old), "new": str(m.new) if m.new else None} for m in moves]
    draft = work / "plan.json.part"
    draft.write_text(json.dumps(plan), encoding="utf-8")
    sync(draft)
    draft.rename(work / "plan.json")
    sync(work)
    try:
        for move in moves:
            if os.path.lexists(move.place):
                move.place.rename(move.old)
            if move.new is not None:
                move.new.rename(move.place)
        for folder in {move.place.parent for move in moves} | {work / "old", work / "new"}:
            sync(folder)
        (work / "old").rename(aside)
        sync(state_dir)
    except BaseException:
        roll_back(state_dir)
        raise
    shutil.rmtree(work, ignore_errors=True)


def roll_back(state_dir: Path) -> bool:
    """Undo a restore that did not come to its end, and return whether there was one. Safe to be killed itself.

    Raises BackupFailed where the plan cannot be read: nothing is touched then.
    """
    work = work_folder(state_dir)
    if not work.is_dir():
        return False
    began = (work / "plan.json").exists() and (work / "old").is_dir()
    if began:
        moves = _plan(work / "plan.json")
        for move in reversed(moves):
            if move.new is not None and not os.path.lexists(move.new) and os.path.lexists(move.place):
                move.place.rename(move.new)
            if os.path.lexists(move.old):
                move.old.rename(move.place)
        sync(state_dir)
        _log.warning("A restore that was interrupted has been undone: everything is as it was before it")
        (work / "plan.json").unlink()
        for draft in (move.new for move in moves if move.new is not None and work not in move.new.parents):
            draft.unlink(missing_ok=True)
    shutil.rmtree(work)
    return began


def _plan(file: Path) -> list[Move]:
    try:
        return [
            Move(Path(each["place"]), Path(each["old"]), Path(each["new"]) if each["new"] else None)
            for each in json.loads(file.read_text("utf-8"))
        ]
    except (OSError, ValueError, KeyError, TypeError):
        raise BackupFailed(
            f"{file} cannot be read, so an interrupted restore cannot be undone",
            hint=f"What was there before is in {file.parent / 'old'}: move it back by hand.",
        ) from None
