"""Where a passphrase comes from: a file, the configuration (a systemd credential), or somebody at the keyboard.

Never from an argument: those are in the process list and in the shell's history.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from avatar_appliance.backup import PassphraseNeeded
from avatar_appliance.config.backup import MIN_PASSPHRASE_CHARS
from avatar_appliance.errors import ConfigError

from .app import err

PassphraseFileOption = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="File with the passphrase.", show_default="backup.passphrase"),
]


def passphrase_to_encrypt(file: Path | None, configured: SecretStr | None, *, wanted: bool) -> str | None:
    """Return the passphrase for a new backup, or None where there is none and encryption is not `wanted`.

    Raises PassphraseNeeded where it is wanted and nobody can be asked, ConfigError for one that is too short.
    """
    found = _given(file, configured)
    if found is None and wanted:
        if not sys.stdin.isatty():
            raise PassphraseNeeded("the backup shall be encrypted, and there is no passphrase")
        found = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)
    if found is not None and len(found) < MIN_PASSPHRASE_CHARS:
        raise ConfigError(
            f"the passphrase has less than {MIN_PASSPHRASE_CHARS} characters",
            hint="Four random words are easy to keep and hard to guess.",
        )
    return found


def passphrase_to_open(file: Path | None, configured: SecretStr | None) -> Callable[[], str | None]:
    """Return what finds the passphrase of a backup, if that turns out to be encrypted."""

    def find() -> str | None:
        found = _given(file, configured)
        if found is None and sys.stdin.isatty():
            found = typer.prompt("Passphrase", hide_input=True, err=True)
        if found is not None:
            err.print("[dim]Opening the key takes a few seconds.[/]")
        return found

    return find


def _given(file: Path | None, configured: SecretStr | None) -> str | None:
    if file is None:
        return configured.get_secret_value() if configured is not None else None
    try:
        text = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{file}: cannot be read ({type(error).__name__})", hint="Name a text file with the passphrase in it."
        ) from None
    if not text or "\n" in text:
        raise ConfigError(
            f"{file}: a passphrase is one line", hint="Put the passphrase, and nothing else, in the file."
        )
    return text
