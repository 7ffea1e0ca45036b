"""One lease, as its holder sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self

from .urgency import Urgency


class Lease:
    """The right to use `worker`, until `release` (or the end of the `async with`), or until it is revoked.

    Nothing here waits: what changes is told to the coordinator in the order it happened, and while that is away, it
    hears the outcome when it is back.
    """

    def __init__(
        self,
        lease_id: str,
        worker: str,
        urgency: Urgency,
        *,
        degraded: str | None = None,
        on_urgency: Callable[[Lease], None],
        on_release: Callable[[Lease], None],
    ) -> None:
        self.lease_id = lease_id
        self.worker = worker
        self.degraded = degraded
        """Which better worker this is not, and why; for the history."""
        self.urgency = urgency
        self.revoked = asyncio.Event()
        """Set when the worker is gone; the lease has ended then."""
        self._on_urgency = on_urgency
        self._on_release = on_release
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether it was released or revoked."""
        return self._ended

    def set_urgency(self, urgency: Urgency) -> None:
        """Say that the holder computes now, or no longer, or with other urgency."""
        if urgency is not self.urgency and not self._ended:
            self.urgency = urgency
            self._on_urgency(self)

    def release(self) -> None:
        """Give it back; say so only once the worker has really stopped computing. A second time does nothing."""
        if not self._ended:
            self._ended = True
            self._on_release(self)

    def revoke(self) -> None:
        """Note that the worker is gone; for the client alone."""
        self._ended = True
        self.revoked.set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release()
