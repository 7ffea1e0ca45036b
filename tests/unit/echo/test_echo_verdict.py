"""Whose words were heard: the box's, a person's, or first the one's and then the other's."""

from __future__ import annotations

import pytest

from avatar_appliance.speech.said import Said
from wyoming_servers.echo.evidence import Evidence
from wyoming_servers.echo.verdict import EchoVerdict, judge_echo, may_be_echo

EN = "Okay. The light in the kitchen is on, and the heating is set to twenty-one degrees."
ZH = "好的，廚房的燈已經打開了，暖氣設定為二十一度。"
QUESTION_EN = "Do you mean the light in the kitchen or the light next to the sofa in the living room?"
QUESTION_ZH = "你要我打開廚房的燈，還是客廳沙發旁邊的那盞落地燈呢？"


def verdict(
    heard: str,
    *texts: str,
    playing: bool = True,
    voice: Evidence = Evidence.NONE,
    language: str | None = None,
) -> EchoVerdict:
    """Judge what was heard after `texts` were said, the latest first."""
    said = [Said(text=text, playing=playing) for text in texts]
    language = language or ("en" if heard[:1].isascii() else "zh-TW")
    return judge_echo(heard, language, said, lambda _: voice)


def is_echo(heard: str, *texts: str, playing: bool = True, voice: Evidence = Evidence.NONE) -> bool:
    return verdict(heard, *texts, playing=playing, voice=voice).rejected == "echo"


class TestWhileTheBoxSpeaks:
    """Nothing is known of the voice."""

    @pytest.mark.parametrize(
        "heard",
        [
            EN,
            "okay the light in the kitchen is on and the heating is set to twenty one degrees",
            "Okay, the light in the kitchen is on and the heating is set to 21 degrees.",  # as Whisper writes it
            "The light in the kitchen is on and the heating",  # the middle
            "kitchen is on, and the heating is set to 21 degrees.",  # the end
            "The light in the kitten is on and the heating is set to 21 degrees",  # misheard
        ],
    )
    def test_its_english_words_are_its_own(self, heard: str) -> None:
        assert is_echo(heard, EN)

    @pytest.mark.parametrize(
        "heard",
        [
            ZH,
            "好的 廚房的燈已經打開了 暖氣設定為21度",
            "好的,厨房的灯已经打开了,暖气设定为二十一度。",  # Whisper writes either script
            "廚房的燈已經打開了暖氣",
            "已經打開了，暖氣設定為二十一度",
            "好的，廚房的登已經打開了，暖氣設定為二十一度",  # misheard
        ],
    )
    def test_its_chinese_words_are_its_own(self, heard: str) -> None:
        assert is_echo(heard, ZH)

    @pytest.mark.parametrize(
        ("heard", "said"),
        [
            ("Stop.", EN),
            ("Yes.", "Yes."),
            ("Seven o'clock.", "The alarm is set for seven o'clock."),
            ("The kitchen.", EN),
            ("the light in the kitchen", EN),
            ("好", "好。"),
            ("七點", "鬧鐘設定在早上七點。"),
            ("廚房的燈", ZH),
        ],
    )
    def test_what_is_short_is_a_person_s(self, heard: str, said: str) -> None:
        assert verdict(heard, said) == EchoVerdict(heard)

    @pytest.mark.parametrize(
        ("heard", "said"),
        [
            ("Turn off the light in the kitchen and set the heating to nineteen degrees.", EN),
            ("Is the light in the kitchen on?", EN),
            ("What is the weather going to be like tomorrow morning?", EN),
            ("The light in the kitchen is off.", "The light in the kitchen is on."),
            ("把廚房的燈關掉，暖氣設定為十九度。", ZH),
            ("廚房的燈是不是已經打開了？", ZH),
            ("明天早上會下雨嗎？", ZH),
        ],
    )
    def test_other_words_are_a_person_s(self, heard: str, said: str) -> None:
        assert verdict(heard, said) == EchoVerdict(heard)

    @pytest.mark.parametrize(
        ("heard", "said"),
        [
            ("The light next to the sofa in the living room.", QUESTION_EN),
            ("The light in the kitchen or the light next to the sofa", QUESTION_EN),
            ("客廳沙發旁邊的那盞落地燈", QUESTION_ZH),
        ],
    )
    def test_a_question_may_be_answered_in_its_own_words(self, heard: str, said: str) -> None:
        assert verdict(heard, said) == EchoVerdict(heard)

    @pytest.mark.parametrize("said", [QUESTION_EN, QUESTION_ZH])
    def test_a_question_heard_entire_is_the_box_s(self, said: str) -> None:
        assert is_echo(said, said)

    def test_one_of_several_texts_is_enough_and_so_are_two_in_a_row(self) -> None:
        other = "Somebody is ringing at the front door of the house."
        assert is_echo(EN, other, EN)
        assert is_echo(f"{EN} {other}", other, EN)

    def test_nothing_said_is_no_echo(self) -> None:
        assert verdict(EN) == EchoVerdict(EN)
        assert verdict("", EN) == EchoVerdict("")


