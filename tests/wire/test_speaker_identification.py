"""Who is speaking: found out beside the transcript, told in the stage's report, never waited for."""

from __future__ import annotations

import asyncio

import pytest
from wire_harness.clients import ask, connect, utterance
from wire_harness.engines import WatchedAsr
from wire_harness.house import House
from wire_harness.listening import SILENCE, hear
from wire_harness.people import (
    ANNA,
    BEN,
    STRANGER,
    ScriptedSpeaker,
    WatchedIdentifier,
    direction,
    identifier,
    profile,
    write_profiles,
)
from wire_harness.waiting import until
from wyoming.info import Describe

from avatar_appliance.config.speaker import SpeakerSettings
from avatar_appliance.speakers import SpeakerEmbedding
from avatar_appliance.turns.report import StageReport
from wyoming_servers.speaker.identifier import WorkerIdentifier, identifying
from wyoming_servers.speaker.judgement import Judgement


@pytest.fixture
def speaker() -> ScriptedSpeaker:
    return ScriptedSpeaker({5: ANNA, 6: BEN}, direction(0.9, 0.1))


@pytest.fixture
async def who(house: House, speaker: ScriptedSpeaker) -> WatchedIdentifier:
    """An identifier that knows Anna and Ben."""
    await house.speaker_worker("who", speaker)
    folder = house.runtime_dir
    write_profiles(folder, profile(folder, "anna", 5), profile(folder, "ben", 6))
    made = identifier(house)
    await made.enrolment.look()
    assert {one.profile for one in made.enrolment.people} == {"anna", "ben"}
    return made


async def heard(house: House, who: WatchedIdentifier, pcm: bytes) -> StageReport:
    """Return the report of one utterance, whose transcript came after the speaker worker's answer."""
    engine = WatchedAsr(held=True)
    await house.asr_worker("whisper", engine)
    server = await house.asr(identifier=who)
    hearing = asyncio.create_task(hear(server.uri, pcm))
    try:
        await until(lambda: who.has_judged)
    finally:
        engine.release.set()
    await hearing
    return await house.reports.one()


async def test_the_report_says_whose_voice_it_was(
    house: House, who: WatchedIdentifier, speaker: ScriptedSpeaker, librivox: bytes
) -> None:
    report = await heard(house, who, librivox)
    assert report.speaker == "anna"
    assert report.detail["speaker_score"] == pytest.approx(0.994, abs=0.001)
    assert "speaker_unknown" not in report.detail


@pytest.mark.parametrize(
    ("voice", "reason", "score"),
    [
        (STRANGER, "below-threshold", 0.0),
        (direction(1, 0.99), "ambiguous", 0.711),
        (direction(0.7, 0, 0.714), "below-threshold", 0.7),
    ],
)
async def test_a_voice_that_is_nobodys_for_certain_is_unknown(
    house: House, speaker: ScriptedSpeaker, librivox: bytes, voice: SpeakerEmbedding, reason: str, score: float
) -> None:
    speaker.utterance = voice
    await house.speaker_worker("who", speaker)
    folder = house.runtime_dir
    write_profiles(folder, profile(folder, "anna", 5), profile(folder, "ben", 6))
    who = identifier(house, threshold=0.705)
    await who.enrolment.look()
    report = await heard(house, who, librivox)
    assert report.speaker is None
    assert report.detail["speaker_unknown"] == reason
    assert report.detail["speaker_score"] == pytest.approx(score, abs=0.001)


async def test_two_profiles_of_one_person_are_not_ambiguous(
    house: House, speaker: ScriptedSpeaker, librivox: bytes
) -> None:
    await house.speaker_worker("who", speaker)
    folder = house.runtime_dir
    speaker.references[7] = direction(0.9, 0.12)
    write_profiles(folder, profile(folder, "anna", 5), profile(folder, "anna-whisper", 7, title="Anna"))
    who = identifier(house)
    await who.enrolment.look()
    report = await heard(house, who, librivox)
    assert report.speaker == "anna-whisper"


async def test_too_little_speech_is_not_judged(
    house: House, who: WatchedIdentifier, speaker: ScriptedSpeaker, librivox: bytes
) -> None:
    speaker.speech_s = 0.6
    report = await heard(house, who, librivox)
    assert (report.speaker, report.detail["speaker_unknown"]) == (None, "too-short")
    assert "speaker_score" not in report.detail


