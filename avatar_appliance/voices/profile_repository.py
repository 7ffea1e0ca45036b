"""The table of voice profiles: the one place that knows its columns."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from avatar_appliance.errors import NotFound
from avatar_appliance.store.database import Database, Row, Transaction

from .profile import Consent, Trial, VoiceProfile
from .remark import Remark

_PLAIN = (
    "id", "name", "tier", "purpose", "speed", "reference", "reference_s", "transcript", "transcript_language",
    "transcript_source", "version", "state", "reason", "embedding_model", "created_at", "changed_at",
)  # fmt: skip
_MADE = ("languages", "is_default", "consent_by", "consent_purpose", "consent_at", "report", "embedding")
_COLUMNS = (*_PLAIN, *_MADE)
_INSERT = f"INSERT INTO voice_profiles ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_UPDATE = f"UPDATE voice_profiles SET {', '.join(f'{column} = ?' for column in _COLUMNS)} WHERE id = ?"  # noqa: S608
_SELECT = "SELECT * FROM voice_profiles"
_RETIRE = (
    "INSERT INTO retired_voices (id_hash, version) SELECT ?, version FROM voice_profiles WHERE id = ? "
    "ON CONFLICT (id_hash) DO UPDATE SET version = excluded.version"
)


class ProfileRepository:
    """Voice profiles in the database. At most one of each purpose is the default: the newest one that was made so."""

    def __init__(self, database: Database) -> None:
        """Use an open database."""
        self._database = database

    @property
    def is_new(self) -> bool:
        """Whether the database was made at this start."""
        return self._database.created

    async def all(self) -> tuple[VoiceProfile, ...]:
        """Return every profile, the oldest first."""
        return tuple(_read(row) for row in await self._database.fetch_all(f"{_SELECT} ORDER BY seq"))

    async def get(self, profile_id: str) -> VoiceProfile:
        """Return one profile; raises NotFound."""
        row = await self._database.fetch_one(f"{_SELECT} WHERE id = ?", (profile_id,))
        if row is None:
            raise _not_there()
        return _read(row)

    async def insert(self, profile: VoiceProfile) -> VoiceProfile:
        """Add a profile and return it: where a deleted one had its id, the versions go on from there."""
        async with self._database.transaction() as transaction:
            key = (_id_hash(profile.id),)
            retired = await transaction.fetch_all("SELECT version FROM retired_voices WHERE id_hash = ?", key)
            if retired:
                profile = replace(profile, version=retired[0]["version"] + 1)
            await _make_room(transaction, profile)
            await transaction.execute(_INSERT, _values(profile))
        return profile

    async def update(self, profile: VoiceProfile) -> None:
        """Write a profile that is there already; raises NotFound."""
        async with self._database.transaction() as transaction:
            await _make_room(transaction, profile)
            if not await transaction.execute(_UPDATE, (*_values(profile), profile.id)):
                raise _not_there()

    async def delete(self, profile_id: str) -> None:
        """Delete a profile so that its words are in no file any more; raises NotFound."""
        async with self._database.transaction() as transaction:
            await transaction.execute(_RETIRE, (_id_hash(profile_id), profile_id))
            if not await transaction.execute("DELETE FROM voice_profiles WHERE id = ?", (profile_id,)):
                raise _not_there()
        await self._database.reclaim()


def _id_hash(profile_id: str) -> str:
    return hashlib.sha256(profile_id.encode()).hexdigest()


def _not_there() -> NotFound:
    return NotFound("there is no such voice profile", hint="`avatar voices list` shows the profiles.")


async def _make_room(transaction: Transaction, profile: VoiceProfile) -> None:
    if profile.is_default:
        await transaction.execute(
            "UPDATE voice_profiles SET is_default = 0 WHERE purpose = ? AND id <> ?", (profile.purpose, profile.id)
        )


def _values(profile: VoiceProfile) -> Sequence[Any]:
    consent = profile.consent
    report = {
        "measurements": dict(profile.measurements),
        "recording": [asdict(remark) for remark in profile.recording_remarks],
        "check": [asdict(remark) for remark in profile.check_remarks],
        "trial": None if profile.trial is None else asdict(profile.trial),
        "trial_remarks": [asdict(remark) for remark in profile.trial_remarks],
    }
    return [
        *(getattr(profile, column) for column in _PLAIN),
        json.dumps(profile.languages),
        int(profile.is_default),
        *((None, None, None) if consent is None else (consent.given_by, consent.purpose, consent.at)),
        json.dumps(report, ensure_ascii=False),
        None if profile.embedding is None else struct.pack(f"<{len(profile.embedding)}f", *profile.embedding),
    ]


def _read(row: Row) -> VoiceProfile:
    report = json.loads(row["report"])
    numbers: bytes | None = row["embedding"]
    given_by = row["consent_by"]
    return VoiceProfile(
        **{column: row[column] for column in _PLAIN},
        languages=tuple(json.loads(row["languages"])),
        is_default=bool(row["is_default"]),
        consent=None if given_by is None else Consent(given_by, row["consent_purpose"], row["consent_at"]),
        measurements=report["measurements"],
        recording_remarks=_remarks(report["recording"]),
        check_remarks=_remarks(report["check"]),
        trial=None if report["trial"] is None else Trial(**report["trial"]),
        trial_remarks=_remarks(report["trial_remarks"]),
        embedding=None if numbers is None else struct.unpack(f"<{len(numbers) // 4}f", numbers),
    )


def _remarks(items: Sequence[Mapping[str, Any]]) -> tuple[Remark, ...]:
    return tuple(Remark(**item) for item in items)
