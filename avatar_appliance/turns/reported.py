"""From what a server reports to the stages the store knows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from avatar_appliance.store.turn import Stage

from .report import StageReport, StageStarted

Origin = tuple[str, str, float]

_STARTED_FIELDS = (
    "kind", "connection_id", "started_at", "link_id", "worker", "voice", "language", "conversation_id",
    "satellite_id", "device_id", "text_in",
)  # fmt: skip
_ENDED_FIELDS = (
    *_STARTED_FIELDS, "first_output_at", "ended_at", "speaker", "text_out", "error_code", "cancelled",
    "degraded",
)  # fmt: skip


def origin(stage: StageStarted | StageReport | Stage) -> Origin:
    """Return what names a stage on the wire: kind, connection and start."""
    return (stage.kind, stage.connection_id, stage.started_at)


def running_stage(started: StageStarted, stage_id: str) -> Stage:
    """Return the stage that began."""
    return Stage(id=stage_id, **_values(started, _STARTED_FIELDS))


def ended_stage(report: StageReport, stage_id: str) -> Stage:
    """Return the stage that ended, without its audio."""
    return Stage(id=stage_id, detail=dict(report.detail), **_values(report, _ENDED_FIELDS))


def parts_of(report: StageReport, stage_id: str) -> tuple[Stage, ...]:
    """Return the listen and act spans of a report as stages of their own."""
    return tuple(
        Stage(
            id=f"{stage_id}-{number}",
            parent_id=stage_id,
            kind=part.kind,
            connection_id=report.connection_id,
            started_at=part.started_at,
            ended_at=part.ended_at,
            worker=part.worker,
            error_code=part.error_code,
            detail=dict(part.detail),
        )
        for number, part in enumerate(report.parts)
    )


def _values(source: StageStarted | StageReport, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(source, name) for name in names}
