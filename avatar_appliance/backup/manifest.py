"""What a backup says about itself: `backup.json` comes first in the archive, `manifest.json` last."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Self

from .errors import BackupDamaged, BackupTooNew

FORMAT = 1
"""Grows when an older version could not restore the file rightly any more."""
HEADER_NAME = "backup.json"
MANIFEST_NAME = "manifest.json"
MAX_HEADER_BYTES = 64 * 1024
MAX_MANIFEST_BYTES = 256 * 1024 * 1024
_KIND = "avatar-backup"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupHeader:
    """Who wrote the backup, when (UTC), and what kind of things are in it; nothing of it is private."""

    appliance_version: str
    schema_version: int
    """Of `avatar.db`; 0 where there was none."""
    created_at: datetime
    machine: str
    """The 8 digits that name the machine in our file names."""
    audio: bool
    """Whether recordings were asked for."""
    secrets: bool
    """Whether tokens and secrets are in it, which is so in encrypted ones only."""
    payload_bytes: int
    """About what all members take on a disk."""
    format: int = FORMAT

    def as_json(self) -> bytes:
        """Return the header as it is stored."""
        tree = {"kind": _KIND, **asdict(self), "created_at": self.created_at.isoformat(timespec="seconds")}
        return json.dumps(tree, indent=1).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Return a stored header; raises BackupDamaged, or BackupTooNew where its format is not known here."""
        tree = _tree(data)
        if tree.get("kind") != _KIND or not isinstance(tree.get("format"), int):
            raise BackupDamaged("this is no backup of the appliance")
        if tree["format"] > FORMAT:
            raise BackupTooNew(
                f"the backup has format {tree['format']} (of version {tree.get('appliance_version', 'unknown')}), "
                f"this version knows {FORMAT}"
            )
        try:
            return cls(
                appliance_version=str(tree["appliance_version"]),
                schema_version=int(tree["schema_version"]),
                created_at=datetime.fromisoformat(tree["created_at"]).astimezone(UTC),
                machine=str(tree["machine"]),
                audio=bool(tree["audio"]),
                secrets=bool(tree["secrets"]),
                payload_bytes=int(tree["payload_bytes"]),
                format=tree["format"],
            )
        except (KeyError, TypeError, ValueError):
            raise BackupDamaged("the header of the backup is incomplete") from None


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a backup: its name in the archive, size, and sha256 in hex."""

    name: str
    size_bytes: int
    sha256: str


def manifest_json(members: Sequence[Member]) -> bytes:
    """Return the manifest as it is stored."""
    return json.dumps({"members": [asdict(member) for member in members]}, indent=0, ensure_ascii=False).encode()


def read_manifest(data: bytes) -> tuple[Member, ...]:
    """Return the members of a stored manifest; raises BackupDamaged."""
    try:
        return tuple(
            Member(str(each["name"]), int(each["size_bytes"]), str(each["sha256"])) for each in _tree(data)["members"]
        )
    except (KeyError, TypeError, ValueError):
        raise BackupDamaged("the manifest of the backup cannot be read") from None


def _tree(data: bytes) -> dict[str, Any]:
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        raise BackupDamaged("the backup does not say what it is") from None
    if not isinstance(tree, dict):
        raise BackupDamaged("the backup does not say what it is")
    return tree