async def test_the_transcript_does_not_wait_for_the_speaker(
    house: House, who: WatchedIdentifier, speaker: ScriptedSpeaker, librivox: bytes
) -> None:
    speaker.release.clear()
    await house.asr_worker("whisper")
    server = await house.asr(identifier=who)
    await hear(server.uri, librivox)
    report = await house.reports.one()
    assert report.text_out == "turn on the kitchen light"
    assert (report.speaker, report.detail["speaker_unknown"]) == (None, "late")
    # Nobody wants it any more: the worker was told to stop, and the lease ends with its work.
    await until(lambda: not house.threads["who"].busy)


@pytest.mark.usefixtures("impatient")
async def test_a_speaker_worker_that_is_away_costs_the_speaker_and_nothing_else(
    house: House, speaker: ScriptedSpeaker, librivox: bytes
) -> None:
    served = await house.speaker_worker("who", speaker)
    folder = house.runtime_dir
    write_profiles(folder, profile(folder, "anna", 5))
    who = identifier(house)
    await who.enrolment.look()
    served.kill()
    served.path.unlink()
    report = await heard(house, who, librivox)
    assert report.text_out == "turn on the kitchen light"
    assert report.error_code is None
    assert (report.speaker, report.detail["speaker_unknown"]) == (None, "unavailable")


async def test_a_broken_speaker_worker_costs_the_speaker_and_nothing_else(
    house: House, who: WatchedIdentifier, speaker: ScriptedSpeaker, librivox: bytes
) -> None:
    speaker.error = RuntimeError("scripted")
    report = await heard(house, who, librivox)
    assert report.text_out == "turn on the kitchen light"
    assert (report.speaker, report.detail["speaker_unknown"]) == (None, "unavailable")


async def test_without_profiles_no_audio_goes_to_the_speaker_worker(
    house: House, speaker: ScriptedSpeaker, librivox: bytes
) -> None:
    await house.speaker_worker("who", speaker)
    who = identifier(house)
    await who.enrolment.look()
    await house.asr_worker("whisper")
    server = await house.asr(identifier=who)
    await hear(server.uri, librivox)
    report = await house.reports.one()
    assert speaker.asked == []
    assert report.speaker is None
    assert not {"speaker_score", "speaker_unknown"} & report.detail.keys()


async def test_words_that_were_not_kept_have_no_speaker(
    house: House, who: WatchedIdentifier, speaker: ScriptedSpeaker
) -> None:
    await house.asr_worker("whisper")
    server = await house.asr(identifier=who)
    await hear(server.uri, SILENCE)
    report = await house.reports.one()
    assert (report.text_out, report.speaker) == ("", None)
    assert not {"speaker_score", "speaker_unknown"} & report.detail.keys()


async def test_of_a_long_utterance_the_end_is_listened_to(
    house: House, who: WatchedIdentifier, speaker: ScriptedSpeaker, jfk: bytes
) -> None:
    await heard(house, who, jfk + jfk[:64_000])
    assert speaker.asked[-1] == pytest.approx(12.0)


async def test_a_new_version_of_a_voice_replaces_the_old_one_and_a_deleted_one_is_forgotten(
    house: House, who: WatchedIdentifier, speaker: ScriptedSpeaker
) -> None:
    folder = house.runtime_dir
    before = {one.profile: one.embedding for one in who.enrolment.people}
    speaker.references[7] = STRANGER
    write_profiles(folder, profile(folder, "anna", 7, version=2))
    await who.enrolment.look()
    after = {one.profile: one.embedding for one in who.enrolment.people}
    assert after.keys() == {"anna"}
    assert before["anna"].similarity(after["anna"]) == pytest.approx(0)
    assert [round(seconds) for seconds in speaker.asked] == [5, 6, 7]  # each once
    await who.enrolment.look()
    assert len(speaker.asked) == 3


async def test_a_renamed_profile_is_not_embedded_again(
    house: House, who: WatchedIdentifier, speaker: ScriptedSpeaker
) -> None:
    folder = house.runtime_dir
    write_profiles(folder, profile(folder, "anna", 5, title="Ann"), profile(folder, "ben", 6))
    await who.enrolment.look()
    assert {one.name for one in who.enrolment.people} == {"Ann", "Ben"}
    assert len(speaker.asked) == 2


async def test_a_recording_that_cannot_be_read_leaves_the_others_and_is_tried_again(
    house: House, speaker: ScriptedSpeaker
) -> None:
    await house.speaker_worker("who", speaker)
    folder = house.runtime_dir
    anna, ben = profile(folder, "anna", 5), profile(folder, "ben", 6)
    good = anna.reference.read_bytes()
    anna.reference.write_bytes(b"RIFF and no more")
    write_profiles(folder, anna, ben)
    who = identifier(house)
    await who.enrolment.look()
    assert {one.profile for one in who.enrolment.people} == {"ben"}
    anna.reference.write_bytes(good)
    for _ in range(3):
        await who.enrolment.look()
    assert {one.profile for one in who.enrolment.people} == {"anna", "ben"}


