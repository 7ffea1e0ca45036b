"""The first sentence of a new voice: spoken by the cloning worker itself, heard and compared."""

from __future__ import annotations

import time
from dataclasses import dataclass

from avatar_appliance.client import WavAudio, synthesize
from avatar_appliance.errors import AvatarError
from avatar_appliance.speakers import SpeakerEmbedding

from .cloners import Cloners
from .listening import Ears
from .patience import patiently, reason_of
from .profile import Trial, VoiceProfile
from .remark import Remark, note, warning
from .studio_process import Studio
from .trial_sentences import trial_sentence
from .worker_use import Workers

_SPEAKING_TIMEOUT_S = 120.0
_SHORT_PATIENCE_S = 10.0
_CLEAR_SHARE = 0.25
_ALIKE = 0.7


@dataclass(frozen=True, slots=True)
class _Sentence:
    worker: str
    language: str
    text: str
    audio: WavAudio


class TrialRun:
    """Tries voices. Nothing that goes wrong here makes a voice unusable; it is said in the remarks."""

    def __init__(self, cloners: Cloners, workers: Workers, ears: Ears, studio: Studio, *, patience_s: float) -> None:
        self._cloners = cloners
        self._workers = workers
        self._ears = ears
        self._studio = studio
        self._patience_s = patience_s
        self._short_patience_s = min(_SHORT_PATIENCE_S, patience_s)

    async def of(self, profile: VoiceProfile) -> tuple[Trial | None, tuple[Remark, ...]]:
        """Return how the voice did, None where it could not be tried, and what there is to say of it."""
        try:
            sentence = await patiently(lambda: self._speak(profile), self._patience_s)
        except AvatarError as error:
            return None, (warning("trial-not-made", reason=reason_of(error)),)
        remarks: list[Remark] = []
        errors = await self._understood(sentence, remarks)
        similarity = await self._similarity(profile, sentence, remarks)
        return Trial(sentence.worker, sentence.language, time.time(), errors, similarity), tuple(remarks)

    async def _speak(self, profile: VoiceProfile) -> _Sentence:
        choice = self._cloners.choose(profile.languages, profile.tier)
        language = choice[0][1] if choice else profile.languages[0]
        text = trial_sentence(language, profile.transcript)
        ladder = [cloner.worker for cloner, _ in choice if cloner.speaks(language)]
        # The worker itself and not the TTS server: that one would let another voice speak where this one cannot.
        async with self._workers.use(ladder) as (worker, endpoint):
            voice = f"clone:{profile.id}:{profile.version}"
            speech = await synthesize(endpoint, text, voice=voice, streaming=False, timeout_s=_SPEAKING_TIMEOUT_S)
        return _Sentence(worker, language, text, speech.audio)

    async def _understood(self, sentence: _Sentence, remarks: list[Remark]) -> float | None:
        try:
            heard = await patiently(lambda: self._ears.words(sentence.audio, sentence.language), self._short_patience_s)
            compared = await self._studio.compare(heard, sentence.text, sentence.language)
        except AvatarError as error:
            remarks.append(note("trial-not-heard", reason=reason_of(error)))
            return None
        share = compared.error_share
        if share is not None:
            wrong = min(100, round(100 * share))
            if share <= _CLEAR_SHARE:
                remarks.append(note("speaks-clearly", errors_percent=wrong))
            else:
                remarks.append(warning("speaks-unclearly", errors_percent=wrong))
        return share

    async def _similarity(self, profile: VoiceProfile, sentence: _Sentence, remarks: list[Remark]) -> float | None:
        unknown = note("similarity-not-checked")
        if profile.embedding is None or not self._ears.know_speakers:
            remarks.append(unknown)
            return None
        try:
            voice, model = await patiently(lambda: self._ears.voice(sentence.audio), self._short_patience_s)
        except AvatarError:
            remarks.append(unknown)
            return None
        if model != profile.embedding_model:
            remarks.append(unknown)
            return None
        similarity = round(voice.similarity(SpeakerEmbedding.of(profile.embedding)), 3)
        if similarity >= _ALIKE:
            remarks.append(note("sounds-alike", similarity=round(similarity, 2)))
        else:
            remarks.append(warning("sounds-unlike", similarity=round(similarity, 2)))
        return similarity
