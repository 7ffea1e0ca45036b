"""Which voice was asked for last, and where: answers do not say in whose voice they will be wanted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from wyoming.tts import SynthesizeVoice

MOST_PLACES: Final = 256


class LastVoices:
    """By conversation, satellite and device; for a new place, the voice used last anywhere."""

    def __init__(self) -> None:
        self._by_place: OrderedDict[str, SynthesizeVoice | None] = OrderedDict()
        self._last: SynthesizeVoice | None = None

    def note(self, wish: SynthesizeVoice | None, places: Iterable[str] = ()) -> None:
        """Remember a request's voice (None: it named none), for the places it was for where they are known."""
        self._last = wish
        for place in places:
            self._by_place.pop(place, None)
            self._by_place[place] = wish
        while len(self._by_place) > MOST_PLACES:
            self._by_place.popitem(last=False)

    def expected(self, places: Iterable[str]) -> SynthesizeVoice | None:
        """Return the voice that will be asked for next, by the first of `places` that is known."""
        for place in places:
            if place in self._by_place:
                return self._by_place[place]
        return self._last
