"""The house talks to itself while nobody else does: with the embedded models, and with ears that are deaf."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .appliance import Appliance, until

pytestmark = pytest.mark.system

OFTEN = {"interval_s": 5, "quiet_s": 0, "timeout_s": 120}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Appliance]:
    appliance = Appliance(tmp_path, arguments=("--no-fetch",))
    try:
        yield appliance
    finally:
        appliance.kill()
        print(appliance.log.read_text("utf-8"))


@pytest.mark.parametrize("languages", [["en", "zh-TW"], ["zh-TW", "en"]])
def test_the_embedded_models_understand_each_other_and_leave_no_turn(languages: list[str], house: Appliance) -> None:
    house.overrides = {"canary": OFTEN, "house": {"languages": languages}}
    house.start()
    until("a canary that is understood", lambda: "understands what it says" in house.log.read_text("utf-8"), 240)
    assert house.get("/api/turns")["items"] == []
    assert house.get("/api/system/info")["problems"] == []
    assert "canary" not in house.decisions("whisper-base")


def test_deaf_ears_are_restarted_and_a_problem_is_shown(house: Appliance) -> None:
    house.overrides = {
        "canary": OFTEN,
        "workers": {
            "mouth": {"engine": "fake", "fake_role": "tts"},
            "ears": {"engine": "fake", "fake_role": "asr"},  # hears the kitchen light, whatever is said
            "mind": {"engine": "fake", "fake_role": "llm"},
        },
        "tts": {"workers": ["mouth"]},
        "asr": {"workers": ["ears"]},
        "conversation": {"workers": ["mind"]},
    }
    house.start()

    def problems() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = house.get("/api/system/info")["problems"]
        return found

    (problem,) = until("a problem", problems, 120)
    assert (problem["code"], problem["worker"]) == ("canary-failed", "ears")
    until("the restart", lambda: {"canary", "stop"} <= {*house.decisions("ears")}, 30)
    until("ears that are back", lambda: house.decisions("ears").count("ready") >= 2, 60)
