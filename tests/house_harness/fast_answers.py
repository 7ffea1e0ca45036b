"""The fast path alone in the test house: it understands, the small Home Assistant carries out, no model answers."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from avatar_appliance.config.home_assistant import HomeAssistantSettings
from wyoming_servers.conversation.house_control import HouseControl
from wyoming_servers.conversation.house_tools import HandedBack, Spoken
from wyoming_servers.conversation.question import Question
from wyoming_servers.conversation.thought import Thought
from wyoming_servers.house.asker import Asker

from .fake_home_assistant import TOKEN, FakeHomeAssistant
from .house_state import HouseState
from .questions import LANGUAGES, Wish, questioned_household
from .verdict import Verdict, judge

READY_S = 60.0


@dataclass(frozen=True)
class Examined:
    """One wish and what came of it."""

    wish: Wish
    answer: str | None
    verdict: Verdict
    seconds: float
    first_s: float
    """Until the first words were there to be spoken."""
    handled: bool = True
    """False: nobody could answer, which was said."""


class FastAnswers:
    """Asks one wish after another, each in the house as it was at first."""

    def __init__(self, home_assistant: FakeHomeAssistant, control: HouseControl) -> None:
        self._house = home_assistant.house
        self._control = control

    async def examine(self, wish: Wish) -> Examined:
        """Ask a wish."""
        self._house.reset()
        before = self._house.household
        assert await self._control.house.household.wait_until(
            lambda known: all(known.states[key].value == state.value for key, state in before.states.items()), READY_S
        )
        question = Question(wish.text, "", Asker(wish.language, device_id=wish.device_id))
        began = time.perf_counter()
        found = await self._control.quick_answer(question, Thought())
        seconds = time.perf_counter() - began
        assert not isinstance(found, HandedBack), "there is a token"
        answer = found.text if isinstance(found, Spoken) else None
        verdict = judge(wish, answer, before, self._house.household, self._house.runs)
        return Examined(wish, answer, verdict, seconds, seconds)


@contextlib.asynccontextmanager
async def fast_answers(*, model_acts: bool = True) -> AsyncIterator[FastAnswers]:
    """Open the house that the questions are about; without a model that acts, it asks back more."""
    home_assistant = FakeHomeAssistant(HouseState(questioned_household()))
    await home_assistant.start()
    settings = {"url": f"http://127.0.0.1:{home_assistant.port}", "token": TOKEN}
    control = HouseControl.from_settings(
        HomeAssistantSettings.model_validate(settings), LANGUAGES, model_acts=model_acts
    )
    await control.start()
    try:
        async with asyncio.timeout(READY_S):
            await control.house.household.wait_until(lambda known: bool(known.states), READY_S)
            while control.fast_path.ready_for is not control.version:
                await asyncio.sleep(0.02)
        yield FastAnswers(home_assistant, control)
    finally:
        await control.close()
        await home_assistant.stop()
