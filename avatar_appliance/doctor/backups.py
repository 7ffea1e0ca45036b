"""Is there a backup, and is it young enough?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from avatar_appliance.backup import backups_in
from avatar_appliance.backup.contents import BACKUP_FOLDER
from avatar_appliance.config import Settings

from .finding import Finding, Severity

OLD = timedelta(days=8)


def backups(settings: Settings, now: datetime | None = None) -> Finding:
    """Return what is known of the newest backup in the folder of the configuration; nothing is opened."""
    folder = settings.backup.folder or settings.paths.state_dir / BACKUP_FOLDER
    try:
        found = backups_in(folder)
    except FileNotFoundError:
        if settings.backup.folder is not None:
            fix = "Make the folder, or mount the disk it is on; then `avatar backup`."
            return Finding("backup", Severity.PROBLEM, f"{folder} is not there", fix)
        found = []
    except OSError as error:
        fix = "Make it readable and writable for the user of the service."
        return Finding("backup", Severity.PROBLEM, f"{folder}: {error.strerror or 'cannot be read'}", fix)
    if not found:
        return Finding("backup", Severity.FINE, f"none in {folder} yet", "`avatar backup` makes one (docs/backup.md).")
    age = (now or datetime.now(UTC)) - found[0].at
    text = f"{len(found)} in {folder}, the newest is {_age(age)} old"
    if age > OLD:
        fix = "Does the timer run? `systemctl list-timers avatar-backup.timer`; `avatar backup` makes one now."
        return Finding("backup", Severity.WARNING, text, fix)
    return Finding("backup", Severity.FINE, text)


def _age(age: timedelta) -> str:
    hours = max(0, round(age.total_seconds() / 3600))
    return f"{hours} hours" if hours < 48 else f"{hours // 24} days"
