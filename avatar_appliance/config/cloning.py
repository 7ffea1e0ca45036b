"""What the worker sections of the engines that clone voices have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from .local_worker import DeviceKind, GpuWorker, Role
from .section import Language, Section

CloneTier = Literal["fast", "high-quality"]


class ClonedVoice(Section):
    """A voice made from a short recording."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][A-Za-z0-9._-]{0,62}$")]
    """Voice name Home Assistant shows, e.g. mother-zh-TW."""
    language: Language
    """Language of the recording, and the one the voice is listed under."""
    reference_audio: Path
    """WAV or FLAC file: 3 to 6 seconds of clean speech; shorter is faster."""
    reference_text: str = Field(min_length=1, max_length=500, repr=False)
    """Exactly what is said in it."""

    @field_validator("reference_text")
    @classmethod
    def _says_something(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("reference_text is empty; without it the voice cannot be cloned")
        return value.strip()


class CloningWorker(GpuWorker):
    """What the engines that clone voices have in common. Beside `voices` they speak in those of the voice profiles."""

    clones: ClassVar[bool] = True

    voices: list[ClonedVoice] = Field(default_factory=list)
    """Voices to offer beside those of the voice profiles, which need no entry here."""
    speed: float = Field(default=1.0, ge=0.5, le=2.0)
    """Above 1 speaks faster."""
    seed: int | None = Field(default=None, ge=0, lt=2**31)
    """Makes the same text sound the same each time; null lets it vary as people do."""

    @property
    def role(self) -> Role:
        """The role this worker serves."""
        return "tts"

    @property
    def runs_on(self) -> tuple[DeviceKind, ...]:
        """A GPU; the CPU only where `device: cpu` says so."""
        # Never the CPU by itself: there these engines take half a minute where people wait for a second.
        return ("cpu",) if self.device == "cpu" else ("gpu",)

    @property
    def clone_languages(self) -> tuple[str, ...]:
        """Languages (bare BCP 47 tags) it can speak in a profile's voice."""
        return ()

    @property
    def clone_tier(self) -> CloneTier:
        """Where its voices of profiles stand in the list: high-quality ones are the studio voices."""
        return "fast"

    @field_validator("voices")
    @classmethod
    def _names_differ(cls, value: list[ClonedVoice]) -> list[ClonedVoice]:
        names = [voice.name for voice in value]
        if len(set(names)) != len(names):
            raise ValueError("voices: two have the same name")
        return value
