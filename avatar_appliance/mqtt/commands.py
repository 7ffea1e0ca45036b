"""Commands over MQTT: the same as those of the HTTP API, with the same refusals."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from pydantic import ValidationError

from avatar_appliance.admin.api.guest_mode import GuestModeWish
from avatar_appliance.coordinator.control_errors import WorkerUnknown
from avatar_appliance.coordinator.state import CoordinatorControl
from avatar_appliance.errors import NotFound

from .errors import MqttPayloadInvalid
from .topics import Topics

MAX_PAYLOAD_BYTES = 1024


async def carry_out(topic: str, payload: bytes, control: CoordinatorControl, topics: Topics) -> None:
    """Carry out the command on `topic`; raises MqttPayloadInvalid, NotFound and what `control` raises."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise MqttPayloadInvalid(f"the payload has {len(payload)} bytes; {MAX_PAYLOAD_BYTES} are allowed")
    try:
        text = payload.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise MqttPayloadInvalid("the payload is no UTF-8 text") from None
    if topic == topics.guest_mode_command:
        wish = _guest_mode_wish(text)
        await control.guest_mode(wish.mode, wish.duration_s)
    elif (worker := topics.worker_of_command(topic)) is not None:
        await _worker_command(text, worker, control)
    else:
        raise NotFound("there is no command on this topic")


def _guest_mode_wish(text: str) -> GuestModeWish:
    """`on`, `off`, `auto`, or a JSON object with `mode` and `duration_s`."""
    try:
        tree = json.loads(text) if text.startswith("{") else {"mode": text.lower()}
        return GuestModeWish.model_validate(tree)
    except (ValueError, RecursionError, ValidationError):
        hint = 'Give on, off, auto, or {"mode": "on", "duration_s": 3600}.'
        raise MqttPayloadInvalid("this is no wish for guest mode", hint=hint) from None


async def _worker_command(text: str, worker: str, control: CoordinatorControl) -> None:
    verbs: dict[str, Callable[[], Awaitable[object]]] = {
        "start": lambda: control.start(worker),
        "preload": lambda: control.preload(worker),
        "stop": lambda: control.stop(worker),
        "force-stop": lambda: control.stop(worker, force=True),
        "sleep": lambda: control.sleep(worker),
        "wake": lambda: control.wake(worker),
        "pin": lambda: control.pin(worker, True),
        "unpin": lambda: control.pin(worker, False),
    }
    command = verbs.get(text.lower())
    if command is None:
        raise MqttPayloadInvalid("a worker does not know this command", hint=f"It knows {', '.join(verbs)}.")
    if worker not in (known.spec.name for known in control.state().workers):
        raise WorkerUnknown("no ladder uses a worker of this name")
    await command()
