"""The speech-to-text server that Home Assistant talks to."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop, VadSensitivity
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.info import Info

from avatar_appliance.config.settings import AsrSettings, LimitsSettings
from avatar_appliance.errors import AudioTooLong, BadRequest, DeadlineExceeded
from avatar_appliance.wire import parse_event
from wyoming_servers.audio import PcmConverter, wav_bytes
from wyoming_servers.backends.worker_access import WorkerAccess
from wyoming_servers.backends.wyoming_worker import WyomingWorkerLink
from wyoming_servers.base import Handler, Request
from wyoming_servers.echo.guard import EchoCheck, EchoGuard
from wyoming_servers.own_voice.keeper import UtteranceKeeper
from wyoming_servers.own_voice.reference import Sound
from wyoming_servers.report import StageRecorder
from wyoming_servers.speaker.identification import Identification
from wyoming_servers.speaker.identifier import Identifier
from wyoming_servers.speaker.judgement import Judgement
from wyoming_servers.text import to_traditional
from wyoming_servers.workers.vocabulary import words

from .decode import Decoder, Heard
from .endpointing import Endpointer, Verdict
from .gate import SHORT_SPEECH_S, judge
from .house_names import NoNames
from .offer import AsrOffer
from .speech_detector import SpeechDetector

_LOGGER = logging.getLogger(__name__)

RATE_HZ = 16_000
BYTES_PER_S = 2 * RATE_HZ
# Slack on the wall clock for streams that pause: an utterance of N seconds may take 2 N + this to arrive.
SLOW_STREAM_SLACK_S = 30.0


@dataclass(slots=True)
class _Utterance:
    """What one request has collected."""

    wish: Transcribe
    decoder: Decoder
    identification: Identification
    echo: EchoCheck
    detector: SpeechDetector = field(default_factory=SpeechDetector)
    endpointer: Endpointer | None = None
    pcm: bytearray = field(default_factory=bytearray)
    ended_by: str = "client"


class AsrHandler(Handler):
    """`transcribe`, audio, `audio-stop` (or our own end of speech) -> `transcript`."""

    def __init__(
        self,
        settings: AsrSettings,
        limits: LimitsSettings,
        offer: AsrOffer,
        links: list[WyomingWorkerLink],
        access: WorkerAccess,
        recorder: Callable[[Request], StageRecorder],
        names: NoNames | None = None,
        identifier: Identifier | None = None,
        keeper: UtteranceKeeper | None = None,
        echo_guard: EchoGuard | None = None,
    ) -> None:
        """`names` are those of the house, `identifier` knows its people; default: none."""
        self._settings = settings
        self._limits = limits
        self._offer = offer
        self._links = links
        self._access = access
        self._recorder = recorder
        self._names = names or NoNames()
        self._identifier = identifier or Identifier()
        self._keeper = keeper
        self._echo_guard = echo_guard or EchoGuard()

    def info(self) -> Info:
        """Return the offer from memory."""
        return self._offer.info()

    def begins_request(self, event_type: str) -> bool:
        """`transcribe`, or audio straight away, as Wyoming allows."""
        return Transcribe.is_type(event_type) or AudioStart.is_type(event_type)

    async def serve(self, request: Request) -> None:
        """Listen, transcribe, gate, answer."""
        asked = Transcribe.is_type(request.first.type)
        wish = parse_event(Transcribe, request.first) if asked else Transcribe()
        links = self._offer.choose(self._links, request.program, wish.name)
        recorder = self._recorder(request)
        recorder.timed_out = request.has_timed_out
        recorder.language = wish.language
        recorder.note_context(wish.context)
        decoder, identification = Decoder(links, self._for_worker(wish), self._access), self._identifier.begin()
        echo = self._echo_guard.begin(identification, wish.context)
        utterance = _Utterance(wish, decoder, identification, echo)
        closing = contextlib.aclosing
        async with recorder, closing(decoder), closing(identification), closing(echo):
            began = time.monotonic()
            try:
                await self._listen(request, utterance)
                request.start_deadline()
                identification.start(utterance.pcm)
                echo.start(utterance.pcm)
                speech_end = time.monotonic()
                heard = await self._transcribe(utterance)
            finally:
                recorder.audio_duration_s = len(utterance.pcm) / BYTES_PER_S
                recorder.audio = lambda: wav_bytes(bytes(utterance.pcm), RATE_HZ)
            text, rejected = heard.text.strip(), heard.rejected
            if self._settings.gate and rejected is None:
                verdict = judge(text, heard.metrics, utterance.detector.speech_s)
                text, rejected = verdict.text, verdict.rejected
            left = await echo.verdict(text, heard.language)
            text, rejected = left.text, rejected or left.rejected
            if rejected:
                _LOGGER.info("empty transcript: %s (%.1f s of audio)", rejected, recorder.audio_duration_s)
            language = wish.language or heard.language
            text = _script(text, self._offer.regional(language))
            recorder.worker, recorder.degraded, recorder.text_out = heard.worker, heard.degraded, text
            recorder.language = language
            who = identification.judgement if text else Judgement()
            recorder.speaker = who.profile
            recorder.detail = {
                **heard.metrics,
                "speaker_score": None if who.score is None else round(who.score, 3),
                "speaker_unknown": who.reason,
                "rejected": rejected,
                "echo_cut": left.cut or None,
                "ended_by": utterance.ended_by,
                "speech_s": round(utterance.detector.speech_s, 3),
                "listen_s": round(speech_end - began, 3),
                "decode_s": round(time.monotonic() - speech_end, 3),
            }
            if text and self._keeper is not None:  # before the question can be asked anywhere
                kept = await self._keep(self._keeper, utterance, text, language, whole=not left.cut)
                recorder.detail = {**recorder.detail, "own_voice": kept}
            recorder.first_output()
            await request.answer(TranscriptStart(language=language, context=wish.context))
            if text:
                await request.answer(TranscriptChunk(text=text))
            await request.answer(Transcript(text=text, language=language, context=wish.context))
        # Home Assistant hangs up on `transcript`: what follows is for others, and not part of the stage.
        await request.answer(TranscriptStop())

    async def _keep(
        self, keeper: UtteranceKeeper, utterance: _Utterance, text: str, language: str | None, *, whole: bool
    ) -> str:
        """Have the answer be possible in the asker's own voice, and return whether it is.

        `whole`: all that is heard are the asker's words.
        """
        detector = utterance.detector
        await detector.finish(enough_s=math.inf)  # of a live stream it has heard everything
        begins_s, ends_s = detector.first_speech_s or 0.0, detector.last_speech_s or 0.0
        sound = Sound(bytes(utterance.pcm), RATE_HZ, detector.speech_s, begins_s, ends_s)
        return await keeper.take(text, language, sound, trouble=None if whole else "the box spoke, too") or "kept"

    def _for_worker(self, wish: Transcribe) -> Transcribe:
        """Return what a worker is asked: the bare language (stock servers know no regions) and bounded vocabulary."""
        language = wish.language.replace("_", "-").split("-")[0].lower() if wish.language else None
        names = [*words(wish.transcript_names), *self._names.for_request(wish.context)]
        return Transcribe(
            language=language or None,
            transcript_names=list(words(names)) or None,
            transcript_terms=list(words(wish.transcript_terms)) or None,
        )

    async def _listen(self, request: Request, utterance: _Utterance) -> None:
        """Take audio until `audio-stop` or our own end of speech."""
        began = time.monotonic()
        converter: PcmConverter | None = None
        while True:
            event = await request.next(self._limits.stall_timeout_s)
            if AudioStop.is_type(event.type):
                if converter is not None:
                    await self._take(converter.flush(), utterance, more_waiting=True)
                return
            if time.monotonic() - began > 2 * self._limits.max_audio_s + SLOW_STREAM_SLACK_S:
                raise DeadlineExceeded("the utterance arrives too slowly")
            if not AudioChunk.is_type(event.type):
                continue
            chunk = parse_event(AudioChunk, event)
            shape = (chunk.rate, chunk.width, chunk.channels)
            if converter is None:
                converter = PcmConverter(*shape, RATE_HZ)
                utterance.endpointer = self._endpointer(utterance)
            elif converter.shape != shape:
                raise BadRequest("the audio format changed in the middle of an utterance")
            if await self._take(converter.convert(chunk.audio), utterance, more_waiting=request.more_waiting):
                return

    def _endpointer(self, utterance: _Utterance) -> Endpointer | None:
        if self._settings.endpointing != "server":
            return None
        asked = utterance.wish.vad_sensitivity
        sensitivity = asked.value if isinstance(asked, VadSensitivity) else asked
        return Endpointer(utterance.detector, sensitivity or self._settings.vad_sensitivity, time.monotonic())

    async def _take(self, pcm: bytes, utterance: _Utterance, *, more_waiting: bool) -> bool:
        """Take converted audio; return whether the utterance is over."""
        utterance.pcm += pcm
        if len(utterance.pcm) > self._limits.max_audio_s * BYTES_PER_S:
            raise AudioTooLong(f"more than {self._limits.max_audio_s:g} s of audio")
        decoder, endpointer = utterance.decoder, utterance.endpointer
        if endpointer is None:
            utterance.detector.feed(pcm)
            decoder.feed(pcm)
            return False
        verdict = endpointer.feed(pcm, time.monotonic(), more_waiting=more_waiting)
        if verdict is Verdict.RESUME:
            utterance.identification.drop()
            utterance.echo.drop()
            await decoder.drop_trial()
        decoder.feed(pcm)
        if verdict is Verdict.TRY:
            decoder.start_trial()
            utterance.identification.start(utterance.pcm)
            utterance.echo.start(utterance.pcm)
        if verdict is Verdict.END:
            utterance.ended_by = endpointer.reason or "silence"
        return verdict is Verdict.END

    async def _transcribe(self, utterance: _Utterance) -> Heard:
        """Let the worker decode while we look for speech; without any, nobody waits for the worker."""
        if not utterance.pcm:
            return _nothing("no-audio")
        decoding = asyncio.create_task(utterance.decoder.result(), name="decode")
        try:
            if self._settings.gate:
                await utterance.detector.finish(enough_s=SHORT_SPEECH_S)
                if not utterance.detector.speech_seen:
                    return _nothing("no-speech")
            return await decoding
        finally:
            decoding.cancel()
            await asyncio.gather(decoding, return_exceptions=True)


def _nothing(reason: str) -> Heard:
    return Heard(text="", language=None, metrics={}, worker="", degraded=None, rejected=reason)


def _script(text: str, language: str | None) -> str:
    """Return the text in the script of the language asked for: Whisper writes Mandarin in either.

    The script only: words stay what was said (打開, not Taiwan's 開啟), or sentences would no longer match.
    """
    tag = (language or "").replace("_", "-").lower()
    wants_traditional = tag in ("zh-tw", "zh-hk", "zh-mo") or tag.startswith("zh-hant")
    return to_traditional(text, taiwan_phrases=False) if wants_traditional else text
