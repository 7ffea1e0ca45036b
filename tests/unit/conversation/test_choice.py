"""Answers to what we asked back."""

from __future__ import annotations

import pytest

from wyoming_servers.conversation.choice import chosen
from wyoming_servers.conversation.fast_path.recognition import Suggestion

LIGHTS = [Suggestion("Ceiling light", "Bedroom", "a"), Suggestion("Ceiling light", "Living Room", "b")]
DENG = [Suggestion("吊燈", "臥室", "a"), Suggestion("吊燈", "客廳", "b")]
LAMP = [Suggestion("Kitchen lamp", "Kitchen", "a")]
THREE = [Suggestion("Desk lamp", "Office", "a"), Suggestion("Floor lamp", "Hall", "b"), Suggestion("Fan", "Hall", "c")]


def meant(reply: str, suggestions: list[Suggestion]) -> str | None:
    found = chosen(reply, suggestions)
    return None if found is None else "".join(one.entity_id or "?" for one in found)


@pytest.mark.parametrize(
    ("reply", "which"),
    [
        ("the bedroom one", "a"),
        ("Bedroom.", "a"),
        ("the bed room", "a"),
        ("I mean the one in the living room, please", "b"),
        ("livin room", "b"),
        ("the first one", "a"),
        ("the second", "b"),
        ("the last one", "b"),
        ("both", "ab"),
        ("the bedroom and the living room", "ab"),
        ("neither", ""),
        ("no", ""),
    ],
)
def test_a_reply_in_english_is_understood(reply: str, which: str) -> None:
    assert meant(reply, LIGHTS) == which


@pytest.mark.parametrize(
    ("reply", "which"),
    [
        ("臥室的", "a"),
        ("客廳那個", "b"),
        ("我是說客廳的。", "b"),
        ("卧室", "a"),
        ("第一個", "a"),
        ("第二個", "b"),
        ("兩個都要", "ab"),
        ("臥室和客廳", "ab"),
        ("都不是", ""),
    ],
)
def test_a_reply_in_chinese_is_understood(reply: str, which: str) -> None:
    assert meant(reply, DENG) == which


@pytest.mark.parametrize("reply", ["yes", "Yes, please.", "that's right", "對", "是的", "Kitchen"])
def test_yes_is_an_answer_where_there_is_one_thing(reply: str) -> None:
    assert meant(reply, LAMP) == "a"
    assert meant("yes", LIGHTS) is None


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "what is the weather",
        "ceiling light",
        "the third one",
        "tell me a joke about bedrooms",
        "x" * 100,
        "今天天氣如何",
    ],
)
def test_what_names_none_of_them_or_more_than_one_is_no_answer(reply: str) -> None:
    assert meant(reply, LIGHTS) is None
    assert meant(reply, []) is None


def test_things_are_told_apart_by_any_of_their_words() -> None:
    assert [meant(reply, THREE) for reply in ("the desk", "floor lamp", "fan", "lamp", "the third one")] == [
        "a", "b", "c", None, "c",
    ]  # fmt: skip
