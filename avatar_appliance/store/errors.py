"""What can go wrong with the stored data, and the translation from SQLite's own errors.

AvatarError
+-- StoreUnavailable        a file cannot be opened or written, or this SQLite is too old
+-- DatabaseDamaged         the file is not a healthy SQLite database
+-- DatabaseTooNew          written by a newer version of the appliance
+-- DiskFull                no room for rows or audio
Busy
+-- DatabaseBusy            another process holds the write lock
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from avatar_appliance.errors import AvatarError, Busy


class StoreUnavailable(AvatarError):
    """The database file or the audio folder cannot be opened or written."""

    code = "store-unavailable"
    default_hint = "Check that the state folder exists on a local disk and belongs to the service's user."
    http_status = 503


class DatabaseDamaged(AvatarError):
    """The file is not a healthy SQLite database; nothing in it was changed."""

    code = "database-damaged"
    default_hint = "Restore a backup, or move avatar.db aside to start empty; nothing was deleted."
    http_status = 503


class DatabaseTooNew(AvatarError):
    """The database was written by a newer version of the appliance."""

    code = "database-too-new"
    default_hint = "Install the newer version again, or restore the backup made before the upgrade."
    http_status = 503


class DiskFull(AvatarError):
    """There is no room for rows or audio."""

    code = "disk-full"
    default_hint = "Free space on the disk of the state folder, or lower the retention limits."
    http_status = 507


class DatabaseBusy(Busy):
    """Another process held the write lock for longer than the busy timeout."""

    code = "database-busy"
    default_hint = "Another program (a backup? a database browser?) is writing to avatar.db; close it."


_BY_PRIMARY_CODE: dict[int, tuple[type[AvatarError], str]] = {
    sqlite3.SQLITE_BUSY: (DatabaseBusy, "the database is locked by another process"),
    sqlite3.SQLITE_LOCKED: (DatabaseBusy, "a table of the database is locked"),
    sqlite3.SQLITE_FULL: (DiskFull, "the disk of the database is full"),
    sqlite3.SQLITE_CORRUPT: (DatabaseDamaged, "the database is damaged"),
    sqlite3.SQLITE_NOTADB: (DatabaseDamaged, "the file is not a SQLite database"),
    sqlite3.SQLITE_CANTOPEN: (StoreUnavailable, "the database file cannot be opened"),
    sqlite3.SQLITE_READONLY: (StoreUnavailable, "the database file is read-only"),
    sqlite3.SQLITE_PERM: (StoreUnavailable, "the database file may not be accessed"),
    sqlite3.SQLITE_IOERR: (StoreUnavailable, "the disk reported an error"),
}


@contextmanager
def translated() -> Iterator[None]:
    """Turn SQLite's environment errors into ours; programming errors pass unchanged."""
    try:
        yield
    except sqlite3.Error as error:
        primary_code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        known = _BY_PRIMARY_CODE.get(primary_code)
        if known is None:
            raise
        kind, text = known
        raise kind(text) from error
