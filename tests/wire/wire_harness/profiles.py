"""Voices of the household, and scripted workers that clone them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wyoming.info import Attribution, TtsVoice

from avatar_appliance.voices.voice_index import ClonedVoice, VoiceIndex, voice_index_path, write_voice_index
from wyoming_servers.tts.profile_voices import Cloner, ProfileVoices

from .engines import WatchedTts

FAST = Cloner("f5", "fast", ("en", "zh"))
STUDIO = Cloner("cosy", "studio", ("en", "zh"))
ENGLISH_ONLY = Cloner("pocket", "fast", ("en",))


class Household:
    """The index of profiles, as the control plane writes it."""

    def __init__(self, state_dir: Path, *cloners: Cloner, languages: Sequence[str] = ("en", "zh-TW")) -> None:
        self._path = voice_index_path(state_dir)
        self.voices: dict[str, ClonedVoice] = {}
        self.profiles = ProfileVoices(VoiceIndex(self._path), cloners, languages)

    def add(self, name: str = "Anna", **fields: Any) -> ClonedVoice:
        """Add a profile, or replace the one of that name."""
        voice = ClonedVoice(
            **{
                "id": name.lower(),
                "name": name,
                "languages": ("en", "zh-TW"),
                "version": 1,
                "speed": 1.0,
                "tier": "auto",
                "purpose": "answers",
                "is_default": False,
                "reference": self._path.parent / name.lower() / "reference.wav",
                "transcript": "hello",
                "transcript_language": "en",
                **fields,
            }
        )
        self.voices[voice.id] = voice
        self._write()
        return voice

    def remove(self, voice_id: str) -> None:
        del self.voices[voice_id]
        self._write()

    def _write(self) -> None:
        write_voice_index(self._path, self.voices.values())


class CloningTts(WatchedTts):
    """Speaks in the voices it is given, and offers each as a cloning worker does."""

    def __init__(self, *names: str, **watched: Any) -> None:
        super().__init__(**watched)
        self.names = list(names)

    def program(self) -> Any:
        program = super().program()
        program.voices = [
            TtsVoice(
                name=name, description=None, attribution=Attribution("", ""), installed=True, version=None,
                languages=["en", "zh"],
            )
            for name in self.names
        ]  # fmt: skip
        return program
