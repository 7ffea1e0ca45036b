"""Errors of the model store: what the owner sees when a model is not there, not whole or not to be had."""

from __future__ import annotations

from avatar_appliance.errors import AvatarError, ConfigError, NotFound


class ModelUnknown(NotFound):
    """No model of that name in the catalogue."""

    code = "model-unknown"
    default_hint = "`avatar models list` shows the names; your own folder goes under `path:` in config.yaml."


class ModelMissing(AvatarError):
    """The model is in the catalogue, but not (wholly) on this disk."""

    code = "model-missing"
    default_hint = "Run `avatar models fetch`."
    http_status = 503


class ModelCorrupt(AvatarError):
    """A file of the model is on the disk with other bytes than the catalogue promises."""

    code = "model-corrupt"
    default_hint = "`avatar models fetch` replaces the bad files and keeps the good; then check the disk."


class DownloadFailed(AvatarError):
    """Every source of a file failed; the text gives the reason of each."""

    code = "download-failed"
    default_hint = "Check the network, then run `avatar models fetch` again: it goes on where it stopped."
    http_status = 502
    retryable = True


class DiskFull(AvatarError):
    """Not enough free space for the model."""

    code = "disk-full"
    default_hint = "Free some space, or put the cache on another disk; what was downloaded so far is kept."
    http_status = 507


class CacheUnwritable(AvatarError):
    """The model cache cannot be written by this user."""

    code = "cache-unwritable"
    default_hint = "Run the command as the user who owns the cache folder, or choose another cache folder."


class CatalogueInvalid(ConfigError):
    """The catalogue file breaks its own rules; the text names the place."""

    code = "catalogue-invalid"
    default_hint = "The catalogue comes with the appliance: reinstall it, or undo the change made to it."


class SourceFailed(Exception):
    """One source of one file failed; the next one is tried. Never leaves this package."""

    def __init__(self, reason: str, *, hint: str | None = None, repeated: bool = False) -> None:
        """Keep `reason` (a clause), what the owner could do, and whether it was told before."""
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.repeated = repeated
