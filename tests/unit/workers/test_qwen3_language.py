"""Which language Qwen3-TTS is told."""

from __future__ import annotations

import pytest

from wyoming_servers.workers.qwen3.language import language_of


@pytest.mark.parametrize(
    ("text", "spoken", "language"),
    [
        ("打開客廳的燈。", ("zh-TW",), "Chinese"),
        ("打開 TV，然後 play music。", ("zh-TW", "en"), "Chinese"),
        ("打开灯", ("en",), "Chinese"),
        ("Turn on the light.", ("zh-TW",), "English"),
        ("Turn on the light.", ("zh-TW", "en-GB"), "English"),
        ("Guten Morgen.", ("de-DE", "zh"), "German"),
        ("Guten Morgen.", ("en", "de"), "Auto"),
        ("Bonjour, été!", ("fr_FR",), "French"),
        ("電気をつけて", ("ja",), "Japanese"),
        ("電気をつけて", ("zh-TW",), "Japanese"),
        ("電気", ("ja",), "Japanese"),
        ("電気", ("ja", "zh"), "Chinese"),
        ("불을 켜 주세요", ("ko",), "Korean"),
        ("Включи свет", ("ru",), "Russian"),
        ("21.5", ("zh-TW", "en"), "Chinese"),
        ("21.5", ("en", "zh"), "English"),
        ("21.5", ("nl",), "Auto"),
    ],
)
def test_the_script_decides_and_then_the_voice(text: str, spoken: tuple[str, ...], language: str) -> None:
    assert language_of(text, spoken) == language
