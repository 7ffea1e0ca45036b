"""Intents carried out in the test house: what is said is what really happened."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from house_harness import FakeHomeAssistant

from wyoming_servers.conversation.fast_path import FastPath, Recognised
from wyoming_servers.house.acting.home_assistant_executor import HomeAssistantExecutor
from wyoming_servers.house.acting.outcome import Outcome
from wyoming_servers.house.asker import Asker
from wyoming_servers.house.entity import UNAVAILABLE
from wyoming_servers.house.home_assistant.intent_api import IntentApi
from wyoming_servers.house.home_assistant.live_household import LiveHousehold
from wyoming_servers.house.home_assistant.mcp_tools import McpTools

from .conftest import DEADLINE_S

CLOCK = datetime(2026, 11, 25, 20, 5, tzinfo=UTC)


class Voice:
    """Says a sentence to the fast path and has the result carried out."""

    def __init__(self, fast_path: FastPath, executor: HomeAssistantExecutor, live: LiveHousehold) -> None:
        self._fast_path = fast_path
        self._executor = executor
        self._live = live

    async def say(self, text: str, language: str = "en", device_id: str | None = None) -> Outcome:
        layout = self._live.household().layout
        asker = Asker(language, device_id=device_id)
        found = self._fast_path.recognise(text, language, layout, asker.area(layout))
        assert isinstance(found, Recognised), found
        return await self._executor.carry_out(found.call, asker)


@pytest.fixture
async def executor(live: LiveHousehold, intents: IntentApi, tools: McpTools) -> HomeAssistantExecutor:
    return HomeAssistantExecutor(live, intents, tools, now=lambda: CLOCK, confirm_s=0.3)


@pytest.fixture
async def voice(fast_path: FastPath, executor: HomeAssistantExecutor, live: LiveHousehold) -> Voice:
    return Voice(fast_path, executor, live)


async def test_a_command_is_done_and_confirmed_by_the_state(voice: Voice, live: LiveHousehold) -> None:
    outcome = await voice.say("turn on the kitchen lamp")
    assert (outcome.done, outcome.changed, outcome.speech) == (True, ("Kitchen lamp",), "Turned on the light")
    assert live.household().states["light.kitchen_lamp"].value == "on"


async def test_the_answer_is_in_traditional_chinese_with_the_chinese_name(voice: Voice) -> None:
    outcome = await voice.say("打開廚房燈", "zh-TW")
    assert (outcome.speech, outcome.changed) == ("廚房燈已打開", ("廚房燈",))


async def test_simplified_text_is_answered_in_the_askers_characters(voice: Voice) -> None:
    assert (await voice.say("打开厨房灯", "zh-TW")).speech == "廚房燈已打開"


async def test_the_lights_are_those_of_the_room_of_the_asking_device(
    voice: Voice, home_assistant: FakeHomeAssistant
) -> None:
    outcome = await voice.say("turn on the lights", device_id="device-bedroom")
    assert outcome.done
    states = home_assistant.house.household.states
    assert states["light.bedside"].value == states["light.bedroom_ceiling"].value == "on"
    assert states["light.kitchen_lamp"].value == "off"


async def test_one_of_two_things_of_a_name_is_sent_by_its_id(voice: Voice, home_assistant: FakeHomeAssistant) -> None:
    await voice.say("turn on the ceiling light", device_id="device-bedroom")
    assert home_assistant.house.runs[-1].slots["name"] == "light.bedroom_ceiling"


async def test_what_cannot_be_reached_is_not_claimed(voice: Voice, home_assistant: FakeHomeAssistant) -> None:
    await unreachable(home_assistant, voice, "light.kitchen_lamp")
    outcome = await voice.say("turn on the kitchen lamp")
    assert (outcome.done, outcome.code) == (False, "unreachable")
    assert outcome.speech == "Kitchen lamp cannot be reached."
    assert home_assistant.house.runs == []


async def test_of_a_room_only_what_worked_is_claimed(voice: Voice, home_assistant: FakeHomeAssistant) -> None:
    await unreachable(home_assistant, voice, "light.kitchen_lamp")
    outcome = await voice.say("turn off the lights in the kitchen")
    assert outcome.speech == "Turned off the lights. Kitchen lamp cannot be reached."
    assert (outcome.done, outcome.changed, outcome.failed) == (False, ("Counter light",), ("Kitchen lamp",))


async def test_a_device_that_home_assistant_says_failed_is_admitted(
    voice: Voice, home_assistant: FakeHomeAssistant
) -> None:
    home_assistant.house.failing.add("light.counter")
    outcome = await voice.say("關掉廚房的燈", "zh-TW")
    assert outcome.failed == ("流理台燈",)
    assert outcome.speech == "燈光已關閉。流理台燈沒有成功。"


async def test_a_device_that_does_not_report_is_not_claimed(voice: Voice, home_assistant: FakeHomeAssistant) -> None:
    home_assistant.house.deaf.add("light.kitchen_lamp")
    outcome = await voice.say("turn on the kitchen lamp")
    assert (outcome.done, outcome.unconfirmed) == (False, ("Kitchen lamp",))
    assert outcome.speech == "I told Kitchen lamp, but there is no confirmation yet."


async def test_a_name_home_assistant_has_meanwhile_forgotten(voice: Voice, home_assistant: FakeHomeAssistant) -> None:
    home_assistant.house.household = type(home_assistant.house.household)()
    outcome = await voice.say("turn on the kitchen lamp")
    assert (outcome.done, outcome.code) == (False, "no-valid-targets")


@pytest.mark.parametrize(
    ("text", "language", "answer"),
    [
        ("which lights are on", "en", "Ceiling light, Counter light, Desk lamp and Night light"),
        ("how many lights are on in the kitchen", "en", "1"),
        ("is the bathroom window open", "en", "Yes"),
        ("is the front door open", "en", "No, closed"),
        ("what is the living room temperature", "en", "Living room temperature is 21.5 °C"),
        ("what is the temperature in the living room", "en", "21.5 degrees"),
        ("what is the weather", "en", "18 °C and sunny"),
        ("is anna home", "en", "No, away"),
        ("what time is it", "en", "8:05 PM"),
        ("哪些燈開著", "zh-TW", "大燈、小夜燈、檯燈及流理台燈"),
        ("大門開著嗎", "zh-TW", "沒有、大門是關著的"),
        ("客廳現在幾度", "zh-TW", "21.5度"),
        ("現在幾點", "zh-TW", "下午8點05分"),
        ("今天幾號", "zh-TW", "2026年11月25日"),
        ("安娜在哪裡", "zh-TW", "安娜不在家"),
    ],
)
async def test_questions_are_answered_from_the_live_states(
    voice: Voice, home_assistant: FakeHomeAssistant, text: str, language: str, answer: str
) -> None:
    assert (await voice.say(text, language)).speech == answer
    assert home_assistant.house.runs == []


async def test_a_thing_that_cannot_be_reached_has_no_state_to_tell(
    voice: Voice, home_assistant: FakeHomeAssistant
) -> None:
    await unreachable(home_assistant, voice, "binary_sensor.bathroom_window")
    outcome = await voice.say("is the bathroom window open")
    assert (outcome.done, outcome.speech) == (False, "Bathroom window cannot be reached.")


async def test_a_question_while_home_assistant_is_away_gets_no_old_state(
    voice: Voice, live: LiveHousehold, home_assistant: FakeHomeAssistant
) -> None:
    await home_assistant.stop()
    while live.is_live:
        await live.wait_until(lambda _: False, 0.02)
    assert (await voice.say("which lights are on")).code == "home-assistant-away"


async def test_a_command_while_it_is_away_is_admitted(voice: Voice, home_assistant: FakeHomeAssistant) -> None:
    await home_assistant.stop()
    outcome = await voice.say("打開廚房燈", "zh-TW")
    assert (outcome.done, outcome.code) == (False, "home-assistant-away")
    assert outcome.speech == "我現在連不上 Home Assistant，所以什麼都沒有變更。"


async def test_a_revoked_token_is_admitted(voice: Voice, home_assistant: FakeHomeAssistant) -> None:
    home_assistant.faults.tokens.clear()
    assert (await voice.say("turn on the kitchen lamp")).code == "home-assistant-refused"


async def test_an_intent_that_never_returns_is_bounded_and_nothing_is_claimed(
    fast_path: FastPath, live: LiveHousehold, home_assistant: FakeHomeAssistant
) -> None:
    home_assistant.faults.hanging_intents = True
    api = IntentApi(home_assistant.address(timeout_s=0.2))
    outcome = await Voice(fast_path, HomeAssistantExecutor(live, api), live).say("turn on the kitchen lamp")
    assert outcome.code == "home-assistant-timeout"
    assert "check" in outcome.speech
    await api.close()


async def test_the_mcp_tool_stands_in_where_there_is_no_intent_api(
    voice: Voice, home_assistant: FakeHomeAssistant
) -> None:
    home_assistant.faults.intents_missing = True
    outcome = await voice.say("turn on the kitchen lamp")
    assert (outcome.done, outcome.details["way"]) == (True, "tool")
    assert "intent__HassTurnOn" in home_assistant.asked


async def test_a_timer_on_a_device_without_timers_is_refused_in_words(voice: Voice) -> None:
    assert (await voice.say("set a timer for five minutes")).speech == "I cannot start a timer on this device."


async def test_a_timer_goes_to_the_asking_device(voice: Voice, home_assistant: FakeHomeAssistant) -> None:
    outcome = await voice.say("set a timer for five minutes", device_id="device-kitchen")
    assert outcome.speech == "Timer set for five minutes"
    assert home_assistant.house.runs[-1].device_id == "device-kitchen"


async def test_what_the_answer_speaks_of_comes_from_home_assistant(voice: Voice) -> None:
    assert (await voice.say("cancel all timers")).speech == "Canceled 2 timers."


async def test_never_mind_says_and_does_nothing(voice: Voice, home_assistant: FakeHomeAssistant) -> None:
    assert (await voice.say("never mind")) == Outcome("", done=True)
    assert home_assistant.house.runs == []


async def test_what_was_said_is_in_no_log_line(
    voice: Voice, home_assistant: FakeHomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await voice.say("add secret present to the shopping list")
    await home_assistant.stop()
    await voice.say("add secret present to the shopping list")
    assert "secret present" not in caplog.text


async def unreachable(home_assistant: FakeHomeAssistant, voice: Voice, entity_id: str) -> None:
    home_assistant.house.set_state(entity_id, UNAVAILABLE)
    holds: Callable[..., bool] = lambda h: h.states[entity_id].value == UNAVAILABLE  # noqa: E731
    assert await voice._live.wait_until(holds, DEADLINE_S)
