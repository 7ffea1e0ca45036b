"""The house that the settings describe, put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from avatar_appliance.config.home_assistant import HomeAssistantSettings

from .acting.executor import Executor
from .acting.home_assistant_executor import HomeAssistantExecutor
from .home_assistant.address import HomeAssistantAddress
from .home_assistant.intent_api import IntentApi
from .home_assistant.live_household import LiveHousehold
from .home_assistant.mcp_tools import McpTools
from .household_file import FileHousehold
from .source import HouseholdSource
from .tools import Toolbox


@dataclass(frozen=True, slots=True)
class House:
    """What the conversation server needs of the house; `start` it, and `close` it at the end."""

    household: HouseholdSource
    executor: Executor | None = None
    """Carries out intents; None without a token: they go back over Wyoming (`acting.wyoming_intents`)."""
    toolbox: Toolbox | None = None
    """Tools for the language model; None without a token: those of `acting.intent_tools` are."""
    _closing: tuple[Callable[[], Awaitable[None]], ...] = ()

    async def start(self) -> None:
        """Begin to follow the household; returns at once. Raises ConfigError for a household file that is wrong."""
        await self.household.start()

    async def close(self) -> None:
        """Close every connection."""
        for close in self._closing:
            await close()


def make_house(settings: HomeAssistantSettings) -> House:
    """Return the house: a live one with a token, else the one of the household file, which may be empty."""
    if settings.url is None or settings.token is None:
        source = FileHousehold(settings.household)
        return House(source, _closing=(source.close,))
    address = HomeAssistantAddress.from_settings(settings)
    tools = McpTools(address, settings.refresh_s)
    # Which tools there are depends on what is exposed.
    household = LiveHousehold(address, settings.refresh_s, on_layout=tools.forget_tools)
    intents = IntentApi(address)
    executor = HomeAssistantExecutor(household, intents, tools)
    return House(household, executor, tools, (household.close, tools.close, intents.close))
