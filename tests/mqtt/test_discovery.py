"""What Home Assistant is told to make of us."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2
import pytest
from mqtt_harness import Broker, Listener
from mqtt_harness.house import TOPICS, house

from avatar_appliance.mqtt.entities import discovery_payload, words


async def discovered(broker: Broker, folder: Path, language: str) -> dict[str, Any]:
    async with house(broker.port, folder, language=language) as running:
        await running.bridge.online()
        async with Listener.at(broker.port) as late:
            payload: dict[str, Any] = json.loads(await late.until(TOPICS.discovery or ""))
            assert TOPICS.discovery in late.retained
            return payload


async def test_the_device_and_its_entities_are_retained_with_all_that_home_assistant_requires(
    broker: Broker, tmp_path: Path
) -> None:
    payload = await discovered(broker, tmp_path, "en")
    assert payload["device"]["identifiers"]
    assert payload["origin"]["name"]
    assert payload["availability"] == [{"topic": "avatar/status"}]
    components = payload["components"]
    assert {"worker_piper", "start_piper", "stop_piper", "guest_mode", "gpu_lent", "problem"} <= set(components)
    assert {"memory_used_cuda_0", "memory_room_cuda_0", "turn", "degraded", "answer_delay", "think_time"} <= set(
        components
    )
    ids = [entity["unique_id"] for entity in components.values()]
    assert len(set(ids)) == len(ids)
    for key, entity in components.items():
        assert entity["platform"] in {"sensor", "binary_sensor", "button", "select", "event"}, key
        needed = "command_topic" if entity["platform"] == "button" else "state_topic"
        assert entity[needed].startswith("avatar/"), key


async def test_names_are_those_of_the_house(broker: Broker, tmp_path: Path) -> None:
    components = (await discovered(broker, tmp_path, "zh-TW"))["components"]
    assert components["guest_mode"]["name"] == "讓出 GPU 模式"
    assert components["degraded"]["name"] == "上次對話降級"


@pytest.mark.parametrize(
    ("key", "expected"), [("think_time", "120"), ("speak_time", ""), ("answer_delay", ""), ("degraded", "ON")]
)
def test_templates_read_a_turn(key: str, expected: str) -> None:
    entity = discovery_payload(None, TOPICS, words("en"))["components"][key]
    turn = {
        "degraded": "think: small instead of large: no-memory",
        "answer_delay_ms": None,
        "stages": [{"kind": "think", "duration_ms": 120}],
    }
    assert jinja2.Template(entity["value_template"]).render(value_json=turn) == expected


async def test_what_is_broken_is_a_problem_with_its_reason(broker: Broker, listener: Listener, tmp_path: Path) -> None:
    async with house(broker.port, tmp_path) as running:
        await running.bridge.online()
        await listener.until_json("avatar/problem", problem=False)
        running.card.broken = True
        problem = await listener.until_json("avatar/problem", problem=True)
        assert "cuda:0: cannot be read" in problem["reasons"]
