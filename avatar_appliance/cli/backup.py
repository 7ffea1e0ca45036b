"""`avatar backup [DEST]` and `avatar backup verify FILE`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from avatar_appliance.backup import BackupReport, BackupRequest, check_backup, create_backup, prune
from avatar_appliance.backup.config_copy import config_files
from avatar_appliance.backup.contents import BACKUP_FOLDER
from avatar_appliance.backup.errors import disk_errors_of
from avatar_appliance.backup.ownership import owned_like
from avatar_appliance.config import Settings
from avatar_appliance.config.load import find_config
from avatar_appliance.config.size import format_size
from avatar_appliance.discovery import load_machine_identity
from avatar_appliance.models.rich_progress import RichProgress

from .app import ConfigOption, JsonOption, app, err, out, settings_from
from .passphrase import PassphraseFileOption, passphrase_to_encrypt, passphrase_to_open

_DEFAULT = "create"


class _CreateUnlessNamed(TyperGroup):
    """`avatar backup /mnt/nas` is `avatar backup create /mnt/nas`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command in front where none is named."""
        if not args or args[0] not in (*self.commands, *ctx.help_option_names):
            args = [_DEFAULT, *args]
        return list(super().parse_args(ctx, args))


backup_app = typer.Typer(
    cls=_CreateUnlessNamed, help="Back up history, voices and configuration into one file, and check such a file."
)
app.add_typer(backup_app, name="backup")


@backup_app.command(_DEFAULT)
def create(
    destination: Annotated[
        Path | None,
        typer.Argument(
            metavar="DEST",
            help="Folder (it exists) or file to write.",
            show_default="backup.folder, else state folder",
        ),
    ] = None,
    audio: Annotated[
        bool | None, typer.Option("--audio/--no-audio", help="Recordings as well.", show_default="backup.audio")
    ] = None,
    encrypt: Annotated[
        bool, typer.Option("--encrypt", help="Encrypt; asks for a passphrase where none is given.")
    ] = False,
    passphrase_file: PassphraseFileOption = None,
    keep: Annotated[
        int | None, typer.Option(min=1, help="Newest backups that stay in the folder.", show_default="backup.keep")
    ] = None,
    keep_days: Annotated[
        float | None,
        typer.Option(min=0, help="Days that a backup stays in any case.", show_default="backup.keep_days"),
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Write one file with history, voices and configuration; the appliance may run. (`create` may be left out.)

    Encrypted where there is a passphrase: `backup.passphrase`, --passphrase-file, or --encrypt to be asked.

    Tokens and other secrets are in an encrypted backup only.

    Older backups of this machine in the same folder are deleted beyond --keep and --keep-days; no other file is.
    """
    settings = settings_from(config)
    passphrase = passphrase_to_encrypt(
        passphrase_file, settings.backup.passphrase, wanted=encrypt or settings.backup.encrypt
    )
    target = destination if destination is not None else _default_folder(settings)
    identity = load_machine_identity(settings.paths.state_dir)
    request = BackupRequest(
        state_dir=settings.paths.state_dir,
        destination=target,
        machine_id=identity.id,
        audio=settings.backup.audio if audio is None else audio,
        passphrase=passphrase,
        config_files=config_files(settings, find_config(config), secrets=passphrase is not None),
        without=tuple(_elsewhere(settings)),
    )
    with RichProgress() as progress:
        report = create_backup(request, progress)
    deleted: list[Path] = []
    if target.is_dir():
        limits = (keep, keep_days) if (keep, keep_days) != (None, None) else _limits(settings)
        with disk_errors_of(target, "old backups cannot be deleted"):
            deleted = prune(target, report.header.machine, keep=limits[0], keep_days=limits[1], now=datetime.now(UTC))
    _say(report, deleted, encrypted=passphrase is not None, json=json)


@backup_app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="Backup to check.")],
    passphrase_file: PassphraseFileOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Read a backup to its end and compare every hash; exits 65 where it is damaged or the passphrase is wrong."""
    settings = settings_from(config)
    with RichProgress() as progress:
        contents = check_backup(file, passphrase_to_open(passphrase_file, settings.backup.passphrase), progress)
    if json:
        out.print_json(data=summary(contents.header) | {"files": len(contents.members)})
        return
    header = contents.header
    out.print(
        f"{escape(str(file))} is whole: {len(contents.members)} files, {_when(header.created_at)}, "
        f"version {escape(header.appliance_version)}.",
        highlight=False,
        soft_wrap=True,
    )


def summary(header: Any) -> dict[str, Any]:
    """Return the header of a backup as JSON values."""
    return {
        "created_at": header.created_at.isoformat(),
        "appliance_version": header.appliance_version,
        "schema_version": header.schema_version,
        "machine": header.machine,
        "audio": header.audio,
        "secrets": header.secrets,
    }


def _default_folder(settings: Settings) -> Path:
    if settings.backup.folder is not None:
        return settings.backup.folder
    state_dir = settings.paths.state_dir
    folder = state_dir / BACKUP_FOLDER
    with disk_errors_of(folder, "the folder for backups cannot be made"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owned_like(state_dir, folder)
    return folder


def _elsewhere(settings: Settings) -> Iterator[Path]:
    """Yield folders that may lie below the state folder and hold what no backup needs."""
    yield settings.paths.cache_dir
    yield settings.paths.runtime_dir
    if settings.backup.folder is not None:
        yield settings.backup.folder


def _limits(settings: Settings) -> tuple[int | None, float | None]:
    return settings.backup.keep, settings.backup.keep_days


def _say(report: BackupReport, deleted: list[Path], *, encrypted: bool, json: bool) -> None:
    if json:
        found = summary(report.header) | {
            "path": str(report.path),
            "size_bytes": report.size_bytes,
            "files": report.file_count,
            "recordings": report.recording_count,
            "encrypted": encrypted,
            "deleted": [str(path) for path in deleted],
        }
        out.print_json(data=found)
        return
    recordings = f", {report.recording_count} of them recordings" if report.recording_count else ", without recordings"
    out.print(
        f"{escape(str(report.path))}: {format_size(report.size_bytes)}, {report.file_count} files{recordings}; "
        "read back and found whole.",
        highlight=False,
        soft_wrap=True,
    )
    for path in deleted:
        out.print(f"deleted {escape(path.name)}", highlight=False, soft_wrap=True)
    if not encrypted:
        err.print(
            "[yellow]Not encrypted:[/] who has the file can read it. Tokens and secrets are not in it.", soft_wrap=True
        )


def _when(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
