"""The names of our topics."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topics:
    """Topics below `base`, and those of Home Assistant's discovery below `discovery_prefix` for the machine `node`."""

    base: str
    discovery_prefix: str | None
    node: str

    @property
    def availability(self) -> str:
        """Retained: `online`, or `offline` (the broker's word when we are gone)."""
        return f"{self.base}/status"

    def worker(self, name: str) -> str:
        """Retained: a worker, as JSON."""
        return f"{self.base}/worker/{name}"

    def memory(self, device: str) -> str:
        """Retained: a device's memory, as JSON."""
        return f"{self.base}/memory/{slug(device)}"

    @property
    def guest_mode(self) -> str:
        """Retained: who has the GPUs, as JSON."""
        return f"{self.base}/guest_mode"

    @property
    def problem(self) -> str:
        """Retained: what is broken, as JSON."""
        return f"{self.base}/problem"

    @property
    def decision(self) -> str:
        """Event: what the coordinator decided, as JSON."""
        return f"{self.base}/event/decision"

    @property
    def turn(self) -> str:
        """Event: a turn that is over, as JSON."""
        return f"{self.base}/event/turn"

    @property
    def error(self) -> str:
        """Event: why a command was not carried out, as JSON."""
        return f"{self.base}/event/error"

    @property
    def guest_mode_command(self) -> str:
        """Command: on, off, auto, or JSON with `mode` and `duration_s`."""
        return f"{self.base}/guest_mode/set"

    def worker_command(self, name: str) -> str:
        """Command: what a worker shall do."""
        return f"{self.base}/worker/{name}/set"

    @property
    def commands(self) -> tuple[str, ...]:
        """What to subscribe to for commands."""
        return self.guest_mode_command, self.worker_command("+")

    def worker_of_command(self, topic: str) -> str | None:
        """Return the worker that a command's topic names; None for any other topic."""
        head, tail = f"{self.base}/worker/", "/set"
        name = topic[len(head) : -len(tail)]
        return name if topic.startswith(head) and topic.endswith(tail) and name and "/" not in name else None

    @property
    def discovery(self) -> str | None:
        """Retained: our device and its entities, for Home Assistant."""
        return None if self.discovery_prefix is None else f"{self.discovery_prefix}/device/avatar_{self.node}/config"

    @property
    def birth(self) -> str | None:
        """Where Home Assistant says `online` after its start: then it wants to hear everything again."""
        return None if self.discovery_prefix is None else f"{self.discovery_prefix}/status"


def slug(text: str) -> str:
    """Return `text` as part of a topic or of an entity's id: small letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
