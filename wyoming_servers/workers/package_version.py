"""Which version of its engine a worker runs."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def package_version(distribution: str) -> str | None:
    """Return the version of an installed package; None where it was unpacked by hand."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
