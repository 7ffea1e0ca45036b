"""What the text-to-speech server remembers of what it said, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from avatar_appliance.config.echo_guard import EchoGuardSettings
from avatar_appliance.speakers import EMBEDDING_SIZE
from avatar_appliance.speech.messages import ANSWERED, LIMITS, TOLD, from_event, to_event
from avatar_appliance.speech.said import (
    MOST_SAID,
    MOST_SAID_CHARS,
    MOST_VOICES,
    Said,
    SaidLately,
    SaidWanted,
    VoiceVector,
)
from avatar_appliance.wire import event_bytes
from wyoming_servers.echo.box_voices import BoxVoices, Identity
from wyoming_servers.echo.said_memory import MOST_SAYINGS, SaidMemory
from wyoming_servers.tts.voice import Voice

JOE = Voice(name="joe", worker="piper", worker_name="en_US-joe", languages=("en-US",))
MEI = Voice(name="mei", worker="espeak", worker_name="cmn", languages=("zh-TW",))
ANNA = Voice(name="anna", worker="f5", worker_name="clone:anna:1", languages=("en",), profile="anna", tier="fast")
ASKER = Voice(name="asker", worker="f5", worker_name="clone:x:1", languages=("en",), profile="x", passing=True)


def vector(value: float) -> VoiceVector:
    return VoiceVector(vector=(value, *[0.0] * (EMBEDDING_SIZE - 1)), model="m")


class Known(BoxVoices):
    def __init__(self, *voices: Voice) -> None:
        self.voices = {voice.identity: vector(1.0 + number) for number, voice in enumerate(voices)}

    @property
    def known(self) -> Mapping[Identity, VoiceVector]:
        return self.voices


class Box:
    """Speaks, on a clock of the test's own."""

    def __init__(self, *known: Voice, **settings: Any) -> None:
        self.now_s = 1000.0
        self.memory = SaidMemory(EchoGuardSettings(**settings), Known(*known), clock=lambda: self.now_s)

    def say(self, *pieces: str, seconds: float = 2.0, voice: Voice | None = JOE, played: bool = True) -> None:
        """Say pieces of so many seconds each, which all leave at once."""
        saying = self.memory.begin(played=played)
        for piece in pieces:
            saying.begin_piece(piece)
            saying.sent(seconds, voice)
        saying.ended = True

    def heard(self, after_s: float, listened_s: float = 0.0) -> tuple[Said, ...]:
        """Return what a microphone may have heard that listened until `after_s` from now."""
        self.now_s += after_s
        return self.memory.lately(listened_s).said


def texts(said: tuple[Said, ...]) -> list[str]:
    return [one.text for one in said]


@pytest.mark.parametrize(("began_s", "playing"), [(0.5, [True]), (1.99, [True]), (2.0, [False]), (8.9, [False])])
def test_what_was_said_is_surely_playing_for_its_length_and_may_be_heard_for_a_while_after(
    began_s: float, playing: list[bool]
) -> None:
    box = Box(after_s=7)
    box.say("The light is on.")
    said = box.heard(began_s + 3, listened_s=3)
    assert [one.playing for one in said] == playing


def test_later_it_is_forgotten() -> None:
    box = Box(after_s=5)
    box.say("The light is on.")
    assert box.heard(7.1 + 3, listened_s=3) == ()
    box.heard(100)
    assert not box.memory._sayings


def test_a_microphone_that_has_been_open_all_the_time_heard_it() -> None:
    box = Box(after_s=0)
    box.say("The light is on.")
    assert [one.playing for one in box.heard(30, listened_s=31)] == [True]


def test_pauses_between_pieces_are_played_as_pauses() -> None:
    """The language model thinks in the middle of an answer."""
    box = Box(after_s=0)
    saying = box.memory.begin(played=True)
    saying.begin_piece("One moment.")
    saying.sent(1.0, JOE)
    box.now_s += 10
    saying.begin_piece("The light is on.")
    saying.sent(2.0, JOE)
    assert [one.playing for one in box.heard(1.5)] == [True]


