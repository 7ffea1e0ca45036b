"""Text-to-speech by F5-TTS in cloned voices, with an adapter of our own over the package's model.

Not the package's `F5TTS.infer`: it reads the recording anew for each text, runs pieces of one text in several threads,
gives short answers a third of the speed, and may load a Whisper onto the GPU (docs/gpu-workers.md).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from pathlib import Path

from wyoming.info import Attribution, TtsProgram

from avatar_appliance.config.gpu_workers import F5TtsWorker
from avatar_appliance.errors import VoiceUnknown, WorkerFailed
from avatar_appliance.voices.voice_index import MAX_REFERENCE_S, ClonedVoice, VoiceIndex

from .cloned_voices import PREFIX, ClonedVoices, configured_voices
from .cuda_device import use_device
from .engine import AudioPiece, StopFlag
from .f5.front_end import joined_tokens, speech_text
from .f5.imports import import_f5
from .f5.model import FRAMES_PER_S, RATE_HZ, F5Model, load_model, random_model
from .f5.reference import Reference, load_reference
from .f5.sampler import Sampler
from .memory_failure import is_out_of_memory
from .package_version import package_version
from .pcm import pcm16
from .spoken_length import split_text, spoken_length
from .torch_memory import cap_memory, release_unused

_LOGGER = logging.getLogger(__name__)

# Trained on utterances of up to 30 s, recording and speech together; upstream stays below this.
_MOST_TOTAL_S = 22.0
# Below it the model swallows the words: "好的。" gets time to be said, and some silence.
_LEAST_SPEECH_S = 0.9
_LEAST_PIECE_SYLLABLES = 4.0


class F5TtsEngine:
    """One F5-TTS model and its voices, on the device of the settings, with at most `limit_bytes` of it."""

    def __init__(
        self,
        settings: F5TtsWorker,
        model_dir: Path | None,
        limit_bytes: int | None = None,
        index: VoiceIndex | None = None,
    ) -> None:
        """`index` has the voices of the household's profiles; default: only those of the settings."""
        self._settings = settings
        self._model_dir = model_dir
        self._limit_bytes = limit_bytes
        self._device = "cpu"
        self._model: F5Model | None = None
        self._sampler: Sampler | None = None
        self._voices: dict[str, Reference] = {}
        self._clones = ClonedVoices(index, settings.clone_languages, self._prepare)

    def load(self) -> None:
        """Import the package, load model and voices, record the graphs, speak once with each voice.

        Raises ConfigError for a model or recording that cannot be used, ImportError where the package is missing.
        """
        settings = self._settings
        self._device = use_device(settings.device)
        package = import_f5()
        cap_memory(package.torch, self._device, self._limit_bytes)
        if settings.weights == "random" or self._model_dir is None:
            _LOGGER.warning("random weights: this voice speaks noise, for benchmarks")
            model = random_model(package, settings.size, self._device)
        else:
            model = load_model(package, self._model_dir, self._device)
        self._model = model
        self._voices = {
            voice.name: load_reference(voice.name, voice.reference_audio, voice.reference_text, model)
            for voice in settings.voices
        }
        self._sampler = Sampler(model, nfe_steps=settings.nfe_steps, cfg_strength=settings.cfg_strength)
        if settings.cuda_graphs and self._device != "cpu":
            self._sampler.record(settings.graph_frames)
            _LOGGER.info("CUDA graphs for %s frames", self._sampler.recorded_frames)
        for name in self._voices:
            for _ in self.synthesize("ready 准备好了。", name, None, StopFlag()):
                pass
        release_unused(package.torch, self._device)

    def program(self) -> TtsProgram:
        """Return the program entry with every configured voice, and those of the profiles."""
        attribution = Attribution(name="SWivid", url="https://github.com/SWivid/F5-TTS")
        noise = " (random weights: noise)" if self._settings.weights == "random" else ""
        return TtsProgram(
            name="f5-tts",
            description=f"F5-TTS voice cloning{noise}",
            attribution=attribution,
            installed=True,
            version=package_version("f5-tts"),
            voices=configured_voices(self._settings.voices, attribution, noise) + self._clones.offer(attribution),
        )

    def synthesize(self, text: str, voice: str, speaker: str | None, stop: StopFlag) -> Iterator[AudioPiece]:
        """Speak `text`; one piece of audio, or several where it is too long for one."""
        if voice.startswith(PREFIX) and speaker is None:
            with self._clones.use(voice) as clone:
                yield from self._say(text, clone.prepared, self._settings.speed * clone.voice.speed, stop)
            return
        reference = self._voices.get(voice)
        if reference is None or speaker is not None:
            raise VoiceUnknown("this F5-TTS worker has no such voice")
        yield from self._say(text, reference, self._settings.speed, stop)

    def _prepare(self, voice: ClonedVoice) -> Reference:
        if self._model is None:
            raise RuntimeError("load() comes first")
        return load_reference(voice.id, voice.reference, voice.transcript, self._model, most_s=MAX_REFERENCE_S)

    def _say(self, text: str, reference: Reference, speed: float, stop: StopFlag) -> Iterator[AudioPiece]:
        for piece in split_text(speech_text(text), _most_syllables(reference, speed)):
            if stop.is_set():
                return
            if pcm := self._speak(piece, reference, speed):
                yield AudioPiece(RATE_HZ, pcm)

    def _speak(self, text: str, reference: Reference, speed: float) -> bytes:
        if self._model is None or self._sampler is None:
            raise RuntimeError("load() comes first")
        package = self._model.package
        tokens = joined_tokens(reference.tokens, package.convert_char_to_pinyin([text])[0])
        try:
            mel = self._sampler.sample(reference, tokens, _frames(text, reference, speed), self._settings.seed)
            with package.torch.inference_mode():
                wave = self._model.vocos.decode(mel.permute(0, 2, 1)).squeeze(0) / reference.gain
                return pcm16(wave.float().cpu())
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            release_unused(package.torch, self._device)
            raise WorkerFailed("there is not enough GPU memory for this sentence") from None


def _most_syllables(reference: Reference, speed: float) -> float:
    room_frames = _MOST_TOTAL_S * FRAMES_PER_S - reference.frames
    return max(_LEAST_PIECE_SYLLABLES, room_frames / reference.frames_per_syllable * speed)


def _frames(text: str, reference: Reference, speed: float) -> int:
    frames = spoken_length(text) * reference.frames_per_syllable / speed
    return math.ceil(max(frames, _LEAST_SPEECH_S * FRAMES_PER_S))
