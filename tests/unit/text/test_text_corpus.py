"""What is written and how it is to be spoken: hand-checked pairs in two files."""

from __future__ import annotations

from pathlib import Path

import pytest

from wyoming_servers.text import SpeakableStream, speakable

_FOLDER = Path(__file__).parent
_MIN_PAIRS = 150


def _pairs(name: str) -> list[tuple[str, str]]:
    header, *lines = (_FOLDER / name).read_text(encoding="utf-8").splitlines()
    assert header == "written\tspoken"
    return [(written, spoken) for written, _, spoken in (line.partition("\t") for line in lines)]


_ENGLISH = _pairs("english.tsv")
_CHINESE = _pairs("chinese_taiwan.tsv")


@pytest.mark.parametrize(("written", "spoken"), _ENGLISH)
def test_english_is_spoken_as_in_the_corpus(written: str, spoken: str) -> None:
    """Numbers, units, money, dates, signs and markup in American English."""
    assert speakable(written, "en") == spoken


@pytest.mark.parametrize(("written", "spoken"), _CHINESE)
def test_chinese_is_spoken_as_in_the_corpus(written: str, spoken: str) -> None:
    """Numbers, units, money, dates, signs and markup as said in Taiwan."""
    assert speakable(written, "zh-TW") == spoken


@pytest.mark.parametrize("pairs", [_ENGLISH, _CHINESE])
def test_the_corpus_is_large_and_has_no_line_twice(pairs: list[tuple[str, str]]) -> None:
    """A corpus that shrinks unnoticed would test less and less."""
    assert len({written for written, _ in pairs}) == len(pairs) >= _MIN_PAIRS


@pytest.mark.parametrize(
    ("tag", "spoken"),
    [
        ("zh", "兩點三十分，攝氏兩度，兩百個"),
        ("zh_TW", "兩點三十分，攝氏兩度，兩百個"),
        ("zh-Hant", "兩點三十分，攝氏兩度，兩百個"),
        ("zh-CN", "两点三十分，摄氏两度，两百个"),
        ("zh-Hans-TW", "两点三十分，摄氏两度，两百个"),
        ("cmn-Hant-TW", "兩點三十分，攝氏兩度，兩百個"),
    ],
)
def test_chinese_tags_choose_the_characters_of_what_is_said(tag: str, spoken: str) -> None:
    """The words put in are written in the characters the tag asks for."""
    assert speakable("2:30，2°C，200個", tag) == spoken


@pytest.mark.parametrize(
    ("tag", "spoken"), [("en", "April seventh"), ("en-US", "April seventh"), ("en_GB", "July fourth")]
)
def test_the_region_decides_about_day_and_month(tag: str, spoken: str) -> None:
    """4/7 after "on" is a date, and Britain writes the day first."""
    assert speakable("on 4/7", tag) == f"on {spoken}"


@pytest.mark.parametrize(
    ("text", "requested", "spoken"),
    [
        ("客廳現在是21.5度。", "en", "客廳現在是二十一點五度。"),
        ("The kitchen is at 21.5 °C.", "zh-TW", "The kitchen is at twenty-one point five degrees Celsius."),
        ("The room 客廳 has 2 lamps.", "en", "The room 客廳 has two lamps."),
        ("打開 Living Room 的 2 盞燈", "zh-TW", "打開 Living Room 的兩盞燈"),
        ("42", "zh-TW", "四十二"),
        ("42", "en", "forty-two"),
        ("iPhone 15", "zh-TW", "iPhone 十五"),
        ("厨房里有2个灯开着。", "en", "厨房里有两个灯开着。"),
    ],
)
def test_the_script_of_a_piece_decides_where_it_is_clear(text: str, requested: str, spoken: str) -> None:
    """Numbers are read in the language of the words around them."""
    assert speakable(text, requested) == spoken


def test_other_languages_lose_markup_and_emoji_only() -> None:
    """Without a normaliser numbers stay digits: most voices read them in their own language."""
    assert speakable("Es sind **21,5 °C** draußen 🎉. Siehe https://www.example.de/x.", "de") == (
        "Es sind 21,5 °C draußen. Siehe example.de."
    )


@pytest.mark.parametrize("text", ["", " ", "👍", "---", "```\nx = 1\n```", "<think>hm</think>", "*", "。", "…"])
@pytest.mark.parametrize("language", ["en", "zh-TW", "de"])
def test_what_holds_no_words_is_not_spoken(text: str, language: str) -> None:
    """Nothing to say is the empty text."""
    assert speakable(text, language) == ""


@pytest.mark.parametrize(("pairs", "language"), [(_ENGLISH, "en"), (_CHINESE, "zh-TW")])
def test_the_corpus_sounds_the_same_wherever_a_stream_is_cut(pairs: list[tuple[str, str]], language: str) -> None:
    """ "21" and "°C" in two chunks, or every character in its own."""

    def streamed(*chunks: str) -> list[str]:
        stream = SpeakableStream(language)
        return [piece for chunk in chunks for piece in stream.feed(chunk)] + stream.flush()

    for written, _ in pairs:
        at_once = streamed(written)
        assert streamed(*written) == at_once, written
        for cut in range(1, len(written)):
            assert streamed(written[:cut], written[cut:]) == at_once, (written, cut)
