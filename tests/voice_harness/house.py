"""A house with voice profiles: everything of the control plane that they need, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from avatar_appliance.config import Settings
from avatar_appliance.store.database import Database
from avatar_appliance.voices.open_voices import make_voices
from avatar_appliance.voices.profile import VoiceProfile
from avatar_appliance.voices.profile_fields import ProfileFields
from avatar_appliance.voices.voice_index import ClonedVoice, VoiceIndex, voice_index_path
from avatar_appliance.voices.voice_profiles import VoiceProfiles

from .recordings import speech, wav
from .studio import RememberingStudio
from .workers import ScriptedWorkers

CONSENT = {"given_by": "Anna", "purpose": "answers in this house"}
_PARROT = {"engine": "f5-tts", "weights": "random", "size": "tiny", "device": "cpu"}
_STEP_S = 0.01
_PATIENCE_S = 45.0


def house_settings(folder: Path, *, clones: bool = True, speaker: bool = True, **voices: Any) -> Settings:
    """Return settings with a recogniser and, where wished, a cloning voice and a speaker encoder."""
    tts = ["parrot", "piper"] if clones else ["piper"]
    workers: dict[str, Any] = {"whisper": {"engine": "faster-whisper"}, "piper": {"engine": "piper"}}
    workers |= {"parrot": _PARROT, "encoder": {"engine": "resemblyzer"}}
    file = {
        "paths": {"state_dir": str(folder / "state"), "runtime_dir": str(folder / "run")},
        "asr": {"workers": ["whisper"]},
        "tts": {"workers": tts},
        "conversation": {"workers": ["chat"]},
        "speaker": {"workers": ["encoder"] if speaker else []},
        "workers": {**workers, "chat": {"engine": "llama-cpp"}},
        "voices": {"patience_s": 0, **voices},
    }
    return Settings.from_sources(file, {})


@dataclass
class VoiceHouse:
    """Running profiles; made by `open`."""

    settings: Settings
    database: Database
    workers: ScriptedWorkers
    voices: VoiceProfiles

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, folder: Path, *, running: bool = True, real_studio: bool = False, **settings: Any
    ) -> AsyncIterator[VoiceHouse]:
        """Open the house in `folder`; not `running`, nothing is checked."""
        made = house_settings(folder, **settings)
        state = made.paths.state_dir
        state.mkdir(parents=True, exist_ok=True)
        async with contextlib.AsyncExitStack() as stack:
            sockets = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vh")))
            workers = ScriptedWorkers(sockets, voice_index_path(state))
            await stack.enter_async_context(workers.running())
            database = await stack.enter_async_context(Database.open(state / "avatar.db"))
            voices = make_voices(made, database, workers, None if real_studio else RememberingStudio())
            if running:
                await stack.enter_async_context(voices.running())
            yield cls(made, database, workers, voices)

    @property
    def index(self) -> Sequence[ClonedVoice]:
        """The voices that the workers see."""
        return VoiceIndex(voice_index_path(self.settings.paths.state_dir)).voices

    @property
    def left(self) -> list[str]:
        """Everything in the folder of the voices but the index, as paths."""
        folder = self.settings.paths.state_dir / "voices"
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.name != "index.json")

    async def create(self, recording: bytes | None = None, **fields: Any) -> VoiceProfile:
        """Make a profile of `recording`, of Anna's good one by default."""
        said = {"name": "Anna", "languages": ["en"], "consent": CONSENT, **fields}
        with as_file(good() if recording is None else recording) as file:
            return await self.voices.create(ProfileFields(**said), file)

    async def until(self, profile_id: str, *states: str) -> VoiceProfile:
        """Return the profile once it is in one of `states`."""
        async with asyncio.timeout(_PATIENCE_S):
            while (profile := await self.voices.get(profile_id)).state not in states:
                await asyncio.sleep(_STEP_S)
        async with self.voices._book._lock:  # the index follows the row
            return profile


@contextlib.contextmanager
def as_file(data: bytes) -> Iterator[BinaryIO]:
    """Give `data` as an upload arrives: a file without a name."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        yield file


def good() -> bytes:
    """A recording that nothing is wrong with."""
    return wav(speech())
