"""From stages to the turn they make up: pure derivation, done anew whenever a stage changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from avatar_appliance.store.turn import Stage, StageKind, Turn, TurnStatus

_BY_TRUST: tuple[StageKind, ...] = ("think", "transcribe", "speak")  # who knows best where a turn belongs


def summarise(turn_id: str, stages: Iterable[Stage]) -> Turn:
    """Return the turn of these stages (at least one), which may still be running."""
    in_order = tuple(sorted(stages, key=lambda stage: (stage.started_at, stage.parent_id is not None, stage.id)))
    whole = [stage for stage in in_order if stage.parent_id is None]
    transcribed, thought, spoken = (
        [stage for stage in whole if stage.kind == kind] for kind in ("transcribe", "think", "speak")
    )
    by_trust = [stage for kind in _BY_TRUST for stage in whole if stage.kind == kind]
    ends = [stage.ended_at for stage in whole if stage.ended_at is not None]
    degraded = [f"{stage.kind}: {stage.degraded}" for stage in whole if stage.degraded]
    return Turn(
        id=turn_id,
        started_at=in_order[0].started_at,
        ended_at=max(ends) if len(ends) == len(whole) else None,
        status=_status(whole),
        conversation_id=_first(stage.conversation_id for stage in by_trust),
        satellite_id=_first(stage.satellite_id for stage in by_trust),
        device_id=_first(stage.device_id for stage in by_trust),
        language=_first(stage.language for stage in whole),
        speaker=_first(stage.speaker for stage in whole),
        transcript=_first(_text(stage.text_out) for stage in transcribed)
        or _first(_text(stage.text_in) for stage in thought),
        answer=_joined(stage.text_out for stage in thought) or _joined(stage.text_in for stage in spoken),
        degraded="; ".join(degraded) or None,
        error_code=_first(stage.error_code for stage in whole),
        voice=_first(stage.voice for stage in reversed(spoken)),
        stages=in_order,
    )


def _status(whole: Sequence[Stage]) -> TurnStatus:
    if any(stage.ended_at is None for stage in whole):
        return "in_progress"
    if any(stage.error_code is not None for stage in whole):
        return "failed"
    return "cancelled" if any(stage.cancelled for stage in whole) else "ok"


def _first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value is not None), None)


def _text(text: str | None) -> str | None:
    return (text or "").strip() or None


def _joined(texts: Iterable[str | None]) -> str | None:
    """Put pieces together, with a space where both sides are written with spaces."""
    result = ""
    for text in texts:
        piece = _text(text)
        if piece is None:
            continue
        spaced = bool(result) and result[-1].isascii() and piece[0].isascii()
        result += f" {piece}" if spaced else piece
    return result or None
