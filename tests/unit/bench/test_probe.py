"""One timed request or turn against scripted servers."""

from __future__ import annotations

import pytest

from avatar_appliance.bench import Endpoints
from avatar_appliance.bench.probe import (
    Missed,
    Wishes,
    time_answer,
    time_live_transcript,
    time_speech,
    time_transcript,
    time_turn,
)
from avatar_appliance.bench.recordings import Recording
from avatar_appliance.client import Endpoint

from .conftest import Script, Serve, Stubs, asr_script, handle_script, tts_script

WISHES = Wishes(trailing_silence_s=0.02)


async def test_a_turn_has_every_stage_in_the_order_it_happens(serve: Serve, stubs: Stubs, recording: Recording) -> None:
    timing = await time_turn(await stubs.start(serve), recording, WISHES, client_ends=False)
    assert timing.missed is None
    assert timing.heard == "turn on the light"
    assert list(timing.values) == ["transcript", "first_token", "answer", "first_audio", "speech", "speech_rtf"]
    times = list(timing.values.values())[:5]
    assert times == sorted(times)
    assert times[0] > 0


async def test_a_turn_counts_from_the_last_loud_sample_at_microphone_pace(serve: Serve, recording: Recording) -> None:
    # The stub answers at the end of the audio: 30 ms of recording and 20 ms of silence behind the last loud frame.
    timing = await time_live_transcript(await serve(asr_script()), recording, WISHES, client_ends=False)
    assert timing.values["transcript"] >= 40


async def test_each_stage_has_a_connection_of_its_own(serve: Serve, stubs: Stubs, recording: Recording) -> None:
    endpoints = await stubs.start(serve)
    for _ in range(2):
        await time_turn(endpoints, recording, WISHES, client_ends=False)
    assert [s.connections for s in (stubs.asr, stubs.handle, stubs.tts)] == [2, 2, 2]


async def test_an_answer_before_the_last_loud_sample_is_no_latency(serve: Serve, recording: Recording) -> None:
    endpoint = await serve(asr_script("turn on", at_once=True))
    timing = await time_live_transcript(endpoint, recording, WISHES, client_ends=False)
    assert timing.missed == Missed("transcript", "cut-short")
    assert timing.values == {}
    assert timing.heard is None  # half a sentence is no measure of hearing


async def test_an_empty_transcript_ends_the_turn(serve: Serve, stubs: Stubs, recording: Recording) -> None:
    stubs.asr = asr_script("  ")
    timing = await time_turn(await stubs.start(serve), recording, WISHES, client_ends=False)
    assert timing.missed == Missed("transcript", "no-transcript")
    assert stubs.handle.requests == 0


@pytest.mark.parametrize("script", [handle_script("Sorry.", handled=False), handle_script("")])
async def test_an_apology_or_silence_is_no_answer(
    serve: Serve, stubs: Stubs, recording: Recording, script: Script
) -> None:
    stubs.handle = script
    timing = await time_turn(await stubs.start(serve), recording, WISHES, client_ends=False)
    assert timing.missed == Missed("answer", "no-answer")
    assert list(timing.values) == ["transcript"]
    assert stubs.tts.requests == 0


async def test_speech_without_audio_is_missed(serve: Serve) -> None:
    timing = await time_speech(await serve(tts_script(b"")), "Hello.", None)
    assert timing.missed == Missed("first_audio", "no-audio")
    assert timing.values == {}


async def test_a_turn_keeps_what_it_reached_before_a_server_failed(
    serve: Serve, stubs: Stubs, recording: Recording
) -> None:
    stubs.tts.error = "voice-unknown"
    timing = await time_turn(await stubs.start(serve), recording, WISHES, client_ends=False)
    assert timing.missed == Missed("first_audio", "server-error")
    assert "answer" in timing.values
    assert "first_audio" not in timing.values


async def test_a_server_that_hangs_up_is_a_miss_in_each_stage(serve: Serve, stubs: Stubs, recording: Recording) -> None:
    for script in (stubs.asr, stubs.handle, stubs.tts):
        script.hang_up = True
    at = await stubs.start(serve)
    missed = [
        (await time_transcript(at.asr, recording)).missed,
        (await time_live_transcript(at.asr, recording, WISHES, client_ends=False)).missed,
        (await time_answer(at.conversation, "?", "en")).missed,
        (await time_speech(at.tts, "Hello.", None)).missed,
    ]
    code = "worker-unavailable"
    assert missed == [
        Missed("transcript", code),
        Missed("transcript", code),
        Missed("answer", code),
        Missed("first_audio", code),
    ]


async def test_nobody_listening_is_a_miss(recording: Recording) -> None:
    nobody = Endpoint("127.0.0.1", 9)
    timing = await time_turn(Endpoints(nobody, nobody, nobody), recording, WISHES, client_ends=True)
    assert timing.missed == Missed("transcript", "worker-unavailable")


async def test_the_real_time_factor_is_work_per_second_of_speech(serve: Serve) -> None:
    timing = await time_speech(await serve(tts_script(b"\0\0" * 22050)), "Hello.", None)
    # One second of audio: the factor is the time of the request, without opening the connection.
    assert 0 < timing.values["speech_rtf"] * 1000 <= timing.values["speech"]
