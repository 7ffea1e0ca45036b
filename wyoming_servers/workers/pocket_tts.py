"""Text-to-speech by Pocket TTS in cloned voices, streamed, on a CPU."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wyoming.info import Attribution, TtsProgram

from avatar_appliance.config.pocket_tts import PocketTtsWorker
from avatar_appliance.errors import ConfigError, VoiceUnknown
from avatar_appliance.voices.voice_index import MAX_REFERENCE_S, ClonedVoice, VoiceIndex

from .cloned_voices import PREFIX, ClonedVoices, configured_voices
from .cuda_device import use_device
from .engine import AudioPiece, StopFlag
from .package_version import package_version
from .pcm import pcm16
from .pocket.model import load_model, random_model
from .recording import read_wave, trimmed

_LOGGER = logging.getLogger(__name__)

# A voice of ten seconds takes 6 MiB of attention cache, more with the text behind it.
_MOST_PREPARED = 8
_LEAST_REFERENCE_S = 1.0
_SPEAKABLE = re.compile(r"\w")


class PocketTtsEngine:
    """One Pocket TTS model and its voices."""

    def __init__(self, settings: PocketTtsWorker, model_dir: Path | None, index: VoiceIndex | None = None) -> None:
        """`index` has the voices of the household's profiles; default: only those of the settings."""
        self._settings = settings
        self._model_dir = model_dir
        self._model: Any = None
        self._voices: dict[str, Any] = {}
        self._clones = ClonedVoices(index, settings.clone_languages, self._prepare, most=_MOST_PREPARED)

    def load(self) -> None:
        """Import the package, load model and voices, speak once with each voice.

        Raises ConfigError for a model or recording that cannot be used, ImportError where the package is missing.
        """
        settings = self._settings
        use_device("cpu")
        if settings.weights == "random" or self._model_dir is None:
            _LOGGER.warning("random weights: this voice speaks noise, for benchmarks")
            self._model = random_model(settings.language, settings.size, settings.temperature)
        else:
            self._model = load_model(self._model_dir, settings.language, settings.temperature)
        self._voices = {voice.name: self._state(voice.name, voice.reference_audio) for voice in settings.voices}
        for name in self._voices:
            for _ in self.synthesize("Ready.", name, None, StopFlag()):
                pass

    def program(self) -> TtsProgram:
        """Return the program entry with every configured voice, and those of the profiles."""
        attribution = Attribution(name="Kyutai", url="https://github.com/kyutai-labs/pocket-tts")
        noise = " (random weights: noise)" if self._settings.weights == "random" else ""
        return TtsProgram(
            name="pocket-tts",
            description=f"Pocket TTS voice cloning, {self._settings.language}{noise}",
            attribution=attribution,
            installed=True,
            version=package_version("pocket-tts"),
            voices=configured_voices(self._settings.voices, attribution, noise) + self._clones.offer(attribution),
        )

    def synthesize(self, text: str, voice: str, speaker: str | None, stop: StopFlag) -> Iterator[AudioPiece]:
        """Speak `text`; pieces of 80 ms and more, the first after a few steps of the model."""
        if voice.startswith(PREFIX) and speaker is None:
            with self._clones.use(voice) as clone:
                yield from self._say(text, clone.prepared, stop)
            return
        state = self._voices.get(voice)
        if state is None or speaker is not None:
            raise VoiceUnknown("this Pocket TTS worker has no such voice")
        yield from self._say(text, state, stop)

    def _say(self, text: str, state: Any, stop: StopFlag) -> Iterator[AudioPiece]:
        if self._model is None:
            raise RuntimeError("load() comes first")
        if not _SPEAKABLE.search(text):
            return
        import torch

        if self._settings.seed is not None:
            torch.manual_seed(self._settings.seed)
        speech = self._model.generate_audio_stream(state, " ".join(text.split()), stop=stop)
        try:
            for piece in speech:
                if not stop.is_set():
                    yield AudioPiece(int(self._model.sample_rate), pcm16(piece.detach().float().cpu()))
        finally:
            # Its threads end by the flag; until they have, this engine is not idle.
            stop.set()
            for _ in speech:
                pass

    def _prepare(self, voice: ClonedVoice) -> Any:
        return self._state(voice.id, voice.reference)

    def _state(self, name: str, recording: Path) -> Any:
        """Return what the model makes of a recording: its state after having heard it."""
        import torch

        rate_hz = int(self._model.sample_rate)
        wave = trimmed(read_wave(recording, name, rate_hz), rate_hz)
        if len(wave) < _LEAST_REFERENCE_S * rate_hz:
            raise ConfigError(f"voice {name}: {recording} has less than {_LEAST_REFERENCE_S:g} s of speech")
        # More is more to attend to in each step, and nothing is gained by it.
        return self._model.get_state_for_audio_prompt(torch.from_numpy(wave[: int(MAX_REFERENCE_S * rate_hz)])[None])
