"""The fast path: what it resolves, what it asks back, what it never touches."""

from __future__ import annotations

import dataclasses
import random
import string
import time

import pytest
from house_harness.commands import notation
from house_harness.large_house import large_layout

from wyoming_servers.conversation.fast_path import Doubt, FastPath, Recognised, Unsure
from wyoming_servers.conversation.fast_path.question import question_for
from wyoming_servers.house.area import Area
from wyoming_servers.house.entity import Entity
from wyoming_servers.house.household import Household
from wyoming_servers.house.layout import HouseLayout


def house(*entities: Entity, areas: tuple[Area, ...] = ()) -> HouseLayout:
    return HouseLayout(areas=areas, entities=entities)


def say(layout: HouseLayout, text: str, language: str = "en", area: Area | None = None) -> str:
    return notation(FastPath().recognise(text, language, layout, area))


def test_the_area_is_given_by_its_id_and_called_by_its_name(fast_path: FastPath, household: Household) -> None:
    found = fast_path.recognise("turn on the lights in the lounge", "en", household.layout)
    assert isinstance(found, Recognised)
    assert found.call.area == household.layout.areas_by_id["living_room"]
    assert found.call.slots["area"].value == "living_room"
    assert found.call.slots["area"].text == "lounge"


def test_the_name_is_kept_as_the_owner_wrote_it(fast_path: FastPath, household: Household) -> None:
    found = fast_path.recognise("MUTE THE BEDROOM TV", "en", household.layout)
    assert isinstance(found, Recognised)
    assert found.call.slots["name"].spoken == "Bedroom TV"


def test_simplified_and_traditional_are_the_same(fast_path: FastPath, household: Household) -> None:
    one = fast_path.recognise("打开厨房灯", "zh-TW", household.layout)
    other = fast_path.recognise("打開廚房燈", "zh-CN", household.layout)
    assert notation(one) == notation(other) == "HassTurnOn name=light.kitchen_lamp"


def test_an_english_sentence_in_a_chinese_pipeline_is_understood(fast_path: FastPath, household: Household) -> None:
    found = fast_path.recognise("turn on the kitchen lamp", "zh-TW", household.layout)
    assert notation(found) == "HassTurnOn name=light.kitchen_lamp"
    assert isinstance(found, Recognised)
    assert found.call.language == "en"


def test_another_language_has_its_own_sentences() -> None:
    layout = house(Entity("light.kueche", "Küchenlampe"))
    assert say(layout, "Schalte die Küchenlampe ein", "de-DE") == "HassTurnOn name=light.kueche"


def test_a_language_without_sentences_is_left_to_the_model(household: Household) -> None:
    assert say(household.layout, "turn on the kitchen lamp", "xx") == "-"


def test_a_name_of_two_things_is_asked_about_with_their_rooms(fast_path: FastPath, household: Household) -> None:
    found = fast_path.recognise("turn on the ceiling light", "en", household.layout)
    assert isinstance(found, Unsure)
    assert question_for(found) == ("Which one do you mean: Ceiling light in Bedroom or Ceiling light in Living Room?")
    found = fast_path.recognise("打開大燈", "zh-TW", household.layout)
    assert isinstance(found, Unsure)
    assert question_for(found) == "你是指哪一個：臥室的大燈還是客廳的大燈？"


def test_a_misheard_name_that_is_not_certain_is_asked_about(fast_path: FastPath, household: Household) -> None:
    found = fast_path.recognise("turn on the mirra light", "en", household.layout)
    assert isinstance(found, Unsure)
    assert (found.doubt, question_for(found)) == (Doubt.MISHEARD, "Did you mean Mirror light?")


def test_a_thing_that_is_not_in_the_room_named(fast_path: FastPath, household: Household) -> None:
    found = fast_path.recognise("turn on the floor lamp in the kitchen", "en", household.layout)
    assert isinstance(found, Unsure)
    assert question_for(found) == "floor lamp is not in kitchen. Did you mean Floor lamp in Living Room?"


def test_a_room_without_such_things(fast_path: FastPath, household: Household) -> None:
    found = fast_path.recognise("turn on the fans in the kitchen", "en", household.layout)
    assert isinstance(found, Unsure)
    assert question_for(found) == "There is nothing like that in kitchen."


@pytest.mark.parametrize(
    "text", ["", " ", "。", "?!", "{name}", "[turn|on] <light> (", "\x00\x1b[2J", "a" * 5000, "燈" * 300]
)
def test_no_text_breaks_it(fast_path: FastPath, household: Household, text: str) -> None:
    assert fast_path.recognise(text, "en", household.layout) is None
    assert fast_path.recognise(text, "zh-TW", household.layout) is None


def test_random_text_and_random_names_break_nothing() -> None:
    chance = random.Random(7)
    signs = string.printable + "燈開關，。？{}[]()<>|：｛\u202e\u200b"
    for _ in range(8):
        names = ["".join(chance.choices(signs, k=chance.randint(1, 30))) for _ in range(8)]
        layout = house(*(Entity(f"light.l{n}", name) for n, name in enumerate(names)))
        fast_path = FastPath()
        for text in ("turn on the lights", "打開燈", "".join(chance.choices(signs, k=40)), f"turn on {names[0]}"):
            for language in ("en", "zh-TW"):
                fast_path.recognise(text, language, layout)


def test_a_name_that_looks_like_a_template_is_a_name() -> None:
    layout = house(Entity("light.a", "{area} lamp"), Entity("light.b", "(all|every) light"), Entity("light.c", "Lamp"))
    assert say(layout, "turn on the lamp") == "HassTurnOn name=light.c"
    assert say(layout, "turn on every light").startswith("-")


def test_a_renamed_house_is_understood_anew(fast_path: FastPath, household: Household) -> None:
    kettle = household.layout.entities_by_id["switch.kettle"]
    renamed = dataclasses.replace(
        household.layout,
        entities=tuple(dataclasses.replace(e, name="Teapot") if e == kettle else e for e in household.layout.entities),
    )
    own = FastPath()
    assert notation(own.recognise("turn on the kettle", "en", household.layout)) == "HassTurnOn name=switch.kettle"
    assert notation(own.recognise("turn on the teapot", "en", renamed)) == "HassTurnOn name=switch.kettle"
    assert isinstance(own.recognise("turn on the kettle", "en", renamed), (Unsure, type(None)))


def test_three_hundred_entities_take_milliseconds() -> None:
    """The figure proper comes from benchmarks/fast_path.py; CPU time does not count what others do to this machine."""
    layout = large_layout()
    fast_path = FastPath()
    fast_path.prepare(layout, ["en", "zh-TW"])
    spent = []
    for text in (
        "turn on the kitchen lamp",
        "turn on the kitchin lamp",
        "why is the sky blue",
        "打開廚房檯燈",
        "打開廚防檯燈",
    ):
        for _ in range(5):
            began = time.thread_time()
            fast_path.recognise(text, "en", layout)
            spent.append(time.thread_time() - began)
    assert sorted(spent)[len(spent) * 3 // 4] < 0.060
