"""The WAV files a benchmark speaks, with what is said in them where somebody wrote it down."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from avatar_appliance.client import WavAudio, read_wav
from avatar_appliance.errors import BadRequest

from .errors import NoRecordings
from .loudness import last_loud_s
from .report import RecordingFacts

# How long after the last loud sample Home Assistant ends the audio where it has to find the end of speech itself
# (seen with 2026.11; 0.7 s of it is its silence timer).
HOME_ASSISTANT_END_S = 1.35


class _Clip(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    file: str
    language: str | None = None
    sha256: str | None = None
    licence: str | None = None
    reference: str | None = None


class _Manifest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    clips: tuple[_Clip, ...] = Field(default=())


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording and where its speech ends."""

    name: str
    """Name for the report."""
    audio: WavAudio
    last_loud_s: float
    sha256: str
    language: str | None = None
    reference: str | None = None
    licence: str | None = None
    public: bool = False
    """Whether it is bundled with the project: only then may the report quote it."""

    def spoken(self, trailing_silence_s: float, *, client_ends: bool) -> WavAudio:
        """Return what the microphone hears: the recording and silence behind it.

        With `client_ends` the audio stops where Home Assistant would stop it, for servers that leave the end of speech
        to the client.
        """
        audio = self.audio
        frame_bytes = audio.width_bytes * audio.channels
        wanted_s = self.last_loud_s + HOME_ASSISTANT_END_S if client_ends else audio.duration_s + trailing_silence_s
        size = int(wanted_s * audio.rate_hz) * frame_bytes
        silence = b"\x80" if audio.width_bytes == 1 else b"\0"  # 8-bit samples are unsigned
        pcm = (audio.pcm + silence * max(0, size - len(audio.pcm)))[:size]
        return WavAudio(audio.rate_hz, audio.width_bytes, audio.channels, pcm)

    def facts(self) -> RecordingFacts:
        """Return what the report says about it."""
        return RecordingFacts(
            name=self.name,
            language=self.language,
            duration_s=round(self.audio.duration_s, 3),
            last_loud_s=round(self.last_loud_s, 3),
            sha256=self.sha256,
            reference=self.reference if self.public else None,
            licence=self.licence if self.public else None,
        )


def bundled_folder() -> Path | None:
    """Return the folder of the recordings that come with the source tree, or None where it is not installed."""
    folder = Path(__file__).resolve().parents[2] / "tests" / "data" / "speech"
    return folder if (folder / "manifest.json").is_file() else None


def load_recordings(folder: Path | None = None, language: str | None = None) -> list[Recording]:
    """Return the recordings of a folder, sorted by file name; None is the bundled ones.

    A `manifest.json` (as in tests/data/speech) or a text file beside a recording (`kitchen.wav`, `kitchen.txt`) says
    what is said; `language` is taken where no manifest names one. Raises NoRecordings for a folder without WAV files,
    BadRequest for one that cannot be read or in which nothing is loud.
    """
    bundled = bundled_folder()
    chosen = folder or bundled
    if chosen is None:
        raise NoRecordings("the bundled recordings are not installed with the package")
    if not chosen.is_dir():
        raise NoRecordings(f"{chosen} is no folder")
    clips = {clip.file: clip for clip in _manifest(chosen).clips}
    files = sorted(path for path in chosen.iterdir() if path.suffix.lower() == ".wav")
    if not files:
        raise NoRecordings(f"{chosen} holds no WAV file")
    own = bundled is not None and chosen.resolve() == bundled
    return [
        _load(path, clips.get(path.name) or _Clip(file=path.name), number, own, language)
        for number, path in enumerate(files, 1)
    ]


def _load(path: Path, clip: _Clip, number: int, bundled: bool, language: str | None) -> Recording:
    audio = read_wav(path)
    end_s = last_loud_s(audio)
    if end_s is None:
        raise BadRequest(f"{path} is silent: nobody speaks in it", hint="Take it out of the folder.")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    public = bundled and sha256 == clip.sha256
    return Recording(
        name=path.stem if public else f"recording-{number:02d}",
        audio=audio,
        last_loud_s=end_s,
        sha256=sha256,
        language=clip.language or language,
        reference=clip.reference or _beside(path),
        licence=clip.licence,
        public=public,
    )


def _beside(path: Path) -> str | None:
    try:
        return path.with_suffix(".txt").read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def _manifest(folder: Path) -> _Manifest:
    file = folder / "manifest.json"
    if not file.is_file():
        return _Manifest()
    try:
        return _Manifest.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        hint = "It needs `clips`, a list of {file, language, reference}."
        raise BadRequest(f"{file} is no manifest of recordings", hint=hint) from None
