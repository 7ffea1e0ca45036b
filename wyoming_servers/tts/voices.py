"""One merged voice list over all TTS workers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from wyoming.info import Attribution, Info, TtsProgram, TtsVoice
from wyoming.tts import SynthesizeVoice

from avatar_appliance import __version__
from avatar_appliance.errors import VoiceUnknown, WorkerUnavailable
from wyoming_servers.backends.climb import RESTART_WAIT_S
from wyoming_servers.backends.watch import WorkerWatch
from wyoming_servers.text import detect_language, script_of

_LOGGER = logging.getLogger(__name__)

ATTRIBUTION = Attribution(name="AVATAR Appliance", url="")
WRITTEN_IN_HAN = ("zh", "yue", "ja")


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice in the list and the worker behind it."""

    name: str
    """Name in the merged list."""
    worker: str
    worker_name: str
    """Name on the worker itself."""
    languages: tuple[str, ...]
    speakers: tuple[str, ...]
    speaker: str | None = None
    """Speaker chosen by a request."""

    def speaks(self, language: str) -> bool:
        """Return whether the voice speaks the language: "en" and "en-GB" match "en-US", "zh" matches "zh-TW"."""
        return any(_bare(own) == _bare(language) for own in self.languages)


class VoiceBook:
    """The voices of all workers; a name that two workers use gets the worker's name added."""

    def __init__(self, name: str, languages: Sequence[str], watch: WorkerWatch, default_voice: str | None) -> None:
        self._name = name
        self._house_languages = list(languages)
        self._watch = watch
        self._default_voice = default_voice
        self._voices: dict[str, Voice] = {}
        self._patient_until_s: float | None = None
        self._info = Info()
        watch.on_change(self._rebuild)
        self._rebuild()

    def info(self) -> Info:
        """Return the offer from memory."""
        return self._info

    def choose(self, wish: SynthesizeVoice | None, program: str | None) -> Voice | None:
        """Return the voice a request names, or None where the text shall decide.

        Raises VoiceUnknown for a name, speaker or language nobody has (a silent default would be a lie), or
        WorkerUnavailable while a worker that may have it is still to tell its voices.
        """
        if wish is not None and wish.name:
            return self._named(wish.name, wish.speaker, program)
        if wish is not None and wish.language:
            voice = self._speaking(wish.language, program)
            if voice is None:
                raise self._missing("no voice speaks the language asked for")
            return voice
        default = self._voices.get(self._default_voice) if self._default_voice else None
        return default if default is not None and self._is_of(default, program) else None

    async def wait_until_told(self, wish: SynthesizeVoice | None, program: str | None) -> None:
        """Wait until it is known who can speak, but only right after a start, while the workers are still asked."""
        if self._patient_until_s is None:
            self._patient_until_s = asyncio.get_running_loop().time() + RESTART_WAIT_S
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._patient_until_s):
                await self._watch.wait_until(lambda: self.can_choose(wish, program))

    def untold(self, program: str | None) -> list[str]:
        """Return the workers of a program that have never told their voices, in ladder order."""
        return [worker for worker in self._watch.unknown if program in (None, self._name, worker)]

    def for_text(self, text: str, chosen: Voice | None, program: str | None = None) -> Voice:
        """Return who speaks a piece of text.

        The chosen voice, unless the text is in a script its languages do not write and another voice's do: an English
        voice is silent on Chinese characters. Raises WorkerUnavailable before any worker has told its voices.
        """
        if chosen is not None and (script_of(text) != "han" or any(chosen.speaks(tag) for tag in WRITTEN_IN_HAN)):
            return chosen
        language = detect_language(text, self._house_languages) or self._house_languages[0]
        anybody = next((voice for voice in self._voices.values() if self._is_of(voice, program)), None)
        voice = self._speaking(language, program) or chosen or anybody
        if voice is None:
            raise WorkerUnavailable("no TTS worker has told its voices yet")
        return voice

    def substitutes(self, voice: Voice) -> list[Voice]:
        """Return voices of other workers for the same language, in ladder order: for when its worker is down."""
        return [
            other
            for other in self._voices.values()
            if other.worker != voice.worker and any(other.speaks(language) for language in voice.languages)
        ]

    def _named(self, name: str, speaker: str | None, program: str | None) -> Voice:
        voice = self._voices.get(name)
        if voice is None or not self._is_of(voice, program):
            raise self._missing("there is no voice of that name")
        if speaker is not None and speaker not in voice.speakers:
            raise VoiceUnknown("the voice has no speaker of that name")
        return replace(voice, speaker=speaker)

    def _is_of(self, voice: Voice, program: str | None) -> bool:
        return program in (None, self._name, voice.worker)

    def _missing(self, text: str) -> VoiceUnknown | WorkerUnavailable:
        if self._watch.all_known:
            return VoiceUnknown(text)
        return WorkerUnavailable("the TTS worker that may have this voice has not told its voices yet")

    def can_choose(self, wish: SynthesizeVoice | None, program: str | None) -> bool:
        """Return whether enough workers have told their voices to say who speaks."""
        if self._watch.all_known:
            return True
        try:
            return self.choose(wish, program) is not None or (bool(self._voices) and not self._default_voice)
        except WorkerUnavailable:
            return False

    def _speaking(self, language: str, program: str | None) -> Voice | None:
        fitting = [v for v in self._voices.values() if v.speaks(language) and self._is_of(v, program)]
        exact = [v for v in fitting if any(_tag(own) == _tag(language) for own in v.languages)]
        # The region decides within a worker, the ladder between workers: a robot's exact accent is no gain.
        return next((v for v in exact if v.worker == fitting[0].worker), fitting[0]) if fitting else None

    def _rebuild(self) -> None:
        voices: dict[str, Voice] = {}
        offered: dict[str, list[TtsVoice]] = {}
        for worker in self._watch.names:
            info = self._watch.info(worker)
            for program in info.tts if info else []:
                for entry in program.voices:
                    if not (program.installed and entry.installed):
                        continue
                    name = entry.name if entry.name not in voices else f"{entry.name}@{worker}"
                    languages = _listed(entry.languages, self._house_languages)
                    voices[name] = Voice(
                        name, worker, entry.name, tuple(languages), tuple(s.name for s in entry.speakers or [])
                    )
                    offered.setdefault(worker, []).append(
                        TtsVoice(
                            name=name,
                            description=entry.description,
                            attribution=entry.attribution,
                            installed=True,
                            version=entry.version,
                            languages=languages,
                            speakers=entry.speakers,
                        )
                    )
        self._voices = voices
        if self._default_voice and self._watch.all_known and self._default_voice not in voices:
            _LOGGER.warning("tts.default_voice is on no worker: the language of the text chooses the voice")
        everything = [voice for of_worker in offered.values() for voice in of_worker]
        main = self._program(self._name, "Text-to-speech of the AVATAR Appliance", everything)
        others = [self._program(worker, f"Only worker {worker}", found) for worker, found in offered.items()]
        self._info = Info(tts=[main, *(others if len(others) > 1 else [])])

    def _program(self, name: str, description: str, voices: list[TtsVoice]) -> TtsProgram:
        return TtsProgram(
            name=name, description=description, attribution=ATTRIBUTION, installed=True, version=__version__,
            voices=voices, supports_synthesize_streaming=True,
        )  # fmt: skip


def _listed(languages: Sequence[str], house: Sequence[str]) -> list[str]:
    """Return a voice's languages with the house's own region added where the bare language fits."""
    bare = {_bare(language) for language in languages}
    own = [tag for tag in house if _bare(tag) in bare and "-" in tag and _bare(tag) != "en"]
    return list(dict.fromkeys([*languages, *own]))


def _tag(language: str) -> str:
    return language.replace("_", "-").lower()


def _bare(language: str) -> str:
    bare = _tag(language).split("-")[0]
    return "zh" if bare == "cmn" else bare
