"""Values to Wyoming events and back, checked strictly: a socket of ours trusts no sender."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from wyoming.event import Event

from avatar_appliance.errors import BadRequest, FrameTooLarge

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    _T = TypeVar("_T", bound=DataclassInstance)

MAX_WAV_BYTES = 32 * 1024 * 1024
MAX_DATA_BYTES = 512 * 1024


def encode(event_type: str, value: DataclassInstance) -> Event:
    """Return an event with the fields of `value` that say something; a field `audio` becomes the payload."""
    data = _plain(value)
    return Event(event_type, data, data.pop("audio", None))


def decode(event_type: str, kind: type[_T], event: Event) -> _T:
    """Return the `kind` an event carries; raises BadRequest or FrameTooLarge, which name no contents."""
    if event.type != event_type:
        raise BadRequest(f"expected a message of type {event_type}")
    text = as_json(event.data)
    if len(text) > MAX_DATA_BYTES:
        raise FrameTooLarge(f"the data of {event_type} is larger than {MAX_DATA_BYTES} bytes")
    if len(event.payload or b"") > MAX_WAV_BYTES:
        raise FrameTooLarge(f"the audio of {event_type} is larger than {MAX_WAV_BYTES} bytes")
    names = {field.name for field in fields(kind)}
    if "audio" in event.data:
        raise BadRequest(f"{event_type}: audio belongs into the payload")
    if event.payload and "audio" not in names:
        raise BadRequest(f"{event_type} has no payload")
    try:
        # As JSON, where strict means what a wire needs: a list may become a tuple, a text no number.
        value: _T = _adapter(kind).validate_json(text)
    except ValidationError as error:
        # Our own words: those of pydantic would repeat the value, which may be what somebody said.
        problems = sorted(
            {
                f"{item['loc'][0] if item['loc'] and item['loc'][0] in names else 'a field'} ({item['type']})"
                for item in error.errors(include_url=False, include_context=False, include_input=False)
            }
        )
        raise BadRequest(f"{event_type} is malformed: {', '.join(problems[:5])}") from None
    return replace(value, audio=event.payload) if event.payload else value


def as_json(value: Any) -> bytes:
    """Return `value` as JSON in UTF-8; raises BadRequest if it cannot be that."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise BadRequest("the message cannot be represented as JSON") from None


@cache
def _adapter(kind: type[_T]) -> TypeAdapter[_T]:
    return TypeAdapter(kind)


def _plain(value: DataclassInstance) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for field in fields(value):
        item = getattr(value, field.name)
        if item is None or item is False or item == () or item == {}:
            continue
        if isinstance(item, Mapping):
            data[field.name] = dict(item)
        elif isinstance(item, tuple):
            data[field.name] = [
                _plain(part) if is_dataclass(part) and not isinstance(part, type) else part for part in item
            ]
        elif is_dataclass(item) and not isinstance(item, type):
            data[field.name] = _plain(item)
        else:
            data[field.name] = item
    return data
