"""Word and character error rates after both sides were written alike."""

from __future__ import annotations

import pytest

from avatar_appliance.transcripts.word_errors import count_errors, metric_for, normalise


@pytest.mark.parametrize(
    ("reference", "heard"),
    [
        ("Turn ON the light!", "turn on the light"),
        ("Set it to twenty-one degrees.", "Set it to 21 degrees"),
        ("He was not an ill-disposed young man.", "he was not an ill disposed young man"),
        ("It costs thirty percent more.", "It costs 30% more"),
        ("The twenty-first of May", "the 21st of May"),
        ("one thousand two hundred", "1,200"),
        ("in nineteen ninety-nine", "In 1999"),
        ("three point five metres", "3.5 metres"),
        ("Don’t stop", "don't stop"),
        ("Mister Smith", "Mr. Smith"),
        ("salt and pepper", "salt & pepper"),
        ("at seven thirty", "at 7:30"),
    ],
)
def test_english_that_sounds_alike_is_equal(reference: str, heard: str) -> None:
    assert count_errors(reference, heard, "en-US").errors == 0


@pytest.mark.parametrize(
    ("heard", "errors"),
    [
        ("turn on light", 1),
        ("turn on the light now", 1),
        ("turn off the light", 1),
        ("", 4),
        ("dont turn on the light", 1),
    ],
)
def test_each_wrong_missing_or_added_word_counts(heard: str, errors: int) -> None:
    count = count_errors("turn on the light", heard, "en")
    assert (count.metric, count.errors, count.length) == ("wer", errors, 4)


def test_an_apostrophe_is_part_of_its_word() -> None:
    assert normalise("'Don't' she said", "en", "wer") == "don't she said"


@pytest.mark.parametrize(
    ("reference", "heard"),
    [
        ("請打開廚房的燈。", "请打开厨房的灯"),
        ("把溫度設成二十一度", "把溫度設成 21 度"),
        ("音量調到百分之三十", "音量調到30%"),
        ("兩點半叫我", "2點半叫我"),
        ("電話是零九一二", "電話是0912"),
        ("播放 Jazz 音樂", "播放jazz音樂"),
        ("打開燈，謝謝！", "打開燈 謝謝"),
    ],
)
def test_chinese_that_sounds_alike_is_equal(reference: str, heard: str) -> None:
    assert count_errors(reference, heard, "zh-TW").errors == 0


def test_chinese_is_counted_in_characters() -> None:
    count = count_errors("你好世界", "你好事件", "zh-TW")
    assert (count.metric, count.errors, count.length) == ("cer", 2, 4)


@pytest.mark.parametrize(
    ("language", "reference", "metric"),
    [
        ("zh-TW", "hello", "cer"),
        ("cmn", "你好", "cer"),
        ("en", "你好", "wer"),
        (None, "打開燈", "cer"),
        (None, "light", "wer"),
    ],
)
def test_the_language_decides_the_metric(language: str | None, reference: str, metric: str) -> None:
    assert metric_for(language, reference) == metric


def test_numbers_are_read_in_other_languages_too() -> None:
    assert count_errors("einundzwanzig Grad", "21 Grad", "de-DE").errors == 0


def test_a_language_without_a_number_reader_keeps_its_digits() -> None:
    assert normalise("21 x", "xx", "wer") == "21 x"


def test_a_number_nobody_says_stays_as_it_is() -> None:
    assert normalise("9" * 400, "en", "wer") == "9" * 400


@pytest.mark.parametrize(("reference", "language"), [("...", "en"), ("，。", "zh-TW")])
def test_a_reference_without_words_is_an_error(reference: str, language: str) -> None:
    with pytest.raises(ValueError, match="no words"):
        count_errors(reference, "hello", language)