async def test_another_model_makes_the_enrolled_voices_worthless(
    house: House, who: WatchedIdentifier, speaker: ScriptedSpeaker, librivox: bytes
) -> None:
    speaker.model = "another"
    report = await heard(house, who, librivox)
    assert (report.speaker, report.detail["speaker_unknown"]) == (None, "unavailable")
    await who.enrolment.look()
    assert len(who.enrolment.people) == 2
    assert [round(seconds) for seconds in speaker.asked[-2:]] == [5, 6]


async def test_a_client_that_hangs_up_ends_the_identification(
    house: House, who: WatchedIdentifier, speaker: ScriptedSpeaker, librivox: bytes
) -> None:
    speaker.release.clear()
    engine = WatchedAsr(held=True)
    await house.asr_worker("whisper", engine)
    server = await house.asr(identifier=who)
    async with connect(server.uri) as client:
        await client.send(*utterance(librivox))
        await until(lambda: len(speaker.asked) == 3 and engine.running)
    await until(lambda: not house.threads["who"].busy)
    engine.release.set()


async def test_a_lease_is_held_while_the_worker_listens(
    house: House, speaker: ScriptedSpeaker, librivox: bytes
) -> None:
    coordinator = await house.coordinator("who", "whisper")
    await house.speaker_worker("who", speaker)
    folder = house.runtime_dir
    write_profiles(folder, profile(folder, "anna", 5))
    who = identifier(house)
    await who.enrolment.look()
    assert [request.ladder for request in coordinator.book.requests] == [("who",)]
    report = await heard(house, who, librivox)
    assert report.speaker == "anna"
    ladders = [request.ladder for request in coordinator.book.requests]
    assert ladders.count(("who",)) == 2
    await until(lambda: not coordinator.book.held)


async def test_describe_of_the_server_says_nothing_of_people(house: House, who: WatchedIdentifier) -> None:
    await house.asr_worker("whisper")
    server = await house.asr(identifier=who)
    (info,) = await ask(server.uri, Describe(), until=["info"])
    assert "anna" not in str(info.data).lower()


async def test_where_the_whole_utterance_is_judged_too_late_a_part_of_it_counts(
    house: House, who: WatchedIdentifier, speaker: ScriptedSpeaker, jfk: bytes
) -> None:
    """A pause: it is tried what was said until then. Speech goes on, and the end comes before the second answer."""
    found = who.begin()
    found.start(jfk[:96_000])
    await until(lambda: who.has_judged)
    assert found.judgement.profile == "anna"
    found.drop()
    speaker.release.clear()
    found.start(jfk)
    await until(lambda: len(speaker.asked) == 4)
    assert found.judgement.profile == "anna"
    await found.aclose()


async def test_a_stranger_s_part_says_nothing_about_the_whole(
    house: House, who: WatchedIdentifier, speaker: ScriptedSpeaker, jfk: bytes
) -> None:
    speaker.utterance = STRANGER
    found = who.begin()
    found.start(jfk[:96_000])
    await until(lambda: who.has_judged)
    found.drop()
    speaker.release.clear()
    found.start(jfk)
    await until(lambda: len(speaker.asked) == 4)
    assert found.judgement.reason == "late"
    await found.aclose()


async def test_the_server_follows_the_profiles_and_loads_nothing_else_for_it(
    house: House, speaker: ScriptedSpeaker
) -> None:
    coordinator = await house.coordinator("who")
    await house.speaker_worker("who", speaker)
    folder = house.runtime_dir
    write_profiles(folder, profile(folder, "anna", 5))
    access = house.access(warm=("chat", "piper"))
    async with identifying(SpeakerSettings(workers=["who"]), house.links(["who"]), access, folder) as found:
        assert isinstance(found, WorkerIdentifier)
        async with asyncio.timeout(30):
            await found.enrolment.wait_for(1)
    assert [(request.ladder, request.warm) for request in coordinator.book.requests] == [(("who",), ())]
    await until(lambda: not coordinator.book.held)


async def test_without_a_speaker_worker_nobody_is_looked_for(house: House) -> None:
    async with identifying(SpeakerSettings(), [], house.access(), house.runtime_dir) as found:
        assert found.begin().judgement == Judgement()
