"""What Home Assistant is told of the device."""

from __future__ import annotations

import pytest
from mqtt_harness.house import spec

from avatar_appliance.coordinator.device import DeviceReading
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.coordinator.state import CoordinatorState, DeviceState, GuestState, WorkerState
from avatar_appliance.mqtt.entities import discovery_payload, without_leftovers, words
from avatar_appliance.mqtt.topics import Topics, slug

TOPICS = Topics("home/avatar", "homeassistant", "0123abcd")
STATE = CoordinatorState(
    devices=[
        DeviceState(
            device="cuda:0",
            reading=DeviceReading(device="cuda:0", name="card", total_bytes=24 << 30, used_bytes=0),
            budget_bytes=20 << 30, charged_bytes=0, foreign_bytes=0, charges={}, foreign_processes=(), guest=None,
            lost=False,
        )
    ],
    workers=[WorkerState(spec=spec("f5"), engine="fake", state=SlotState.READY, pinned=False)],
    waiting=[],
    guest_mode=GuestState(mode="auto"),
    decisions=[],
)  # fmt: skip


def test_every_entity_has_an_id_a_name_and_topics_of_ours() -> None:
    payload = discovery_payload(STATE, TOPICS, words("en"))
    entities = payload["components"]
    assert len({entity["unique_id"] for entity in entities.values()}) == len(entities) == 14
    for entity in entities.values():
        assert entity["name"]
        topics = [value for key, value in entity.items() if key.endswith("_topic")]
        assert topics
        assert all(topic.startswith("home/avatar/") for topic in topics)
    assert payload["availability"] == [{"topic": "home/avatar/status"}]


def test_a_house_that_speaks_chinese_reads_chinese_names() -> None:
    payload = discovery_payload(STATE, TOPICS, words("zh-TW"))
    assert payload["components"]["start_f5"]["name"] == "載入 f5"
    assert payload["device"]["name"] == "AVATAR 語音"


def test_without_a_coordinator_there_are_turns_only() -> None:
    components = discovery_payload(None, TOPICS, words("en"))["components"]
    assert set(components) == {"turn", "degraded", "answer_delay", "transcribe_time", "think_time", "speak_time"}


@pytest.mark.parametrize("before", [None, [], {"components": []}, {"components": {"x": 1}}, {"components": {"x": {}}}])
def test_what_is_no_payload_of_ours_leaves_nothing_over(before: object) -> None:
    assert without_leftovers(discovery_payload(STATE, TOPICS, words("en")), before) is None


@pytest.mark.parametrize(
    ("text", "expected"), [("cuda:0", "cuda_0"), ("Whisper Base", "whisper_base"), ("a.b-c", "a_b_c")]
)
def test_a_name_becomes_part_of_a_topic(text: str, expected: str) -> None:
    assert slug(text) == expected


@pytest.mark.parametrize(
    ("topic", "worker"),
    [
        ("home/avatar/worker/f5/set", "f5"),
        ("home/avatar/worker/a/b/set", None),
        ("home/avatar/worker//set", None),
        ("home/avatar/guest_mode/set", None),
    ],
)
def test_a_command_names_its_worker(topic: str, worker: str | None) -> None:
    assert TOPICS.worker_of_command(topic) == worker
