"""A handler that does what the test says."""

from __future__ import annotations

import asyncio
from collections import Counter

from wyoming.event import Event
from wyoming.info import Attribution, HandleModel, HandleProgram, Info

from avatar_appliance.errors import AvatarError, VoiceUnknown, WorkerBusy
from wyoming_servers.base import Handler, Request

_BY = Attribution(name="test", url="")


class ScriptedHandler(Handler):
    """Requests: `echo` (answers `echoed`), `wait` (until `go` is set), `collect` (until `stop`), `flood`, faults."""

    def __init__(self, *, answers_refusals: bool = False) -> None:
        self.go = asyncio.Event()
        self.log: list[str] = []
        self.counts: Counter[str] = Counter()
        self.programs: list[str | None] = []
        self.answers_refusals = answers_refusals
        self.stall_timeout_s = 5.0

    def info(self) -> Info:
        model = HandleModel(name="m", description=None, attribution=_BY, installed=True, version=None, languages=["en"])
        return Info(
            handle=[
                HandleProgram(
                    name=name, description=None, attribution=_BY, installed=True, version=None, models=[model]
                )
                for name in ("first", "second")
            ]
        )

    def begins_request(self, event_type: str) -> bool:
        return hasattr(self, f"_{event_type}")

    async def serve(self, request: Request) -> None:
        kind = request.first.type
        self.programs.append(request.program)
        self.counts[f"{kind} begun"] += 1
        try:
            await getattr(self, f"_{kind}")(request)
        except asyncio.CancelledError:
            self.counts[f"{kind} cancelled"] += 1
            raise
        self.counts[f"{kind} done"] += 1

    async def refuse(self, request: Request, error: AvatarError) -> bool:
        if self.answers_refusals:
            await request.answer(Event("sorry", {"code": error.code}))
        return self.answers_refusals

    async def _echo(self, request: Request) -> None:
        await request.answer(Event("echoed", request.first.data, request.first.payload))

    async def _wait(self, request: Request) -> None:
        await self.go.wait()
        await request.answer(Event("waited", request.first.data))

    async def _collect(self, request: Request) -> None:
        count = 0
        while (await request.next(self.stall_timeout_s)).type != "stop":
            count += 1
        await request.answer(Event("collected", {"count": count}))

    async def _slow_collect(self, request: Request) -> None:
        """Takes one event for each permission."""
        while (await request.next()).type != "stop":
            await self.go.wait()

    async def _flood(self, request: Request) -> None:
        while True:
            await request.answer(Event("drop", {}, bytes(2**16)))
            self.counts["drops"] += 1

    async def _steady(self, request: Request) -> None:
        """Answers many times, always within the deadline, and longer than the deadline altogether."""
        for number in range(int(request.first.data["answers"])):
            await asyncio.sleep(float(request.first.data["interval_s"]))
            await request.answer(Event("tick", {"number": number}))

    async def _voice(self, request: Request) -> None:
        raise VoiceUnknown("there is no such voice")

    async def _busy(self, request: Request) -> None:
        raise WorkerBusy("busy")

    async def _defect(self, request: Request) -> None:
        raise ZeroDivisionError("what somebody said")

    async def _hangup(self, request: Request) -> None:
        raise ConnectionResetError

    async def _timeout(self, request: Request) -> None:
        raise TimeoutError("of its own")
