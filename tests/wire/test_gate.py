"""The gate: silence, doubt, loops, noise marks, inventions; and what must pass."""

from __future__ import annotations

import pytest

from wyoming_servers.asr.gate import Verdict, judge

SURE = {"avg_logprob": -0.1, "no_speech_prob": 0.01, "compression_ratio": 1.0}
UNSURE = {**SURE, "avg_logprob": -0.8}
LONG_S = 2.0
SHORT_S = 0.25


@pytest.mark.parametrize(
    ("text", "metrics", "speech_s"),
    [
        ("turn on the kitchen light", SURE, LONG_S),
        ("打開廚房的燈", SURE, LONG_S),
        ("Thank you.", SURE, LONG_S),
        ("Thank you.", SURE, 0.5),
        ("Thank you.", {}, LONG_S),
        ("Thank you.", {}, None),
        ("Bye.", SURE, 0.35),
        ("謝謝大家", SURE, 0.55),
        ("謝謝大家", SURE, LONG_S),
        ("謝謝。", UNSURE, SHORT_S),
        ("Thank you for the light.", UNSURE, SHORT_S),
        ("No, no, no!", SURE, LONG_S),
        ("no no no no no no, not that one", SURE, LONG_S),
        ("set the counter to 10000000000 and tell me", SURE, LONG_S),
        ("對對對", SURE, SHORT_S),
        ("set it to 3 * 4", SURE, LONG_S),
        ("stop", {**SURE, "no_speech_prob": 0.9}, SHORT_S),
        ("mumble", {**SURE, "avg_logprob": -1.2}, LONG_S),
        ("hello", {}, None),
        ("謝謝觀看", SURE, None),
    ],
)
def test_what_somebody_said_passes(text: str, metrics: dict[str, float], speech_s: float | None) -> None:
    assert judge(f" {text} ", metrics, speech_s) == Verdict(text)


@pytest.mark.parametrize("text", ["hello", "你好", "Thank you."])
def test_without_speech_nothing_was_said(text: str) -> None:
    assert judge(text, SURE, 0.0) == Verdict("", "no-speech")


def test_the_models_own_doubt_counts_where_both_its_figures_agree() -> None:
    metrics = {"avg_logprob": -1.1, "no_speech_prob": 0.7}
    assert judge("hello there", metrics, LONG_S) == Verdict("", "no-speech-by-model")
    assert judge("hello there", {**metrics, "no_speech_prob": 0.5}, LONG_S).rejected is None
    assert judge("hello there", {**metrics, "avg_logprob": -0.9}, LONG_S).rejected is None


@pytest.mark.parametrize("text", ["hello there", "你好嗎"])
def test_a_guess_is_no_transcript(text: str) -> None:
    assert judge(text, {"avg_logprob": -1.6}, LONG_S) == Verdict("", "unsure")


@pytest.mark.parametrize(
    ("text", "metrics"),
    [
        ("something", {**SURE, "compression_ratio": 2.5}),
        ("I don't know. " * 12, {}),
        ("好的" * 60, {}),
        ("ha" * 100, SURE),
        ("明徒將1,3,3,3" + ",4" * 18, SURE),
        ("and, " * 12, SURE),
        ("好" * 12, SURE),
    ],
)
def test_loops_are_rejected_also_where_the_worker_reports_no_ratio(text: str, metrics: dict[str, float]) -> None:
    assert judge(text, metrics, LONG_S) == Verdict("", "repetition")


@pytest.mark.parametrize(
    "text",
    [
        "[BLANK_AUDIO]",
        "(music)",
        "*sighs*",
        "♪♪♪",
        "♪ la la ♪",
        "（音樂）",
        "【掌聲】",
        "[Music] (laughs)",
        "...",
        "。",
        "!?",
    ],
)
def test_noise_marks_alone_are_nothing(text: str) -> None:
    assert judge(text, SURE, LONG_S) == Verdict("", "noise-mark")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("[door closes] turn off the light", "turn off the light"),
        ("開燈（音樂）", "開燈"),
        ("♪ music ♪ play jazz", "play jazz"),
    ],
)
def test_noise_marks_beside_words_are_taken_out(text: str, left: str) -> None:
    assert judge(text, SURE, LONG_S) == Verdict(left)


@pytest.mark.parametrize(
    "text",
    [
        "Thank you.",
        "thanks for watching",
        "Thanks for watching!",
        "Please subscribe to my channel.",
        "Subtitles by the Amara.org community",
        "you",
        "謝謝觀看",
        "谢谢观看!",
        "感謝觀看。",
        "請不吝點贊 訂閱 轉發 打賞支持明鏡與點點欄目",
        "字幕由 Amara.org 社群提供",
        "MING PAO CANADA",
    ],
)
@pytest.mark.parametrize(
    ("metrics", "speech_s"), [(SURE, SHORT_S), (UNSURE, LONG_S), (UNSURE, SHORT_S), (UNSURE, None)]
)
def test_known_inventions_need_speech_and_confidence(
    text: str, metrics: dict[str, float], speech_s: float | None
) -> None:
    assert judge(text, metrics, speech_s) == Verdict("", "known-invention")


@pytest.mark.parametrize(
    "text", ["Thanks for watching!", "Please subscribe to my channel.", "請不吝點贊訂閱轉發打賞支持明鏡與點點欄目"]
)
def test_a_long_invention_cannot_have_been_said_in_half_a_second(text: str) -> None:
    assert judge(text, SURE, 0.5) == Verdict("", "known-invention")


def test_a_worker_that_does_not_say_how_sure_it_is_needs_more_speech() -> None:
    assert judge("Thank you.", {}, 0.5) == Verdict("", "known-invention")


def test_no_text_is_no_text() -> None:
    assert judge("  ", {}, LONG_S) == Verdict("")
