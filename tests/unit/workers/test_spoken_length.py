"""How long a text takes to say, and cutting it where a speaker would breathe."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wyoming_servers.workers.f5.front_end import joined_tokens, reference_text, speech_text
from wyoming_servers.workers.simplified import to_simplified
from wyoming_servers.workers.spoken_length import split_text, spoken_length


@pytest.mark.parametrize(
    ("text", "syllables"),
    [
        ("好的", 2),
        ("好的，客厅的灯已经打开了。", 11 + 0.8 + 1.2),
        ("the living room light", 5),
        ("lamp shade", 2),
        ("apple", 2),
        ("TV", 2),
        ("WLAN", 6),  # double-u
        ("Hello, world!", 3 + 0.8 + 1.2),
        ("24", 2),
        ("안녕", 2),
        ("", 1),
        ("...", 1.2),
    ],
)
def test_syllables_and_pauses_are_counted(text: str, syllables: float) -> None:
    assert spoken_length(text) == pytest.approx(syllables)


def test_a_text_is_cut_at_sentences_then_clauses_then_words() -> None:
    text = "今天天气很好，我们出去走走。路上买一点水果。"
    assert split_text(text, 30) == [text]
    assert split_text(text, 15) == ["今天天气很好，我们出去走走。", "路上买一点水果。"]
    assert split_text(text, 9) == ["今天天气很好，", "我们出去走走。", "路上买一点水果。"]
    assert split_text("one two three four", 2) == ["one two", "three four"]
    assert split_text("Hello there. How are you?", 5) == ["Hello there.", "How are you?"]
    assert split_text("  ", 5) == []


@given(st.text(alphabet="ab 好，。.,!?\n", max_size=60), st.floats(min_value=1, max_value=20))
@settings(max_examples=300, deadline=None)
def test_nothing_but_spaces_is_lost_and_no_piece_is_empty(text: str, most: float) -> None:
    pieces = split_text(text, most)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(piece.strip() for piece in pieces)


def test_traditional_characters_become_simplified_and_words_stay_those_of_taiwan() -> None:
    assert to_simplified("重慶的音樂銀行，請開臥室的燈。軟體") == "重庆的音乐银行，请开卧室的灯。软体"
    assert to_simplified("plain") == "plain"


def test_f5_tts_reads_words_and_spells_capitals() -> None:
    assert speech_text("Turn on the TV.Now  請") == "turn on the TV. now 请"
    assert reference_text("It is fine") == "it is fine. "
    assert reference_text("今天好。") == "今天好。"
    assert reference_text("Really?") == "really? "


def test_latin_words_stand_apart_from_what_is_before_them() -> None:
    assert joined_tokens(["。"], ["h", "i"]) == ["。", " ", "h", "i"]
    assert joined_tokens([" "], ["h", "i"]) == [" ", "h", "i"]
    assert joined_tokens(["。"], [" ", "hao3"]) == ["。", " ", "hao3"]
    assert joined_tokens([], ["h", "i"]) == ["h", "i"]
