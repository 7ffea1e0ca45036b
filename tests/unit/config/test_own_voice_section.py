"""The `own_voice` section, and in which languages somebody can be answered in their own voice."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from avatar_appliance.config.settings import Settings
from wyoming_servers.own_voice.folder import own_voice_languages

F5 = {"engine": "f5-tts", "weights": "random", "size": "tiny", "device": "cpu"}
POCKET = {"engine": "pocket-tts", "weights": "random", "language": "french"}


def house(ladder: list[str], languages: list[str], **own_voice: Any) -> Settings:
    workers = {**Settings().workers, "f5": F5, "pocket": POCKET}
    sections: dict[str, Any] = {
        "workers": workers,
        "tts": {"workers": ladder},
        "house": {"languages": languages},
        "own_voice": {"enabled": True, **own_voice},
    }
    return Settings(**sections)


def test_it_is_off_unless_the_owner_says_so() -> None:
    assert not Settings().own_voice.enabled
    assert own_voice_languages(house(["f5", "piper"], ["en"], enabled=False)) == ()


@pytest.mark.parametrize(
    ("ladder", "languages", "spoken"),
    [
        (["f5", "piper"], ["en"], ("en", "zh")),
        (["f5", "piper"], ["zh-TW", "en"], ("zh", "en")),
        (["pocket", "f5", "piper"], ["zh-TW"], ("zh", "fr", "en")),
        (["piper", "espeak"], ["en"], ()),
    ],
)
def test_the_cloning_workers_of_the_ladder_say_in_which_languages(
    ladder: list[str], languages: list[str], spoken: tuple[str, ...]
) -> None:
    found = own_voice_languages(house(ladder, languages))
    assert set(found) == set(spoken)
    assert found[:1] == spoken[:1]


@pytest.mark.parametrize("wrong", [{"keep_s": 5}, {"keep_s": 3600}, {"keeps": 60}])
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        house(["piper"], ["en"], **wrong)
