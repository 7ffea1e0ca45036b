"""Who this machine is on the network: the same after a restart, and whatever its address.

The id of /etc/machine-id is confidential (machine-id(5)), so it is never shown: as
sd_id128_get_machine_app_specific(3) does, it is hashed with an id of this application.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import os
import re
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_log = logging.getLogger(__name__)

APPLICATION_ID = bytes.fromhex("475a006e75d34f1ca43c8c5a7c677a7f")
"""The application's half of the hash; changing it renames every installation."""

_MACHINE_ID_FILE = Path("/etc/machine-id")
_ID_FILE_NAME = "discovery-id"
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class MachineIdentity:
    """128 bits, as 32 hex digits, that name this machine in this application, and where they come from."""

    id: str
    source: Literal["id-file", "machine-id", "memory"]

    @property
    def short(self) -> str:
        """The 8 digits used in names people may see."""
        return self.id[:8]


def app_specific_id(machine_id: str, application_id: bytes = APPLICATION_ID) -> str:
    """Return what `systemd-id128 machine-id --app-specific=` does: HMAC-SHA256 shaped as a version 4 UUID."""
    digest = bytearray(hmac.new(bytes.fromhex(machine_id), application_id, hashlib.sha256).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x40
    digest[8] = digest[8] & 0x3F | 0x80
    return digest.hex()


def load_machine_identity(state_dir: Path, *, machine_id_file: Path = _MACHINE_ID_FILE) -> MachineIdentity:
    """Return the id kept in `state_dir`, else the machine's own, else a new one, then kept; never raises.

    The kept one comes first, since it exists only where there was no machine-id: a machine that gets one
    later must not change its name.
    """
    id_file = state_dir / _ID_FILE_NAME
    if kept := _read(id_file):
        return MachineIdentity(kept, "id-file")
    if machine_id := _read(machine_id_file):
        return MachineIdentity(app_specific_id(machine_id), "machine-id")
    fresh = app_specific_id(secrets.token_hex(16))
    try:
        return MachineIdentity(_keep(id_file, fresh), "id-file")
    except OSError as error:
        _log.warning(
            "No %s, and no id can be kept in %s (%s): Home Assistant sees new services after each restart",
            machine_id_file,
            state_dir,
            error.strerror or type(error).__name__,
        )
        return MachineIdentity(fresh, "memory")


def _read(path: Path) -> str | None:
    try:
        text = path.read_text("ascii").strip().lower().replace("-", "")
    except (OSError, UnicodeDecodeError):
        return None
    # An image that was never booted holds nothing, "uninitialized" or zeros.
    return text if _ID.fullmatch(text) and text.strip("0") else None


def _keep(path: Path, fresh: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{fresh}\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(name, path)  # fails where another process was first: then its id is the one
        except FileExistsError:
            if kept := _read(path):
                return kept
            os.replace(name, path)  # what was there is no id
        return fresh
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
