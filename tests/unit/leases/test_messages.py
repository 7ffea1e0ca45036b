"""The messages of the lease socket: strict in what is taken, and equal on both sides."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wyoming.event import Event

from avatar_appliance.errors import BadRequest
from avatar_appliance.leases import Urgency
from avatar_appliance.leases.messages import (
    ANSWERED,
    TOLD,
    LeaseDenied,
    LeaseEnded,
    LeaseGiven,
    LeaseHeld,
    LeaseRevoked,
    LeaseWanted,
    UrgencyTold,
    from_event,
    to_event,
)
from avatar_appliance.leases.urgency import UrgencyName

MESSAGES: list[Any] = [
    LeaseWanted(lease_id="asr-1", ladder=("a", "b"), urgency="idle", wait_s=0.0, warm=("c",)),
    LeaseWanted(lease_id="asr-1", ladder=("a",), urgency="final", wait_s=60.0),
    LeaseGiven(lease_id="asr-1", worker="a"),
    LeaseGiven(lease_id="asr-1", worker="a", degraded="why"),
    LeaseDenied(lease_id="asr-1", code="no-memory", text=""),
    LeaseDenied(lease_id="asr-1", code="no-memory", text="7.1 GiB needed", retry_after_s=0.0),
    LeaseRevoked(lease_id="asr-1", worker="a"),
    LeaseEnded(lease_id="asr-1"),
    LeaseHeld(lease_id="asr-1", worker="a", urgency="later"),
    UrgencyTold(lease_id="asr-1", urgency="background"),
]


def kinds_of(message: Any) -> Any:
    return TOLD if type(message) in TOLD else ANSWERED


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_what_was_sent_is_received(message: Any) -> None:
    assert from_event(to_event(message), kinds_of(message)) == message


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_neither_side_takes_what_the_other_one_says(message: Any) -> None:
    other = ANSWERED if type(message) in TOLD else TOLD
    with pytest.raises(BadRequest):
        from_event(to_event(message), other)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_field_too_many_or_of_another_type_is_refused(message: Any) -> None:
    event = to_event(message)
    for name in [field.name for field in fields(message)]:
        for value in ({}, True, ["x y"], "\n"):
            if value == "\n" and name in ("text", "degraded"):
                continue  # free text, for people
            changed = Event(event.type, {**event.data, name: value})
            with pytest.raises(BadRequest):
                from_event(changed, kinds_of(message))
    with pytest.raises(BadRequest):
        from_event(Event(event.type, {**event.data, "more": 1}), kinds_of(message))
    with pytest.raises(BadRequest):
        from_event(Event(event.type, event.data, b"payload"), kinds_of(message))


@settings(deadline=None)
@given(
    kind=st.sampled_from([kind.event_type for kind in (*TOLD, *ANSWERED)] + ["", "transcript"]),
    data=st.dictionaries(
        st.sampled_from(["lease_id", "ladder", "urgency", "wait_s", "warm", "worker", "code", "text", "audio", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
            lambda children: (
                st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=2)
            ),
            max_leaves=5,
        ),
        max_size=6,
    ),
)
def test_whatever_comes_is_a_message_or_a_bad_request(kind: str, data: dict[str, Any]) -> None:
    for kinds in (TOLD, ANSWERED):
        try:
            message = from_event(Event(kind, data), kinds)  # type: ignore[type-var]
        except BadRequest:
            continue
        assert message.event_type == kind


def test_every_urgency_has_its_name() -> None:
    assert {urgency.wire_name for urgency in Urgency} == set(get_args(UrgencyName))
    assert all(Urgency.from_wire(urgency.wire_name) is urgency for urgency in Urgency)
