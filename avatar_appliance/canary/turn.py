"""One spoken turn through running servers: say a question, hear it, answer it, say the answer."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from avatar_appliance.client import WavAudio, converse, synthesize, transcribe
from avatar_appliance.client.endpoint import AnyEndpoint
from avatar_appliance.errors import WorkerUnavailable

from .errors import CanaryFailed
from .phrase import CanaryPhrase

STAGE_TIMEOUT_S = 60.0
# Of the words (Chinese: characters): small models on a busy machine miss one now and then, a broken one misses all.
MAX_ERROR_RATE = 0.35
SHORTEST_SPEECH_S = 0.3


@dataclass(frozen=True, slots=True)
class CanaryTurn:
    """A turn that went well; every time in seconds."""

    error_rate: float
    """Share of the words (Chinese: characters) that were heard wrong."""
    say_s: float
    hear_s: float
    answer_s: float | None
    """None: the conversation server was not asked."""


async def spoken_turn(
    phrase: CanaryPhrase,
    *,
    tts: AnyEndpoint,
    asr: AnyEndpoint,
    conversation: AnyEndpoint | None = None,
    timeout_s: float = STAGE_TIMEOUT_S,
    max_error_rate: float = MAX_ERROR_RATE,
) -> CanaryTurn:
    """Have `phrase` spoken, heard and (with `conversation`) answered aloud; `timeout_s` bounds each stage.

    Raises CanaryFailed when something else came out than went in, and what the client of a server raises.
    """
    started = time.monotonic()
    audio = await say(phrase, tts, timeout_s=timeout_s)
    spoken = time.monotonic()
    heard, error_rate = await hear(phrase, audio, asr, timeout_s=timeout_s, max_error_rate=max_error_rate)
    understood = time.monotonic()
    answer_s = None
    if conversation is not None:
        # A conversation of its own each time: what was said last time must not make the prompt longer.
        identity = f"canary-{secrets.token_hex(4)}"
        answer = await converse(
            conversation, heard, language=phrase.language, conversation_id=identity, timeout_s=timeout_s
        )
        if not answer.handled:
            raise WorkerUnavailable("the conversation server apologised instead of answering the canary's question")
        if not answer.text.strip():
            raise CanaryFailed("the conversation server's answer to the canary's question was empty")
        aloud = await synthesize(tts, answer.text, language=phrase.language, timeout_s=timeout_s, fresh=True)
        if not aloud.audio.pcm:
            raise CanaryFailed("text-to-speech had no sound for the answer")
        answer_s = time.monotonic() - understood
    return CanaryTurn(error_rate, spoken - started, understood - spoken, answer_s)


async def say(
    phrase: CanaryPhrase,
    tts: AnyEndpoint,
    *,
    voice: str | None = None,
    streaming: bool = True,
    timeout_s: float = STAGE_TIMEOUT_S,
) -> WavAudio:
    """Return `phrase` as it was spoken; raises CanaryFailed where that is too short to be it."""
    speech = await synthesize(
        tts, phrase.text, voice=voice, language=phrase.language, streaming=streaming, timeout_s=timeout_s, fresh=True
    )
    if speech.audio.duration_s < SHORTEST_SPEECH_S:
        raise CanaryFailed(f"text-to-speech made {speech.audio.duration_s:.1f} s of sound out of a whole sentence")
    return speech.audio


async def hear(
    phrase: CanaryPhrase,
    audio: WavAudio,
    asr: AnyEndpoint,
    *,
    timeout_s: float = STAGE_TIMEOUT_S,
    max_error_rate: float = MAX_ERROR_RATE,
) -> tuple[str, float]:
    """Return what was heard and the share of it that was wrong; raises CanaryFailed where that is too much."""
    heard = await transcribe(asr, audio, language=phrase.language, timeout_s=timeout_s)
    # Only here: every command of `avatar` imports this module, and few count words.
    from avatar_appliance.transcripts.word_errors import count_errors

    count = count_errors(phrase.text, heard.text, phrase.language)
    if count.errors > max_error_rate * count.length:
        what = "words" if count.metric == "wer" else "characters"
        raise CanaryFailed(f"speech-to-text got {count.errors} of {count.length} {what} of the canary's sentence wrong")
    return heard.text, count.errors / count.length
