"""Changes of turns on their way to whoever follows them: the MQTT bridge, a panel."""

from __future__ import annotations

from avatar_appliance.bounded_stream import BoundedStream

from .joiner import TurnsChanged

TurnStream = BoundedStream[TurnsChanged]


class TurnFeed:
    """Streams of what the joiner stores; a slow reader loses the oldest."""

    def __init__(self) -> None:
        self._streams: list[TurnStream] = []

    def put(self, change: TurnsChanged) -> None:
        """Tell everybody."""
        for stream in self._streams:
            stream.put(change)

    def stream(self) -> TurnStream:
        """Open a stream of every change from now on."""
        stream = TurnStream(self._streams.remove)
        self._streams.append(stream)
        return stream
