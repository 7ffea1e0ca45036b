"""A conversation server with a house, and short words to talk to it."""

from __future__ import annotations

from typing import Any

from wire_harness.clients import ask
from wire_harness.house import House
from wire_harness.servers import Served
from wyoming.asr import Transcript
from wyoming.event import Event

from avatar_appliance.turns.report import StageReport
from brain_harness.acting_llm import ActingLlm
from wyoming_servers.conversation.house_control import HouseControl

ENDS = ("handled", "not-handled", "intent", "intents-stop")


class Brain:
    """Asks as Home Assistant does."""

    def __init__(self, planes: House, llm: ActingLlm, control: HouseControl) -> None:
        self.planes = planes
        self.llm = llm
        self.control = control
        self.server: Served | None = None
        self.settings: dict[str, Any] = {}
        self.remembers_people = False
        self.workers: dict[str, Any] = {}
        """Worker sections by name; default: a model that takes tools."""

    async def served(self) -> Served:
        """Return the server, started."""
        if self.server is None:
            self.server = await self.planes.conversation(
                list(self.workers) or ("chat",),
                settings=self.settings,
                worker_settings=self.workers,
                mind=self.control,
                remembers_people=self.remembers_people,
            )
        return self.server

    async def events(
        self, text: str, language: str = "en", device: str | None = None, conversation: str = "c1"
    ) -> list[Event]:
        """Ask and return everything up to the end of the answer."""
        server = await self.served()
        context = {"conversation_id": conversation, **({"device_id": device} if device else {})}
        return await ask(
            server.uri, Transcript(text, language=language, context=context), until=[*ENDS, "intents-stop"]
        )

    async def say(self, text: str, language: str = "en", **where: Any) -> str:
        """Ask, and return what is spoken."""
        event = (await self.events(text, language, **where))[-1]
        assert event.type in ("handled", "not-handled"), event
        return str(event.data["text"])

    def report(self) -> StageReport:
        """Return the last report."""
        return self.planes.reports.ended[-1]
