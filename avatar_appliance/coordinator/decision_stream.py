"""Decisions on their way to whoever shows them: panel, MQTT, log, store."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from avatar_appliance.bounded_stream import BoundedStream

from .decision import Decision

REMEMBERED = 200

DecisionStream = BoundedStream[Decision]


class DecisionLog:
    """The last decisions, and the streams of those to come."""

    def __init__(self) -> None:
        self._recent: deque[Decision] = deque(maxlen=REMEMBERED)
        self._streams: list[DecisionStream] = []

    @property
    def recent(self) -> Sequence[Decision]:
        """Return what was decided last, oldest first."""
        return tuple(self._recent)

    def add(self, decision: Decision) -> None:
        """Take a decision and tell everybody."""
        self._recent.append(decision)
        for stream in self._streams:
            stream.put(decision)

    def stream(self) -> DecisionStream:
        """Open a stream of every decision from now on."""
        stream = DecisionStream(self._streams.remove)
        self._streams.append(stream)
        return stream

    def close(self) -> None:
        """End every stream."""
        for stream in tuple(self._streams):
            stream.close()
