"""Tool calls written as text: nothing but calls, or no calls at all."""

from __future__ import annotations

import pytest

from wyoming_servers.conversation.text_calls import MAX_HELD_CHARS, TextCalls

ONE = '{"name": "HassTurnOn", "arguments": {"name": "Lamp"}}'


def fed(text: str, *, active: bool = True) -> tuple[str, list[str]]:
    calls = TextCalls(active=active)
    said = "".join(calls.feed(char) for char in text) + calls.flush()
    return said, [call.name for call in calls.calls]


@pytest.mark.parametrize(
    "text",
    [
        ONE,
        f"  {ONE}\n",
        f"```json\n{ONE}\n```",
        f"<tool_call>\n{ONE}\n</tool_call>",
        f"<tools> {ONE} </tools>",
        f"[{ONE}]",
        '{"function": {"name": "HassTurnOn", "arguments": "{}"}, "type": "function"}',
        '{"name": "HassTurnOn", "parameters": {}}',
        '{"name": "HassTurnOn"}',
    ],
)
def test_nothing_but_a_call_is_a_call_and_not_spoken(text: str) -> None:
    assert fed(text) == ("", ["HassTurnOn"])


@pytest.mark.parametrize(
    "text", [f"{ONE}\n{ONE}", f"{ONE};{ONE}", f"<tool_call>{ONE}</tool_call><tool_call>{ONE}</tool_call>"]
)
def test_several_calls_are_several(text: str) -> None:
    assert fed(text) == ("", ["HassTurnOn"] * 2)


@pytest.mark.parametrize(
    "text",
    [
        f"I will do it: {ONE}",
        f"{ONE} and so on",
        '{"name": "HassTurnOn", "arguments": {',
        '{"temperature": 21}',
        '{"name": "Anna", "age": 7}',
        "[1, 2, 3]",
        "{curly} words",
        "<b>bold</b>",
        "Yes.",
        "",
        "[" * 4000,
    ],
)
def test_anything_else_is_said(text: str) -> None:
    assert fed(text) == (text, [])


def test_plain_words_wait_for_nothing() -> None:
    assert TextCalls(active=True).feed("The") == "The"


def test_a_model_without_tools_may_say_what_it_likes() -> None:
    assert fed(ONE, active=False) == (ONE, [])


def test_what_is_held_back_is_bounded() -> None:
    calls = TextCalls(active=True)
    assert calls.feed("{" + " " * MAX_HELD_CHARS) != ""
