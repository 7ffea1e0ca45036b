"""Turn a Wyoming event into the library's value object, checked: `from_event` believes whatever it is sent."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from wyoming.event import Event, Eventable

from avatar_appliance.errors import BadRequest

Value = TypeVar("Value", bound=Eventable)

# We never look at it, and some clients send fractions of a millisecond.
UNUSED = frozenset({"timestamp"})


def parse_event(kind: type[Value], event: Event) -> Value:
    """Return `event` as a `kind`; raises BadRequest when a field is missing or has the wrong type."""
    try:
        value = kind.from_event(event)
        assert isinstance(value, kind)
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError):
        raise BadRequest(f"a field of `{event.type}` is missing or malformed") from None
    _check(value, event.type)
    return value


def _check(value: Any, event_type: str) -> None:
    for name, types in _expected(value.__class__).items():
        found = getattr(value, name)
        if not isinstance(found, types) or (isinstance(found, bool) and bool not in types):
            raise BadRequest(f"`{name}` of `{event_type}` has the wrong type")
        if is_dataclass(found):
            _check(found, event_type)


@cache
def _expected(kind: type) -> dict[str, tuple[type, ...]]:
    hints = get_type_hints(kind)
    return {field.name: tuple(_plain(hints[field.name])) for field in fields(kind) if field.name not in UNUSED}


def _plain(hint: Any) -> list[type]:
    """Return the plain types of a hint: `Optional[List[str]]` is [list, NoneType]."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return [plain for part in get_args(hint) for plain in _plain(part)]
    return [origin or hint]
