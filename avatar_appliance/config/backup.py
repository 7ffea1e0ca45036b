"""What `avatar backup` does where nothing else is said, by hand or by the timer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from .section import Section

MIN_PASSPHRASE_CHARS = 12


def _long_enough(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < MIN_PASSPHRASE_CHARS:
        raise ValueError(f"a passphrase has at least {MIN_PASSPHRASE_CHARS} characters; four random words do")
    return value


class BackupSettings(Section):
    """Backups of history, voices and configuration (docs/backup.md)."""

    folder: Path | None = None
    """Where backups go; default: `backups` in the state folder. Better on another disk or machine."""
    audio: bool = False
    """Whether recordings are backed up as well; voices always are."""
    keep: int | None = Field(default=7, ge=1, le=10_000)
    """How many of the newest backups stay in the folder; null with `keep_days` null keeps all."""
    keep_days: float | None = Field(default=None, gt=0)
    """Days that a backup stays even where more than `keep` are younger."""
    encrypt: bool = False
    """Refuse to write a backup that is not encrypted."""
    passphrase: Annotated[SecretStr, AfterValidator(_long_enough)] | None = None
    """Encrypts backups, and opens them. Better a systemd credential (`avatar.backup.passphrase`) than a line here; keep
    it elsewhere as well, since without it nobody opens them."""
