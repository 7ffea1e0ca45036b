"""The intents we know: who carries them out, and by which of Home Assistant's tools."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final


class Handler(Enum):
    """Who answers an intent."""

    HOME_ASSISTANT = "home-assistant"
    """Home Assistant does it."""
    SNAPSHOT = "snapshot"
    """The live household knows the answer."""
    CLOCK = "clock"
    """This machine's clock knows the answer."""
    NOBODY = "nobody"
    """Nothing is to be done."""


@dataclass(frozen=True, slots=True)
class IntentRule:
    """How one intent is treated."""

    handler: Handler
    tool: str | None = None
    """The MCP tool that does the same; None where Home Assistant has none."""


def _by(integration: str, *intents: str) -> dict[str, IntentRule]:
    """Home Assistant names the tool of an intent after the integration that owns it."""
    return {name: IntentRule(Handler.HOME_ASSISTANT, f"{integration}__{name}") for name in intents}


def _without_tool(*intents: str) -> dict[str, IntentRule]:
    return {name: IntentRule(Handler.HOME_ASSISTANT) for name in intents}


# HassRespond is left out on purpose: greetings are the persona's, not Home Assistant's.
INTENTS: Final[MappingProxyType[str, IntentRule]] = MappingProxyType(
    {
        **_by("intent", "HassTurnOn", "HassTurnOff", "HassSetPosition", "HassStopMoving"),
        **_by("light", "HassLightSet"),
        **_by("climate", "HassClimateSetTemperature"),
        **_by("fan", "HassFanSetSpeed"),
        **_by(
            "media_player", "HassMediaPause", "HassMediaUnpause", "HassMediaNext", "HassMediaPrevious",
            "HassMediaPlayerMute", "HassMediaPlayerUnmute", "HassSetVolume", "HassSetVolumeRelative",
        ),
        **_by("vacuum", "HassVacuumStart", "HassVacuumReturnToBase", "HassVacuumCleanArea"),
        **_by("lawn_mower", "HassLawnMowerStartMowing", "HassLawnMowerDock"),
        **_by("todo", "HassListAddItem", "HassListCompleteItem", "HassListRemoveItem"),
        **_by("assist_satellite", "HassBroadcast"),
        **_by(
            "intent", "HassStartTimer", "HassCancelTimer", "HassCancelAllTimers", "HassIncreaseTimer",
            "HassDecreaseTimer", "HassPauseTimer", "HassUnpauseTimer", "HassTimerStatus",
        ),
        **_without_tool(
            "HassShoppingListAddItem", "HassShoppingListCompleteItem", "HassMediaSearchAndPlay",
            "HassClimateSetFanMode",
        ),
        "HassGetState": IntentRule(Handler.SNAPSHOT),
        "HassClimateGetTemperature": IntentRule(Handler.SNAPSHOT),
        "HassGetWeather": IntentRule(Handler.SNAPSHOT),
        "HassGetCurrentDate": IntentRule(Handler.CLOCK),
        "HassGetCurrentTime": IntentRule(Handler.CLOCK),
        "HassNevermind": IntentRule(Handler.NOBODY),
    }
)  # fmt: skip
