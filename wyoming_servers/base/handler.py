"""What a server implements: its offer, and how it serves one request."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import chain

from wyoming.info import Artifact, Info

from avatar_appliance.errors import AvatarError

from .request import Request


class Handler(ABC):
    """One object per server, shared by its connections; state of a request lives in `serve` alone."""

    @abstractmethod
    def info(self) -> Info:
        """Return the offer at once, from memory: it is asked for every 30 s and while models load."""

    @abstractmethod
    def begins_request(self, event_type: str) -> bool:
        """Return whether an event of this type starts a request; between requests others are ignored."""

    @abstractmethod
    async def serve(self, request: Request) -> None:
        """Serve one request to its last answer.

        Cancelled when the client hangs up, when the deadline passes and at the end of a drain. Any error is sent as
        `error` event with its code (a defect's is `internal`), then the connection is closed.
        """

    async def refuse(self, request: Request, error: AvatarError) -> bool:
        """Answer a failed request in the handler's own words; return False to send a plain `error` event."""
        return False

    async def wait_idle(self) -> None:  # noqa: B027 - what most servers do
        """Return once nothing computes any more for requests that have ended; here at once, without an engine."""

    def program_names(self) -> set[str]:
        """Return the names `select-program` may choose."""
        info = self.info()
        programs: chain[Artifact] = chain(info.asr, info.tts, info.handle, info.intent)
        return {program.name for program in programs}
