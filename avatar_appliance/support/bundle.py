"""A support bundle: everything a bug report needs, in one tar.gz, and nothing that is private."""

from __future__ import annotations

import asyncio
import gzip
import io
import logging
import os
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from avatar_appliance.backup.errors import BackupFailed, disk_errors_of
from avatar_appliance.config import Settings
from avatar_appliance.log import log_defect

from .configuration import configuration
from .history import decisions, storage, timings
from .machine import hardware, versions
from .part import Part
from .private_words import scrubber_for
from .running import appliance_state, doctor
from .units import journal, unit_states

_log = logging.getLogger(__name__)
CONTENTS_NAME = "CONTENTS.txt"
_HEAD = """\
A support bundle of an AVATAR Appliance, made by `avatar support-bundle` for a bug report. Nothing was sent: read what
is in it before you do. Secrets, names of people, voices, satellites and rooms, and everything that was said are left
out.

"""


async def collect(
    settings: Settings, *, journal_json: str | None = None, on_part: Callable[[str], None] = lambda _: None
) -> list[Part]:
    """Return the parts of a bundle, each cleaned. What cannot be had is a part that says why.

    `journal_json`: output of `journalctl -o json` that the owner hands in. `on_part` hears what is looked at.
    """
    scrubber = await asyncio.to_thread(scrubber_for, settings)
    found: list[Part] = []
    sources: tuple[tuple[str, Callable[[], Part]], ...] = (
        ("versions.txt", versions),
        ("hardware.txt", lambda: hardware(settings)),
        ("configuration.yaml", lambda: configuration(settings, scrubber)),
        ("appliance.json", lambda: appliance_state(settings, scrubber)),
        ("units.txt", lambda: unit_states(scrubber)),
        ("journal.txt", lambda: journal(scrubber, journal_json)),
        ("timings.json", lambda: timings(settings, scrubber)),
        ("decisions.json", lambda: decisions(settings, scrubber)),
        ("storage.json", lambda: storage(settings, scrubber)),
    )
    for name, source in sources:
        on_part(name)
        try:
            part = await asyncio.to_thread(source)
        except Exception as error:  # noqa: BLE001 - half a bundle is better than none; its text may be private
            log_defect(_log, f"{name} cannot be made", error)
            part = Part(name, "could not be made", f"{type(error).__name__}\n")
        found.append(part if part.name.endswith(".json") else _clean(part, scrubber.text))
    on_part("doctor.txt")
    found.append(await doctor(settings, scrubber))
    return found


def _clean(part: Part, clean: Callable[[str], str]) -> Part:
    return Part(part.name, part.about, clean(part.text))


def contents(parts: Sequence[Part]) -> str:
    """Return what the bundle holds, for its reader."""
    width = max(len(part.name) for part in parts)
    return _HEAD + "".join(f"{part.name:{width}}  {part.about}\n" for part in parts)


def write_bundle(parts: Sequence[Part], target: Path) -> Path:
    """Write the bundle, readable for its owner only, and return its path; `target` is a folder or a new file.

    Raises BackupFailed, DiskFull.
    """
    now = datetime.now(UTC)
    stem = f"avatar-support-{now:%Y%m%dT%H%M%SZ}"
    path = target / f"{stem}.tar.gz" if target.is_dir() else target
    if path.exists():
        raise BackupFailed(f"{path} is there already", hint="Give another name, or a folder.")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for part in (Part(CONTENTS_NAME, "", contents(parts)), *parts):
            member = tarfile.TarInfo(f"{stem}/{part.name}")
            member.size, member.mode, member.mtime = part.size_bytes, 0o600, int(time.time())
            archive.addfile(member, io.BytesIO(part.text.encode("utf-8")))
    with disk_errors_of(path.parent, "the support bundle cannot be written"):
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(gzip.compress(packed.getvalue()))
            Path(draft).rename(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
    return path
