"""What can go wrong with a backup or a restore.

Busy
+-- ApplianceRunning        the state folder is in use
+-- BackupBusy              another backup or restore is under way
BadRequest
+-- BackupDamaged           the file is not a whole backup
+-- BackupTooNew            written by a newer version
+-- BackupUnsafe            it wants to write where no backup of ours does
+-- PassphraseNeeded        encrypted (or to be), and there is no passphrase
+-- PassphraseWrong         the passphrase does not open it
AvatarError
+-- BackupFailed            a file cannot be read or written
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avatar_appliance.errors import AvatarError, BadRequest, Busy
from avatar_appliance.models.errors import DiskFull

from .room import NO_ROOM

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class ApplianceRunning(Busy):
    """The state folder is in use by a running appliance, or by a restore."""

    code = "appliance-running"
    default_hint = (
        "Stop the appliance first: `sudo systemctl stop avatar.target avatar.slice`, or Ctrl+C where `avatar up` runs."
    )


class BackupBusy(Busy):
    """Another backup or restore of the same state folder is under way."""

    code = "backup-busy"
    default_hint = "Wait until it has ended; `systemctl status avatar-backup.service` shows the one of the timer."


class BackupDamaged(BadRequest):
    """The file is no backup, or not a whole one: cut off, changed, or of something else."""

    code = "backup-damaged"
    default_hint = "Take another backup file, and check the disk this one was on; nothing was changed."


class BackupTooNew(BadRequest):
    """The backup was written by a newer version of the appliance."""

    code = "backup-too-new"
    default_hint = "Install the version that wrote it (or a newer one) and restore with that; nothing was changed."


class BackupUnsafe(BadRequest):
    """The archive holds a link, a device, or a path outside of what a backup has: it was not written by us."""

    code = "backup-unsafe"
    default_hint = "Somebody made or changed this file: do not use it. Nothing was changed."


class PassphraseNeeded(BadRequest):
    """The backup is encrypted, or shall be, and there is no passphrase."""

    code = "passphrase-needed"
    default_hint = (
        "Give `--passphrase-file FILE`, set the credential avatar.backup.passphrase, or run it in a terminal."
    )


class PassphraseWrong(BadRequest):
    """The passphrase does not open the backup."""

    code = "passphrase-wrong"
    default_hint = "Passphrases are compared exactly: look for capital letters, spaces and the keyboard's language."


class BackupFailed(AvatarError):
    """A file cannot be read or written; what was there before is as it was."""

    code = "backup-failed"
    default_hint = "Check that the folder is there and belongs to the service's user; the appliance is as it was."


@contextmanager
def disk_errors_of(folder: Path, what: str) -> Iterator[None]:
    """Turn what a full or unwritable disk says into DiskFull or BackupFailed; `what` begins the sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull(f"{what}: the disk of {folder} is full.", hint=NO_ROOM) from error
        raise BackupFailed(f"{what}: {error.filename or folder}: {error.strerror or type(error).__name__}") from error
