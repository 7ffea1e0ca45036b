"""What the history says about time and trouble, and nothing of what was said, by whom or where."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from avatar_appliance.config import Settings
from avatar_appliance.store import DATABASE_FILE

from .machine import as_json
from .part import Part
from .scrubber import Scrubber

_TURNS = 300
_DECISIONS = 500
_STAGES = (
    "SELECT turn_id, kind, started_at, first_output_at, ended_at, worker, error_code, cancelled, degraded, audio_s "
    "FROM stages WHERE turn_id IN (SELECT id FROM turns ORDER BY started_at DESC LIMIT ?) ORDER BY started_at"
)


def timings(settings: Settings, scrubber: Scrubber) -> Part:
    """Return when the stages of the newest turns began, first answered and ended, by which worker, with which error."""
    about = f"times, workers and errors of the last {_TURNS} turns; no words, no names, no sound"

    def read(history: sqlite3.Connection) -> Any:
        turns: dict[str, dict[str, Any]] = {}
        durations: dict[str, list[float]] = defaultdict(list)
        firsts: dict[str, list[float]] = defaultdict(list)
        for row in history.execute(_STAGES, (_TURNS,)):
            turn = turns.setdefault(row["turn_id"], {"at": _moment(row["started_at"]), "stages": []})
            begin = turn.setdefault("begin", row["started_at"])
            stage = {
                "kind": row["kind"],
                "start_s": round(row["started_at"] - begin, 3),
                "first_output_s": _since(row["first_output_at"], row["started_at"]),
                "took_s": _since(row["ended_at"], row["started_at"]),
                "audio_s": row["audio_s"],
                "worker": row["worker"],
                "error_code": row["error_code"],
                "cancelled": bool(row["cancelled"]),
                "degraded": row["degraded"],
            }
            turn["stages"].append({key: value for key, value in stage.items() if value not in (None, False)})
            if stage["took_s"] is not None:
                durations[row["kind"]].append(stage["took_s"])
            if stage["first_output_s"] is not None:
                firsts[row["kind"]].append(stage["first_output_s"])
        for turn in turns.values():
            del turn["begin"]
        return {
            "took_s": {kind: _spread(values) for kind, values in durations.items()},
            "first_output_s": {kind: _spread(values) for kind, values in firsts.items()},
            "turns": list(turns.values()),
        }

    return Part("timings.json", about, as_json(scrubber.tree(_from_history(settings, read))))


def decisions(settings: Settings, scrubber: Scrubber) -> Part:
    """Return the newest decisions of the coordinator; they name workers, devices and bytes."""

    def read(history: sqlite3.Connection) -> Any:
        rows = history.execute(
            "SELECT at, kind, worker, device, text FROM decisions ORDER BY seq DESC LIMIT ?", (_DECISIONS,)
        )
        return [dict(row) | {"at": _moment(row["at"])} for row in rows][::-1]

    about = f"the last {_DECISIONS} decisions of the coordinator: which model was loaded or sent away, and why"
    return Part("decisions.json", about, as_json(scrubber.tree(_from_history(settings, read))))


def storage(settings: Settings, scrubber: Scrubber) -> Part:
    """Return schema version, rows per table, and how much lies in the state folder."""

    def read(history: sqlite3.Connection) -> Any:
        tables = [
            row[0]
            for row in history.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            if not row[0].startswith(("sqlite_", "turns_search"))
        ]
        return {
            "schema_version": history.execute("PRAGMA user_version").fetchone()[0],
            "quick_check": history.execute("PRAGMA quick_check(1)").fetchone()[0],
            "rows": {
                table: history.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]  # noqa: S608
                for table in tables
            },
        }

    found = {"database": _from_history(settings, read), "files": _sizes(settings.paths.state_dir)}
    return Part("storage.json", "schema version, rows per table, sizes of files", as_json(scrubber.tree(found)))


def _from_history(settings: Settings, read: Callable[[sqlite3.Connection], Any]) -> Any:
    database = settings.paths.state_dir / DATABASE_FILE
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)) as history:
            history.row_factory = sqlite3.Row
            return read(history)
    except sqlite3.Error as error:
        return {"unreadable": getattr(error, "sqlite_errorname", type(error).__name__)}


def _sizes(state_dir: Path) -> dict[str, Any]:
    """Return for each thing in the state folder how many files and bytes it has."""
    found = {}
    for path in sorted(state_dir.iterdir()) if state_dir.is_dir() else ():
        files = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
        size_bytes = sum(each.stat().st_size for each in files if not each.is_symlink())
        found[path.name] = {"files": len(files), "size_bytes": size_bytes}
    return found


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _since(end: float | None, start: float) -> float | None:
    return None if end is None else round(end - start, 3)


def _spread(values: list[float]) -> dict[str, float]:
    p95 = quantiles(values, n=20)[-1] if len(values) > 1 else values[0]
    return {"count": len(values), "median": round(median(values), 3), "p95": round(p95, 3), "max": max(values)}
