"""Intents as calls of a client's own tools."""

from __future__ import annotations

import json
from collections.abc import Sequence

from wyoming_servers.backends.chat_message import ToolCall
from wyoming_servers.house.acting.intent_call import IntentCall
from wyoming_servers.house.tools import Tool


def client_calls(calls: Sequence[IntentCall], tools: Sequence[Tool]) -> list[ToolCall] | None:
    """Return the calls that do the same, by Home Assistant's names (`HassTurnOn`, `intent__HassTurnOn`).

    None where a tool, or an argument of it, is missing.
    """
    found: list[ToolCall] = []
    for number, call in enumerate(calls):
        tool = next((t for t in tools if t.name == call.intent or t.name.endswith(f"__{call.intent}")), None)
        slots = {
            name: slot.spoken if name in ("name", "area", "floor") else slot.value for name, slot in call.slots.items()
        }
        if tool is None or not set(slots) <= set(tool.parameters.get("properties") or {}):
            return None
        found.append(ToolCall(f"plain_{number}", tool.name, json.dumps(slots, ensure_ascii=False)))
    return found
