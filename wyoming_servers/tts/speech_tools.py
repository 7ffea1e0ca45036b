"""What all requests of the text-to-speech server speak with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from avatar_appliance.config.echo_guard import EchoGuardSettings
from avatar_appliance.config.settings import LimitsSettings, TtsSettings
from wyoming_servers.backends.worker_access import WorkerAccess
from wyoming_servers.backends.wyoming_worker import WyomingWorkerLink
from wyoming_servers.echo.said_memory import SaidMemory
from wyoming_servers.text import PronunciationDictionary, SpeakableStream, TextFormat

from .ahead_of_time import AheadOfTime
from .leveller import Leveller
from .piece_maker import PieceMaker
from .speech_cache import SpeechCache
from .voices import VoiceBook


@dataclass(frozen=True, slots=True)
class SpeechTools:
    """Voices, the way to their workers, and what is kept between requests."""

    book: VoiceBook
    maker: PieceMaker
    cache: SpeechCache
    leveller: Leveller
    ahead: AheadOfTime
    dictionary: Callable[[], PronunciationDictionary]
    """Returns the household's pronunciations of now."""
    announcement_wait_s: float
    said: SaidMemory

    @classmethod
    def of(
        cls,
        settings: TtsSettings,
        limits: LimitsSettings,
        book: VoiceBook,
        links: Mapping[str, WyomingWorkerLink],
        access: WorkerAccess,
        dictionary: Callable[[], PronunciationDictionary] = PronunciationDictionary,
        said: SaidMemory | None = None,
    ) -> Self:
        """Return what the settings ask for."""
        speech = settings.speech
        maker = PieceMaker(links, access, settings.rate_hz)
        cache = SpeechCache(speech.cache_memory)
        # What a worker tells anew may sound otherwise under the same name.
        book.on_change(cache.clear)
        ahead = AheadOfTime(
            book,
            maker,
            cache,
            lambda language: SpeakableStream(language, dictionary=dictionary()),
            limits.max_text_chars,
        )
        leveller = Leveller(settings.rate_hz, speech.loudness_lufs)
        said = said or SaidMemory(EchoGuardSettings())
        book.on_change(said.forget_voices)
        return cls(book, maker, cache, leveller, ahead, dictionary, speech.announcement_wait_s, said)

    def speakable(self, language: str, text_format: TextFormat) -> SpeakableStream:
        """Return what makes a text speakable piece by piece."""
        return SpeakableStream(language, text_format=text_format, dictionary=self.dictionary())
