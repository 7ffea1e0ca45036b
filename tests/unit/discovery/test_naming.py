"""Names keep within DNS-SD's limits and say whose service it is."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zeroconf import service_type_name

from avatar_appliance.discovery import SERVICE_TYPE
from avatar_appliance.discovery.naming import host_name, instance_label


def test_a_name_holds_house_role_and_machine() -> None:
    assert instance_label("Lin family", "asr", "0123abcd") == "Lin family asr 0123abcd"


def test_a_later_attempt_differs_by_its_number_only() -> None:
    assert instance_label("Lin family", "asr", "0123abcd", 2) == "Lin family asr 0123abcd-2"
    assert host_name("asr", "0123abcd", 2) == "avatar-asr-0123abcd-2.local."


def test_a_long_chinese_house_name_is_cut_between_characters() -> None:
    label = instance_label("林家的房子" * 10, "conversation", "0123abcd")
    house = label.removesuffix(" conversation 0123abcd")
    assert len(label.encode()) <= 63
    assert len(label.encode()) > 60  # no room is wasted: the next character would not fit
    assert ("林家的房子" * 10).startswith(house)


def test_a_short_chinese_house_name_is_kept_as_it_is() -> None:
    assert instance_label("林家", "tts", "0123abcd") == "林家 tts 0123abcd"


@pytest.mark.parametrize(
    ("cluster", "people_see"),
    [("👨‍👩‍👧", "a family"), ("e\u0323\u0302", "one accented letter"), ("👍🏽", "a thumb with a skin tone")],
)
def test_a_cut_never_splits_what_people_see_as_one_character(cluster: str, people_see: str) -> None:
    composed = unicodedata.normalize("NFC", cluster)
    for padding in range(50):
        house = instance_label("x" * padding + cluster, "asr", "0123abcd").removesuffix(" asr 0123abcd")
        assert house in ("x" * min(padding, 50), "x" * padding + composed), people_see


@pytest.mark.parametrize("nothing", ["", "   ", ".", "\n\t", "_"])
def test_a_house_without_a_name_is_called_avatar(nothing: str) -> None:
    assert instance_label(nothing, "asr", "0123abcd") == "AVATAR asr 0123abcd"


def test_dots_and_control_characters_become_spaces() -> None:
    assert instance_label("J.\x00R. Lin\n", "asr", "0123abcd") == "J R Lin asr 0123abcd"


def test_composed_and_decomposed_spelling_give_one_name() -> None:
    assert instance_label("Cafe\u0301", "asr", "0123abcd") == instance_label("Café", "asr", "0123abcd")


@given(st.text(), st.integers(1, 9))
def test_any_title_gives_a_name_zeroconf_accepts(title: str, attempt: int) -> None:
    label = instance_label(title, "conversation", "0123abcd", attempt)
    assert service_type_name(f"{label}.{SERVICE_TYPE}") == SERVICE_TYPE
    assert len(label.encode()) <= 63
    assert label == label.strip()
