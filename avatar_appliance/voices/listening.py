"""Ears for a check: our own speech recognition, and a speaker worker where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from avatar_appliance.client import WavAudio, transcribe
from avatar_appliance.client.embed_speaker import embed_speaker
from avatar_appliance.speakers import SpeakerEmbedding
from avatar_appliance.speakers.messages import MOST_AUDIO_S

from .cloners import bare
from .worker_use import Workers

_TIMEOUT_S = 120.0
# Short enough that two people taking turns fall into different pieces, long enough to know a voice by.
PIECE_S = 2.0
_MOST_PIECES = 7


class Ears:
    """Asks workers what is said, and by whom."""

    def __init__(self, workers: Workers, asr: Sequence[str], speaker: Sequence[str]) -> None:
        """`asr` and `speaker` are the ladders; an empty `speaker` means that nobody is told apart."""
        self._workers = workers
        self._asr = asr
        self._speaker = speaker

    @property
    def know_speakers(self) -> bool:
        """Whether there is anybody to ask who speaks."""
        return bool(self._speaker)

    async def words(self, audio: WavAudio, language: str) -> str:
        """Return what is said in `audio`; raises what the worker or the coordinator reports."""
        async with self._workers.use(self._asr) as (_, endpoint):
            heard = await transcribe(endpoint, audio, language=bare(language), timeout_s=_TIMEOUT_S)
        return " ".join(heard.text.split())

    async def voice(self, audio: WavAudio) -> tuple[SpeakerEmbedding, str]:
        """Return the embedding of `audio` and the model it is of; raises what the worker or the coordinator reports."""
        async with self._workers.use(self._speaker) as (_, endpoint):
            answer = await embed_speaker(endpoint, _piece(audio, 0.0, MOST_AUDIO_S))
        return answer.embedding, answer.model

    async def voices(self, audio: WavAudio) -> Sequence[SpeakerEmbedding]:
        """Return the embeddings of `audio` piece by piece; raises as `voice` does."""
        count = min(_MOST_PIECES, int(audio.duration_s / PIECE_S))
        found = []
        async with self._workers.use(self._speaker) as (_, endpoint):
            for number in range(count):
                piece = _piece(audio, number * PIECE_S, (number + 1) * PIECE_S)
                found.append((await embed_speaker(endpoint, piece)).embedding)
        return found


def least_similarity(voices: Sequence[SpeakerEmbedding]) -> float | None:
    """Return how similar the piece that fits worst is to all others together; None for fewer than two."""
    if len(voices) < 2:
        return None
    return min(
        voice.similarity(SpeakerEmbedding.mean([*voices[:index], *voices[index + 1 :]]))
        for index, voice in enumerate(voices)
    )


def _piece(audio: WavAudio, start_s: float, end_s: float) -> WavAudio:
    frame = audio.width_bytes * audio.channels
    first, last = (int(moment * audio.rate_hz) * frame for moment in (start_s, end_s))
    return replace(audio, pcm=audio.pcm[first:last])
