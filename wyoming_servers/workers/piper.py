"""Text-to-speech by Piper. Piper is GPL-3.0: it runs here, in a process of its own (docs/decisions/0003)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wyoming.info import Attribution, TtsProgram, TtsVoice, TtsVoiceSpeaker

from avatar_appliance.config.workers import PiperWorker
from avatar_appliance.errors import VoiceUnknown

from .engine import AudioPiece, StopFlag


@dataclass(frozen=True, slots=True)
class PiperVoiceFile:
    """A Piper voice on disk: NAME.onnx beside NAME.onnx.json."""

    name: str
    model: Path
    language: str
    speakers: dict[str, int]
    quality: str

    @classmethod
    def read(cls, model: Path) -> PiperVoiceFile:
        """Read a voice's own description; raises OSError or ValueError when it is no Piper voice."""
        config = json.loads(model.with_name(f"{model.name}.json").read_text(encoding="utf-8"))
        if not isinstance(config, dict) or "audio" not in config:
            raise ValueError(f"{model.name}.json is no Piper voice description")
        language = config.get("language") or {}
        code = language.get("code") or model.name.split("-")[0]
        speakers = config.get("speaker_id_map") or {}
        return cls(
            name=model.name.removesuffix(".onnx"),
            model=model,
            language=str(code).replace("_", "-"),
            speakers={str(k): int(v) for k, v in speakers.items()},
            quality=str(config["audio"].get("quality") or ""),
        )


def find_voices(paths: list[Path]) -> list[PiperVoiceFile]:
    """Return the voices among files and folders (searched deeply), sorted by name; broken ones raise ValueError."""
    found: dict[str, PiperVoiceFile] = {}
    for path in paths:
        for model in sorted(path.rglob("*.onnx")) if path.is_dir() else [path]:
            try:
                voice = PiperVoiceFile.read(model)
            except (OSError, ValueError) as error:
                raise ValueError(f"{model}: no usable Piper voice ({type(error).__name__})") from error
            found.setdefault(voice.name, voice)
    if not found:
        raise ValueError("no Piper voice (*.onnx with *.onnx.json) in " + ", ".join(map(str, paths)))
    return [found[name] for name in sorted(found)]


class PiperEngine:
    """All configured Piper voices; the first is loaded at start, the others when first asked for."""

    def __init__(self, settings: PiperWorker, paths: list[Path]) -> None:
        self._settings = settings
        self._paths = paths
        self._voices: dict[str, PiperVoiceFile] = {}
        self._loaded: dict[str, Any] = {}

    def load(self) -> None:
        """Import Piper, load the first voice and let it speak once."""
        self._voices = {voice.name: voice for voice in find_voices(self._paths)}
        first = next(iter(self._voices))
        for _ in self.synthesize("ready", first, None, StopFlag()):
            pass

    def program(self) -> TtsProgram:
        """Return the program entry with every voice found."""
        from importlib.metadata import version

        return TtsProgram(
            name="piper",
            description="Piper neural text-to-speech",
            attribution=Attribution(name="Open Home Foundation", url="https://github.com/OHF-Voice/piper1-gpl"),
            installed=True,
            version=version("piper-tts"),
            supports_synthesize_streaming=False,
            voices=[
                TtsVoice(
                    name=voice.name,
                    description=voice.name.replace("_", "-"),
                    attribution=Attribution(name="rhasspy", url="https://github.com/rhasspy/piper"),
                    installed=True,
                    version=None,
                    languages=[voice.language],
                    speakers=[TtsVoiceSpeaker(name=s) for s in voice.speakers] or None,
                )
                for voice in self._voices.values()
            ],
        )

    def synthesize(self, text: str, voice: str, speaker: str | None, stop: StopFlag) -> Iterator[AudioPiece]:
        """Speak `text`; one piece of audio per sentence, as Piper gives it."""
        from piper.config import SynthesisConfig

        found = self._voices.get(voice)
        if found is None:
            raise VoiceUnknown("this Piper worker has no such voice")
        if speaker is not None and speaker not in found.speakers:
            raise VoiceUnknown("this Piper voice has no such speaker")
        model = self._model(found)
        config = SynthesisConfig(
            speaker_id=found.speakers.get(speaker) if speaker is not None else None,
            length_scale=self._settings.length_scale,
            noise_scale=self._settings.noise_scale,
            noise_w_scale=self._settings.noise_w_scale,
        )
        for chunk in model.synthesize(text, syn_config=config):
            yield AudioPiece(chunk.sample_rate, chunk.audio_int16_bytes)
            if stop.is_set():
                return
            if self._settings.sentence_silence_s:
                silence = int(chunk.sample_rate * self._settings.sentence_silence_s)
                yield AudioPiece(chunk.sample_rate, bytes(2 * silence))

    def _model(self, voice: PiperVoiceFile) -> Any:
        if voice.name not in self._loaded:
            from piper import PiperVoice

            self._loaded[voice.name] = PiperVoice.load(voice.model)
        return self._loaded[voice.name]
