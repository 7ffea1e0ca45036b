"""What people say about the assistant's memory, and when they want it to be quiet."""

from __future__ import annotations

import pytest

from wyoming_servers.conversation.memory_phrases import (
    ForgetAbout,
    ForgetEverything,
    ForgetLast,
    Remember,
    WhatIsKnown,
    memory_phrase,
)
from wyoming_servers.conversation.stop_phrases import is_stop


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("Remember that I like tea.", "I like tea"),
        ("please remember that my sister's name is Ann", "my sister's name is Ann"),
        ("Can you remember that I take no sugar, please?", "I take no sugar"),
        ("remember I'm allergic to nuts", "I'm allergic to nuts"),
        ("don't forget that the bins go out on Monday", "the bins go out on Monday"),
        ("Keep in mind, I work nights", "I work nights"),
        ("記住我不吃辣", "我不吃辣"),
        ("請記住，我對花生過敏。", "我對花生過敏"),
        ("记住我喜欢喝茶", "我喜欢喝茶"),
        ("記得我不吃辣", "我不吃辣"),
        ("幫我記一下停車位是B12", "停車位是B12"),
        ("不要忘記我星期三要上課", "我星期三要上課"),
        ("I hate olives, remember that.", "I hate olives"),
        ("我不吃辣，記住", "我不吃辣"),
    ],
)
def test_what_shall_be_remembered_is_found(text: str, fact: str) -> None:
    assert memory_phrase(text) == Remember(fact)


@pytest.mark.parametrize(
    "text",
    [
        "remember to buy milk", "remember when we went there", "do you remember that song", "remember that", "remember",
        "記得關燈", "你記得我嗎", "記住了嗎", "忘了帶鑰匙", "turn on the light", "what do you know about tea", "",
        "I remember that", "我記得", "我的傘呢，記得嗎", "x" * 1000, "remember that " + "x" * 600, "remember that !?",
    ],
)  # fmt: skip
def test_what_is_about_something_else_is_left_alone(text: str) -> None:
    assert memory_phrase(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Forget that.", "please forget that", "delete what I just said", "忘記那件事", "把那件事忘了", "忘掉我剛才說的",
        "Never mind, forget that", "you can forget that", "delete that from your memory", "forget all that",
        "Please don't remember that.", "忘掉它", "把它忘掉", "不要記住那個",
    ],
)  # fmt: skip
def test_the_last_thing_can_be_forgotten(text: str) -> None:
    assert memory_phrase(text) == ForgetLast()


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("forget that I like tea", "I like tea"),
        ("forget what I said about peanuts", "peanuts"),
        ("forget everything about peanuts", "peanuts"),
        ("忘記我不吃辣", "我不吃辣"),
        ("忘記關於花生的事", "花生"),
        ("把花生的事忘了", "花生"),
    ],
)
def test_something_can_be_forgotten_by_what_it_says(text: str, about: str) -> None:
    assert memory_phrase(text) == ForgetAbout(about)


@pytest.mark.parametrize(
    "text",
    [
        "Forget everything you know about me",
        "delete all about me",
        "忘掉關於我的一切",
        "把我的資料全部刪掉",
        "忘記所有關於我的事",
    ],
)
def test_everything_can_be_forgotten(text: str) -> None:
    assert memory_phrase(text) == ForgetEverything()


@pytest.mark.parametrize(
    "text",
    [
        "What do you know about me?", "what have you remembered about me", "tell me what you remember about me",
        "你記得我什麼", "你知道我哪些事？", "你記得關於我的什麼事", "那你還記得我什麼", "你對我了解多少",
    ],
)  # fmt: skip
def test_people_can_ask_what_is_known(text: str) -> None:
    assert memory_phrase(text) == WhatIsKnown()


@pytest.mark.parametrize(
    "text",
    ["stop", "Stop!", "please stop", "ok stop", "Never mind.", "nevermind", "forget it", "停", "停！", "不用了",
     "不用了，謝謝", "好了別說了", "算了", "取消", "Stop talking.", "stop, stop, stop", "hush", "okay, that's enough",
     "That will do.", "停停停", "先停一下", "不要再說了", "夠了夠了", "可以了", "住口"],
)  # fmt: skip
def test_stop_is_understood_in_both_languages(text: str) -> None:
    assert is_stop(text)


@pytest.mark.parametrize(
    "text",
    ["stop the music", "stop the blinds", "停止播放音樂", "取消鬧鐘", "no", "謝謝", "never mind the dog", "",
     "stop that fan", "cancel it", "停車", "等一下",
     "forget that", "stop " * 50],
)  # fmt: skip
def test_a_command_with_stop_in_it_is_a_command(text: str) -> None:
    assert not is_stop(text)
