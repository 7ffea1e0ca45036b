"""What the bridge does when things go badly: killed, flooded, not let in."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path

import pytest
import trustme
from mqtt_harness import Broker, Listener
from mqtt_harness.house import house

from avatar_appliance.config import Settings
from avatar_appliance.doctor.finding import Severity
from avatar_appliance.doctor.mqtt import mqtt

FLOOD = 1500


async def test_the_broker_says_offline_for_an_appliance_that_was_killed(broker: Broker, listener: Listener) -> None:
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mqtt_harness.lonely_bridge", str(broker.port), env={**os.environ, "PYTHONPATH": path}
    )
    try:
        await listener.until("avatar/status", lambda said: said == "online")
        process.kill()
        await listener.until("avatar/status", lambda said: said == "offline")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_flood_of_bad_commands_neither_fills_the_log_nor_stops_the_next_good_one(
    broker: Broker, listener: Listener, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with house(broker.port, tmp_path) as running:
        await running.bridge.online()
        with caplog.at_level(logging.WARNING, "avatar_appliance"):
            await asyncio.gather(*(listener.say("avatar/worker/piper/set", f"nonsense {n}") for n in range(FLOOD)))
            await listener.until_json("avatar/event/error", code="mqtt-payload-invalid")
            async with asyncio.timeout(30):
                while not listener.has("avatar/worker/piper", '"pinned":true'):  # a full queue may have dropped it
                    await listener.say("avatar/worker/piper/set", "pin")
                    await asyncio.sleep(0.1)
        warnings = [record for record in caplog.records if "MQTT command on" in record.getMessage()]
        assert 1 <= len(warnings) <= 10
        ours = [record for record in caplog.records if record.name.startswith("avatar_appliance.mqtt")]
        assert len(ours) <= 20


@pytest.mark.parametrize(("password", "severity"), [("right", Severity.FINE), ("wrong-one", Severity.PROBLEM)])
async def test_the_doctor_says_whether_the_broker_lets_us_in(tmp_path: Path, password: str, severity: Severity) -> None:
    broker = Broker(tmp_path / "broker", {"avatar": "right"})
    broker.start()
    try:
        section = {"host": "127.0.0.1", "port": broker.port, "username": "avatar", "password": password}
        finding = await mqtt(Settings.model_validate({"mqtt": section}))
    finally:
        broker.stop()
    assert finding.severity is severity
    assert password not in f"{finding.text} {finding.fix}" or password == "right"
    assert severity is Severity.FINE or "mqtt.username" in (finding.fix or "")


async def test_the_doctor_says_that_no_broker_is_there(tmp_path: Path) -> None:
    broker = Broker(tmp_path / "broker")  # never started
    finding = await mqtt(Settings.model_validate({"mqtt": {"host": "127.0.0.1", "port": broker.port}}))
    assert finding.severity is Severity.PROBLEM
    assert "mqtt.host" in (finding.fix or "")


async def test_an_encrypted_connection_is_made_to_whom_the_certificates_name_and_to_nobody_else(
    tmp_path: Path,
) -> None:
    ours, strangers = trustme.CA(), trustme.CA()
    for name, authority in (("ours", ours), ("strangers", strangers)):
        authority.cert_pem.write_to_path(str(tmp_path / f"{name}.pem"))
    broker = Broker(tmp_path / "broker", tls=ours.issue_cert("localhost"))
    broker.start()
    try:
        async with house(broker.port, tmp_path, host="localhost", tls=True, ca_file=tmp_path / "ours.pem") as running:
            async with asyncio.timeout(30):
                await running.bridge.online()
        section = {"host": "localhost", "port": broker.port, "tls": True, "ca_file": str(tmp_path / "strangers.pem")}
        finding = await mqtt(Settings.model_validate({"mqtt": section}))
        assert (finding.severity, "mqtt.ca_file" in finding.fix) == (Severity.PROBLEM, True)
        (tmp_path / "empty.pem").touch()
        for unusable in ("none.pem", "empty.pem"):
            finding = await mqtt(Settings.model_validate({"mqtt": {**section, "ca_file": str(tmp_path / unusable)}}))
            assert (finding.severity, unusable in finding.text) == (Severity.PROBLEM, True)
    finally:
        broker.stop()