class TestAPersonGoesOn:
    """Somebody speaks right after, or over, the box."""

    @pytest.mark.parametrize(
        ("heard", "left"),
        [
            ("The light in the kitchen is on and the heating is set to 21 degrees. Turn it off again.", None),
            ("the light in the kitchen is on, and the heating is set to twenty-one degrees turn it off", "turn it off"),
            ("Okay, the light in the kitchen is on and the heating. Stop.", "Stop."),
            ("the light in the kitchen is on and the heating stop", None),  # a word, or a misheard one
        ],
    )
    def test_an_english_reply_is_kept(self, heard: str, left: str | None) -> None:
        found = verdict(heard, EN)
        assert found.rejected is None
        assert found == (EchoVerdict(left, cut=True) if left else EchoVerdict(heard))

    @pytest.mark.parametrize(
        ("heard", "left"),
        [
            ("好的，廚房的燈已經打開了，暖氣設定為二十一度。把燈關掉", "把燈關掉"),
            ("廚房的燈已經打開了，暖氣設定為二十一度不用了謝謝", "不用了謝謝"),
            ("好的,厨房的灯已经打开了,停", "停"),
            ("好的廚房的燈已經打開了停", None),
        ],
    )
    def test_a_chinese_reply_is_kept(self, heard: str, left: str | None) -> None:
        found = verdict(heard, ZH)
        assert found == (EchoVerdict(left, cut=True) if left else EchoVerdict(heard))

    def test_what_comes_before_the_box_is_kept_with_it(self) -> None:
        heard = "Quiet please! The light in the kitchen is on, and the heating is set to twenty-one degrees."
        assert verdict(heard, EN) == EchoVerdict(heard)

    def test_words_on_both_sides_are_kept_with_the_box_s(self) -> None:
        heard = f"Quiet please! {EN} Turn it off."
        assert verdict(heard, EN) == EchoVerdict(heard)

    def test_the_voice_of_both_says_nothing_about_what_was_cut_free(self) -> None:
        """Somebody quotes it, after it: the voice of the utterance is mostly the box's."""
        found = verdict(f"{EN} The light in the kitchen?", EN, voice=Evidence.BOX)
        assert found == EchoVerdict("The light in the kitchen?", cut=True)

    @pytest.mark.parametrize("voice", list(Evidence))
    def test_no_evidence_takes_a_person_s_words_away(self, voice: Evidence) -> None:
        for heard in (f"{EN} Stop.", f"{EN} stop", f"Stop! {EN}", f"{ZH}停", f"停！{ZH}"):
            said = EN if "kitchen" in heard else ZH
            found = verdict(heard, said, voice=voice)
            assert found.rejected is None
            assert "top" in found.text or "停" in found.text

    def test_an_answer_to_a_question_heard_entire_is_left(self) -> None:
        found = verdict(f"{QUESTION_EN} The light in the kitchen.", QUESTION_EN)
        assert found == EchoVerdict("The light in the kitchen.", cut=True)

    def test_a_question_s_words_with_a_please_are_an_answer(self) -> None:
        heard = "The light next to the sofa in the living room, please."
        assert verdict(heard, QUESTION_EN) == EchoVerdict(heard)

    def test_an_answer_in_a_person_s_voice_is_left_whole(self) -> None:
        heard = f"{EN} Turn it off."
        assert verdict(heard, EN, voice=Evidence.ANOTHERS) == EchoVerdict(heard)


class TestTheVoice:
    """A speaker worker says something."""

    @pytest.mark.parametrize(("heard", "said"), [(EN, EN), (ZH, ZH)])
    def test_a_person_who_repeats_the_box_is_heard(self, heard: str, said: str) -> None:
        assert verdict(heard, said, voice=Evidence.ANOTHERS) == EchoVerdict(heard)

    @pytest.mark.parametrize(
        ("heard", "said"),
        [
            ("The light in the kitchen.", EN),
            ("the lied in the kitten is on and heating is set twenty one degree", EN),
            ("廚房的燈", ZH),
            ("廚房的登已經打開了暖器設定為二十一度", ZH),
            ("耗得，廚房的燈已經打開了，暖氣設定為二十一肚", ZH),  # misheard at the ends
        ],
    )
    def test_in_its_own_voice_less_is_enough_also_late(self, heard: str, said: str) -> None:
        assert is_echo(heard, said, voice=Evidence.BOX, playing=False)

    @pytest.mark.parametrize(
        ("heard", "said"),
        [
            ("What time is it?", EN),
            ("The light in the kitchen is on, stop", EN),
            ("現在幾點？", ZH),
            ("好的，廚房的燈已經打開了，停", ZH),
        ],
    )
    def test_in_its_own_voice_other_words_are_not_its_own(self, heard: str, said: str) -> None:
        """A television may sound like it."""
        assert verdict(heard, said, voice=Evidence.BOX, playing=False) == EchoVerdict(heard)

    @pytest.mark.parametrize(("heard", "said"), [(EN, EN), (ZH, ZH)])
    def test_without_any_voice_words_heard_after_its_speech_are_a_person_s(self, heard: str, said: str) -> None:
        assert verdict(heard, said, playing=False) == EchoVerdict(heard)


@pytest.mark.parametrize(
    ("heard", "matters"), [("The light in the kitchen.", True), ("What time is it?", False), (EN, True)]
)
def test_the_voice_is_waited_for_only_where_it_matters(heard: str, matters: bool) -> None:
    assert may_be_echo(heard, "en", [Said(text=EN, playing=True)]) is matters


def test_long_texts_are_compared_in_no_time_that_matters() -> None:
    """Bounded by what travels: 1500 characters said, and utterances of a few hundred words."""
    said = [Said(text=" ".join(f"word{n % 97}" for n in range(190)), playing=True) for _ in range(3)]
    heard = " ".join(f"word{n % 89}" for n in range(5000))
    assert judge_echo(heard, "en", said, lambda _: Evidence.NONE) == EchoVerdict(heard)
