"""Keeps utterances as voices for a minute, and then no trace of them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from avatar_appliance.atomic_file import replace_atomically
from avatar_appliance.log import log_defect
from avatar_appliance.voices.voice_index import INDEX_FILE, ClonedVoice, is_language_tag, write_voice_index
from wyoming_servers.text import detect_language

from .mark import new_utterance_id
from .reference import Sound, reference_wav
from .trouble import Trouble
from .utterances import Utterance, digest_of, write_utterances

_LOGGER = logging.getLogger(__name__)

MOST_VOICES: Final = 4
"""Voices kept at a time; the oldest gives way."""
MOST_UTTERANCES: Final = 32
"""Lines about utterances kept at a time. Those without a voice are kept, too: who said the same words?"""
NAME: Final = "asker"


class UtteranceKeeper:
    """The one writer of the folder; within `run` nothing in it gets older than `keep_s`."""

    def __init__(
        self,
        folder: Path,
        languages: Sequence[str],
        keep_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`languages` (bare tags) are those the cloning workers speak."""
        self._folder = folder
        self._languages = tuple(languages)
        self._keep_s = keep_s
        self._clock = clock
        self._sleep = sleep
        self._utterances: OrderedDict[str, Utterance] = OrderedDict()
        self._voices: OrderedDict[str, ClonedVoice] = OrderedDict()
        self._taken = asyncio.Event()
        self._ended = False

    async def take(
        self, text: str, language: str | None, sound: Sound, *, trouble: Trouble | None = None
    ) -> Trouble | None:
        """Keep an utterance under the words it was written down as; return why it is no voice, None where it is one.

        `trouble` says what makes it no good for a voice, beside what the sound itself says.
        Once `run` has ended nothing is kept: nobody would delete it.
        """
        trouble = trouble or sound.trouble
        wav = None if trouble else await asyncio.to_thread(reference_wav, sound)
        if self._ended:
            return "it could not be kept"
        self.sweep()
        utterance_id = new_utterance_id()
        try:
            if wav is not None:
                self._keep(self._voice(utterance_id, text, language), wav)
        except (OSError, ValueError) as error:
            _LOGGER.error("an utterance cannot be kept as a voice: %s", _why(error))
            self._drop_voice(utterance_id)
            trouble = "it could not be kept"
        self._utterances[utterance_id] = Utterance(utterance_id, self._clock(), digest_of(text), trouble)
        while len(self._utterances) > MOST_UTTERANCES:
            self._drop_voice(self._utterances.popitem(last=False)[0])
        self._write()
        self._taken.set()
        return trouble

    def sweep(self) -> float | None:
        """Delete what is too old; return the seconds until something else will be, None where nothing is kept."""
        now = self._clock()
        old = [one.id for one in self._utterances.values() if now - one.heard_at_s >= self._keep_s]
        for utterance_id in old:
            del self._utterances[utterance_id]
            self._drop_voice(utterance_id)
        if old:
            self._write()
        if not self._utterances:
            return None
        return next(iter(self._utterances.values())).heard_at_s + self._keep_s - now

    async def run(self) -> None:
        """Delete in time, until cancelled; before and after, everything that is left, also of an earlier life."""
        self._clear()
        try:
            while True:
                self._taken.clear()
                left_s = self.sweep()
                # What comes meanwhile is younger: it need not wake anybody.
                await (self._taken.wait() if left_s is None else self._sleep(max(left_s, 0.0)))
        except Exception as error:  # noqa: BLE001 - nobody awaits it before the end: say it here
            log_defect(_LOGGER, "defect while keeping utterances: no more of them are kept", error)
        finally:
            self._ended = True
            self._clear()

    def _voice(self, utterance_id: str, text: str, language: str | None) -> ClonedVoice:
        return ClonedVoice(
            id=utterance_id,
            name=NAME,
            languages=self._languages,
            version=1,
            speed=1.0,
            tier="auto",
            purpose="answers",
            is_default=False,
            reference=self._folder / f"{utterance_id}.wav",
            transcript=text,
            transcript_language=self._language(text, language),
        )

    def _language(self, text: str, told: str | None) -> str:
        tag = (told or "").replace("_", "-")
        return tag if is_language_tag(tag) else detect_language(text, self._languages) or self._languages[0]

    def _keep(self, voice: ClonedVoice, wav: bytes) -> None:
        while len(self._voices) >= MOST_VOICES:
            oldest = next(iter(self._voices))
            self._drop_voice(oldest)
            self._utterances[oldest] = _without_voice(self._utterances[oldest], "others spoke since")
        replace_atomically(voice.reference, wav)
        self._voices[voice.id] = voice

    def _drop_voice(self, utterance_id: str) -> None:
        self._voices.pop(utterance_id, None)
        try:
            (self._folder / f"{utterance_id}.wav").unlink(missing_ok=True)
        except OSError as error:
            _LOGGER.error("the sound of an utterance cannot be deleted: %s", error.strerror)

    def _write(self) -> None:
        try:
            # Voices first: whoever finds the line finds the voice.
            write_voice_index(self._folder / INDEX_FILE, self._voices.values())
            write_utterances(self._folder, self._utterances.values())
        except (OSError, ValueError) as error:
            _LOGGER.error("the list of utterances cannot be written: %s", _why(error))
            self._clear()  # a list that is out of date would give one person's voice to another

    def _clear(self) -> None:
        self._voices.clear()
        self._utterances.clear()
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._folder.exists():
            _LOGGER.error("%s cannot be deleted", self._folder)


@contextlib.asynccontextmanager
async def keeping_utterances(
    folder: Path, languages: Sequence[str], keep_s: float
) -> AsyncIterator[UtteranceKeeper | None]:
    """Give what keeps utterances, and end it, leaving nothing; None, and nothing kept, where there are no languages."""
    if not languages:
        shutil.rmtree(folder, ignore_errors=True)  # it was wanted until now
        yield None
        return
    keeper = UtteranceKeeper(folder, languages, keep_s)
    running = asyncio.create_task(keeper.run(), name="utterances")
    try:
        yield keeper
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _without_voice(utterance: Utterance, trouble: Trouble) -> Utterance:
    return Utterance(utterance.id, utterance.heard_at_s, utterance.words, trouble)


def _why(error: OSError | ValueError) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)
