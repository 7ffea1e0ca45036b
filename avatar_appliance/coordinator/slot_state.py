"""Where in its life a model is."""

from __future__ import annotations

from enum import StrEnum


class SlotState(StrEnum):
    """States of a `ModelSlot`; each but the last three holds memory."""

    STARTING = "starting"
    """Its process runs or is about to; memory is charged with the peak."""
    READY = "ready"
    """It answered a real probe."""
    FALLING_ASLEEP = "falling-asleep"
    SLEEPING = "sleeping"
    """Its process lives, most of its memory is back."""
    WAKING = "waking"
    STOPPING = "stopping"
    """Told to end, or ended; charged until its memory was seen to come back."""
    STOPPED = "stopped"
    FAILED = "failed"
    """Not tried again before its cool-down is over, or (a broken configuration) before somebody asks."""
