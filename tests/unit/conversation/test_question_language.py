"""A question is answered in the language that holds it together."""

from __future__ import annotations

import pytest

from wyoming_servers.conversation.question_language import question_language

HOUSE = ("en", "zh-TW")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("turn on the lamp", "en"),
        ("打開燈", "zh-TW"),
        ("打開 kitchen lamp", "zh-TW"),
        ("把 living room 的 ceiling light 關掉", "zh-TW"),
        ("Netflix 可以看 Star Wars Andor season two 嗎", "zh-TW"),
        ("turn on 廚房燈", "en"),
        ("set the 冷氣 to 21 degrees", "en"),
        ("what does 你好嗎 mean", "en"),
        ("播放 Taylor Swift", "zh-TW"),
        ("打开 desk lamp", "zh-TW"),
        ("21", "en"),
        ("", "en"),
    ],
)
def test_a_mixed_sentence_has_the_language_of_its_frame(text: str, language: str) -> None:
    assert question_language(text, HOUSE) == language


def test_another_script_is_no_chinese() -> None:
    assert question_language("電気を付けて Netflix", ("en", "zh-TW", "ja")) == "ja"
    assert question_language("打開 kitchen lamp", ("en",)) == "en"