def test_a_client_that_plays_when_it_has_everything_is_waited_for() -> None:
    box = Box(after_s=0)
    saying = box.memory.begin(played=True)
    saying.begin_piece("A long story.")
    saying.sent(60.0, JOE)
    box.now_s += 50
    saying.begin_piece("The end of it.")
    saying.sent(10.0, JOE)  # all of it, 70 s, may begin only now
    said = box.heard(55)
    assert texts(said) == ["A long story. The end of it."]
    assert [one.playing for one in said] == [False]
    assert texts(box.heard(14)) == ["The end of it."]
    assert box.heard(2) == ()


def test_of_a_long_answer_only_what_may_have_been_heard_by_then_is_told() -> None:
    box = Box()
    box.say(*(f"Sentence number {n}." for n in range(60)), seconds=3)
    said = box.heard(100, listened_s=2)[0]
    assert {number for number in range(60) if f"number {number}." in said.text} == set(range(22, 44))
    assert len(said.text) <= MOST_SAID_CHARS


def test_what_nobody_plays_is_not_remembered() -> None:
    box = Box()
    box.say("What is the capital of France?", played=False)
    assert box.heard(1) == ()


def test_switched_off_nothing_is_remembered() -> None:
    box = Box(enabled=False)
    box.say("The light is on.")
    assert box.heard(1) == ()
    assert not box.memory._sayings


def test_an_answer_that_never_made_a_sound_is_none() -> None:
    box = Box()
    saying = box.memory.begin(played=True)
    saying.begin_piece("The light is on.")
    assert box.heard(1) == ()
    saying.ended = True
    box.heard(1)
    assert not box.memory._sayings


def test_the_latest_come_first_and_old_ones_give_way() -> None:
    box = Box()
    for number in range(MOST_SAYINGS + 5):
        box.say(f"Number {number}.")
    assert texts(box.heard(1)) == [f"Number {MOST_SAYINGS + 4 - n}." for n in range(MOST_SAID)]
    assert len(box.memory._sayings) == MOST_SAYINGS


def test_how_it_sounds_is_told_where_all_of_it_is_known() -> None:
    box = Box(JOE)
    box.say("The light is on.")
    assert box.heard(1)[0].voices == (vector(1.0),)
    saying = box.memory.begin(played=True)
    for piece, voice in (("The light is on.", JOE), ("燈開了。", MEI)):
        saying.begin_piece(piece)
        saying.sent(1.0, voice)
    assert box.heard(1)[0].voices == ()


def test_a_voice_that_sounds_like_a_person_is_told_as_such() -> None:
    box = Box()
    box.say("The light is on.", voice=ANNA)
    assert (box.heard(1)[0].profile, box.heard(0)[0].anybodys) == ("anna", False)
    box.say("The light is on.", voice=ASKER)
    assert box.heard(1)[0].anybodys


def test_the_largest_answer_fits_through_the_socket() -> None:
    said = Said(text="燈" * MOST_SAID_CHARS, voices=(vector(0.1234),) * MOST_VOICES, profile="p" * 128)
    full = VoiceVector(vector=(-0.1234,) * EMBEDDING_SIZE, model="m" * 64)
    said = Said(text=said.text, voices=(full,) * MOST_VOICES, profile="p" * 128)
    event = to_event(SaidLately(said=(said,) * MOST_SAID))
    assert len(event_bytes(event)) < LIMITS.data_bytes
    assert from_event(event, ANSWERED) == SaidLately(said=(said,) * MOST_SAID)


def test_the_question_survives_the_wire() -> None:
    wanted = SaidWanted(listened_s=3.5)
    assert from_event(to_event(wanted), TOLD) == wanted


def test_what_was_said_is_in_no_repr() -> None:
    assert "secret" not in repr(SaidLately(said=(Said(text="secret"),)))
