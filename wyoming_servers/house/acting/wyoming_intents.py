"""Intents handed back over Wyoming, for Home Assistant to carry out itself: a house without a token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wyoming.event import Event
from wyoming.intent import Entity, Intent, IntentsStart, IntentsStop

from wyoming_servers.text import to_traditional

from .answer_templates import template_text
from .intent_call import IntentCall, Slot


def intent_events(calls: Sequence[IntentCall], language: str, context: Mapping[str, Any] | None = None) -> list[Event]:
    """Return the events of one answer: a single `intent`, or several within `intents-start` and `intents-stop`.

    `text` is the answer's template; Home Assistant renders it with what its own handling found. Slots are names, not
    ids: they are spoken in the template, and a household file need not know the ids of the house.
    """
    carried = dict(context) if context is not None else None
    intents = [
        Intent(
            name=call.intent,
            entities=[Entity(name=name, value=_value(name, slot)) for name, slot in call.slots.items()],
            text=_template(call, language),
            context=carried,
        ).event()
        for call in calls
    ]
    if len(intents) == 1:
        return intents
    return [IntentsStart(context=carried).event(), *intents, IntentsStop(context=carried).event()]


def _value(name: str, slot: Slot) -> Any:
    return slot.spoken if name in ("name", "area", "floor") else slot.value


def _template(call: IntentCall, language: str) -> str | None:
    template = template_text(call.intent, call.response, call.language)
    traditional = call.language == "zh-CN" and not language.replace("_", "-").lower().startswith(("zh-cn", "zh-hans"))
    return to_traditional(template) if template and traditional else template
