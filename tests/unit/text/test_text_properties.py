"""What must hold for every text: nothing lost, nothing depends on the chunks, nothing unspeakable comes out."""

from __future__ import annotations

import re
import time
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wyoming_servers.text import (
    MarkupStripper,
    Pronunciation,
    PronunciationDictionary,
    SentenceSplitter,
    SpeakableStream,
    speakable,
)

_WRITTEN = (
    "Mr. |Dr. |e.g. |a.m.|U.S. |No. 5|St. |etc.|vs. |21.5°C|18–22 °C|3,000|10:30|7 pm|2026-11-22|11/22|1/2|"
    "NT$1,200|$5.50|-5|0912-345-678|v1.2.3|5 km/h|60%|1e6|2^10|1920x1080|2個|第2|2026年|10點30分|5*3|a_b|"
    "a@b.io|Hello|world|Living Room|客廳|打開|The |And "
)
_MARKUP = (
    "**;__;~~;```;```python\n;# ;## ;- ;1. ;> ;| a | b |\n;|---|---|\n;[a](b);![a](b);[a;](;https://a.io/b;www.a.io;"
    "<think>;</think>;<b>;</b>;<br/>;<!--;-->;<a href='x'>;&amp,;<sub alias='x'>;</sub>;<break time='1s'/>;&#65"
)
_PARTS = (
    *" \n\t.,!?;:…'\"-–—/()[]{}<>*_~`#@&%^=+|\\$€°×÷±≈≤√∞0123456789aAzZéß",
    *"中文點二兩年月日時分個度，。！？；：、「」（）～【】†〇",
    *"½²③Ⅳ７％㎡ﷺ٣\u200d\ufe0f\u0301\u00ad\u3000\x00\x85\u2028",
    *"🎉👍🏽🇹🇼❤✅",
    "1️⃣",
    "👨\u200d👩\u200d👧",
    *_WRITTEN.split("|"),
    *_MARKUP.split(";"),
)
_LANGUAGES = ("en", "en-GB", "zh-TW", "zh-CN", "fr", "")

pieces_of_text = st.lists(st.sampled_from(_PARTS), max_size=60).map("".join)
any_text = st.one_of(pieces_of_text, st.text(max_size=120))
languages = st.sampled_from(_LANGUAGES)
thorough = settings(max_examples=200, deadline=None, database=None, derandomize=True)


@st.composite
def chunked_texts(draw: st.DrawFn) -> tuple[str, list[str]]:
    """Draw a text and the chunks it may arrive in."""
    text = draw(any_text)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=12)))
    return text, [text[start:end] for start, end in pairwise([0, *cuts, len(text)])]


def _without_blanks(text: str) -> str:
    return "".join(text.split())


def _split(chunks: list[str], **lengths: int) -> list[str]:
    splitter = SentenceSplitter(**lengths)
    return [piece for chunk in chunks for piece in splitter.feed(chunk)] + splitter.flush()


def _stripped(chunks: list[str]) -> str:
    stripper = MarkupStripper(link_word="a link")
    return "".join(stripper.feed(chunk) for chunk in chunks) + stripper.flush()


def _streamed(chunks: list[str], language: str, text_format: str | None) -> list[str]:
    stream = SpeakableStream(language, text_format=text_format)  # type: ignore[arg-type]
    return [piece for chunk in chunks for piece in stream.feed(chunk)] + stream.flush()


@thorough
@given(chunked_texts(), st.integers(1, 60), st.integers(60, 240))
def test_splitting_loses_no_text(case: tuple[str, list[str]], first: int, longest: int) -> None:
    """The pieces joined are the text, up to whitespace."""
    text, chunks = case
    pieces = _split(chunks, first_clause_min_chars=first, max_chars=longest)
    assert _without_blanks("".join(pieces)) == _without_blanks(text)
    assert all(piece == piece.strip() != "" for piece in pieces)


@thorough
@given(chunked_texts(), st.integers(1, 30), st.integers(30, 90))
def test_splitting_does_not_depend_on_the_chunks(case: tuple[str, list[str]], first: int, longest: int) -> None:
    """Any chunks, all at once and character by character give the same pieces."""
    text, chunks = case
    at_once = _split([text], first_clause_min_chars=first, max_chars=longest)
    assert _split(chunks, first_clause_min_chars=first, max_chars=longest) == at_once
    assert _split(list(text), first_clause_min_chars=first, max_chars=longest) == at_once


@thorough
@given(any_text, st.integers(1, 60))
def test_no_piece_is_longer_than_allowed(text: str, longest: int) -> None:
    """A piece is cut at the limit at the latest, whatever the text."""
    for piece in _split([text], first_clause_min_chars=1, max_chars=longest):
        assert len(piece) <= longest + 33  # marks and brackets behind an end stay with it


