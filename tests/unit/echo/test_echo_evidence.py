"""What the sound of a voice says about whose words they are."""

from __future__ import annotations

import math

import pytest

from avatar_appliance.speakers import EMBEDDING_SIZE, SpeechEmbedded
from avatar_appliance.speech.said import Said, VoiceVector
from wyoming_servers.echo.evidence import Evidence, evidence_of
from wyoming_servers.speaker.judgement import Judgement

BOX = VoiceVector(vector=(1.0, *[0.0] * (EMBEDDING_SIZE - 1)), model="m")


def voice(similarity: float, model: str = "m") -> SpeechEmbedded:
    """Return a voice so similar to the box's."""
    rest = math.sqrt(1 - similarity**2)
    return SpeechEmbedded(vector=(similarity, rest, *[0.0] * (EMBEDDING_SIZE - 2)), speech_s=2.0, model=model)


def evidence(said: Said, who: Judgement) -> Evidence:
    names = {"anna": "Anna", "anna-whisper": "Anna", "ben": "Ben"}
    return evidence_of(said, who, similarity=0.7, is_same_person=lambda one, other: names.get(one) == names[other])


@pytest.mark.parametrize(
    ("similarity", "found"),
    [
        (0.9, Evidence.BOX),
        (0.71, Evidence.BOX),
        (0.69, Evidence.NONE),
        (0.59, Evidence.NONE),
        (0.57, Evidence.ANOTHERS),
    ],
)
def test_a_built_in_voice_is_told_by_its_sound(similarity: float, found: Evidence) -> None:
    assert evidence(Said(text="x", voices=(BOX,)), Judgement(voice=voice(similarity))) is found


def test_who_sounds_more_like_a_person_of_the_house_is_not_surely_the_box() -> None:
    who = Judgement(score=0.74, reason="below-threshold", voice=voice(0.73))
    assert evidence(Said(text="x", voices=(BOX,)), who) is Evidence.NONE


@pytest.mark.parametrize(
    ("said", "who"),
    [
        (Said(text="x"), Judgement(voice=voice(0.9))),  # its voice is not known yet
        (Said(text="x", voices=(BOX,)), Judgement(reason="too-short")),
        (Said(text="x", voices=(BOX,)), Judgement(reason="late")),
        (Said(text="x", voices=(BOX,)), Judgement(voice=voice(0.9, model="another"))),
        (Said(text="x", anybodys=True), Judgement(profile="anna", score=0.9, voice=voice(0.1))),
    ],
)
def test_what_says_nothing_is_no_evidence(said: Said, who: Judgement) -> None:
    assert evidence(said, who) is Evidence.NONE


def test_a_person_who_is_recognised_is_not_the_box_s_built_in_voice() -> None:
    assert evidence(Said(text="x", voices=(BOX,)), Judgement(profile="anna", score=0.8)) is Evidence.ANOTHERS


@pytest.mark.parametrize(
    ("clone", "person", "found"),
    [
        ("anna", "anna", Evidence.NONE),
        ("anna-whisper", "anna", Evidence.NONE),  # profiles of one name are one person
        ("anna", "ben", Evidence.ANOTHERS),
        ("deleted-meanwhile", "anna", Evidence.ANOTHERS),
    ],
)
def test_a_clone_and_its_person_cannot_be_told_apart(clone: str, person: str, found: Evidence) -> None:
    assert evidence(Said(text="x", profile=clone), Judgement(profile=person, score=0.9)) is found
