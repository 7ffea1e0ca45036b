"""The bridge at a real broker: states, events, commands, and connections that break."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from pathlib import Path
from typing import Any

import pytest
from mqtt_harness import Broker, Listener
from mqtt_harness.house import TOPICS, house
from shell_harness import GIB

from avatar_appliance.coordinator.events import StopWanted
from avatar_appliance.turns import StageReport

PRIVATE = "my safe's number is 4711"


def stage(kind: str, at: float, **values: Any) -> StageReport:
    return StageReport(kind=kind, connection_id=f"c{at}", started_at=at, ended_at=at + 0.1, **values)  # type: ignore[arg-type]


async def test_states_are_retained_for_whoever_comes_later(broker: Broker, tmp_path: Path) -> None:
    async with house(broker.port, tmp_path) as running:
        await running.bridge.online()
        async with Listener.at(broker.port) as late:
            assert await late.until("avatar/status") == "online"
            piper = await late.until_json("avatar/worker/piper", state="ready")
            assert (piper["role"], piper["engine"], piper["charged_bytes"]) == ("tts", "fake", 2 * GIB)
            card = await late.until_json("avatar/memory/cuda_0", charged_bytes=4 * GIB)
            assert card["room_bytes"] == card["budget_bytes"] - 4 * GIB
            guest = await late.until_json("avatar/guest_mode")
            assert guest == {"mode": "auto", "until": None, "guests": {}}
            assert {"avatar/status", "avatar/guest_mode"} <= late.retained


async def test_leaving_says_offline(broker: Broker, listener: Listener, tmp_path: Path) -> None:
    async with house(broker.port, tmp_path) as running:
        await running.bridge.online()
    await listener.until("avatar/status", lambda said: said == "offline")


async def test_decisions_are_events_in_the_words_of_the_api(broker: Broker, listener: Listener, tmp_path: Path) -> None:
    async with house(broker.port, tmp_path) as running:
        await running.bridge.online()
        await listener.say("avatar/worker/piper/set", "stop")
        decision = await listener.until_json("avatar/event/decision", kind="stopped", worker="piper")
        assert decision["text"].startswith("piper")
        assert "avatar/event/decision" not in listener.retained


async def test_a_degraded_turn_is_an_event_with_its_rung_and_reason_and_without_words(
    broker: Broker, listener: Listener, tmp_path: Path
) -> None:
    async with house(broker.port, tmp_path) as running:
        await running.bridge.online()
        now = time.time()
        await running.joiner.report(stage("think", now, text_in=PRIVATE, text_out=PRIVATE, conversation_id="c"))
        await running.joiner.report(
            stage("speak", now + 0.2, text_in=PRIVATE, worker="piper", degraded="piper instead of f5: no-memory")
        )
        turn = await listener.until_json("avatar/event/turn")
        assert turn["event_type"] == "degraded"
        assert turn["degraded"] == "speak: piper instead of f5: no-memory"
        assert [each["kind"] for each in turn["stages"]] == ["think", "speak"]
        assert "answer" not in turn
        assert not [payload for _, payload in listener.heard if PRIVATE in payload]


async def test_words_are_told_only_where_the_owner_wants_it(broker: Broker, listener: Listener, tmp_path: Path) -> None:
    async with house(broker.port, tmp_path, publish_text=True) as running:
        await running.bridge.online()
        await running.joiner.report(stage("think", time.time(), text_in="你好", text_out="您好"))
        turn = await listener.until_json("avatar/event/turn")
        assert (turn["event_type"], turn["transcript"], turn["answer"]) == ("ok", "你好", "您好")


async def test_a_command_is_carried_out_and_its_outcome_told(
    broker: Broker, listener: Listener, tmp_path: Path
) -> None:
    async with house(broker.port, tmp_path) as running:
        await running.bridge.online()
        await listener.until_json("avatar/worker/f5", state="ready")
        await listener.say("avatar/worker/f5/set", "stop")
        await listener.until_json("avatar/worker/f5", state="stopped", held_down=True)
        after = len(listener.heard)
        await listener.say("avatar/worker/f5/set", "START")
        await listener.until_json("avatar/worker/f5", after=after, state="ready", held_down=False)
        assert running.launcher.calls.count(("start", "f5")) == 2


async def test_guest_mode_is_set_for_a_while_and_empties_the_gpu(
    broker: Broker, listener: Listener, tmp_path: Path
) -> None:
    async with house(broker.port, tmp_path) as running:
        await running.bridge.online()
        await listener.say("avatar/guest_mode/set", '{"mode": "on", "duration_s": 3600}')
        guest = await listener.until_json("avatar/guest_mode", mode="on")
        assert list(guest["guests"]) == ["cuda:0"]
        assert guest["until"]
        await listener.until_json("avatar/worker/piper", state="stopped")
        await listener.say("avatar/guest_mode/set", "off")
        await listener.until_json("avatar/guest_mode", mode="off")


@pytest.mark.parametrize(
    ("topic", "payload", "code"),
    [
        ("avatar/worker/piper/set", "explode", "mqtt-payload-invalid"),
        ("avatar/worker/piper/set", b"\xff\xfe", "mqtt-payload-invalid"),
        ("avatar/worker/nobody/set", "start", "worker-unknown"),
        ("avatar/worker/piper/set", "sleep", "command-refused"),
        ("avatar/guest_mode/set", "perhaps", "mqtt-payload-invalid"),
        ("avatar/guest_mode/set", '{"mode": "on", "duration_s": -1}', "mqtt-payload-invalid"),
        ("avatar/guest_mode/set", "[" * 900, "mqtt-payload-invalid"),
        ("avatar/guest_mode/set", '{"a":' * 200, "mqtt-payload-invalid"),
        ("avatar/guest_mode/set", "x" * 100_000, "mqtt-payload-invalid"),
    ],
)
async def test_a_command_that_makes_no_sense_is_answered_and_the_next_one_works(
    broker: Broker, listener: Listener, tmp_path: Path, topic: str, payload: str | bytes, code: str
) -> None:
    async with house(broker.port, tmp_path) as running:
        await running.bridge.online()
        await listener.say(topic, payload)
        problem = await listener.until_json("avatar/event/error", code=code)
        assert problem["topic"] == topic
        assert problem["hint"]
        await listener.say("avatar/guest_mode/set", "off")
        await listener.until_json("avatar/guest_mode", mode="off")


async def test_a_retained_command_is_not_carried_out(broker: Broker, listener: Listener, tmp_path: Path) -> None:
    await listener.say("avatar/guest_mode/set", "on", retain=True)
    async with house(broker.port, tmp_path) as running:
        await running.bridge.online()
        await listener.say("avatar/worker/piper/set", "pin")
        await listener.until_json("avatar/worker/piper", pinned=True)  # in order: the other one was dealt with
        assert json.loads(await listener.until("avatar/guest_mode"))["mode"] == "auto"


async def test_a_broker_that_restarts_is_found_again_and_told_what_happened_meanwhile(
    broker: Broker, tmp_path: Path
) -> None:
    async with house(broker.port, tmp_path) as running:
        await running.bridge.online()
        broker.stop()
        running.coordinator.submit(StopWanted("piper"))
        broker.start()
        async with Listener.at(broker.port) as listener:
            await listener.until("avatar/status", lambda said: said == "online")
            await listener.until_json("avatar/worker/piper", state="stopped")
            await listener.until_json("avatar/event/decision", kind="stopped", worker="piper")


async def test_a_broker_that_does_not_let_us_in_is_one_clear_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = Broker(tmp_path / "broker", {"avatar": "right"})
    broker.start()
    try:
        with caplog.at_level(logging.INFO):
            async with house(broker.port, tmp_path, username="avatar", password="wrong-one"):
                async with asyncio.timeout(20):
                    while not (lines := [r for r in caplog.records if "mqtt-broker-refused" in r.getMessage()]):
                        await asyncio.sleep(0.02)
        assert len(lines) == 1
        assert "mqtt.username" in lines[0].getMessage()
        assert "wrong-one" not in caplog.text
        async with house(broker.port, tmp_path, username="avatar", password="right") as running:
            async with asyncio.timeout(20):
                await running.bridge.online()
    finally:
        broker.stop()


async def test_home_assistant_that_restarts_hears_everything_again(
    broker: Broker, listener: Listener, tmp_path: Path
) -> None:
    async with house(broker.port, tmp_path) as running:
        await running.bridge.online()
        await listener.until_json("avatar/worker/piper", state="ready")
        await listener.until(TOPICS.discovery or "")
        after = len(listener.heard)
        await listener.say("homeassistant/status", "online")
        await listener.until(TOPICS.discovery or "", after=after)
        await listener.until_json("avatar/worker/piper", after=after, state="ready")


async def test_an_entity_of_an_earlier_configuration_is_taken_back(
    broker: Broker, listener: Listener, tmp_path: Path
) -> None:
    async with house(broker.port, tmp_path) as running:
        await running.bridge.online()
    (tmp_path / "later").mkdir()
    async with house(broker.port, tmp_path / "later", names=("piper",)) as running:
        await running.bridge.online()
        topic = TOPICS.discovery or ""

        def marks_f5(payload: str) -> bool:
            return bool(json.loads(payload)["components"].get("worker_f5") == {"platform": "sensor"})

        marked = await listener.until(topic, marks_f5)
        after = listener.heard.index((topic, marked))
        await listener.until(topic, lambda payload: "worker_f5" not in json.loads(payload)["components"], after=after)
