"""The fast path, kept ready for the household as it is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from wyoming_servers.house.area import Area
from wyoming_servers.house.asker import Asker
from wyoming_servers.house.household import Household
from wyoming_servers.house.layout import HouseLayout
from wyoming_servers.house.source import HouseholdSource

from .fast_path import FastPath, Recognised, Recognition, Unsure

_LOGGER = logging.getLogger(__name__)
# How long one wait for a changed household lasts.
WATCH_S = 3600.0


class PreparedFastPath:
    """Recognises only what it is ready for: names are indexed in a thread, beside the turns.

    While a changed household is indexed the former one is still understood; before the first, nothing is.
    """

    def __init__(self, source: HouseholdSource, languages: Sequence[str]) -> None:
        self._source = source
        self._languages = list(languages)
        self._ready: tuple[FastPath, HouseLayout] | None = None

    @property
    def ready_for(self) -> HouseLayout | None:
        """The house whose names it understands; None before the first."""
        return None if self._ready is None else self._ready[1]

    def recognise(self, text: str, asker: Asker, area: Area | None = None) -> Recognition:
        """Return the one thing a sentence asks for; None where it is no plain command.

        `area`: the room it is about where it names none, instead of the asker's.
        """
        if self._ready is None:
            return None
        fast_path, layout = self._ready
        return fast_path.recognise(text, asker.language, layout, area or asker.area(layout))

    def understand(self, text: str, asker: Asker) -> tuple[Recognised, ...] | Unsure | None:
        """Return all that a sentence asks for, which may be several things; they are all plain, or there are none."""
        if self._ready is None:
            return None
        fast_path, layout = self._ready
        return fast_path.understand(text, asker.language, layout, asker.area(layout))

    def unclear(self, text: str, asker: Asker) -> Unsure | None:
        """Return why a command that was not recognised cannot be carried out; None where it may be no command."""
        if self._ready is None:
            return None
        fast_path, layout = self._ready
        return fast_path.unclear(text, asker.language, layout, asker.area(layout))

    async def run(self) -> None:
        """Follow the household until cancelled."""
        while True:
            layout = self._source.household().layout
            if layout is not self.ready_for:
                fast_path = FastPath()
                await asyncio.to_thread(fast_path.prepare, layout, self._languages)
                self._ready = (fast_path, layout)
                _LOGGER.info("plain commands are understood (%d things)", len(layout.entities))

            def changed(household: Household, known: HouseLayout = layout) -> bool:
                return household.layout is not known

            if not await self._source.wait_until(changed, WATCH_S) and not self._source.is_live:
                await asyncio.sleep(1.0)  # nothing to wait for: a file, or a Home Assistant that is away
