"""`avatar restore FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from avatar_appliance.backup import Member, RestoreReport, check_backup, restore_backup
from avatar_appliance.backup.archive import Contents
from avatar_appliance.config.load import find_config
from avatar_appliance.config.size import format_size
from avatar_appliance.errors import ConfigError
from avatar_appliance.models.rich_progress import RichProgress

from .app import ConfigOption, JsonOption, app, out, settings_from
from .backup import summary
from .passphrase import PassphraseFileOption, passphrase_to_open


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="Backup to restore.")],
    list_files: Annotated[
        bool, typer.Option("--list", help="Check it, list what is in it, and change nothing.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check it, say what would be done, and change nothing.")
    ] = False,
    with_config: Annotated[
        bool, typer.Option("--with-config", help="Replace config.yaml by that of the backup, too.")
    ] = False,
    new_identity: Annotated[
        bool,
        typer.Option("--new-identity", help="Be another machine to Home Assistant than the one that was backed up."),
    ] = False,
    passphrase_file: PassphraseFileOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Put history, voices and recordings of a backup in the place of what is here. The appliance must be stopped.

    Every hash is compared first. What was here is kept in a folder `before-restore-TIME`.

    Where anything fails, or this is killed, everything is as it was before.
    """
    settings = settings_from(config)
    state_dir = settings.paths.state_dir
    config_file = find_config(config) if with_config else None
    if with_config and config_file is None:
        raise ConfigError(
            "there is no configuration file to replace",
            hint="Restore without --with-config, then copy the one in restored-config/ to where it shall be.",
        )
    passphrase = passphrase_to_open(passphrase_file, settings.backup.passphrase)
    if list_files or dry_run:
        with RichProgress() as progress:
            contents = check_backup(file, passphrase, progress)
        _tell(contents, state_dir, config_file, list_files=list_files, json=json)
        return
    with RichProgress() as progress:
        report = restore_backup(
            file, state_dir, passphrase, progress, config_file=config_file, keep_identity=not new_identity
        )
    _say(report, state_dir, replaced=config_file is not None, json=json)


def _tell(contents: Contents, state_dir: Path, config_file: Path | None, *, list_files: bool, json: bool) -> None:
    if json:
        members = [{"name": m.name, "size_bytes": m.size_bytes, "sha256": m.sha256} for m in contents.members]
        out.print_json(data=summary(contents.header) | {"members": members})
        return
    if list_files:
        for member in contents.members:
            out.print(f"{format_size(member.size_bytes):>10}  {escape(member.name)}", highlight=False, soft_wrap=True)
        return
    lines = [f"The backup is whole. It would replace in {state_dir}:"]
    lines += [f"  {name}: {count} files, {format_size(size)}" for name, count, size in _by_top(contents.members)]
    lines += [f"What is there now would be kept in {state_dir}/before-restore-TIME."]
    if config_file is not None:
        lines += [f"{config_file} would be replaced, and kept beside it."]
    for line in lines:
        out.print(escape(line), highlight=False, soft_wrap=True)


def _by_top(members: tuple[Member, ...]) -> list[tuple[str, int, int]]:
    sizes: dict[str, list[int]] = {}
    for member in members:
        area, name = member.name.split("/", 1)
        top = name.split("/", 1)[0] if area == "state" else "restored-config"
        sizes.setdefault(top, []).append(member.size_bytes)
    return [(name, len(each), sum(each)) for name, each in sorted(sizes.items())]


def _say(report: RestoreReport, state_dir: Path, *, replaced: bool, json: bool) -> None:
    if json:
        found: dict[str, Any] = summary(report.contents.header) | {
            "files": len(report.contents.members),
            "state_dir": str(state_dir),
            "kept": str(report.aside) if report.aside else None,
            "config": str(report.config) if report.config else None,
            "migrated_from": report.migrated_from,
        }
        out.print_json(data=found)
        return
    lines = [f"{state_dir} has the {len(report.contents.members)} files of the backup."]
    if report.migrated_from is not None:
        lines += [f"The history was brought from schema version {report.migrated_from} to that of this version."]
    if report.aside is not None:
        lines += [f"What was there before is in {report.aside}: delete it once all is well."]
    if report.config is not None:
        lines += [
            f"{report.config} is that of the backup."
            if replaced
            else f"The configuration of the backup is in {report.config}; the one in force was not touched."
        ]
    if not report.contents.header.secrets:
        lines += ["Tokens and secrets were not in it, since it is not encrypted: set them anew (docs/backup.md)."]
    for line in lines:
        out.print(escape(line), highlight=False, soft_wrap=True)
