"""Misheard names are put right; a word that is right is never made another."""

from __future__ import annotations

import dataclasses

import pytest
from house_harness.commands import notation
from house_harness.large_house import ROOMS, large_layout

from wyoming_servers.conversation.fast_path import Doubt, FastPath, Recognised, Unsure
from wyoming_servers.conversation.fast_path.certainty import Certainty
from wyoming_servers.conversation.fast_path.english_sound import alike as sounds_alike
from wyoming_servers.conversation.fast_path.mandarin_sound import alike as syllables_alike
from wyoming_servers.conversation.fast_path.nearest import nearest
from wyoming_servers.house.entity import Entity
from wyoming_servers.house.household import Household
from wyoming_servers.house.layout import HouseLayout

VERBS = {"light": "turn on the {}", "switch": "turn on the {}", "fan": "turn on the {}", "cover": "open the {}"}
CHINESE_VERBS = {"light": "打開{}", "switch": "打開{}", "fan": "打開{}", "cover": "打開{}"}


@pytest.mark.parametrize(
    ("heard", "word", "certainty"),
    [
        ("kitchin", "kitchen", Certainty.CERTAIN),
        ("van", "fan", Certainty.CERTAIN),
        ("nite", "night", Certainty.CERTAIN),
        ("pendent", "pendant", Certainty.CERTAIN),
        ("lights", "light", Certainty.EXACT),
        ("annas", "anna's", Certainty.EXACT),
        ("two", "2", Certainty.EXACT),
        ("tim", "tom", Certainty.LIKELY),
        ("jenny", "johnny", Certainty.LIKELY),
        ("mirra", "mirror", Certainty.LIKELY),
        ("1", "2", Certainty.NONE),
        ("two", "three", Certainty.NONE),
        ("ten", "den", Certainty.NONE),
        ("bedroom", "bathroom", Certainty.NONE),
        ("hall", "wall", Certainty.NONE),
        ("upstairs", "downstairs", Certainty.NONE),
        ("left", "right", Certainty.NONE),
        ("kitchen", "chicken", Certainty.NONE),
    ],
)
def test_how_alike_english_words_sound(heard: str, word: str, certainty: Certainty) -> None:
    assert sounds_alike(heard, word) is certainty


@pytest.mark.parametrize(
    ("heard", "char", "certainty"),
    [
        ("登", "燈", Certainty.CERTAIN),
        ("防", "房", Certainty.CERTAIN),
        ("酥", "書", Certainty.LIKELY),
        ("南", "蘭", Certainty.LIKELY),
        ("書", "廚", Certainty.NONE),
        ("四", "十", Certainty.NONE),
        ("一", "醫", Certainty.NONE),
        ("a", "燈", Certainty.NONE),
    ],
)
def test_how_alike_chinese_characters_sound(heard: str, char: str, certainty: Certainty) -> None:
    assert syllables_alike(heard, char) is certainty


def test_the_repair_is_told(fast_path: FastPath, household: Household) -> None:
    found = fast_path.recognise("turn on the kitchin lamp", "en", household.layout)
    assert isinstance(found, Recognised)
    assert [(repair.heard, repair.name) for repair in found.repairs] == [("kitchin lamp", "kitchen lamp")]


def test_two_names_in_one_sentence(fast_path: FastPath, household: Household) -> None:
    found = fast_path.recognise("turn on the mirrer light in the bathrom", "en", household.layout)
    assert notation(found) == "HassTurnOn area=bathroom name=light.mirror"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("unlock the frunt door lock", "en"),
        ("open the garadge door", "en"),
        ("解鎖大們鎖", "zh-TW"),
        ("打開車褲門", "zh-TW"),
    ],
)
def test_nothing_is_unlocked_or_opened_for_good_by_a_guess(
    fast_path: FastPath, household: Household, text: str, language: str
) -> None:
    found = fast_path.recognise(text, language, household.layout)
    assert isinstance(found, Unsure)
    assert found.doubt is Doubt.MISHEARD
    assert len(found.suggestions) == 1


def test_two_names_that_sound_the_same_are_asked_about() -> None:
    layout = HouseLayout(entities=(Entity("light.a", "Pendant lamp"), Entity("light.b", "Pendent lamp")))
    assert notation(FastPath().recognise("turn on the pendint lamp", "en", layout)).startswith("?misheard")


def test_a_person_who_is_not_in_the_house_is_not_another_person() -> None:
    layout = HouseLayout(entities=(Entity("light.tom", "Tom's lamp"), Entity("light.marie", "Marie's lamp")))
    for name in ("Tim", "Ben", "Maya", "Anna"):
        found = FastPath().recognise(f"turn on {name}'s lamp", "en", layout)
        assert not isinstance(found, Recognised), name


def test_a_word_that_is_right_elsewhere_is_right() -> None:
    layout = HouseLayout(
        entities=(Entity("light.tom", "Tom's lamp"), Entity("fan.tim", "Tim's fan"), Entity("switch.van", "Van"))
    )
    fast_path = FastPath()
    assert notation(fast_path.recognise("turn on tim's lamp", "en", layout)) == "-"  # Tim is somebody else here
    assert notation(fast_path.recognise("turn on the fan", "en", layout)) == "-"  # a word of the templates


def test_a_number_is_never_another() -> None:
    layout = HouseLayout(
        entities=(Entity("light.one", "Lamp 1", ("燈一號",)), Entity("light.two", "Lamp two", ("燈四號",)))
    )
    fast_path = FastPath()
    assert notation(fast_path.recognise("turn on lamp 3", "en", layout)) == "-"
    assert notation(fast_path.recognise("turn on lamp three", "en", layout)) == "-"
    assert not isinstance(fast_path.recognise("打開燈十號", "zh-TW", layout), Recognised)


@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_a_thing_that_is_not_exposed_is_never_taken_for_one_that_is(language: str) -> None:
    """The names of half of a large house are said in its other half: nothing may happen there."""
    controllable = [entity for entity in large_layout().entities if entity.domain in VERBS]
    exposed = HouseLayout(entities=tuple(controllable[::2]))
    fast_path = FastPath()
    for entity in controllable[1::2]:
        name = entity.name if language == "en" else entity.aliases[0]
        verb = (VERBS if language == "en" else CHINESE_VERBS)[entity.domain]
        found = fast_path.recognise(verb.format(name), language, exposed)
        assert not isinstance(found, Recognised), (name, notation(found))


def test_every_room_and_thing_sounds_like_itself_only() -> None:
    words = sorted({word.casefold() for name, _ in ROOMS for word in name.split()} | {"bedside", "dining", "guest"})
    pairs = [(one, other) for one in words for other in words if one < other]
    assert [pair for pair in pairs if sounds_alike(*pair) >= Certainty.CERTAIN] == []


def test_the_nearest_three_come_nearest_first(household: Household) -> None:
    found = nearest(household.layout, "kitchn lamp", "en", domain="light")
    assert found[0].name == "Kitchen lamp"
    assert len(found) <= 3
    assert nearest(household.layout, "qzx", "en") == ()
    assert nearest(household.layout, "廚房登", "zh-TW")[0].name == "廚房燈"


def test_names_are_indexed_afresh_when_one_is_added(household: Household) -> None:
    layout = dataclasses.replace(household.layout, entities=household.layout.entities[:3])
    fast_path = FastPath()
    fast_path.recognise("turn on the lava lamp", "en", layout)
    more = dataclasses.replace(layout, entities=(*layout.entities, Entity("light.lava", "Lava lamp")))
    assert notation(fast_path.recognise("turn on the lavva lamp", "en", more)) == "HassTurnOn name=light.lava"
