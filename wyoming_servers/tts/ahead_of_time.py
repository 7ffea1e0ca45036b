"""Ahead-of-time speech: sentences are spoken while the language model still writes, before anybody asks for them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Final

from wyoming.tts import SynthesizeVoice

from avatar_appliance.errors import AvatarError, WorkerUnavailable
from avatar_appliance.leases import Urgency
from avatar_appliance.log import log_defect
from avatar_appliance.speech.messages import AnswerEnded, AnswerPart
from wyoming_servers.text import SpeakableStream

from .ahead_figures import AheadFigures
from .coming_answer import ComingAnswer
from .last_voices import LastVoices
from .piece_maker import Candidate, PieceMaker
from .recording import Recording, RecordingState
from .speech_cache import PieceKey, SpeechCache
from .voice import Voice
from .voices import VoiceBook

_LOGGER = logging.getLogger(__name__)

MOST_ANSWERS: Final = 4
UNWANTED_S: Final = 20.0
"""Within this after its last sign of life an answer is asked for, or it never is."""
WAIT_S: Final = 1.0
"""For a lease on a worker that is up; in the background nobody is waited for long."""


class AheadOfTime:
    """The coming answers, and the recordings of them that may be claimed.

    Speech made ahead of time never loads a worker (and so never evicts one), yields to whatever a person waits for, and
    is dropped when it is called off or not asked for in time.
    """

    def __init__(
        self,
        book: VoiceBook,
        maker: PieceMaker,
        cache: SpeechCache,
        speakable: Callable[[str], SpeakableStream],
        max_chars: int,
    ) -> None:
        """`speakable` makes the stream that a request in a language would be read with."""
        self.figures = AheadFigures()
        self._book = book
        self._maker = maker
        self._cache = cache
        self._speakable = speakable
        self._max_chars = max_chars
        self._voices = LastVoices()
        self._answers: dict[str, ComingAnswer] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._recordings: dict[PieceKey, tuple[ComingAnswer, Recording]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    # -- what the conversation server says -------------------------------------------------------------------------

    def hear(self, part: AnswerPart) -> None:
        """Take more of an answer's text."""
        answer = self._answers.get(part.answer_id)
        if answer is None and part.offset:
            return  # called off meanwhile
        try:
            if answer is None:
                answer = self._new(part)
            too_long = len(answer.text) + len(part.text) > self._max_chars  # will be refused when it is asked for
            if too_long or part.offset != len(answer.text):  # or something in between was lost
                answer.call_off()
                return
            self._offer(answer, answer.add(part.text))
        except AvatarError as error:
            _LOGGER.debug("no speech ahead of time: %s", error.code)
            if answer is not None:
                answer.call_off()
        self._keep_for_a_while(part.answer_id)

    def end(self, ended: AnswerEnded) -> None:
        """Take the end of an answer."""
        answer = self._answers.get(ended.answer_id)
        if answer is None:
            return
        if ended.cancelled:
            self._forget(ended.answer_id)
            return
        try:
            self._offer(answer, answer.complete())
        except AvatarError:
            answer.call_off()

    # -- what requests say -----------------------------------------------------------------------------------------

    def requested(self, text: str, wish: SynthesizeVoice | None, voice: Voice) -> None:
        """Take the beginning of a text that is asked for, and who speaks it: next time that is expected there."""
        likely = max(self._answers.values(), key=lambda answer: answer.shared_chars(text), default=None)
        if likely is None or not likely.shared_chars(text):
            self._voices.note(wish)
            return
        self._voices.note(wish, likely.places)
        if likely.is_spoken_otherwise_than(voice):
            self._forget(likely.name)

    def claim(self, keys: Sequence[PieceKey]) -> Recording | None:
        """Return the recording of a piece, complete or under way; None where it is yours to make."""
        for key in keys:
            answer, recording = self._recordings.pop(key, (None, None))
            if answer is None or recording is None:
                continue
            if recording.state is RecordingState.WAITING:
                answer.withdraw(recording)
            elif recording.state is not RecordingState.BROKEN:
                answer.claim(recording)
                self._keep_for_a_while(answer.name)
                self.figures.used += 1
                return recording
        return None

    def give_way(self, worker: str) -> None:
        """Take the worker from answers that nobody asked for yet: somebody waits for it."""
        for name, answer in list(self._answers.items()):
            if answer.computes_on == worker and not answer.is_claimed:
                self._forget(name)

    def drop(self, recording: Recording) -> None:
        """Say that whoever listened to a recording went away: nobody wants the rest of that answer either."""
        for name, answer in list(self._answers.items()):
            if recording in answer.recordings:
                self._forget(name, claimed_too=True)

    async def aclose(self) -> None:
        """End everything."""
        for timer in self._timers.values():
            timer.cancel()
        await asyncio.gather(*(answer.aclose() for answer in self._answers.values()), *self._ending)

    # -- within ----------------------------------------------------------------------------------------------------

    def _new(self, part: AnswerPart) -> ComingAnswer:
        unclaimed = [name for name, answer in self._answers.items() if not answer.is_claimed]
        if len(self._answers) >= MOST_ANSWERS:
            self._forget(unclaimed[0] if unclaimed else next(iter(self._answers)))
        places = tuple(place for place in (part.conversation_id, part.satellite_id, part.device_id) if place)
        wanted = self._book.choose(self._voices.expected(places), None)
        chosen = self._book.settle(wanted, part.utterance).voice
        answer = ComingAnswer(
            part.answer_id,
            places,
            self._speakable(self._book.language_of(wanted)),
            lambda text: self._book.for_text(text, chosen),
            self._make,
            self._maker.rate_hz,
        )
        self._answers[part.answer_id] = answer
        self.figures.answers += 1
        return answer

    def _offer(self, answer: ComingAnswer, recordings: list[Recording]) -> None:
        for recording in recordings:
            if recording.key in self._cache or recording.key in self._recordings:
                answer.withdraw(recording)
            else:
                self._recordings[recording.key] = answer, recording

    async def _make(self, recording: Recording) -> None:
        candidate = await self._up(recording)
        use = await self._maker.open([candidate], Urgency.BACKGROUND, wait_s=WAIT_S)
        with use, contextlib.closing(use.opened):
            recording.run(use.set_urgency)
            self.figures.made += 1
            async with contextlib.aclosing(self._maker.sound(use, recording.text)) as sound:
                async for pcm in sound:
                    recording.add(pcm)
            recording.end(complete=True)

    async def _up(self, recording: Recording) -> Candidate:
        """Return who is to speak it: asking the coordinator for a worker that is not up would have it loaded."""
        voices = [recording.voice, *self._book.same_person(recording.voice, recording.text)]
        for candidate in self._maker.candidates(voices):
            with contextlib.suppress(WorkerUnavailable):
                (await candidate.open()).close()
                self._rename(recording, candidate.voice)
                return candidate
        raise WorkerUnavailable("the worker of the voice is not up")

    def _rename(self, recording: Recording, voice: Voice) -> None:
        if voice is recording.voice:
            return
        entry = self._recordings.pop(recording.key, None)
        recording.voice, recording.key = voice, PieceKey.of(recording.text, voice)
        if entry is not None:
            self._recordings[recording.key] = entry

    def _keep_for_a_while(self, name: str) -> None:
        if (timer := self._timers.pop(name, None)) is not None:
            timer.cancel()
        if name in self._answers:
            loop = asyncio.get_running_loop()
            self._timers[name] = loop.call_later(UNWANTED_S, self._forget, name)

    def _forget(self, name: str, claimed_too: bool = False) -> None:
        """Call an answer off and drop what was made of it."""
        if (timer := self._timers.pop(name, None)) is not None:
            timer.cancel()
        answer = self._answers.pop(name)
        answer.call_off(claimed_too=claimed_too)
        for recording in answer.recordings:
            if self._recordings.get(recording.key, (None, None))[1] is recording:
                del self._recordings[recording.key]
            if recording.state is not RecordingState.WAITING and not recording.claimed:
                self.figures.wasted += 1
        task = asyncio.create_task(self._see_off(answer), name="end of speech ahead of time")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _see_off(self, answer: ComingAnswer) -> None:
        try:
            await answer.ended()
        except Exception as error:  # noqa: BLE001 - nobody awaits this task: say it here
            log_defect(_LOGGER, "defect in speech made ahead of time", error)
