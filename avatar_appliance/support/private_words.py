"""What must not leave the house: its secrets, the names in it, and what was said lately."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from avatar_appliance.config import Settings
from avatar_appliance.config.settings import HouseSettings
from avatar_appliance.models import load_catalogue
from avatar_appliance.store import DATABASE_FILE
from avatar_appliance.voices.voice_index import VOICES_FOLDER, VoiceIndex, voice_index_path

from .scrubber import Scrubber

# What the columns of the history hold: the rest of them, also of tables to come, counts as something that was said.
_MACHINE_MADE = {
    "id", "kind", "status", "error_code", "worker", "language", "degraded", "audio_file", "connection_id", "link_id",
    "turn_id", "parent_id", "lease_id", "fingerprint", "device",
}  # fmt: skip
_NAMES = {"speaker", "voice", "satellite_id", "device_id", "conversation_id", "name", "person", "room", "area"}
_PUBLIC_TABLES = {"decisions", "worker_measurements"}
_NEWEST = 3000
_COMMON_USERS = {"root", "avatar"}


def scrubber_for(settings: Settings) -> Scrubber:
    """Return what cleans every text that comes from this appliance."""
    database = settings.paths.state_dir / DATABASE_FILE
    names, said = _remembered(database)
    public = {"default", *(model.name for model in load_catalogue().models), *settings.workers}
    public |= {str(getattr(worker, "engine", "")) for worker in settings.workers.values()}
    return Scrubber(
        secrets=[*_secrets(settings), *_environment_secrets(settings)],
        names={*names, *_configured_names(settings), *_machine_names()} - public,
        said=[*said, *_transcripts(settings)],
        home=str(Path.home()) if str(Path.home()) != str(settings.paths.state_dir) else "",
    )


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for field in type(value).model_fields:
            yield from _secrets(getattr(value, field))
    elif isinstance(value, dict):
        for item in value.values():
            yield from _secrets(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _secrets(item)


def _environment_secrets(settings: Settings) -> Iterator[str]:
    """Yield what workers get in their environment: who knows what of it is a key."""
    for worker in settings.workers.values():
        for value in getattr(worker, "env", {}).values():
            if len(value) >= 8 and not value.startswith("/"):
                yield value


def _configured_names(settings: Settings) -> Iterator[str]:
    if settings.house.name != HouseSettings().name:
        yield settings.house.name
    for worker in settings.workers.values():
        for voice in getattr(worker, "voices", ()):
            name = getattr(voice, "name", None)
            if getattr(voice, "reference_audio", None) is not None and isinstance(name, str):
                yield name
                yield Path(voice.reference_audio).stem
    for cloned in VoiceIndex(voice_index_path(settings.paths.state_dir)).voices:
        yield from (cloned.id, cloned.name)
    voices = settings.paths.state_dir / VOICES_FOLDER
    if voices.is_dir():
        yield from (entry.name for entry in os.scandir(voices) if entry.is_dir())


def _transcripts(settings: Settings) -> Iterator[str]:
    for cloned in VoiceIndex(voice_index_path(settings.paths.state_dir)).voices:
        yield cloned.transcript


def _machine_names() -> Iterator[str]:
    host = socket.gethostname()
    if host != "localhost":
        yield host
        yield host.split(".")[0]
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without an entry, as in a container
        return
    if user not in _COMMON_USERS:
        yield user


def _remembered(database: Path) -> tuple[set[str], list[str]]:
    """Return names and sentences of the newest rows of each table; nothing where there is no history."""
    names: set[str] = set()
    said: list[str] = []
    with contextlib.suppress(sqlite3.Error), closing(_opened(database)) as history:
        for table, column in _text_columns(history):
            select = f'SELECT DISTINCT "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL'  # noqa: S608
            with contextlib.suppress(sqlite3.Error):  # a table that cannot be read keeps no other from being read
                if column in _NAMES:
                    names.update(str(row[0]) for row in history.execute(select))
                else:
                    said += [str(row[0]) for row in history.execute(f"{select} ORDER BY rowid DESC LIMIT {_NEWEST}")]
    return names, said


def _opened(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)


def _text_columns(history: sqlite3.Connection) -> list[tuple[str, str]]:
    tables = [
        row[0]
        for row in history.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%WITHOUT ROWID%'"
        )
        if row[0] not in _PUBLIC_TABLES and not row[0].startswith(("sqlite_", "turns_search"))
    ]
    return [
        (table, row[1])
        for table in tables
        for row in history.execute(f'PRAGMA table_info("{table}")')
        if row[2] in ("TEXT", "ANY", "") and row[1] not in _MACHINE_MADE
    ]