@thorough
@given(chunked_texts())
def test_stripping_does_not_depend_on_the_chunks(case: tuple[str, list[str]]) -> None:
    """Markup that spans chunks is recognised like markup that does not."""
    text, chunks = case
    at_once = _stripped([text])
    assert _stripped(chunks) == at_once
    assert _stripped(list(text)) == at_once


@thorough
@given(st.text(alphabet="abc XYZ,.?!中文字，。 ", max_size=200))
def test_stripping_leaves_plain_prose_alone(text: str) -> None:
    """What holds no markup comes out as it went in, but for blanks at the start of lines."""
    assert _stripped([text]) == text.lstrip()


@thorough
@given(chunked_texts(), languages, st.sampled_from([None, "text", "ssml", "other"]))
def test_speaking_does_not_depend_on_the_chunks(
    case: tuple[str, list[str]], language: str, text_format: str | None
) -> None:
    """The whole way from markup to words gives the same pieces for any chunks."""
    text, chunks = case
    at_once = _streamed([text], language, text_format)
    assert _streamed(chunks, language, text_format) == at_once
    assert _streamed(list(text), language, text_format) == at_once
    assert all(any(map(str.isalnum, piece)) for piece in at_once)


@thorough
@given(any_text, st.sampled_from(["en", "en-GB", "zh-TW", "zh-CN"]))
def test_only_words_and_pauses_come_out(text: str, language: str) -> None:
    """No digit, symbol, emoji or markdown is left for the voice to stumble over."""
    spoken = speakable(text, language)
    assert not re.search(r"[^\w\s,.!?;:'，。！？；：、…-]|[\d_]", _without_marks(spoken)), spoken
    assert not [char for char in spoken if unicodedata.category(char)[0] in "NSC"], spoken
    assert spoken == " ".join(spoken.split())


def _without_marks(text: str) -> str:
    """Drop combining marks: they belong to their letter, but the regex class for words does not know them all."""
    return "".join(char for char in text if unicodedata.category(char)[0] != "M")


@thorough
@given(any_text, languages)
def test_speaking_what_was_made_speakable_changes_nothing_more_than_blanks(text: str, language: str) -> None:
    """Words stay words: a second pass finds no numbers and no signs."""
    once = speakable(text, language)
    assert not any(char.isdigit() for char in speakable(once, language) if language[:2] in ("en", "zh"))


@thorough
@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=80), languages)
def test_lone_surrogates_and_control_characters_do_no_harm(text: str, language: str) -> None:
    """Whatever a client sends, nothing is raised."""
    dictionary = PronunciationDictionary([Pronunciation("a", "b"), Pronunciation("中", "鐘", "zh", whole_word=False)])
    speakable(text, language, dictionary=dictionary)


@thorough
@given(pieces_of_text)
def test_reasoning_is_never_spoken(text: str) -> None:
    """Whatever stands between the tags, not a word of it comes out."""
    inside = text.replace("think", "").replace("</", "")
    assert _stripped(list(f"<think>secret {inside}</think>Answer")) == "Answer"


_NUMBERS = ("1", "½", "中", "1,", "1.", "1-", "$1", "-1", "1年", "12:30 ", "1 ")
_ADVERSARIAL = [
    *(("zh-TW", part) for part in _NUMBERS),
    *(
        ("en", part)
        for part in (*_NUMBERS, *"*<([`_~#|&.。-+🎉", "<a ", "[a](", "![", "a@b.", "<!--", "<think>", "- ", "[1]")
    ),
    ("en", "Dr. "),
]


@pytest.mark.parametrize(("language", "part"), _ADVERSARIAL)
def test_time_is_linear_for_adversarial_text(language: str, part: str) -> None:
    """20,000 characters take well under a second; the limit leaves room for a busy machine, not for a square."""
    text = (part * (20_000 // len(part) + 1))[:20_000]
    begin = time.process_time()
    speakable(text, language)
    assert time.process_time() - begin < 5.0


@pytest.mark.parametrize("part", ["*", "<", "(", "。", "The light is on, at 21.5 °C. "])
def test_time_is_linear_for_a_stream_of_single_characters(part: str) -> None:
    """Feeding character by character does not look at the held text again and again."""
    stream = SpeakableStream("en")
    begin = time.process_time()
    for char in (part * (20_000 // len(part) + 1))[:20_000]:
        stream.feed(char)
    stream.flush()
    assert time.process_time() - begin < 5.0
