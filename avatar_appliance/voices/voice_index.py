"""The list of cloned voices on disk: written by the control plane, read by cloning workers and the TTS server.

One JSON file, replaced as a whole, with the reference recordings beside it in `<voice id>/`. It holds only profiles
that may be voices: consent is on record and the doctor did not refuse the recording.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

from avatar_appliance.atomic_file import replace_atomically
from avatar_appliance.watched_file import WatchedFile

VoiceTier = Literal["auto", "fast", "high-quality"]
VoicePurpose = Literal["answers", "announcements", "night-whisper"]

VOICES_FOLDER = "voices"
INDEX_FILE = "index.json"
MIN_REFERENCE_S = 3.0
MAX_REFERENCE_S = 15.0
REFERENCE_RATE_HZ = 24_000
MIN_SPEED = 0.5
MAX_SPEED = 2.0

_FORMAT = 1
_MAX_INDEX_BYTES = 4 * 1024 * 1024
_ID = re.compile(r"[a-z0-9-]{1,40}")
_TAG = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, slots=True)
class ClonedVoice:
    """A voice that a cloning worker can speak with. Raises ValueError for values outside this contract.

    `reference` is PCM16 mono WAV at 24 kHz, 3 to 15 s long, of which `transcript` says the words. `version` grows
    whenever the sound changes. At most one voice of each `purpose` is the default.
    """

    id: str
    name: str
    languages: tuple[str, ...]
    version: int
    speed: float
    tier: VoiceTier
    purpose: VoicePurpose
    is_default: bool
    reference: Path
    transcript: str = field(repr=False)
    transcript_language: str

    def __post_init__(self) -> None:
        _check(_ID.fullmatch(self.id) is not None, "id")
        _check(bool(self.name) and len(self.name) <= 80 and self.name.isprintable(), "name")
        _check(bool(self.languages) and all(map(is_language_tag, self.languages)), "languages")
        _check(self.version >= 1, "version")
        _check(MIN_SPEED <= self.speed <= MAX_SPEED, "speed")
        _check(self.tier in get_args(VoiceTier), "tier")
        _check(self.purpose in get_args(VoicePurpose), "purpose")
        _check(bool(self.transcript.strip()), "transcript")
        _check(is_language_tag(self.transcript_language), "transcript_language")

    def speaks(self, language: str) -> bool:
        """Say whether the owner chose `language` for this voice, be it with another region or script."""
        wanted = language.lower().partition("-")[0]
        return any(tag.lower().partition("-")[0] == wanted for tag in self.languages)


def is_voice_id(text: str) -> bool:
    """Say whether `text` can be the id of a profile, and so the name of a folder."""
    return _ID.fullmatch(text) is not None


def is_language_tag(text: str) -> bool:
    """Say whether `text` looks like a BCP 47 tag."""
    return len(text) <= 35 and _TAG.fullmatch(text) is not None


def voice_index_path(state_dir: Path) -> Path:
    """Return where the index of the appliance with this `paths.state_dir` lies."""
    return state_dir / VOICES_FOLDER / INDEX_FILE


class VoiceIndex:
    """The voices as the file says now. Looking costs one `stat` unless the file changed."""

    def __init__(self, path: Path) -> None:
        """Watch the file at `path`, which need not exist yet."""
        self.path = path
        nothing: tuple[ClonedVoice, ...] = ()
        parse = partial(_parse, folder=path.parent)
        self._file = WatchedFile(path, parse, nothing, what="the voice index", max_bytes=_MAX_INDEX_BYTES)

    @property
    def voices(self) -> tuple[ClonedVoice, ...]:
        """All voices in the owner's order: none without a file, the last good ones while the file is bad."""
        return self._file.value

    def get(self, voice_id: str) -> ClonedVoice | None:
        """Return the voice with this id, if there is one."""
        return next((voice for voice in self.voices if voice.id == voice_id), None)


def write_voice_index(path: Path, voices: Iterable[ClonedVoice]) -> None:
    """Replace the index as a whole; a reader, or a power cut, sees the old one or the new one.

    Raises ValueError if ids repeat or a reference lies outside the index's folder, OSError if it cannot be written.
    """
    listed = [_plain(voice, path.parent) for voice in voices]
    if len({item["id"] for item in listed}) != len(listed):
        raise ValueError("two voices have one id")
    content = json.dumps({"format": _FORMAT, "voices": listed}, ensure_ascii=False, indent=1).encode()
    replace_atomically(path, content)


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"a voice has an unusable {what}")


def _plain(voice: ClonedVoice, folder: Path) -> dict[str, Any]:
    reference = voice.reference.relative_to(folder)
    if ".." in reference.parts:
        raise ValueError("a reference lies outside the folder of the voices")
    names = [name for name in ClonedVoice.__dataclass_fields__ if name != "reference"]
    return {name: getattr(voice, name) for name in names} | {"reference": reference.as_posix()}


def _parse(content: bytes, folder: Path) -> tuple[ClonedVoice, ...]:
    document = json.loads(content)
    if not isinstance(document, dict) or document.get("format") != _FORMAT or not _is_list(document.get("voices")):
        raise ValueError("it has another format")
    voices = tuple(_voice(item, folder) for item in document["voices"])
    if len({voice.id for voice in voices}) != len(voices):
        raise ValueError("two voices have one id")
    return voices


def _voice(item: Any, folder: Path) -> ClonedVoice:
    if not isinstance(item, Mapping):
        raise ValueError("a voice is no object")
    for name, kind in _KINDS.items():
        value = item.get(name)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ValueError(f"a voice has an unusable {name}")
    if not all(isinstance(tag, str) for tag in item["languages"]):
        raise ValueError("a voice has an unusable languages")
    reference = Path(item["reference"])
    if reference.is_absolute() or ".." in reference.parts:
        raise ValueError("a reference lies outside the folder of the voices")
    values = {name: item[name] for name in _KINDS}  # names of a later release are left alone
    values |= {"languages": tuple(item["languages"]), "reference": folder / reference, "speed": float(item["speed"])}
    return ClonedVoice(**values)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "id": str,
    "name": str,
    "languages": list,
    "version": int,
    "speed": (int, float),
    "tier": str,
    "purpose": str,
    "is_default": bool,
    "reference": str,
    "transcript": str,
    "transcript_language": str,
}
