"""The voices of the household's profiles, as a cloning worker offers and keeps them.

A voice is offered as `clone:ID:VERSION` and prepared when it is first spoken with: what an engine makes of a recording
is kept for the voices spoken with last, and dropped when its profile is deleted or changed.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from wyoming.info import Attribution, TtsVoice

from avatar_appliance.errors import AvatarError, VoiceUnknown
from avatar_appliance.voices.voice_index import ClonedVoice, VoiceIndex

_LOGGER = logging.getLogger(__name__)

PREFIX = "clone:"
MOST_PREPARED = 16
# A household has a dozen; what failed is remembered for as many.
_MOST_REFUSED = 256

Prepared = TypeVar("Prepared")


def clone_name(voice: ClonedVoice) -> str:
    """Return the name a cloning worker gives this version of a voice."""
    return f"{PREFIX}{voice.id}:{voice.version}"


class HouseholdVoices(VoiceIndex):
    """The voices of the profiles, and those that last for an answer: these can be spoken with, but are offered nobody.

    In the offer they would be news for everybody who watches it, once for each utterance.
    """

    def __init__(self, path: Path, passing: VoiceIndex) -> None:
        """Watch the index of the profiles at `path`, and the other one."""
        super().__init__(path)
        self.passing = passing

    def has_passing(self, name: str) -> bool:
        """Return whether there is such a voice of that name now."""
        return any(clone_name(voice) == name for voice in self.passing.voices)


class ConfiguredVoice(Protocol):
    """A voice of the configuration, beside those of the profiles."""

    @property
    def name(self) -> str:
        """How it is asked for."""
        ...

    @property
    def language(self) -> str:
        """Of its recording (BCP 47)."""
        ...


def configured_voices(voices: Iterable[ConfiguredVoice], attribution: Attribution, remark: str = "") -> list[TtsVoice]:
    """Return the entries for `info` of the voices that the configuration gives a worker; `remark` ends each label."""
    return [
        TtsVoice(
            name=voice.name,
            description=f"{voice.name} ({voice.language}){remark}",
            attribution=attribution,
            installed=True,
            version=None,
            languages=[voice.language],
        )
        for voice in voices
    ]


@dataclass(frozen=True, slots=True)
class Clone(Generic[Prepared]):
    """A voice ready to speak."""

    voice: ClonedVoice
    prepared: Prepared


class ClonedVoices(Generic[Prepared]):
    """The voices of `index` that an engine of these languages can speak with.

    `prepare` makes a voice ready (raises AvatarError where its recording is of no use) and `forget` undoes it. The one
    is called in the thread that enters `use`, the other in any thread, but never for a voice in use.
    """

    def __init__(
        self,
        index: VoiceIndex | None,
        languages: Sequence[str],
        prepare: Callable[[ClonedVoice], Prepared],
        forget: Callable[[Prepared], None] = lambda _: None,
        *,
        most: int = MOST_PREPARED,
    ) -> None:
        """Without an `index` there are no such voices."""
        self._index = index
        self._passing = index.passing if isinstance(index, HouseholdVoices) else None
        self._languages = frozenset(language.lower() for language in languages)
        self._prepare = prepare
        self._forget = forget
        self._most = most
        self._lock = threading.Lock()
        self._prepared: OrderedDict[str, Clone[Prepared]] = OrderedDict()
        self._refused: OrderedDict[str, None] = OrderedDict()
        self._in_use: str | None = None

    def offer(self, attribution: Attribution) -> list[TtsVoice]:
        """Return the entries for `info`, in the owner's order, and drop what was kept of voices that are gone."""
        return [
            TtsVoice(
                name=name,
                description=voice.name,
                attribution=attribution,
                installed=True,
                version=str(voice.version),
                languages=self._spoken(voice),
            )
            for name, voice in self._current(offered_only=True).items()
            if name not in self._refused
        ]

    @property
    def kept(self) -> list[str]:
        """Names of the voices that are ready, the one spoken with longest ago first."""
        with self._lock:
            return list(self._prepared)

    @contextmanager
    def use(self, name: str) -> Iterator[Clone[Prepared]]:
        """Give the voice of that name, made ready; by one thread only.

        Raises VoiceUnknown for a name that is not (or no longer) offered, and for a recording that is of no use.
        """
        voice = self._current().get(name)
        if voice is None or name in self._refused:
            raise VoiceUnknown("this worker has no such voice (any more)")
        with self._lock:
            self._in_use = name
        try:
            yield self._ready(name, voice)
        finally:
            with self._lock:
                self._in_use = None
            self._current()  # it may be gone by now

    def _ready(self, name: str, voice: ClonedVoice) -> Clone[Prepared]:
        with self._lock:
            found = self._prepared.get(name)
            if found is not None:
                self._prepared.move_to_end(name)
                return found
        try:
            made = Clone(voice, self._prepare(voice))
        except AvatarError as error:
            _LOGGER.warning("voice %s, version %d, cannot be spoken with: %s", voice.id, voice.version, error.text)
            self._refuse(name)
            raise VoiceUnknown("the recording of this voice is of no use to this worker") from error
        with self._lock:
            self._prepared[name] = made
            for old in list(self._prepared)[: -self._most]:
                self._forget(self._prepared.pop(old).prepared)
        return made

    def _refuse(self, name: str) -> None:
        with self._lock:
            self._refused[name] = None
            while len(self._refused) > _MOST_REFUSED:
                self._refused.popitem(last=False)

    def _current(self, *, offered_only: bool = False) -> dict[str, ClonedVoice]:
        """Return the voices there are now, by name; drop what was kept of others."""
        if self._index is None:
            return {}
        with self._lock:
            offered = {clone_name(voice): voice for voice in self._index.voices if self._spoken(voice)}
            passing = self._passing.voices if self._passing is not None else ()
            voices = {clone_name(voice): voice for voice in passing if self._spoken(voice)} | offered
            for name in [name for name in self._prepared if name not in voices and name != self._in_use]:
                self._forget(self._prepared.pop(name).prepared)
                _LOGGER.info("dropped %s", name)
            return offered if offered_only else voices

    def _spoken(self, voice: ClonedVoice) -> list[str]:
        return [tag for tag in voice.languages if tag.lower().split("-")[0] in self._languages]
