"""Tools for a language model whose calls become Wyoming intents: a house without a token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from avatar_appliance.errors import BadRequest
from wyoming_servers.house.errors import ToolUnknown
from wyoming_servers.house.tools import Tool

from .intent_call import IntentCall, Slot

MAX_TEXT_CHARS: Final = 200

_TEXT: Final = {"type": "string", "maxLength": MAX_TEXT_CHARS}
_PERCENT: Final = {"type": "integer", "minimum": 0, "maximum": 100}
_WHERE: Final = {
    "name": {**_TEXT, "description": "Name of the device, as the house lists it"},
    "area": {**_TEXT, "description": "Room, when everything of a kind in it is meant"},
}
_KIND: Final = {
    "domain": {
        "type": "string",
        "enum": ["light", "switch", "fan", "cover", "lock", "media_player", "climate", "scene", "script", "valve"],
        "description": "Kind of device",
    }
}
_DURATION: Final = {
    unit: {"type": "integer", "minimum": 0, "maximum": 100_000} for unit in ("hours", "minutes", "seconds")
}
_NAME_OF_TIMER: Final = {"name": {**_TEXT, "description": "Name of the timer"}}
# "The ten minute timer": Home Assistant tells a running timer from another by what it was set to, in slots of its own.
_WHICH_TIMER: Final = {
    **{f"start_{unit}": {**schema, "description": "What it was set to"} for unit, schema in _DURATION.items()},
    **_NAME_OF_TIMER,
}
_ITEM: Final = {
    "item": {**_TEXT, "description": "What is on the list, or shall be"},
    "name": {**_TEXT, "description": "Name of the list"},
}


def _tool(name: str, description: str, properties: Mapping[str, Any], *required: str, reads: bool = False) -> Tool:
    schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    if required:
        schema["required"] = list(required)
    return Tool(name, description, schema, is_read_only=reads)


_TOOLS: Final = tuple(
    sorted(
        (
            _tool("HassTurnOn", "Turn on, open, lock, activate or run something", {**_WHERE, **_KIND}),
            _tool("HassTurnOff", "Turn off, close or unlock something", {**_WHERE, **_KIND}),
            _tool(
                "HassLightSet",
                "Set brightness (percent), colour (a name) or colour temperature (kelvin) of lights",
                {**_WHERE, "brightness": _PERCENT, "color": _TEXT, "temperature": {"type": "integer"}},
            ),
            _tool("HassSetPosition", "Move blinds, curtains or a valve", {**_WHERE, "position": _PERCENT}, "position"),
            _tool(
                "HassClimateSetTemperature",
                "Set the wanted temperature",
                {**_WHERE, "temperature": {"type": "number"}},
                "temperature",
            ),
            _tool("HassFanSetSpeed", "Set a fan's speed", {**_WHERE, "percentage": _PERCENT}, "percentage"),
            _tool("HassMediaPause", "Pause what is playing", _WHERE),
            _tool("HassMediaUnpause", "Go on playing", _WHERE),
            _tool("HassMediaNext", "Next track", _WHERE),
            _tool("HassMediaPrevious", "Previous track", _WHERE),
            _tool("HassSetVolume", "Set the volume", {**_WHERE, "volume_level": _PERCENT}, "volume_level"),
            _tool(
                "HassMediaSearchAndPlay",
                "Search for music or a film and play it",
                {**_WHERE, "search_query": _TEXT},
                "search_query",
            ),
            _tool("HassStartTimer", "Start a timer", {**_DURATION, **_NAME_OF_TIMER}),
            _tool("HassCancelTimer", "Cancel a timer", _WHICH_TIMER),
            _tool("HassPauseTimer", "Pause a timer", _WHICH_TIMER),
            _tool("HassUnpauseTimer", "Let a paused timer go on", _WHICH_TIMER),
            _tool("HassIncreaseTimer", "Add time to a timer", {**_DURATION, **_WHICH_TIMER}),
            _tool("HassDecreaseTimer", "Take time off a timer", {**_DURATION, **_WHICH_TIMER}),
            _tool("HassTimerStatus", "Ask how long a timer still runs", _WHICH_TIMER, reads=True),
            _tool("HassListAddItem", "Put something on a to-do or shopping list", _ITEM, "item", "name"),
            _tool("HassListCompleteItem", "Check something off a list: it is done", _ITEM, "item", "name"),
            _tool("HassListRemoveItem", "Take something off a list: it is not wanted", _ITEM, "item", "name"),
            _tool("HassBroadcast", "Say something on all other speakers of the house", {"message": _TEXT}, "message"),
            _tool("HassVacuumStart", "Start the vacuum cleaner", _WHERE),
            _tool("HassVacuumReturnToBase", "Send the vacuum cleaner home", _WHERE),
            _tool(
                "HassGetState",
                "Ask for the state of something",
                {**_WHERE, **_KIND, "state": {**_TEXT, "description": "State asked about, such as on or open"}},
                reads=True,
            ),
        ),
        key=lambda tool: tool.name,
    )
)
_BY_NAME: Final = {tool.name: tool for tool in _TOOLS}

_ANSWERED_BY_DOMAIN: Final = frozenset({"cover", "lock", "scene", "script", "valve"})
_ANSWERS_OF_LISTS: Final = {
    "HassListAddItem": "item_added",
    "HassListCompleteItem": "item_completed",
    "HassListRemoveItem": "item_deleted",
}


def intent_tools() -> tuple[Tool, ...]:
    """Return the tools, sorted by name."""
    return _TOOLS


def call_of_tool(name: str, arguments: Mapping[str, Any], language: str) -> IntentCall:
    """Return the intent a model's tool call means; raise ToolUnknown or BadRequest.

    `language` is that of the answer (`en`, `zh-TW`). Arguments the tool does not have, and empty ones, are left out:
    models like to fill in everything.
    """
    tool = _BY_NAME.get(name)
    if tool is None:
        raise ToolUnknown(f"there is no tool {name[:80]!r}")
    properties = tool.parameters["properties"]
    slots = {
        key: Slot(_checked(key, value, properties[key]))
        for key, value in arguments.items()
        if key in properties and value not in (None, "", [])
    }
    missing = [key for key in tool.parameters.get("required", ()) if key not in slots]
    if missing:
        raise BadRequest(f"{name} needs {', '.join(missing)}")
    return IntentCall(name, language, slots, response=_response(name, slots))


def _checked(key: str, value: Any, schema: Mapping[str, Any]) -> Any:
    wanted = schema["type"]
    if wanted == "string":
        if not isinstance(value, str) or len(value) > MAX_TEXT_CHARS:
            raise BadRequest(f"{key} is no text of at most {MAX_TEXT_CHARS} characters")
        if "enum" in schema and value not in schema["enum"]:
            raise BadRequest(f"{key} is none of {', '.join(schema['enum'])}")
        return value.strip()
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise BadRequest(f"{key} is no number") from None
    if not schema.get("minimum", float("-inf")) <= number <= schema.get("maximum", float("inf")):
        raise BadRequest(f"{key} is out of bounds")
    return int(number) if wanted == "integer" or number.is_integer() else number


def _response(intent: str, slots: Mapping[str, Slot]) -> str:
    """The template that suits the call: those of the package belong to sentences, and there was none."""
    domain = slots["domain"].value if "domain" in slots else None
    if intent in ("HassTurnOn", "HassTurnOff"):
        if domain in _ANSWERED_BY_DOMAIN:
            return str(domain)
        if "area" in slots and "name" not in slots and domain in ("light", "fan"):
            return f"{domain}s_area"
    if intent == "HassLightSet":
        return next((key for key in ("brightness", "color", "temperature") if key in slots), "brightness")
    if intent in _ANSWERS_OF_LISTS:
        return _ANSWERS_OF_LISTS[intent]
    if intent == "HassGetState":
        if "name" in slots:
            return "one_yesno" if "state" in slots else "one"
        return "which"
    return "default"
