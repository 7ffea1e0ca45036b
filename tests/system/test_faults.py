"""What goes wrong in a real house: each gets a clear error or recovers, and the next request works."""

from __future__ import annotations

import asyncio
import os
import signal
import socket

import pytest
from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.tts import Synthesize, SynthesizeVoice

from avatar_appliance.client import ServerError, WavAudio, converse, describe, synthesize, transcribe

from .appliance import ROLES, Appliance, until
from .words import error_rate

pytestmark = pytest.mark.system


async def works(appliance: Appliance) -> None:
    """Every stage serves a request."""
    spoken = await synthesize(appliance.endpoint("tts"), "Turn on the kitchen light, please.", language="en")
    heard = await transcribe(appliance.endpoint("asr"), spoken.audio, language="en")
    assert "kitchen" in heard.text.lower()
    assert (await converse(appliance.endpoint("conversation"), "Good morning!", language="en")).text


async def error_code(appliance: Appliance, role: str, raw: bytes) -> str:
    """Return the code of the error event that raw bytes are answered with."""
    with pytest.raises(ServerError) as caught:
        async with appliance.endpoint(role).connect() as connection:
            connection._writer.write(raw)
            while True:
                await connection.receive(10)
    return str(caught.value.server_code)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "bad-request"),
        (b'{"type": "transcribe", "payload_length": 99999999999}\n', "frame-too-large"),
        (b'{"type": "transcribe", "data_length": 99999999999}\n', "frame-too-large"),
        (b'{"type": "' + b"x" * 100_000 + b'"}\n', "frame-too-large"),
        (b"\x16\x03\x01\x02\x00\x01\x00\n", "bad-request"),
    ],
    ids=["http", "huge payload", "huge data", "huge header", "tls"],
)
async def test_garbage_gets_an_error_with_a_code(appliance: Appliance, role: str, raw: bytes, code: str) -> None:
    assert await error_code(appliance, role, raw) == code


async def test_half_a_message_harms_nobody(appliance: Appliance) -> None:
    for role in ROLES:
        with socket.create_connection(("127.0.0.1", appliance.ports[role])) as client:
            client.sendall(b'{"type": "transcript", "data_length": 100}\n{"te')
    await works(appliance)


async def test_two_hundred_idle_connections_do_not_shut_home_assistant_out(appliance: Appliance) -> None:
    idle = [socket.create_connection(("127.0.0.1", appliance.ports[role])) for role in ROLES for _ in range(200)]
    try:
        for role in ROLES:
            await describe(appliance.endpoint(role))
        await works(appliance)
    finally:
        for connection in idle:
            connection.close()


async def test_audio_stop_without_audio_is_an_empty_transcript(appliance: Appliance) -> None:
    async with appliance.endpoint("asr").connect() as connection:
        await connection.send(Transcribe(language="en"))
        await connection.send(AudioStart(16_000, 2, 1))
        await connection.send(AudioStop())
        while (event := await connection.receive(20)).type != "transcript":
            pass
        assert event.data["text"] == ""


async def test_ten_minutes_of_audio_are_refused(appliance: Appliance) -> None:
    audio = WavAudio(16_000, 2, 1, bytes(2 * 16_000 * 600))
    with pytest.raises(ServerError) as caught:
        await transcribe(appliance.endpoint("asr"), audio, language="en")
    assert caught.value.server_code == "audio-too-long"
    await works(appliance)


async def test_too_much_text_is_refused(appliance: Appliance) -> None:
    with pytest.raises(ServerError) as caught:
        await synthesize(appliance.endpoint("tts"), "word " * 4000, language="en")
    assert caught.value.server_code == "text-too-long"
    apology = await converse(appliance.endpoint("conversation"), "word " * 4000, language="en")
    assert not apology.handled
    assert "fewer words" in apology.text


async def test_an_unknown_voice_is_an_error_not_a_default(appliance: Appliance) -> None:
    with pytest.raises(ServerError) as caught:
        await synthesize(appliance.endpoint("tts"), "Hello.", voice="nobody")
    assert caught.value.server_code == "voice-unknown"


async def test_the_servers_answer_describe_at_once_while_the_models_work(appliance: Appliance) -> None:
    """Home Assistant asks every 30 s and gives up after 5 s."""
    story = " ".join(f"This is sentence number {index}." for index in range(40))
    busy = [
        asyncio.create_task(synthesize(appliance.endpoint("tts"), story, language="en")),
        asyncio.create_task(converse(appliance.endpoint("conversation"), "Tell me a long story.", language="en")),
    ]
    for _ in range(20):
        for role in ROLES:
            await asyncio.wait_for(describe(appliance.endpoint(role)), 2)
    await asyncio.gather(*busy)


@pytest.mark.parametrize("worker", ["whisper-base", "piper", "chat"])
async def test_a_killed_worker_is_restarted(appliance: Appliance, worker: str) -> None:
    before = appliance.processes()[worker]
    os.kill(before["pid"], signal.SIGKILL)

    def back() -> bool:
        now = appliance.processes()[worker]
        return now["state"] == "ready" and now["pid"] != before["pid"]

    await asyncio.to_thread(until, f"{worker} is back", back, 60)
    await works(appliance)


async def test_a_worker_killed_in_mid_sentence_costs_no_words(appliance: Appliance) -> None:
    """The sentence it was speaking is spoken again, by itself restarted or by another voice, and marked degraded."""
    pid = appliance.processes()["piper"]["pid"]
    text = (
        "The kettle is on. My brother plays the guitar. It rained all night. The train leaves at noon. "
        "She painted the door green. We had soup for dinner. The dog sleeps under the table."
    )
    async with appliance.endpoint("tts").connect() as connection:
        voice = SynthesizeVoice(name="en_US-joe-medium")
        # Nobody plays it: what is transcribed below is not the box hearing itself.
        await connection.send(Synthesize(text=text, voice=voice, context={"played": False}))
        pcm, killed = bytearray(), False
        while True:
            event = await connection.receive(60)
            if AudioChunk.is_type(event.type):
                pcm += AudioChunk.from_event(event).audio
                if not killed:
                    os.kill(pid, signal.SIGKILL)
                    killed = True
            elif AudioStop.is_type(event.type):
                break
    heard = await transcribe(appliance.endpoint("asr"), WavAudio(24_000, 2, 1, bytes(pcm)), language="en")
    assert error_rate(text, heard.text) <= 0.2
    await asyncio.to_thread(until, "piper is back", lambda: appliance.processes()["piper"]["state"] == "ready", 60)


async def test_a_killed_server_is_back_on_its_port(appliance: Appliance) -> None:
    for role in ROLES:
        pid = appliance.processes()[role]["pid"]
        os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(
            until,
            f"{role} is back",
            lambda role=role, pid=pid: (p := appliance.processes()[role])["state"] == "ready" and p["pid"] != pid,
            60,
        )
    # A server that has just come back asks its workers again before it lists them.
    while len((await describe(appliance.endpoint("tts"))).tts[0].voices) < 3:
        await asyncio.sleep(0.05)
    await works(appliance)


def test_data_plane_and_control_plane_stay_small(appliance: Appliance) -> None:
    """300 MB resident together, the workers not counted."""
    planes = {n: p["rss_bytes"] for n, p in appliance.processes().items() if p["kind"] in ("server", "control")}
    assert set(planes) == {"control", *ROLES}
    assert sum(planes.values()) <= 300 * 2**20, planes
