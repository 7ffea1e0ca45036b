"""One merged voice list over all TTS workers: built-in voices, then the household's own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from wyoming.info import Info, TtsProgram, TtsVoice
from wyoming.tts import SynthesizeVoice

from avatar_appliance import __version__
from avatar_appliance.errors import VoiceUnknown, WorkerUnavailable
from wyoming_servers.backends.climb import RESTART_WAIT_S
from wyoming_servers.backends.watch import WorkerWatch
from wyoming_servers.text import detect_language, script_of

from .asker_voice import AskerVoice, Settled
from .attribution import ATTRIBUTION
from .profile_voices import CLONE_PREFIX, ProfileVoices
from .voice import Voice, best_for, listed_languages

_LOGGER = logging.getLogger(__name__)

WRITTEN_IN_HAN = ("zh", "yue", "ja")


class VoiceBook:
    """The voices of all workers; a name that two workers use gets the worker's name added.

    Of the profiles' voices every look at the book sees the newest state: nothing has to be restarted for them.
    """

    def __init__(
        self,
        name: str,
        languages: Sequence[str],
        watch: WorkerWatch,
        default_voice: str | None,
        profiles: ProfileVoices | None = None,
        asker: AskerVoice | None = None,
    ) -> None:
        """`asker` stands for everybody's own voice, where that is wanted."""
        self._name = name
        self._house_languages = list(languages)
        self._watch = watch
        self._default_voice = default_voice
        self._profiles = profiles
        self._asker = asker
        self._built_in: dict[str, Voice] = {}
        self._voices: dict[str, Voice] = {}
        self._patient_until_s: float | None = None
        self._info = Info()
        self._listeners: list[Callable[[], None]] = []
        if profiles is not None:
            profiles.refresh()
        watch.on_change(self._rebuild)
        self._rebuild()

    def info(self) -> Info:
        """Return the offer, from memory but for a look at whether the profiles changed."""
        self._refresh()
        return self._info

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever a voice came, went or changed."""
        self._listeners.append(listener)

    def choose(self, wish: SynthesizeVoice | None, program: str | None) -> Voice | None:
        """Return the voice a request names, or None where the text shall decide.

        Raises VoiceUnknown for a name, speaker or language nobody has (a silent default would be a lie), or
        WorkerUnavailable while a worker that may have it is still to tell its voices.
        """
        self._refresh()
        if wish is not None and wish.name:
            return self._named(wish.name, wish.speaker, program)
        if wish is not None and wish.language:
            voice = best_for(self._candidates(program), wish.language)
            if voice is None:
                raise self._missing("no voice speaks the language asked for")
            return voice
        default = self._default()
        return default if default is not None and self._is_of(default, program) else None

    def settle(self, chosen: Voice | None, utterance: str | None) -> Settled:
        """Return who is meant by what `choose` returned, in an answer to that utterance."""
        if self._asker is None or chosen != self._asker.placeholder:
            return Settled(chosen)
        default = self._default()
        # Where it is not their own it is a built-in one: the default may be another person's.
        return self._asker.settle(utterance, default if default is not None and default.profile is None else None)

    def language_of(self, chosen: Voice | None) -> str:
        """Return the language in which numbers and signs are to be read."""
        return chosen.languages[0] if chosen is not None and not chosen.passing else self._house_languages[0]

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
        if chosen is not None and _reads(chosen, text):
            return chosen
        if chosen is not None and (same := self.same_person(chosen, text)):
            return same[0]
        language = detect_language(text, self._house_languages) or self._house_languages[0]
        candidates = self._candidates(program)
        voice = best_for(candidates, language) or chosen or next(iter(candidates), None)
        if voice is None:
            raise WorkerUnavailable("no TTS worker has told its voices yet")
        return voice

    def substitutes(self, voice: Voice, text: str) -> list[Voice]:
        """Return who speaks `text` where the voice cannot, best first.

        The same person's voice on other workers, then the built-in voices of other workers that speak the language;
        never another person's voice.
        """
        if voice.profile is not None:
            # A profile may have several languages; who stands in is to speak that of the text.
            wanted: Sequence[str] = [detect_language(text, voice.languages) or voice.languages[0]]
        else:
            wanted = voice.languages
        others = [
            other
            for other in self._built_in.values()
            if other.worker != voice.worker and any(other.speaks(language) for language in wanted)
        ]
        if not others and voice.profile is not None:  # better than silence
            others = [other for other in self._built_in.values() if other.worker != voice.worker]
        return [*self.same_person(voice, text), *others]

    def same_person(self, voice: Voice, text: str) -> list[Voice]:
        """Return who else can speak `text` in the voice of the same profile, best first; nobody for a built-in one."""
        if voice.profile is None:
            return []
        owner = self._asker if voice.passing else self._profiles
        return [other for other in owner.substitutes(voice) if _reads(other, text)] if owner is not None else []

    def _default(self) -> Voice | None:
        if self._default_voice:
            return self._voices.get(self._default_voice) or self._profile_named(self._default_voice)
        return self._profiles.default() if self._profiles is not None else None

    def _named(self, name: str, speaker: str | None, program: str | None) -> Voice:
        voice = self._voices.get(name) or self._profile_named(name)
        if voice is None or not self._is_of(voice, program):
            raise self._missing("there is no voice of that name")
        if speaker is not None and speaker not in voice.speakers:
            raise VoiceUnknown("the voice has no speaker of that name")
        return replace(voice, speaker=speaker)

    def _profile_named(self, name: str) -> Voice | None:
        return self._profiles.named(name) if self._profiles is not None else None

    def _candidates(self, program: str | None) -> list[Voice]:
        return [voice for voice in self._built_in.values() if self._is_of(voice, program)]

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
            chosen = self.choose(wish, program)
            if chosen is not None and chosen.passing:
                return bool(self._built_in)  # one of which may have to stand in
            return chosen is not None or (bool(self._built_in) and not self._default_voice)
        except WorkerUnavailable:
            return False

    def _refresh(self) -> None:
        if self._profiles is not None and self._profiles.refresh():
            self._rebuild()

    def _rebuild(self) -> None:
        listed = [*self._told(), *(self._profiles.listed() if self._profiles is not None else ())]
        voices: dict[str, Voice] = {}
        everything: list[TtsVoice] = []
        offered: dict[str, list[TtsVoice]] = {}
        for voice, entry in listed:
            if voice.name in voices:
                name = f"{voice.name}@{voice.worker}"
                voice, entry = replace(voice, name=name), replace(entry, name=name)
            voices[voice.name] = voice
            everything.append(entry)
            offered.setdefault(voice.worker, []).append(entry)
        if self._asker is not None:
            self._add_asker(self._asker, voices, everything)
        self._voices = voices
        self._built_in = {name: voice for name, voice in voices.items() if voice.profile is None}
        if self._default_voice and self._watch.all_known and self._default() is None:
            _LOGGER.warning("tts.default_voice is on no worker: the language of the text chooses the voice")
        main = self._program(self._name, "Text-to-speech of the AVATAR Appliance", everything)
        others = [self._program(worker, f"Only worker {worker}", found) for worker, found in offered.items()]
        self._info = Info(tts=[main, *(others if len(others) > 1 else [])])
        for listener in self._listeners:
            listener()

    def _add_asker(self, asker: AskerVoice, voices: dict[str, Voice], everything: list[TtsVoice]) -> None:
        name = asker.placeholder.name
        if name in voices:
            if self._voices.get(name) != voices[name]:  # once
                _LOGGER.warning("a voice is called %s: nobody can be answered in their own", name)
            return
        voices[name] = asker.placeholder
        everything += asker.listed()

    def _told(self) -> list[tuple[Voice, TtsVoice]]:
        """Return what the workers told, but for the profiles' voices: those come from the index."""
        told = []
        for worker in self._watch.names:
            info = self._watch.info(worker)
            for program in info.tts if info else []:
                for entry in program.voices:
                    if not (program.installed and entry.installed) or entry.name.startswith(CLONE_PREFIX):
                        continue
                    languages = listed_languages(entry.languages, self._house_languages)
                    speakers = tuple(speaker.name for speaker in entry.speakers or [])
                    voice = Voice(entry.name, worker, entry.name, tuple(languages), speakers)
                    told.append((voice, replace(entry, languages=languages, installed=True)))
        return told

    def _program(self, name: str, description: str, voices: list[TtsVoice]) -> TtsProgram:
        return TtsProgram(
            name=name, description=description, attribution=ATTRIBUTION, installed=True, version=__version__,
            voices=voices, supports_synthesize_streaming=True,
        )  # fmt: skip


def _reads(voice: Voice, text: str) -> bool:
    """Return whether a voice is not silent on the script of a text."""
    return script_of(text) != "han" or any(voice.speaks(tag) for tag in WRITTEN_IN_HAN)
