"""A worker in use, and the lease behind it."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from avatar_appliance.errors import Busy
from avatar_appliance.leases import Urgency
from avatar_appliance.leases.lease import Lease

from .climb import Rung

Opened = TypeVar("Opened")


class Use(Generic[Rung, Opened]):
    """A worker in use; leave its `with` when you are done with `opened`, or after you hung up on it.

    Left without an error, the worker is idle and its lease ends. Left with one (or cancelled), it may compute on for a
    while, since most engines cannot be interrupted: the lease ends when that has ended.
    """

    def __init__(
        self, rung: Rung, opened: Opened, degraded: str | None, lease: Lease, linger: Callable[[Rung, Lease], None]
    ) -> None:
        self.rung = rung
        self.opened = opened
        self.degraded = degraded
        """Why it is not the first rung, for the history."""
        self._lease = lease
        self._linger = linger
        self._kept = False

    def set_urgency(self, urgency: Urgency) -> None:
        """Tell how urgently the worker's device is needed from now on."""
        self._lease.set_urgency(urgency)

    def keep(self) -> Lease:
        """Return the lease, which does not end with this use: the worker is needed again in a moment.

        It stays held without computing until the caller releases it.
        """
        self._kept = True
        self._lease.set_urgency(Urgency.IDLE)
        return self._lease

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._kept and error is None:
            return
        if error is None or isinstance(error, Busy):  # busy: it never began
            self._lease.release()
        else:
            self._linger(self.rung, self._lease)
