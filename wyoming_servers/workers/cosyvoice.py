"""Text-to-speech by CosyVoice 2 or 3 in cloned voices, streamed, with an adapter of our own.

Not the package's `inference_zero_shot`: that writes each text into the log, and streams as `cosy.streaming` tells.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from wyoming.info import Attribution, TtsProgram

from avatar_appliance.config.gpu_workers import CosyVoiceWorker
from avatar_appliance.errors import ConfigError, VoiceUnknown, WorkerFailed
from avatar_appliance.voices.voice_index import ClonedVoice, VoiceIndex

from .cloned_voices import PREFIX, ClonedVoices, clone_name, configured_voices
from .cosy.imports import CosyPackage, import_cosyvoice
from .cosy.model_folder import model_version
from .cosy.recorded_step import use_recorded_step
from .cosy.sampling import TokenSampler, use_own_sampling
from .cosy.streaming import stream_speech, whole_chunks
from .cuda_device import use_device
from .engine import AudioPiece, StopFlag
from .memory_failure import is_out_of_memory
from .pcm import pcm16
from .simplified import to_simplified
from .spoken_length import split_text
from .torch_memory import cap_memory, release_unused

_LOGGER = logging.getLogger(__name__)

# What its language model was trained on ends at 30 s, the recording included.
_MOST_SYLLABLES = 60.0
# CosyVoice 3 wants an instruction before the transcript of the recording; CosyVoice 2 would read it out.
_END_OF_PROMPT = "<|endofprompt|>"


class CosyVoiceEngine:
    """One CosyVoice model and its voices, on the device of the settings, with at most `limit_bytes` of it."""

    def __init__(
        self,
        settings: CosyVoiceWorker,
        model_dir: Path,
        limit_bytes: int | None = None,
        index: VoiceIndex | None = None,
    ) -> None:
        """`index` has the voices of the household's profiles; default: only those of the settings."""
        self._settings = settings
        self._model_dir = model_dir
        self._limit_bytes = limit_bytes
        self._device = "cpu"
        self._package: CosyPackage | None = None
        self._cosy: Any = None
        self._sampler: TokenSampler | None = None
        self._version = 0
        self._clones = ClonedVoices(index, settings.clone_languages, self._prepare, self._unregister)
        # One thread for good: each new one would take memory for cuBLAS of its own.
        self._thinker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="speech-tokens")

    def load(self) -> None:
        """Import the package, load model and voices, speak once.

        Raises ConfigError for a model or recording that cannot be used, ImportError where the package is missing.
        """
        self._version = model_version(self._model_dir)
        self._device = use_device(self._settings.device)
        self._package = import_cosyvoice()
        cap_memory(self._package.torch, self._device, self._limit_bytes)
        self._cosy = self._load_model(self._package)
        self._sampler = use_own_sampling(self._package.torch, self._cosy.model)
        release_unused(self._package.torch, self._device)  # the checkpoints went through the GPU
        if self._settings.cuda_graphs and self._device != "cpu" and not self._settings.half_precision:
            use_recorded_step(self._package.torch, self._cosy.model)
        for voice in self._settings.voices:
            self._register(voice.name, voice.reference_audio, voice.reference_text)
        if self._settings.voices:
            for _ in self.synthesize("ready 准备好了。", self._settings.voices[0].name, None, StopFlag()):
                pass
        release_unused(self._package.torch, self._device)

    def _load_model(self, package: CosyPackage) -> Any:
        try:
            return package.AutoModel(model_dir=str(self._model_dir), fp16=self._settings.half_precision)
        except Exception as error:  # whatever reading a broken file ends with: pickle, YAML, ONNX, a missing key
            if is_out_of_memory(error):
                raise
            reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
            raise ConfigError(f"{self._model_dir} cannot be loaded as CosyVoice {self._version}: {reason}") from error

    def program(self) -> TtsProgram:
        """Return the program entry with every configured voice, and those of the profiles."""
        attribution = Attribution(name="FunAudioLLM", url="https://github.com/FunAudioLLM/CosyVoice")
        return TtsProgram(
            name="cosyvoice",
            description=f"CosyVoice {self._version} voice cloning",
            attribution=attribution,
            installed=True,
            version=str(self._version),
            voices=configured_voices(self._settings.voices, attribution) + self._clones.offer(attribution),
        )

    def synthesize(self, text: str, voice: str, speaker: str | None, stop: StopFlag) -> Iterator[AudioPiece]:
        """Speak `text`; the first piece of audio comes after about a second of speech is made."""
        if voice.startswith(PREFIX) and speaker is None:
            with self._clones.use(voice) as clone:
                yield from self._say(text, clone.prepared, self._settings.speed * clone.voice.speed, stop)
            return
        if speaker is not None or voice not in {own.name for own in self._settings.voices}:
            raise VoiceUnknown("this CosyVoice worker has no such voice")
        yield from self._say(text, voice, self._settings.speed, stop)

    def _say(self, text: str, voice: str, speed: float, stop: StopFlag) -> Iterator[AudioPiece]:
        if self._cosy is None or self._package is None:
            raise RuntimeError("load() comes first")
        info = self._cosy.frontend.spk2info[voice]
        torch, rate_hz = self._package.torch, int(self._cosy.sample_rate)
        if self._settings.seed is not None:
            torch.manual_seed(self._settings.seed)
            if self._sampler is not None:
                self._sampler.seed(self._settings.seed)
        try:
            for sentence in split_text(to_simplified(" ".join(text.split())), _MOST_SYLLABLES):
                if stop.is_set():
                    return
                asked = self._cosy.frontend.frontend_zero_shot(sentence, "", "", rate_hz, voice)
                speech = stream_speech(torch, self._cosy.model, info, asked["text"], self._thinker, stop, speed=speed)
                for piece in speech:
                    yield AudioPiece(rate_hz, pcm16(piece.float().squeeze(0).cpu()))
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            release_unused(torch, self._device)
            raise WorkerFailed("there is not enough GPU memory for this sentence") from None

    def _prepare(self, voice: ClonedVoice) -> str:
        name = clone_name(voice)
        self._register(name, voice.reference, voice.transcript)
        return name

    def _unregister(self, name: str) -> None:
        self._cosy.frontend.spk2info.pop(name, None)

    def _register(self, name: str, recording: Path, transcript: str) -> None:
        """Prepare a recording once, in memory: `save_spkinfo` would write it into the model's folder."""
        transcript = to_simplified(transcript)
        prompt = f"{self._settings.instruction}{_END_OF_PROMPT}{transcript}" if self._version == 3 else transcript
        frontend = self._cosy.frontend
        try:
            self._cosy.add_zero_shot_spk(prompt, str(recording), name)
        except (OSError, AssertionError, RuntimeError) as error:
            if is_out_of_memory(error):
                raise
            raise ConfigError(f"voice {name}: {recording} cannot be used: {error}") from None
        frontend.spk2info[name] = whole_chunks(frontend.spk2info[name], int(self._cosy.model.flow.token_mel_ratio))
