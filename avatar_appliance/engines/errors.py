"""Errors of installing and finding engines."""

from __future__ import annotations

from avatar_appliance.errors import AvatarError, ConfigError


class EngineMissing(ConfigError):
    """A worker's engine is not installed: its process cannot start, however often it is tried."""

    code = "engine-missing"
    default_hint = "Run `avatar workers install NAME`."


class EngineInstallFailed(AvatarError):
    """An engine could not be installed, or does not import; what was there before is untouched."""

    code = "engine-install-failed"
    default_hint = "Check the network and the disk, then run the same command again: downloads are kept."


class PythonUnsuitable(ConfigError):
    """The Python to build an engine's environment with is too old, too new or not there."""

    code = "python-unsuitable"
    default_hint = "Install such a Python (`sudo apt install python3.12 python3.12-dev`) and name it with `--python`."
