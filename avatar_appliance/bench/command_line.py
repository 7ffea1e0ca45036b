"""The command line as a report may show it: which options were used, not where and by whom."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import PurePath


def public_command(command: Sequence[str], hosts: Sequence[str] = ()) -> str:
    """Return the command with folders cut off paths and `hosts` (other than loopback) replaced by HOST."""
    secret = {host for host in hosts if not _is_loopback(host)}
    return shlex.join(_public(argument, secret) for argument in command)


def _public(argument: str, hosts: set[str]) -> str:
    option, equals, value = argument.partition("=") if argument.startswith("-") else ("", "", argument)
    for host in hosts:
        value = value.replace(host, "HOST")
    if os.sep in value:
        value = PurePath(value).name or "FOLDER"
    return f"{option}{equals}{value}"


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")
