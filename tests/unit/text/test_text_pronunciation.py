"""The household's own pronunciations."""

from __future__ import annotations

import pytest

from wyoming_servers.text import Pronunciation, PronunciationDictionary, PronunciationInvalid


def _apply(text: str, *entries: Pronunciation, language: str = "en") -> str:
    return PronunciationDictionary(entries).apply(text, language)


def test_an_entry_matches_in_any_case_and_as_a_whole_word() -> None:
    """HA is not in hat."""
    assert _apply("ha HA Ha. hat aha HA-2", Pronunciation("HA", "x")) == "x x x. hat aha x-2"


def test_an_entry_may_match_inside_words() -> None:
    """Where whole words are not asked for."""
    assert _apply("hat aha", Pronunciation("ha", "x", whole_word=False)) == "xt ax"


def test_whole_words_in_chinese_need_no_spaces() -> None:
    """Chinese is written without spaces, also around an English word."""
    entries = Pronunciation("台積電", "台機電"), Pronunciation("HA", "Home Assistant")
    assert _apply("用HA看台積電的股價", *entries, language="zh-TW") == "用Home Assistant看台機電的股價"


def test_the_earlier_entry_wins_and_replacements_are_not_replaced() -> None:
    """One pass through the text: entries cannot chase each other."""
    entries = Pronunciation("living room", "lounge"), Pronunciation("living", "x"), Pronunciation("lounge", "y")
    assert _apply("living room, living, lounge", *entries) == "lounge, x, y"


def test_blanks_in_an_entry_match_any_blanks() -> None:
    """A line break between two words does not hide them."""
    assert _apply("living \n room", Pronunciation("living  room", "lounge")) == "lounge"


@pytest.mark.parametrize(
    ("entry", "stream", "applies"),
    [
        (None, "fr", True),
        ("en", "en-US", True),
        ("en-US", "en", False),
        ("en-US", "en_us", True),
        ("zh", "zh-Hant-TW", True),
        ("zh-TW", "zh-CN", False),
        ("zh", "en", False),
    ],
)
def test_an_entry_may_be_for_one_language(entry: str | None, stream: str, applies: bool) -> None:
    """A language covers its regions, a region only itself."""
    assert _apply("a", Pronunciation("a", "b", entry), language=stream) == ("b" if applies else "a")


def test_signs_in_entries_and_replacements_are_literal() -> None:
    """Nobody in the household needs to know regular expressions."""
    assert _apply("C++ (a.b) axb", Pronunciation("C++", r"\1 sea"), Pronunciation("(a.b)", "x")) == r"\1 sea x axb"


@pytest.mark.parametrize("match", ["", " ", "\n\t"])
def test_an_entry_that_matches_nothing_is_refused(match: str) -> None:
    """It would match between any two characters."""
    with pytest.raises(PronunciationInvalid) as raised:
        Pronunciation(match, "x")
    assert raised.value.code == "pronunciation-invalid"


def test_a_dictionary_is_a_value() -> None:
    """Snapshots can be compared, counted and gone through."""
    entries = [Pronunciation("a", "b"), Pronunciation("c", "d", "zh", whole_word=False)]
    dictionary = PronunciationDictionary(iter(entries))
    assert (list(dictionary), len(dictionary)) == (entries, 2)
    assert dictionary == PronunciationDictionary(entries) != PronunciationDictionary()
    assert hash(dictionary) == hash(PronunciationDictionary(entries))
    assert PronunciationDictionary().apply("a", "en") == "a"
