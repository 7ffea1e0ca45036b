"""What Home Assistant shall make of us: one table of entities, as the payload of its device-based discovery.

Pure: state in, payload out. Format: Home Assistant's documentation of the MQTT integration, "Device discovery payload".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from avatar_appliance import __version__
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.coordinator.state import CoordinatorState

from .payloads import TURN_EVENTS
from .topics import Topics, slug

# A turn without such a stage: an empty value leaves the last figure as it is.
_STAGE_MS = (
    "{{ value_json.stages | selectattr('kind', 'eq', '%s')"
    " | map(attribute='duration_ms') | first | default('', true) }}"
)
_GIB = "{{ (value_json.%s / 1073741824) | round(1) }}"


@dataclass(frozen=True, slots=True)
class Words:
    """Names of entities in one language; `{}` stands for a worker or a device."""

    device: str
    worker: str
    start: str
    stop: str
    used: str
    room: str
    guest_mode: str
    lent: str
    turn: str
    delay: str
    degraded: str
    problem: str
    transcribing: str
    thinking: str
    speaking: str


ENGLISH = Words(
    device="AVATAR voice",
    worker="{}",
    start="Load {}",
    stop="Unload {}",
    used="{} memory used",
    room="{} memory free for voice",
    guest_mode="Guest mode",
    lent="GPU lent",
    turn="Turn",
    delay="Answer delay",
    degraded="Last turn degraded",
    problem="Problem",
    transcribing="Transcribing time",
    thinking="Thinking time",
    speaking="Speaking time",
)
TRADITIONAL_CHINESE = Words(
    device="AVATAR 語音",
    worker="{}",
    start="載入 {}",
    stop="卸載 {}",
    used="{} 已用記憶體",
    room="{} 可用於語音的記憶體",
    guest_mode="讓出 GPU 模式",
    lent="GPU 已讓出",
    turn="對話",
    delay="回答延遲",
    degraded="上次對話降級",
    problem="問題",
    transcribing="語音辨識時間",
    thinking="思考時間",
    speaking="語音合成時間",
)


def words(language: str) -> Words:
    """Return the names for a house whose first language is `language` (BCP 47)."""
    return TRADITIONAL_CHINESE if language.lower().startswith("zh") else ENGLISH


def discovery_payload(state: CoordinatorState | None, topics: Topics, words: Words) -> dict[str, Any]:
    """Return the device with all of its entities; without a coordinator (None) those of turns only."""
    entities: dict[str, dict[str, Any]] = {}
    if state is not None:
        for worker in state.workers:
            entities |= _worker(worker.spec.name, worker.spec.external, topics, words)
        for device in state.devices:
            entities |= _memory(device.device, topics, words)
        entities |= _guest_mode(topics, words) | _problem(topics, words)
    entities |= _turns(topics, words)
    for key, entity in entities.items():
        entity["unique_id"] = f"avatar_{topics.node}_{key}"
    return {
        "device": {
            "identifiers": [f"avatar_{topics.node}"],
            "name": words.device,
            "manufacturer": "AVATAR",
            "model": "AVATAR Appliance",
            "sw_version": __version__,
        },
        "origin": {"name": "avatar-appliance", "sw_version": __version__},
        "availability": [{"topic": topics.availability}],
        "components": entities,
    }


def without_leftovers(payload: Mapping[str, Any], before: object) -> dict[str, Any] | None:
    """Return `payload` with the entities that only an earlier payload, `before`, had marked as gone.

    Home Assistant removes an entity when nothing but its platform is given. None: there is no such entity.
    """
    components = before.get("components") if isinstance(before, Mapping) else None
    if not isinstance(components, Mapping):
        return None
    gone = {
        key: {"platform": entity["platform"]}
        for key, entity in components.items()
        if key not in payload["components"] and isinstance(entity, Mapping) and len(entity) > 1 and "platform" in entity
    }
    return {**payload, "components": {**payload["components"], **gone}} if gone else None


def _worker(name: str, external: bool, topics: Topics, words: Words) -> dict[str, dict[str, Any]]:
    key = slug(name)
    found: dict[str, dict[str, Any]] = {
        f"worker_{key}": {
            "platform": "sensor",
            "name": words.worker.format(name),
            "icon": "mdi:brain",
            "device_class": "enum",
            "options": [state.value for state in SlotState],
            "entity_category": "diagnostic",
            "state_topic": topics.worker(name),
            "value_template": "{{ value_json.state }}",
            "json_attributes_topic": topics.worker(name),
        }
    }
    if not external:
        for verb, text, icon in (("start", words.start, "mdi:play"), ("stop", words.stop, "mdi:stop")):
            found[f"{verb}_{key}"] = {
                "platform": "button",
                "name": text.format(name),
                "icon": icon,
                "entity_category": "config",
                "command_topic": topics.worker_command(name),
                "payload_press": verb,
            }
    return found


def _memory(device: str, topics: Topics, words: Words) -> dict[str, dict[str, Any]]:
    shared: dict[str, Any] = {
        "platform": "sensor",
        "device_class": "data_size",
        "state_class": "measurement",
        "unit_of_measurement": "GiB",
        "suggested_display_precision": 1,
        "entity_category": "diagnostic",
        "state_topic": topics.memory(device),
    }
    label = device.upper() if device == "cpu" else device
    return {
        f"memory_used_{slug(device)}": {
            **shared,
            "name": words.used.format(label),
            "icon": "mdi:memory",
            "value_template": _GIB % "held_bytes",
        },
        f"memory_room_{slug(device)}": {
            **shared,
            "name": words.room.format(label),
            "icon": "mdi:memory",
            "value_template": _GIB % "room_bytes",
        },
    }


def _guest_mode(topics: Topics, words: Words) -> dict[str, dict[str, Any]]:
    return {
        "guest_mode": {
            "platform": "select",
            "name": words.guest_mode,
            "icon": "mdi:controller",
            "options": ["auto", "on", "off"],
            "state_topic": topics.guest_mode,
            "value_template": "{{ value_json.mode }}",
            "command_topic": topics.guest_mode_command,
        },
        "gpu_lent": {
            "platform": "binary_sensor",
            "name": words.lent,
            "icon": "mdi:expansion-card",
            "state_topic": topics.guest_mode,
            "value_template": "{{ 'ON' if value_json.guests else 'OFF' }}",
            "json_attributes_topic": topics.guest_mode,
        },
    }


def _problem(topics: Topics, words: Words) -> dict[str, dict[str, Any]]:
    return {
        "problem": {
            "platform": "binary_sensor",
            "name": words.problem,
            "device_class": "problem",
            "entity_category": "diagnostic",
            "state_topic": topics.problem,
            "value_template": "{{ 'ON' if value_json.problem else 'OFF' }}",
            "json_attributes_topic": topics.problem,
        }
    }


def _turns(topics: Topics, words: Words) -> dict[str, dict[str, Any]]:
    duration: dict[str, Any] = {
        "platform": "sensor",
        "icon": "mdi:timer-outline",
        "device_class": "duration",
        "state_class": "measurement",
        "unit_of_measurement": "ms",
        "suggested_display_precision": 0,
        "entity_category": "diagnostic",
        "state_topic": topics.turn,
    }
    named = (("transcribe", words.transcribing), ("think", words.thinking), ("speak", words.speaking))
    stages: dict[str, dict[str, Any]] = {
        f"{kind}_time": {**duration, "name": name, "value_template": _STAGE_MS % kind} for kind, name in named
    }
    return {
        **stages,
        "degraded": {
            "platform": "binary_sensor",
            "name": words.degraded,
            "icon": "mdi:stairs-down",
            "entity_category": "diagnostic",
            "state_topic": topics.turn,
            "value_template": "{{ 'ON' if value_json.degraded else 'OFF' }}",
        },
        "turn": {
            "platform": "event",
            "name": words.turn,
            "icon": "mdi:account-voice",
            "event_types": list(TURN_EVENTS),
            "state_topic": topics.turn,
        },
        "answer_delay": {
            **duration,
            "name": words.delay,
            # A turn without sound (typed, broken off): an empty value leaves the last figure as it is.
            "value_template": "{{ value_json.answer_delay_ms or '' }}",
        },
    }
