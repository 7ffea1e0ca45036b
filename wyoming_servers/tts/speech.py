"""Turn pieces of speakable text into one even PCM stream of one format, whatever the engines."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from avatar_appliance.errors import Busy, VoiceUnknown, WorkerFailed
from avatar_appliance.leases import Urgency
from avatar_appliance.leases.lease import Lease
from wyoming_servers.backends.climb import WORKER_TROUBLE

from .mixer import Mixer
from .piece_maker import Candidate, Speaking
from .recording import Recording, RecordingState
from .speech_cache import MOST_CHARS, PieceKey
from .speech_tools import SpeechTools
from .voice import Voice

# How long the voice's own worker is waited for before another voice speaks: ESP32 speakers give up after 2 s.
PATIENCE_S = 1.2
# Between a sentence that broke off and its repetition: long enough to be heard as a new beginning.
AFTER_STUMP_S = 0.25
# However many workers there are: whoever listens does not wait for a fourth to fail.
MOST_FAILURES = 2


@dataclass(slots=True)
class Spoken:
    """What was used to speak, for the report."""

    workers: list[str] = field(default_factory=list)
    voices: list[str] = field(default_factory=list)
    degraded: str | None = None
    pieces: int = 0
    cached: int = 0
    """Pieces whose sound was kept from an earlier time."""
    ahead: int = 0
    """Pieces that were spoken, or being spoken, before they were asked for."""


class Speech:
    """Speaks piece after piece, each with a lease of its own; `spoken` tells who did. Use it within `closing`.

    Between two pieces the last lease is kept: the voice must not be sent away, and change, in the middle of an answer.
    """

    def __init__(
        self, tools: SpeechTools, program: str | None = None, *, announcement: bool = False, fresh: bool = False
    ) -> None:
        """`announcement`: nobody waits for it at this moment, so its own voice may be waited for.

        `fresh`: it is to be spoken by an engine, whatever was kept or made ahead of time.
        """
        self._tools = tools
        self._program = program
        self._announcement = announcement
        self._fresh = fresh
        self.standing_in_for: str | None = None
        """The voice that all of it was asked for in, and why it cannot speak."""
        self._mixer = Mixer(tools.maker.rate_hz, tools.leveller)
        self.speaker: Voice | None = None
        """Whose sound `say` yielded last."""
        self._asked: Candidate | None = None
        self._kept: Lease | None = None
        self.spoken = Spoken()

    def close(self) -> None:
        """Say that there are no more pieces."""
        self._let_go()

    def flush(self) -> bytes:
        """Return the last few milliseconds, which were held back for another voice to be faded in."""
        return self._mixer.flush()

    async def say(self, text: str, chosen: Voice | None) -> AsyncGenerator[bytes, None]:
        """Yield PCM for one piece of text.

        A worker that fails is replaced: by another voice of the language, or by itself, restarted. The piece is then
        said from its beginning, after a short silence where some of it was heard already: no engine can continue in the
        middle, and a broken word followed by the whole sentence loses nothing. The last failure is raised.
        """
        book, mixer = self._tools.book, self._mixer
        voice = book.for_text(text, chosen, self._program)
        standing_in = self.standing_in_for and f"{voice.name} instead of {self.standing_in_for}"
        if chosen is not None and chosen.profile is not None and voice.profile != chosen.profile:
            standing_in = f"{voice.name} instead of {chosen.name}: it does not speak this language"
        candidates = self._tools.maker.candidates([voice, *book.substitutes(voice, text)])
        failures_left = max(1, min(MOST_FAILURES, len({candidate.worker for candidate in candidates}) - 1))
        self.spoken.pieces += 1
        trouble = ""
        while True:
            heard = False
            try:
                async with contextlib.aclosing(self._sound(text, candidates, trouble, standing_in)) as pieces:
                    async for speaker, pcm in pieces:
                        if not heard:
                            mixer.begin(speaker.identity)
                            heard = True
                        self.speaker = speaker
                        if pcm := mixer.feed(pcm):
                            yield pcm
                if heard:
                    mixer.end()
                return
            except (WorkerFailed, Busy, VoiceUnknown) as error:
                asked = self._asked
                if not failures_left or asked is None:  # None: no worker could be had at all
                    raise
                if isinstance(error, VoiceUnknown) and (asked.voice.profile is None or len(candidates) == 1):
                    raise  # a profile may be gone by now, or its recording be of no use to this engine
                failures_left -= 1
                if heard:
                    yield mixer.break_off(AFTER_STUMP_S)
                trouble = f"{asked.name}: {error.code}"
                candidates = [*(other for other in candidates if other is not asked), asked]

    async def _sound(
        self, text: str, candidates: Sequence[Candidate], trouble: str, standing_in: str | None
    ) -> AsyncGenerator[tuple[Voice, bytes], None]:
        """Yield one try's sound and whose it is: kept from an earlier time, made ahead of time, or made now."""
        first = candidates[0]
        self._asked = None
        if not (trouble or self._fresh):
            if not first.voice.passing and (kept := self._tools.cache.get(PieceKey.of(text, first.voice))) is not None:
                self.spoken.cached += 1
                self._note(first.voice, standing_in)
                yield first.voice, kept
                return
            own = [one for one in candidates if one is first or _is_same_person(one, first)]
            keys = [PieceKey.of(text, one.voice) for one in own]
            if (recording := self._tools.ahead.claim(keys)) is not None:
                self.spoken.ahead += 1
                self._asked = next(one for one in candidates if one.voice.identity == recording.voice.identity)
                async with contextlib.aclosing(self._listen(recording, first, standing_in)) as pieces:
                    async for pcm in pieces:
                        yield recording.voice, pcm
                return
        async with contextlib.aclosing(self._attempt(text, candidates, trouble, standing_in)) as made:
            async for each in made:
                yield each

    async def _listen(
        self, recording: Recording, first: Candidate, standing_in: str | None
    ) -> AsyncGenerator[bytes, None]:
        """Yield what is, or was, made ahead of time; going away ends the making."""
        degraded = standing_in
        if recording.voice.identity != first.voice.identity:
            degraded = f"{recording.voice.name} instead of {first.name}: not ready when it was made ahead of time"
        recording.set_urgency(self._urgency)
        collected = bytearray()
        try:
            async with contextlib.aclosing(recording.listen()) as pieces:
                async for pcm in pieces:
                    self._note(recording.voice, degraded)
                    collected += pcm
                    yield pcm
                    recording.set_urgency(Urgency.LATER)
            if not recording.voice.passing:
                self._tools.cache.put(recording.key, bytes(collected))
        finally:
            if recording.state is RecordingState.RUNNING:
                self._tools.ahead.drop(recording)

    async def _attempt(
        self, text: str, candidates: Sequence[Candidate], trouble: str, standing_in: str | None
    ) -> AsyncGenerator[tuple[Voice, bytes], None]:
        use = await self._open(candidates, trouble)
        self._let_go()
        collected = bytearray()
        with use, contextlib.closing(use.opened):
            self._asked, voice = use.rung, use.rung.voice
            degraded = f"{voice.name} after {trouble}" if trouble else use.degraded or standing_in
            async with contextlib.aclosing(self._tools.maker.sound(use, text)) as sound:
                async for pcm in sound:
                    self._note(voice, degraded)
                    if len(text) <= MOST_CHARS and not voice.passing:
                        collected += pcm
                    yield voice, pcm
                    use.set_urgency(Urgency.LATER)
            self._kept = use.keep()
        if not voice.passing:
            self._tools.cache.put(PieceKey.of(text, voice), bytes(collected))

    async def _open(self, candidates: Sequence[Candidate], trouble: str) -> Speaking:
        tools, first = self._tools, candidates[0]
        tools.ahead.give_way(first.worker)
        if not trouble and first.voice.profile and (self._announcement or first.voice.announces):
            own = [one for one in candidates if _is_same_person(one, first) and one.voice.tier == first.voice.tier]
            with contextlib.suppress(*WORKER_TROUBLE):  # then whoever can be had
                return await tools.maker.open(
                    own, self._urgency, patience_s=PATIENCE_S, wait_s=tools.announcement_wait_s
                )
        return await tools.maker.open(candidates, self._urgency, patience_s=0 if trouble else PATIENCE_S)

    @property
    def _urgency(self) -> Urgency:
        # Until the first sound is out, somebody waits; later clauses are made while earlier ones are heard.
        return Urgency.LATER if self.spoken.workers else Urgency.FIRST

    def _let_go(self) -> None:
        if self._kept is not None:
            self._kept.release()
            self._kept = None

    def _note(self, voice: Voice, degraded: str | None) -> None:
        spoken = self.spoken
        if voice.worker not in spoken.workers:
            spoken.workers.append(voice.worker)
        if voice.name not in spoken.voices:
            spoken.voices.append(voice.name)
        spoken.degraded = spoken.degraded or degraded


def _is_same_person(one: Candidate, other: Candidate) -> bool:
    return one.voice.profile is not None and one.voice.profile == other.voice.profile
