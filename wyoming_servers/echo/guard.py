"""Asks the text-to-speech server what it just said, beside everything else, and judges with it what was heard.

Whatever goes wrong with that, there is a transcript: the guard is help that may be missing.
"""

from __future__ import annotations

import asyncio
import logging
import operator
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from avatar_appliance.config.echo_guard import EchoGuardSettings
from avatar_appliance.errors import AvatarError
from avatar_appliance.log import log_defect
from avatar_appliance.speech.messages import LIMITS, SPEECH_SOCKET, from_event, to_event
from avatar_appliance.speech.said import MOST_LISTENED_S, Said, SaidLately, SaidWanted
from avatar_appliance.wire import open_reader, read_event, write_event
from wyoming_servers.speaker.identification import Identification
from wyoming_servers.speaker.judgement import Judgement

from .evidence import Evidence, evidence_of
from .verdict import EchoVerdict, judge_echo, may_be_echo

_LOGGER = logging.getLogger(__name__)

ANSWER_S: Final = 0.2
"""How long the other server is waited for when the transcript is there; it answers from memory, in milliseconds."""
VOICE_WAIT_S: Final = 0.4
"""How long the speaker worker is waited for, and only where the words may be the box's."""


class EchoCheck:
    """Of one utterance, by nobody: where there is no guard."""

    def start(self, pcm: bytearray) -> None:
        """Say that this may be all of the utterance; a second time changes nothing."""

    def drop(self) -> None:
        """Say that speech went on."""

    async def verdict(self, text: str, language: str | None) -> EchoVerdict:
        """Return what of a transcript is a person's."""
        return EchoVerdict(text)

    async def aclose(self) -> None:
        """Stop asking."""


class EchoGuard:
    """Begins checks; this one lets everything pass."""

    def begin(self, identification: Identification, context: object = None) -> EchoCheck:
        """Return the check of the utterance that begins now; `context` is that of its request."""
        return EchoCheck()


class SpeechEchoGuard(EchoGuard):
    """Knows what was said from the speech socket."""

    def __init__(
        self, settings: EchoGuardSettings, runtime_dir: Path, is_same_person: Callable[[str, str], bool] = operator.eq
    ) -> None:
        """`is_same_person` compares the ids of two voice profiles."""
        self._settings = settings
        self._path = str(runtime_dir / SPEECH_SOCKET)
        self._is_same_person = is_same_person

    def begin(self, identification: Identification, context: object = None) -> EchoCheck:
        """Return the check of the utterance that begins now."""
        if not self._settings.enabled:
            return EchoCheck()
        return _SpeechEchoCheck(self, identification, context)

    async def said_lately(self, listened_s: float) -> tuple[Said, ...]:
        """Return what may have been heard since then; nothing where nobody knows."""
        try:
            reader, writer = await open_reader(self._path, limits=LIMITS)
            try:
                await write_event(writer, to_event(SaidWanted(listened_s=min(listened_s, MOST_LISTENED_S))))
                event = await read_event(reader, LIMITS)
            finally:
                writer.close()
            return from_event(event, (SaidLately,)).said if event is not None else ()
        except (OSError, AvatarError) as error:
            _LOGGER.debug("what the box said is not known: %s", type(error).__name__)
        except Exception as error:  # noqa: BLE001 - it is no reason to lose a transcript
            log_defect(_LOGGER, "defect while asking what the box said", error)
        return ()

    def evidence(self, said: Said, who: Judgement) -> Evidence:
        """Return what a voice says about something that was said."""
        return evidence_of(said, who, similarity=self._settings.similarity, is_same_person=self._is_same_person)


class _SpeechEchoCheck(EchoCheck):
    def __init__(self, guard: SpeechEchoGuard, identification: Identification, context: object) -> None:
        self._guard = guard
        self._identification = identification
        self._context = context if isinstance(context, Mapping) else {}
        self._began_s = time.monotonic()
        self._asking: asyncio.Task[tuple[Said, ...]] | None = None
        self._dropped: list[asyncio.Task[tuple[Said, ...]]] = []

    def start(self, pcm: bytearray) -> None:
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(pcm), name="echo guard")

    def drop(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._dropped.append(self._asking)
            self._asking = None

    async def verdict(self, text: str, language: str | None) -> EchoVerdict:
        if not text or self._asking is None:
            return EchoVerdict(text)
        await asyncio.wait({self._asking}, timeout=ANSWER_S)
        said = self._asking.result() if self._asking.done() else ()
        try:
            if not said or not may_be_echo(text, language, said):
                return EchoVerdict(text)
            await self._identification.wait(VOICE_WAIT_S)
            who = self._identification.judgement
            return judge_echo(text, language, said, lambda one: self._guard.evidence(one, who))
        except Exception as error:  # noqa: BLE001 - it is no reason to lose a transcript
            log_defect(_LOGGER, "defect while looking for the box's own words", error)
            return EchoVerdict(text)

    async def aclose(self) -> None:
        self.drop()
        await asyncio.gather(*self._dropped, return_exceptions=True)

    async def _ask(self, pcm: bytearray) -> tuple[Said, ...]:
        said = await self._guard.said_lately(time.monotonic() - self._began_s)
        said = tuple(one for one in said if self._is_here(one))
        if any(one.voices for one in said):
            # Only now: while the box is silent, no audio goes to the speaker worker for its sake.
            self._identification.start(pcm, anyway=True)
        return said

    def _is_here(self, said: Said) -> bool:
        """Whether it was played where we listen, or nobody knows where."""
        places = ((said.satellite_id, "satellite_id"), (said.device_id, "device_id"))
        return all(where is None or self._context.get(key) in (None, where) for where, key in places)
