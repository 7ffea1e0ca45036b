"""The text-to-speech server that Home Assistant talks to."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import Info
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped

from avatar_appliance.config.settings import LimitsSettings, TtsSettings
from avatar_appliance.errors import AvatarError, DeadlineExceeded, InternalError
from avatar_appliance.log import log_defect
from avatar_appliance.wire import parse_event
from wyoming_servers.audio import wav_bytes
from wyoming_servers.backends.worker_access import WorkerAccess
from wyoming_servers.base import Handler, Request
from wyoming_servers.report import StageRecorder
from wyoming_servers.text import TextFormat

from .speech import Speech
from .speech_tools import SpeechTools
from .text_feed import TextFeed
from .voice import Voice

_LOGGER = logging.getLogger(__name__)

WIDTH_BYTES = 2
# At most 170 ms at 24 kHz: what an engine gives earlier leaves earlier, and a whole sentence at once does not become a
# hundred events, whose handling took as long as a fifteenth of the sentence's making.
CHUNK_BYTES = 8192
# Home Assistant gives a whole run 300 s; a stream of text that trickles on holds a turn others may need.
MOST_STREAM_S = 600.0


class TtsHandler(Handler):
    """Whole texts and streamed texts, spoken piece by piece while the rest still arrives."""

    def __init__(
        self,
        settings: TtsSettings,
        limits: LimitsSettings,
        tools: SpeechTools,
        access: WorkerAccess,
        recorder: Callable[[Request], StageRecorder],
    ) -> None:
        self._settings = settings
        self._limits = limits
        self._tools = tools
        self._book = tools.book
        self._access = access
        self._recorder = recorder

    def info(self) -> Info:
        """Return the offer from memory."""
        return self._book.info()

    def begins_request(self, event_type: str) -> bool:
        """`synthesize` alone, or the start of a stream."""
        return Synthesize.is_type(event_type) or SynthesizeStart.is_type(event_type)

    async def serve(self, request: Request) -> None:
        """Speak one text; a stream ends with `synthesize-stopped`, without which Home Assistant would wait for ever."""
        wish = _parsed(request.first)
        recorder = self._recorder(request)
        recorder.timed_out = request.has_timed_out
        recorder.note_context(wish.context)
        async with recorder:
            await self._wait_until_told(request, wish)
            chosen = self._book.choose(wish.voice, request.program)
            recorder.voice = chosen.name if chosen else None
            recorder.language = self._book.language_of(chosen)
            speakable = self._tools.speakable(recorder.language, _format(wish.text_format))
            text = TextFeed(speakable, self._limits.max_text_chars)
            reading = asyncio.create_task(self._read(request, wish, text), name="read text")
            try:
                await self._speak(request, text, wish, chosen, recorder)
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
                recorder.text_in = text.whole
        if isinstance(wish, SynthesizeStart):
            await request.answer(SynthesizeStopped())

    async def _wait_until_told(self, request: Request, wish: Synthesize | SynthesizeStart) -> None:
        """Wait for the voices, right after a start; who never told any and may have the one wanted is brought up."""
        told = self._book.can_choose(wish.voice, request.program)
        async with self._access.brought_up([] if told else self._book.untold(request.program)):
            await self._book.wait_until_told(wish.voice, request.program)

    async def _read(self, request: Request, wish: Synthesize | SynthesizeStart, text: TextFeed) -> None:
        """Put what is to be spoken into `text`, or why there is no more of it."""
        try:
            if isinstance(wish, Synthesize):
                text.add(wish.text)
            else:
                await self._read_stream(request, text)
            text.end()
        except AvatarError as error:
            text.fail(error)
        except Exception as error:  # noqa: BLE001 - logged, and told to the client
            log_defect(_LOGGER, "defect while reading text", error)
            text.fail(InternalError("something went wrong here; it is in the log"))

    async def _read_stream(self, request: Request, text: TextFeed) -> None:
        # The agent behind Home Assistant may think or call tools between two chunks: the whole request's time.
        patience_s = self._limits.request_timeout_s
        began = time.monotonic()
        while not SynthesizeStop.is_type((event := await request.next(patience_s)).type):
            if SynthesizeChunk.is_type(event.type):
                text.add(parse_event(SynthesizeChunk, event).text)
            # `synthesize` inside a stream repeats the whole text for old servers: not spoken again.
            if time.monotonic() - began > MOST_STREAM_S:
                raise DeadlineExceeded(f"the text was not complete after {MOST_STREAM_S:g} s")

    async def _speak(
        self,
        request: Request,
        text: TextFeed,
        wish: Synthesize | SynthesizeStart,
        chosen: Voice | None,
        recorder: StageRecorder,
    ) -> None:
        """Send the audio of one text: `audio-start`, `audio-chunk`..., `audio-stop`."""
        rate_hz = self._settings.rate_hz
        # Home Assistant tells neither (yet); a client of our own may.
        speech = Speech(
            self._tools,
            request.program,
            announcement=_says(wish.context, "announcement"),
            fresh=_says(wish.context, "fresh"),
        )
        kept, sent_bytes, began = bytearray(), 0, time.monotonic()
        said = self._tools.said
        saying = said.begin(
            played=not _denies(wish.context, "played"),
            satellite_id=recorder.satellite_id,
            device_id=recorder.device_id,
        )

        async def send(pcm: bytes) -> None:
            nonlocal sent_bytes
            if not sent_bytes:
                recorder.first_output()
                await request.answer(self._audio_start())
            saying.sent(len(pcm) / WIDTH_BYTES / rate_hz, speech.speaker)
            await self._send(request, pcm, sent_bytes)
            sent_bytes += len(pcm)
            if recorder.keep_audio:
                kept.extend(pcm)

        try:
            asked_before = False
            while (piece := await text.next()) is not None:
                if not asked_before:
                    settled = self._book.settle(chosen, text.utterance)
                    chosen = settled.voice
                    if settled.trouble is not None:
                        speech.standing_in_for = f"{recorder.voice}: {settled.trouble}"
                    if chosen is not None and chosen.passing:
                        recorder.keep_audio = False  # the sound of it is nobody's to keep
                    voice = self._book.for_text(piece, chosen, request.program)
                    if chosen is None:  # whoever speaks the text's language
                        recorder.language = self._book.language_of(voice)
                    self._tools.ahead.requested(text.whole, wish.voice, voice)
                    asked_before = True
                saying.begin_piece(piece)
                async with contextlib.aclosing(speech.say(piece, chosen)) as audio:
                    async for pcm in audio:
                        await send(pcm)
                        said.hear(speech.speaker, pcm, rate_hz)
            if rest := speech.flush():
                await send(rest)
            if not sent_bytes:  # nothing speakable in it (a lone emoji): an empty run, so that nobody waits
                await request.answer(self._audio_start())
            await request.answer(AudioStop(timestamp=self._milliseconds(sent_bytes)))
        finally:
            speech.close()
            saying.ended = True
            spoken = speech.spoken
            recorder.worker = "+".join(spoken.workers) or None
            recorder.voice = "+".join(spoken.voices) or recorder.voice
            recorder.degraded = spoken.degraded
            recorder.audio_duration_s = sent_bytes / WIDTH_BYTES / rate_hz
            recorder.audio = lambda: wav_bytes(bytes(kept), rate_hz)
            recorder.detail = {
                "speak_s": round(time.monotonic() - began, 3),
                "pieces": spoken.pieces,
                "pieces_cached": spoken.cached or None,
                "pieces_ahead": spoken.ahead or None,
            }

    async def _send(self, request: Request, pcm: bytes, position: int) -> None:
        for start in range(0, len(pcm), CHUNK_BYTES):
            await request.answer(
                AudioChunk(
                    rate=self._settings.rate_hz,
                    width=WIDTH_BYTES,
                    channels=1,
                    audio=pcm[start : start + CHUNK_BYTES],
                    timestamp=self._milliseconds(position + start),
                )
            )

    def _audio_start(self) -> AudioStart:
        return AudioStart(rate=self._settings.rate_hz, width=WIDTH_BYTES, channels=1, timestamp=0)

    def _milliseconds(self, position_bytes: int) -> int:
        return position_bytes * 1000 // (WIDTH_BYTES * self._settings.rate_hz)


def _parsed(first: Event) -> Synthesize | SynthesizeStart:
    if SynthesizeStart.is_type(first.type):
        return parse_event(SynthesizeStart, first)
    return parse_event(Synthesize, first)


def _format(value: object) -> TextFormat:
    # An unknown format is spoken as plain text: markup would be stripped, words would not be lost.
    name = getattr(value, "value", value)
    return name if name in ("ssml", "other") else "text"


def _says(context: object, key: str) -> bool:
    return isinstance(context, Mapping) and context.get(key) is True


def _denies(context: object, key: str) -> bool:
    return isinstance(context, Mapping) and context.get(key) is False
