"""Backup and restore: history, voices, recordings and configuration in one file, and back again."""

from __future__ import annotations

from .backup_file import BackupFile, backups_in, prune
from .create import BackupReport, BackupRequest, create_backup
from .errors import (
    ApplianceRunning,
    BackupBusy,
    BackupDamaged,
    BackupFailed,
    BackupTooNew,
    BackupUnsafe,
    PassphraseNeeded,
    PassphraseWrong,
)
from .manifest import BackupHeader, Member
from .restore import RestoreReport, check_backup, restore_backup
from .restore_swap import roll_back
from .state_lock import state_in_use

__all__ = [
    "ApplianceRunning",
    "BackupBusy",
    "BackupDamaged",
    "BackupFailed",
    "BackupFile",
    "BackupHeader",
    "BackupReport",
    "BackupRequest",
    "BackupTooNew",
    "BackupUnsafe",
    "Member",
    "PassphraseNeeded",
    "PassphraseWrong",
    "RestoreReport",
    "backups_in",
    "check_backup",
    "create_backup",
    "prune",
    "restore_backup",
    "roll_back",
    "state_in_use",
]
