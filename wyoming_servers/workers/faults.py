"""Carry out the faults of a fake engine that only a connection can play."""

from __future__ import annotations

from .fake import FakeFault


class ScriptedHangUp(ConnectionError):
    """A fake worker hangs up in the middle, without an `error` event, as a crashed process does."""


def raise_scripted_fault(error: Exception) -> None:
    """Turn a scripted fault into a bare hang-up; other exceptions pass by."""
    if isinstance(error, FakeFault):
        raise ScriptedHangUp(error.kind) from None
