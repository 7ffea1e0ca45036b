"""The house of an agent: plain commands at once, tools for the model. Loads what a house needs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Final

from avatar_appliance.config.home_assistant import HomeAssistantSettings
from avatar_appliance.errors import AvatarError
from avatar_appliance.log import log_defect
from wyoming_servers.backends.chat_message import ToolCall
from wyoming_servers.house.acting.intent_tools import intent_tools
from wyoming_servers.house.asker import Asker
from wyoming_servers.house.errors import HomeAssistantTimeout
from wyoming_servers.house.house import House, make_house
from wyoming_servers.house.house_prompt import HousePrompt, house_prompt
from wyoming_servers.house.layout import HouseLayout
from wyoming_servers.house.naming import name_in
from wyoming_servers.house.quoting import quoted

from .house_tools import HandedBack, Spoken, ToolAnswer, ToolOffer
from .intent_calls import IntentCalls
from .plain_commands import PlainCommands
from .prepared_fast_path import PreparedFastPath
from .question import Question
from .thought import Thought
from .tool_calls import ToolCalls

_LOGGER = logging.getLogger(__name__)

# How long a turn waits for the list of tools; and how long a house that did not give it is not asked again.
OFFER_WAIT_S: Final = 2.0
OFFER_PAUSE_S: Final = 10.0
# Why there are no tools: no token, and a client that carries nothing out.
NOBODY: Final = "nobody-to-act"


class HouseControl:
    """A HouseMind over `house/`: with a token through Home Assistant, without one by handing intents back."""

    def __init__(self, house: House, languages: Sequence[str], timeout_s: float, *, model_acts: bool = True) -> None:
        """`timeout_s`: what one call to Home Assistant may take; `model_acts`: whether any model may use tools."""
        self.house = house
        self.fast_path = PreparedFastPath(house.household, languages)
        self._languages = list(languages)
        self._plain = PlainCommands(house, self.fast_path, timeout_s, model_acts=model_acts)
        self._intents = IntentCalls(house.household)
        self._tools = ToolCalls(house.toolbox, house.household, timeout_s) if house.toolbox else None
        self._prompts: dict[tuple[str, int], HousePrompt] = {}
        self._prompts_of: HouseLayout | None = None
        self._away: tuple[str, float] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    def from_settings(
        cls, settings: HomeAssistantSettings, languages: Sequence[str], *, model_acts: bool = True
    ) -> HouseControl:
        """Return the control of the house that the settings describe."""
        return cls(make_house(settings), languages, settings.timeout_s, model_acts=model_acts)

    async def start(self) -> None:
        """Begin to follow the house; raises ConfigError for a household file that is wrong."""
        await self.house.start()
        self._tasks.append(asyncio.create_task(self._keep_prepared(), name="fast path"))
        if self.house.toolbox is not None:
            # The client library takes a second to load: not in the first turn.
            self._tasks.append(asyncio.create_task(self._connect(), name="tools"))

    async def close(self) -> None:
        """End all of it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.house.close()

    # -- plain commands --------------------------------------------------------------------------------------------

    async def quick_answer(self, question: Question, thought: Thought) -> Spoken | HandedBack | None:
        """Understand and carry out a plain command or question; None: it is for the model."""
        return await self._plain.answer(question, thought)

    # -- the model's tools -----------------------------------------------------------------------------------------

    async def offer(self, question: Question) -> ToolOffer:
        """Return the tools for a question, within OFFER_WAIT_S."""
        if self.house.toolbox is None:
            return ToolOffer(intent_tools()) if question.takes_intents else ToolOffer(trouble=NOBODY)
        now_s = asyncio.get_running_loop().time()
        if self._away is not None and now_s < self._away[1]:
            return ToolOffer(trouble=self._away[0])
        try:
            async with asyncio.timeout(OFFER_WAIT_S):
                tools = await self.house.toolbox.tools(question.asker)
        except (AvatarError, TimeoutError) as error:
            code = error.code if isinstance(error, AvatarError) else HomeAssistantTimeout.code
            _LOGGER.warning("the model has no tools now: %s", code)
            self._away = (code, now_s + OFFER_PAUSE_S)
            return ToolOffer(trouble=code)
        self._away = None
        return ToolOffer(tuple(tools))

    async def carry_out(
        self, calls: Sequence[ToolCall], question: Question, offer: ToolOffer, thought: Thought
    ) -> list[ToolAnswer] | HandedBack:
        """Carry out what the model wants; what failed is an answer, too."""
        shown = self._prompt(question.language, _ALL)
        if self._tools is None:
            return self._intents.hand_back(calls, question, shown)
        return await self._tools.carry_out(calls, question, offer, shown, thought)

    # -- the prompt ------------------------------------------------------------------------------------------------

    def description(self, language: str, most: int) -> str:
        """Return the house for a prompt."""
        return self._prompt(language, most).text if self._layout.entities else ""

    def room(self, question: Question) -> str | None:
        """Return the room somebody asks from."""
        area = question.asker.area(self._layout)
        return quoted(name_in(area.names, question.language)) if area else None

    @property
    def version(self) -> object:
        """The layout: another one describes another house."""
        return self._layout

    @property
    def _layout(self) -> HouseLayout:
        return self.house.household.household().layout

    def _prompt(self, language: str, most: int) -> HousePrompt:
        layout = self._layout
        if layout is not self._prompts_of:
            self._prompts, self._prompts_of = {}, layout
        key = (language, most)
        if key not in self._prompts:
            self._prompts[key] = house_prompt(layout, language, most=most)
        return self._prompts[key]

    async def _keep_prepared(self) -> None:
        try:
            await self.fast_path.run()
        except Exception as error:  # noqa: BLE001 - nobody awaits this task: say it here; the model answers instead
            log_defect(_LOGGER, "defect in the fast path: plain commands go to the model", error)

    async def _connect(self) -> None:
        assert self.house.toolbox is not None
        with contextlib.suppress(AvatarError):
            await self.house.toolbox.tools(Asker(self._languages[0]))


_ALL: Final = 10_000
