"""The names of the house, which a recogniser should expect."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from avatar_appliance.config.home_assistant import HomeAssistantSettings


class NoNames:
    """A house that names nothing."""

    def for_request(self, context: dict[str, Any] | None) -> tuple[str, ...]:
        """Return the names for one utterance, those nearest to the speaker first."""
        return ()


@contextlib.asynccontextmanager
async def following(settings: HomeAssistantSettings, most: int) -> AsyncIterator[NoNames]:
    """Give the names of the configured house while the block runs; without one nothing is loaded."""
    if not settings.is_configured or most == 0:
        yield NoNames()
        return
    from wyoming_servers.conversation.fast_path.vocabulary import vocabulary
    from wyoming_servers.house.asker import Asker
    from wyoming_servers.house.house import House, make_house

    class _Names(NoNames):
        def __init__(self, house: House) -> None:
            self._house = house

        def for_request(self, context: dict[str, Any] | None) -> tuple[str, ...]:
            layout = self._house.household.household().layout
            return vocabulary(layout, Asker.from_context(context, "").area(layout), most=most)

    house = make_house(settings)
    await house.start()
    try:
        yield _Names(house)
    finally:
        await house.close()
