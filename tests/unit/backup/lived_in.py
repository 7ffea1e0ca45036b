"""A state folder as a lived-in house has one, and what a person would miss of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from avatar_appliance.store import AudioStore, Stage, Store, Turn, TurnRepository, new_turn_id

MACHINE_ID = "0123456789abcdef0123456789abcdef"
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(range(256)) * 8
SAID = "does grandmother come on Sunday"
PASSPHRASE = "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Past:
    """What is remembered: transcripts in order, recordings by name, other files by their path in the state folder."""

    transcripts: list[str | None]
    recordings: dict[str, bytes]
    files: dict[str, bytes]


async def fill(state_dir: Path, transcripts: Iterable[str]) -> None:
    """Add turns with recordings, and voices."""
    async with Store.open(state_dir) as store:
        for number, said in enumerate(transcripts):
            await add_turn(store.turns, AudioStore(state_dir / "audio", min_free_bytes=0), said, 1000.0 + number)
    voices = state_dir / "voices"
    (voices / "anna").mkdir(parents=True)
    (voices / "index.json").write_text(json.dumps({"voices": [{"id": "anna"}]}))
    (voices / "anna" / "reference.wav").write_bytes(WAV * 20)
    (state_dir / "owner-token.sha256").write_text("ab" * 32)
    (state_dir / "of-a-later-version.json").write_text("{}")


async def add_turn(turns: TurnRepository, audio: AudioStore, said: str, at: float) -> None:
    """Add one turn with a recording of the answer."""
    turn_id = new_turn_id(at)
    recording = await audio.write(turn_id, "out", WAV + said.encode(), duration_s=1.0)
    think = Stage(
        id=f"{turn_id}-k",
        kind="think",
        connection_id="c",
        started_at=at,
        ended_at=at + 1,
        text_in=said,
        text_out="Yes.",
    )
    speak = Stage(id=f"{turn_id}-s", kind="speak", connection_id="c", started_at=at, ended_at=at + 1, audio=recording)
    await turns.save(
        [Turn(id=turn_id, started_at=at, ended_at=at + 1, transcript=said, answer="Yes.", stages=(think, speak))],
        new=[turn_id],
    )


async def past_of(state_dir: Path) -> Past:
    """Return everything that a person would miss, read as the appliance reads it at its start."""
    async with Store.open(state_dir) as store:
        rows = await store.database.fetch_all("SELECT transcript FROM turns ORDER BY started_at")
        names = await store.database.fetch_all("SELECT audio_file FROM stages WHERE audio_file IS NOT NULL")
    recordings = {row[0]: (state_dir / "audio" / row[0]).read_bytes() for row in names}
    wanted = ("voices/index.json", "voices/anna/reference.wav", "of-a-later-version.json")
    files = {name: (state_dir / name).read_bytes() for name in wanted if (state_dir / name).exists()}
    return Past([row[0] for row in rows], recordings, files)


def names_in(folder: Path, pattern: str = "*") -> list[str]:
    """Return what lies in a folder, by name."""
    return sorted(path.name for path in folder.glob(pattern))
