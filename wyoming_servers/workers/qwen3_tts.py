"""Text-to-speech by Qwen3-TTS in cloned voices, streamed, with the CUDA graphs of faster-qwen3-tts."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from wyoming.info import Attribution, TtsProgram

from avatar_appliance.config.qwen3_tts import Qwen3TtsWorker
from avatar_appliance.errors import VoiceUnknown, WorkerFailed
from avatar_appliance.voices.voice_index import MAX_REFERENCE_S, ClonedVoice, VoiceIndex

from .cloned_voices import PREFIX, ClonedVoices, configured_voices
from .cuda_device import use_device
from .engine import AudioPiece, StopFlag
from .memory_failure import is_out_of_memory
from .package_version import package_version
from .pcm import pcm16
from .qwen3.imports import import_qwen3
from .qwen3.language import CHINESE, language_of
from .qwen3.model import RATE_HZ, load_base
from .qwen3.random_model import random_base
from .qwen3.reference import Reference, load_reference, prepare
from .qwen3.speech import Speech
from .simplified import to_simplified
from .spoken_length import split_text
from .torch_memory import cap_memory, release_unused

_LOGGER = logging.getLogger(__name__)

# Longer texts are spoken piece by piece: the attention cache has room for a minute, twice what a piece should take.
_MOST_PIECE_S = 25.0
_LEAST_PIECE_SYLLABLES = 4.0
_SPEAKABLE = re.compile(r"\w")
_WARM_TEXT, _WARM_S, _WARM_SYLLABLE_S = "ready", 2.0, 0.2


class Qwen3TtsEngine:
    """One Qwen3-TTS model and its voices, on the device of the settings, with at most `limit_bytes` of it."""

    def __init__(
        self,
        settings: Qwen3TtsWorker,
        model_dir: Path | None,
        limit_bytes: int | None = None,
        index: VoiceIndex | None = None,
    ) -> None:
        """`index` has the voices of the household's profiles; default: only those of the settings."""
        self._settings = settings
        self._model_dir = model_dir
        self._limit_bytes = limit_bytes
        self._device = "cpu"
        self._torch: Any = None
        self._base: Any = None
        self._speech: Speech | None = None
        self._voices: dict[str, Reference] = {}
        self._clones = ClonedVoices(index, settings.clone_languages, self._prepare)

    def load(self) -> None:
        """Import the packages, load model and voices, record the graphs, speak once.

        Raises ConfigError for a model or recording that cannot be used, ImportError where a package is missing.
        """
        settings = self._settings
        self._device = use_device(settings.device)
        package = import_qwen3()
        self._torch = package.torch
        cap_memory(package.torch, self._device, self._limit_bytes)
        if settings.weights == "random" or self._model_dir is None:
            _LOGGER.warning("random weights: this voice speaks noise, for benchmarks")
            self._base = random_base(package, settings.size, self._device)
        else:
            self._base = load_base(package, self._model_dir, self._device)
        self._speech = Speech(
            package,
            self._base,
            self._device,
            graphs=settings.cuda_graphs and self._device != "cpu",
            temperature=settings.temperature,
            chunk_steps=settings.chunk_steps,
        )
        self._speech.record()
        self._warm_up()
        self._voices = {
            voice.name: self._reference(voice.name, voice.reference_audio, voice.reference_text, (voice.language,))
            for voice in settings.voices
        }
        release_unused(package.torch, self._device)

    def program(self) -> TtsProgram:
        """Return the program entry with every configured voice, and those of the profiles."""
        attribution = Attribution(name="Qwen", url="https://github.com/QwenLM/Qwen3-TTS")
        noise = " (random weights: noise)" if self._settings.weights == "random" else ""
        return TtsProgram(
            name="qwen3-tts",
            description=f"Qwen3-TTS voice cloning{noise}",
            attribution=attribution,
            installed=True,
            version=package_version("faster-qwen3-tts"),
            voices=configured_voices(self._settings.voices, attribution, noise) + self._clones.offer(attribution),
        )

    def synthesize(self, text: str, voice: str, speaker: str | None, stop: StopFlag) -> Iterator[AudioPiece]:
        """Speak `text`; pieces of 80 ms times the settings' `chunk_steps`."""
        if voice.startswith(PREFIX) and speaker is None:
            with self._clones.use(voice) as clone:
                yield from self._say(text, clone.prepared, stop)
            return
        reference = self._voices.get(voice)
        if reference is None or speaker is not None:
            raise VoiceUnknown("this Qwen3-TTS worker has no such voice")
        yield from self._say(text, reference, stop)

    def _say(self, text: str, reference: Reference, stop: StopFlag) -> Iterator[AudioPiece]:
        if self._speech is None:
            raise RuntimeError("load() comes first")
        if not _SPEAKABLE.search(text):
            return
        language = language_of(text, reference.languages)
        text = _as_read(" ".join(text.split()), language)
        if self._settings.seed is not None:
            self._torch.manual_seed(self._settings.seed)
        most = max(_LEAST_PIECE_SYLLABLES, _MOST_PIECE_S / reference.syllable_s)
        try:
            for piece in split_text(text, most):
                if stop.is_set():
                    return
                for sound in self._speech.say(piece, language, reference, stop):
                    yield AudioPiece(RATE_HZ, pcm16(sound))
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            release_unused(self._torch, self._device)
            raise WorkerFailed("there is not enough GPU memory for this sentence") from None

    def _prepare(self, voice: ClonedVoice) -> Reference:
        return self._reference(voice.id, voice.reference, voice.transcript, voice.languages)

    def _reference(self, name: str, recording: Path, transcript: str, languages: tuple[str, ...]) -> Reference:
        transcript = _as_read(transcript, language_of(transcript, languages))
        return load_reference(name, recording, transcript, languages, self._base, most_s=MAX_REFERENCE_S)

    def _warm_up(self) -> None:
        """Make a voice of a tone and speak with it: every part has run once before somebody waits for it."""
        tone = 0.1 * np.sin(np.arange(int(_WARM_S * RATE_HZ), dtype=np.float32) * 0.05)
        reference = prepare(tone.astype(np.float32), _WARM_TEXT, ("en",), self._base, syllable_s=_WARM_SYLLABLE_S)
        for _ in self._say(_WARM_TEXT, reference, StopFlag()):
            pass


def _as_read(text: str, language: str) -> str:
    """Return Chinese in the characters that most of the training data has; Japanese has characters of its own."""
    return to_simplified(text) if language == CHINESE else text
