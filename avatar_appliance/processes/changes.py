"""Who wants to know about status changes: streams for tasks, callbacks for the rest."""

from __future__ import annotations

import logging
from collections.abc import Callable

from avatar_appliance.bounded_stream import BoundedStream
from avatar_appliance.log import log_defect

from .process import ProcessStatus

_LOGGER = logging.getLogger(__name__)

STREAM_LIMIT = 256


class ChangeStream(BoundedStream[ProcessStatus]):
    """The statuses published since it was opened.

    A slow reader loses the oldest statuses that a newer one of the same process has superseded, so the last status of
    each process always arrives.
    """

    def _drop_one(self) -> None:
        newer: set[str] = set()
        for index in range(len(self._waiting) - 1, -1, -1):
            name = self._waiting[index].name
            if name in newer:
                victim = index  # the last one found is the oldest
            newer.add(name)
        if len(newer) < len(self._waiting):
            del self._waiting[victim]
        # else: more processes than the limit, each with one status; there is nothing superseded to drop


class StatusChanges:
    """Passes each status on to every stream and callback."""

    def __init__(self) -> None:
        self._streams: list[ChangeStream] = []
        self._callbacks: list[Callable[[ProcessStatus], None]] = []

    def publish(self, status: ProcessStatus) -> None:
        """Tell everybody; a callback that raises is logged and harms nobody else."""
        for stream in self._streams:
            stream.put(status)
        for callback in tuple(self._callbacks):
            try:
                callback(status)
            except Exception as error:  # noqa: BLE001 - the supervision of processes outlives any listener's defect
                log_defect(_LOGGER, "a listener to process changes failed", error)

    def stream(self, limit: int = STREAM_LIMIT) -> ChangeStream:
        """Open a stream of every status published from now on."""
        stream = ChangeStream(self._streams.remove, limit)
        self._streams.append(stream)
        return stream

    def on_change(self, callback: Callable[[ProcessStatus], None]) -> Callable[[], None]:
        """Call `callback` with each status, in the event loop; returns what ends that."""
        self._callbacks.append(callback)

        def forget() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return forget

    def close(self) -> None:
        """End every stream, so that the tasks reading them come to their end."""
        for stream in tuple(self._streams):
            stream.close()
