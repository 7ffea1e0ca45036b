"""One request to one server, timed: what both kinds of benchmark are made of."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from avatar_appliance.client import Endpoint, Speech, converse, synthesize, transcribe
from avatar_appliance.errors import AvatarError

from .options import Endpoints
from .recordings import Recording
from .report import Stage


class Missed(NamedTuple):
    """A stage that brought no figure, and why."""

    stage: Stage
    code: str


@dataclass(slots=True)
class Timing:
    """What one request or turn brought: milliseconds (speech_rtf: a ratio) per stage reached."""

    values: dict[Stage, float] = field(default_factory=dict)
    heard: str | None = None
    missed: Missed | None = None

    def __iter__(self) -> Iterator[tuple[Stage, float]]:
        return iter(self.values.items())


@dataclass(frozen=True, slots=True)
class Wishes:
    """What every request of a run asks for."""

    trailing_silence_s: float = 2.0
    voice: str | None = None
    vad_sensitivity: str | None = None


async def time_transcript(endpoint: Endpoint, recording: Recording) -> Timing:
    """Send a whole recording at once; milliseconds from opening the connection to the transcript."""
    began_s = time.monotonic()
    timing = Timing()
    try:
        heard = await transcribe(endpoint, recording.audio, language=recording.language)
    except AvatarError as error:
        timing.missed = Missed("transcript", error.code)
        return timing
    timing.values["transcript"] = _ms(heard.answered_s - began_s)
    timing.heard = heard.text
    return timing


async def time_answer(endpoint: Endpoint, text: str, language: str | None) -> Timing:
    """Ask something in a new conversation; milliseconds from opening the connection."""
    began_s = time.monotonic()
    timing = Timing()
    await _answer(timing, endpoint, text, language, began_s)
    return timing


async def time_speech(endpoint: Endpoint, text: str, voice: str | None) -> Timing:
    """Have a text spoken, streaming as Home Assistant asks; milliseconds from opening the connection."""
    began_s = time.monotonic()
    timing = Timing()
    await _speech(timing, endpoint, text, voice, began_s)
    return timing


async def time_live_transcript(
    endpoint: Endpoint, recording: Recording, wishes: Wishes, *, client_ends: bool
) -> Timing:
    """Speak a recording at microphone pace; milliseconds from the last loud sample to the transcript."""
    timing, _ = await _listen(endpoint, recording, wishes, client_ends)
    return timing


async def time_turn(endpoints: Endpoints, recording: Recording, wishes: Wishes, *, client_ends: bool) -> Timing:
    """Speak a recording and hear the answer, as Home Assistant does; milliseconds from the last loud sample.

    `client_ends` is for a server that leaves the end of speech to its client. Later stages are missing from the result
    where an earlier one failed; `missed` says which one and why.
    """
    timing, speech_end_s = await _listen(endpoints.asr, recording, wishes, client_ends)
    if timing.missed is not None or timing.heard is None:
        return timing
    answer = await _answer(timing, endpoints.conversation, timing.heard, recording.language, speech_end_s)
    if answer is not None:
        await _speech(timing, endpoints.tts, answer, wishes.voice, speech_end_s)
    return timing


async def _listen(endpoint: Endpoint, recording: Recording, wishes: Wishes, client_ends: bool) -> tuple[Timing, float]:
    """Return the timing and when the last loud sample was sent."""
    timing = Timing()
    audio = recording.spoken(wishes.trailing_silence_s, client_ends=client_ends)
    try:
        heard = await transcribe(
            endpoint, audio, language=recording.language, pace=1.0, vad_sensitivity=wishes.vad_sensitivity
        )
    except AvatarError as error:
        timing.missed = Missed("transcript", error.code)
        return timing, 0.0
    timing.heard = heard.text
    speech_end_s = heard.started_s + recording.last_loud_s
    if heard.answered_s < speech_end_s:
        # A pause within the recording was taken for its end: there is no latency, and half a sentence says nothing
        # about how well the words were heard.
        timing.missed = Missed("transcript", "cut-short")
        timing.heard = None
    elif not heard.text.strip():
        timing.missed = Missed("transcript", "no-transcript")
    else:
        timing.values["transcript"] = _ms(heard.answered_s - speech_end_s)
    return timing, speech_end_s


async def _answer(timing: Timing, endpoint: Endpoint, text: str, language: str | None, zero_s: float) -> str | None:
    try:
        # A new conversation each time, with an id as long as Home Assistant's: history would make later rounds slower.
        answer = await converse(endpoint, text, language=language, conversation_id=uuid.uuid4().hex[:26])
    except AvatarError as error:
        timing.missed = Missed("answer", error.code)
        return None
    if not answer.handled or not answer.text.strip():
        # An apology is no answer, and silence neither: their times would flatter.
        timing.missed = Missed("answer", "no-answer")
        return None
    if answer.first_text_s is not None:
        timing.values["first_token"] = _ms(answer.first_text_s - zero_s)
    timing.values["answer"] = _ms(answer.ended_s - zero_s)
    return answer.text


async def _speech(timing: Timing, endpoint: Endpoint, text: str, voice: str | None, zero_s: float) -> None:
    try:
        speech = await synthesize(endpoint, text, voice=voice, fresh=True)
    except AvatarError as error:
        timing.missed = Missed("first_audio", error.code)
        return
    timing.values.update(_speech_values(speech, zero_s))
    if speech.first_audio_s is None:
        timing.missed = Missed("first_audio", "no-audio")


def _speech_values(speech: Speech, zero_s: float) -> Mapping[Stage, float]:
    if speech.first_audio_s is None or not speech.audio.pcm:
        return {}
    return {
        "first_audio": _ms(speech.first_audio_s - zero_s),
        "speech": _ms(speech.ended_s - zero_s),
        "speech_rtf": (speech.ended_s - speech.asked_s) / speech.audio.duration_s,
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
