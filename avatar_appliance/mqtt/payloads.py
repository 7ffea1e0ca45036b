"""What the topics carry: the same JSON as the HTTP API, where it has the same thing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from avatar_appliance.admin.api.decision_models import DecisionView
from avatar_appliance.admin.api.turn_models import TurnDetail
from avatar_appliance.admin.api.vram_models import GuestModeView
from avatar_appliance.admin.api.worker_models import WorkerView
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.coordinator.state import CoordinatorState, DeviceState, GuestState, WorkerState
from avatar_appliance.errors import AvatarError
from avatar_appliance.store import DecisionRecord, Turn

from .topics import Topics

TURN_EVENTS = ("ok", "degraded", "failed", "cancelled")
"""Kinds of turns, as the event entity knows them."""
_WORDS_OF_PEOPLE = frozenset({"transcript", "answer", "text_in", "text_out"})
_IN_HISTORY_ONLY = frozenset({"audio_in", "audio_out", "stages"})
_STEP_BYTES = 64 * 2**20
"""Memory is told in these steps: every change of a byte would be a message."""


def states(state: CoordinatorState, topics: Topics, now: float) -> dict[str, str]:
    """Return what every retained topic but availability and discovery shall say at `now` (epoch seconds)."""
    return {
        **{topics.worker(worker.spec.name): _worker(worker, now) for worker in state.workers},
        **{topics.memory(device.device): _memory(device) for device in state.devices},
        topics.guest_mode: _guest_mode(state.guest_mode, now),
        topics.problem: _problem(state),
    }


def decision(record: DecisionRecord) -> str:
    """Return a decision."""
    return _json(DecisionView.of(record))


def turn(finished: Turn, *, with_text: bool) -> str:
    """Return a turn that is over: ids, times, who answered, whether on a lower rung and why; words only `with_text`."""
    view = TurnDetail.of(finished).model_dump(mode="json")
    stages = [
        {
            key: stage[key]
            for key in (
                "kind", "offset_ms", "first_output_ms", "duration_ms", "worker", "voice", "degraded", "error_code",
            )
        }
        for stage in view["stages"]
        if stage["parent_id"] is None
    ]  # fmt: skip
    shown = {key: value for key, value in view.items() if key not in _IN_HISTORY_ONLY}
    if not with_text:
        shown = {key: value for key, value in shown.items() if key not in _WORDS_OF_PEOPLE}
    event = "degraded" if finished.status == "ok" and finished.degraded else finished.status
    return dump({"event_type": event, **shown, "stages": stages})


def error(topic: str, failure: AvatarError) -> str:
    """Return why the command on `topic` was not carried out."""
    return dump({"topic": topic, **failure.as_dict()})


def dump(value: Mapping[str, Any]) -> str:
    """Return a mapping as JSON, as small as it gets."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _worker(worker: WorkerState, now: float) -> str:
    view = WorkerView.of(worker, now).model_dump(
        mode="json",
        # Not what grows by itself: a message per second about nothing would be the result.
        include={
            "role", "engine", "external", "state", "progress", "device", "pinned", "leases", "held_down", "last_error",
        },
    )  # fmt: skip
    return dump({**view, "charged_bytes": worker.charged_bytes})


def _memory(device: DeviceState) -> str:
    return dump(
        {
            "device": device.device,
            "lost": device.lost,
            "budget_bytes": device.budget_bytes,
            "charged_bytes": device.charged_bytes,
            "foreign_bytes": _in_steps(device.foreign_bytes),
            "held_bytes": device.charged_bytes + _in_steps(device.foreign_bytes),
            "room_bytes": device.budget_bytes - device.charged_bytes - _in_steps(device.foreign_bytes),
            "guest": device.guest,
        }
    )


def _problem(state: CoordinatorState) -> str:
    failed = [
        f"{worker.spec.name}: {worker.last_error or 'failed'}"
        for worker in state.workers
        if worker.state is SlotState.FAILED
    ]
    lost = [f"{device.device}: cannot be read" for device in state.devices if device.lost]
    return dump({"problem": bool(failed or lost), "reasons": [*failed, *lost]})


def _guest_mode(guest: GuestState, now: float) -> str:
    view = GuestModeView.of(guest, now)
    until = None if view.until is None else view.until.replace(microsecond=0)
    return _json(view.model_copy(update={"until": until}))


def _in_steps(size_bytes: int) -> int:
    return round(size_bytes / _STEP_BYTES) * _STEP_BYTES


def _json(view: BaseModel) -> str:
    return view.model_dump_json()
