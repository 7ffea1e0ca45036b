"""From a recording to a voice: states, remarks, what the workers see, and what stays after a crash."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from voice_harness.house import CONSENT, VoiceHouse, as_file, good
from voice_harness.recordings import SPOKEN, speech, wav
from voice_harness.workers import ANOTHER, ONE_MAN

from avatar_appliance.errors import NotFound
from avatar_appliance.voices.errors import RecordingRefused, TooManyProfiles
from avatar_appliance.voices.listening import Ears
from avatar_appliance.voices.profile_book import ProfileBook
from avatar_appliance.voices.profile_fields import ProfileChange
from avatar_appliance.voices.profile_repository import ProfileRepository
from avatar_appliance.voices.reason_texts import reason_text

OpenHouse = Callable[..., contextlib.AbstractAsyncContextManager[VoiceHouse]]


def codes(remarks: Any) -> set[str]:
    return {remark.code for remark in remarks}


async def test_a_recording_becomes_a_voice_with_words_a_fingerprint_and_a_score(open_house: OpenHouse) -> None:
    async with open_house(real_studio=True) as house:
        await _becomes_a_voice(house)


async def _becomes_a_voice(house: VoiceHouse) -> None:
    made = await house.create(name="Anna 安娜", languages=["en-GB", "zh-TW"])
    assert made.state == "recorded"
    ready = await house.until(made.id, "ready")
    assert ready.id == "anna-an-na"
    assert ready.transcript == house.workers.heard
    assert ready.transcript_source == "heard"
    assert ready.embedding == ONE_MAN
    assert ready.trial is not None
    assert (ready.trial.worker, ready.trial.error_share, ready.trial.similarity) == ("parrot", 0.0, 1.0)
    assert ready.trial.score == 100
    assert {"one-speaker", "transcript-heard", "speaks-clearly", "sounds-alike"} <= codes(ready.remarks)
    assert house.workers.languages == ["en", "en"]
    assert house.workers.spoken[-1][0] == "clone:anna-an-na:1"
    [voice] = house.index
    assert (voice.id, voice.name, voice.languages) == ("anna-an-na", "Anna 安娜", ("en-GB", "zh-TW"))
    assert voice.transcript == ready.transcript
    assert voice.reference.is_file()
    assert house.left == ["anna-an-na", f"anna-an-na/{ready.reference}"]


async def test_it_is_in_the_index_before_it_has_said_its_test_sentence(house: VoiceHouse) -> None:
    house.workers.parrot_may_speak.clear()
    made = await house.create()
    await house.workers.parrot_asked.wait()
    assert (await house.voices.get(made.id)).state == "cloning"
    assert [voice.id for voice in house.index] == ["anna"]
    house.workers.parrot_may_speak.set()
    await house.until(made.id, "ready")


@pytest.mark.parametrize(
    ("settings", "fields", "reason"),
    [
        ({"clones": False}, {}, "no-cloning-worker"),
        ({}, {"consent": None}, "no-consent"),
        ({}, {"languages": ["ja"]}, "language-not-spoken"),
    ],
)
async def test_what_cannot_be_a_voice_is_kept_and_says_why(
    open_house: OpenHouse, settings: dict[str, Any], fields: dict[str, Any], reason: str
) -> None:
    async with open_house(**settings) as house:
        made = await house.create(**fields)
        kept = await house.until(made.id, "kept")
        assert kept.reason == reason
        assert kept.transcript
        assert house.index == ()
        assert reason_text(reason, "en").isascii()
        assert not reason_text(reason, "zh-TW").isascii()


async def test_consent_given_later_makes_a_voice_and_taken_back_ends_it(house: VoiceHouse) -> None:
    made = await house.create(consent=None)
    await house.until(made.id, "kept")
    await house.voices.change(made.id, ProfileChange.model_validate({"consent": CONSENT}))
    ready = await house.until(made.id, "ready")
    assert ready.consent is not None
    assert ready.consent.given_by == "Anna"
    assert len(house.index) == 1
    ended = await house.voices.change(made.id, ProfileChange.model_validate({"consent": None}))
    assert (ended.state, ended.reason) == ("kept", "no-consent")
    assert house.index == ()


async def test_consent_taken_back_during_the_trial_wins(house: VoiceHouse) -> None:
    house.workers.parrot_may_speak.clear()
    made = await house.create()
    await house.workers.parrot_asked.wait()
    await house.voices.change(made.id, ProfileChange.model_validate({"consent": None}))
    house.workers.parrot_may_speak.set()
    other = await house.create(name="Ben")
    await house.until(other.id, "ready")  # the queue has gone on
    assert (await house.voices.get(made.id)).state == "kept"
    assert [voice.id for voice in house.index] == ["ben"]


async def test_words_of_the_owner_are_compared_with_what_is_heard(house: VoiceHouse) -> None:
    house.workers.heard = SPOKEN
    right = await house.until((await house.create(transcript=SPOKEN)).id, "ready")
    assert "transcript-matches" in codes(right.check_remarks)
    differing = SPOKEN.replace("country", "county").replace("fellow", "yellow")
    differs = await house.until((await house.create(transcript=differing)).id, "ready")
    assert "transcript-differs" in codes(differs.check_remarks) or "transcript-matches" in codes(differs.check_remarks)
    wrong = await house.until((await house.create(transcript="Twinkle, twinkle, little star.")).id, "refused")
    assert wrong.reason == "transcript-wrong"
    mended = await house.voices.change(wrong.id, ProfileChange(transcript=SPOKEN))
    assert mended.version == 2
    assert (await house.until(wrong.id, "ready")).transcript == SPOKEN


async def test_of_the_words_of_a_whole_recording_those_of_the_part_taken_are_kept(house: VoiceHouse) -> None:
    house.workers.heard = "ask not what your country can do for you"
    ready = await house.until((await house.create(transcript=SPOKEN)).id, "ready")
    assert ready.transcript == "ask not what your country can do for you,"
    assert "transcript-cut" in codes(ready.check_remarks)
    assert ready.version == 1
    changed = await house.voices.change(ready.id, ProfileChange(transcript="Well. " + SPOKEN))
    assert changed.version == 2
    again = await house.until(ready.id, "ready")
    assert (again.version, again.transcript) == (3, ready.transcript)
    assert house.workers.spoken[-1][0] == "clone:anna:3"


async def test_a_corrected_transcript_is_another_version_and_the_voice_goes_on_meanwhile(house: VoiceHouse) -> None:
    made = await house.until((await house.create()).id, "ready")
    house.workers.parrot_may_speak.clear()
    house.workers.parrot_asked.clear()
    changed = await house.voices.change(made.id, ProfileChange(transcript=house.workers.heard + "!"))
    assert (changed.version, changed.state) == (2, "cloning")
    assert [voice.version for voice in house.index] == [2]
    house.workers.parrot_may_speak.set()
    await house.until(made.id, "ready")
    assert house.workers.spoken[-1][0] == "clone:anna:2"


async def test_other_words_for_the_owner_change_no_sound(house: VoiceHouse) -> None:
    made = await house.until((await house.create()).id, "ready")
    changed = await house.voices.change(
        made.id, ProfileChange(name="Mama", tier="high-quality", purpose="announcements")
    )
    assert (changed.id, changed.version, changed.state) == ("anna", 1, "ready")
    assert (await house.voices.change(made.id, ProfileChange(speed=1.2))).version == 2
    [voice] = house.index
    assert (voice.name, voice.tier, voice.purpose, voice.speed) == ("Mama", "high-quality", "announcements", 1.2)


async def test_each_purpose_has_one_default(house: VoiceHouse) -> None:
    anna, ben = await house.create(), await house.create(name="Ben")
    loud = await house.create(name="Loud", purpose="announcements")
    for profile in (anna, loud, ben):
        await house.voices.change(profile.id, ProfileChange(is_default=True))
    assert {profile.id for profile in await house.voices.all() if profile.is_default} == {"ben", "loud"}
    moved = await house.voices.change(ben.id, ProfileChange(purpose="announcements"))
    assert not moved.is_default


async def test_two_people_in_one_recording_are_heard(house: VoiceHouse) -> None:
    house.workers.voices = [ONE_MAN, ONE_MAN, ANOTHER, ONE_MAN]
    ready = await house.until((await house.create()).id, "ready")
    assert "several-speakers" in codes(ready.check_remarks)


async def test_without_anybody_to_ask_it_is_said_what_was_not_checked(open_house: OpenHouse) -> None:
    async with open_house(speaker=False) as house:
        house.workers.down = {"whisper"}
        ready = await house.until((await house.create(transcript=SPOKEN)).id, "ready")
        assert {"speakers-not-checked", "transcript-not-checked", "trial-not-heard", "similarity-not-checked"} <= codes(
            ready.remarks
        )
        assert ready.embedding is None
        assert ready.trial is not None
        assert ready.trial.score is None


async def test_without_a_recogniser_and_without_words_it_waits_for_the_owner(house: VoiceHouse) -> None:
    house.workers.down = {"whisper"}
    made = await house.create()
    kept = await house.until(made.id, "kept")
    assert kept.reason == "no-transcript"
    assert "transcript-missing" in codes(kept.check_remarks)
    house.workers.down = set()
    await house.voices.check(made.id)
    assert (await house.until(made.id, "ready")).transcript == house.workers.heard


async def test_a_voice_that_cannot_be_tried_now_is_one_all_the_same(house: VoiceHouse) -> None:
    house.workers.down = {"parrot"}
    ready = await house.until((await house.create()).id, "ready")
    assert ready.trial is None
    assert codes(ready.trial_remarks) == {"trial-not-made"}
    assert len(house.index) == 1


async def test_a_check_that_breaks_off_says_so_and_others_go_on(
    house: VoiceHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def break_off(*_: object) -> None:
        raise RuntimeError("a defect")

    with monkeypatch.context() as patch:
        patch.setattr(Ears, "words", break_off)
        broken = await house.until((await house.create()).id, "kept")
    assert broken.reason == "check-failed"
    await house.voices.check(broken.id)
    await house.until(broken.id, "ready")


async def test_a_bad_trial_is_told_and_not_hidden(house: VoiceHouse) -> None:
    house.workers.parrot_heard = "mumble mumble"
    house.workers.voices = [ONE_MAN, ONE_MAN, ONE_MAN, ONE_MAN, ANOTHER]
    ready = await house.until((await house.create()).id, "ready")
    assert {"speaks-unclearly", "sounds-unlike"} <= codes(ready.trial_remarks)
    assert ready.trial is not None
    assert ready.trial.score == 0


async def test_a_refused_recording_leaves_nothing(house: VoiceHouse) -> None:
    with pytest.raises(RecordingRefused) as refusal:
        await house.create(b"not a recording at all")
    assert codes(refusal.value.remarks) == {"not-audio"}
    assert await house.voices.all() == ()
    assert house.left == []


async def test_another_recording_takes_the_place_of_the_first_and_a_refused_one_does_not(house: VoiceHouse) -> None:
    first = await house.until((await house.create()).id, "ready")
    with as_file(b"") as file, pytest.raises(RecordingRefused):
        await house.voices.record(first.id, file)
    assert await house.voices.get(first.id) == first
    house.workers.heard = "other words"
    with as_file(wav(speech()[: 44_100 * 6])) as file:
        second = await house.voices.record(first.id, file)
    assert (second.version, second.transcript) == (2, "")
    ready = await house.until(first.id, "ready")
    assert ready.transcript == "other words"
    assert ready.reference != first.reference
    assert house.left == ["anna", f"anna/{ready.reference}"]
    assert [voice.reference.name for voice in house.index] == [ready.reference]


async def test_deleting_leaves_nothing(house: VoiceHouse) -> None:
    made = await house.until((await house.create()).id, "ready")
    await house.voices.delete(made.id)
    assert house.left == []
    assert house.index == ()
    for ask in (house.voices.get, house.voices.delete, house.voices.export, house.voices.check):
        with pytest.raises(NotFound):
            await ask(made.id)


async def test_a_new_voice_of_an_old_name_is_another_version(house: VoiceHouse) -> None:
    """Home Assistant keeps sound by the name of the voice, and workers what they made of the recording."""
    made = await house.until((await house.create()).id, "ready")
    await house.voices.change(made.id, ProfileChange(speed=1.1))
    await house.voices.delete(made.id)
    again = await house.until((await house.create()).id, "ready")
    assert (again.id, again.version) == ("anna", 3)
    await house.voices.delete(made.id)
    assert (await house.create()).version == 4
    assert (await house.create(name="Ben")).version == 1


async def test_deleting_during_the_check_ends_the_check(house: VoiceHouse) -> None:
    house.workers.parrot_may_speak.clear()
    made = await house.create()
    await house.workers.parrot_asked.wait()
    await house.voices.delete(made.id)
    house.workers.parrot_may_speak.set()
    again = await house.until((await house.create()).id, "ready")
    assert (again.id, again.version) == ("anna", 2)
    assert house.left == ["anna", f"anna/{again.reference}"]


async def test_there_are_at_most_so_many(open_house: OpenHouse) -> None:
    async with open_house(max_profiles=1, clones=False) as house:
        await house.create()
        with pytest.raises(TooManyProfiles):
            await house.create(name="Ben")
        assert len(house.left) == 2


async def test_a_check_goes_on_after_a_restart(open_house: OpenHouse) -> None:
    async with open_house(running=False) as house:
        waiting = await house.create()
        working = await house.create(name="Ben")
        book = ProfileBook(ProfileRepository(house.database), house.voices._files, house.voices.cloners, max_profiles=9)
        await book.change(working.id, lambda profile: replace(profile, state="cloning", transcript="words"))
    async with open_house() as house:
        for profile in (waiting, working):
            await house.until(profile.id, "ready")
        assert {voice.id for voice in house.index} == {"anna", "ben"}


async def test_what_the_configuration_forbids_or_allows_now_is_found_at_the_start(open_house: OpenHouse) -> None:
    async with open_house() as house:
        made = await house.until((await house.create()).id, "ready")
    async with open_house(clones=False) as house:
        assert (await house.voices.get(made.id)).reason == "no-cloning-worker"
        assert house.index == ()
    async with open_house() as house:
        await house.until(made.id, "ready")
        assert len(house.index) == 1


async def test_what_a_crash_left_behind_is_gone_after_the_start(open_house: OpenHouse, tmp_path: Path) -> None:
    async with open_house() as house:
        made = await house.until((await house.create()).id, "ready")
        gone = await house.until((await house.create(name="Ben")).id, "ready")
    folder = tmp_path / "state" / "voices"
    (folder / ".incoming-abc").mkdir()
    (folder / ".incoming-abc" / "reference.wav").write_bytes(b"half")
    (folder / ".index.json-12345678.part").write_bytes(b"half")
    (folder / "carol").mkdir()
    (folder / "carol" / "reference-00000000.wav").write_bytes(b"of no row")
    (folder / "anna" / "reference-11111111.wav").write_bytes(b"older")
    (folder / "ben" / gone.reference).unlink()
    (folder / "index.json").write_text("{", "utf-8")
    async with open_house() as house:
        assert house.left == ["anna", f"anna/{made.reference}", "ben"]
        assert (await house.voices.get("ben")).reason == "recording-missing"
        assert [voice.id for voice in house.index] == ["anna"]


async def test_a_new_database_beside_a_full_folder_deletes_nothing(open_house: OpenHouse, tmp_path: Path) -> None:
    async with open_house() as house:
        await house.until((await house.create()).id, "ready")
        before = house.left
    for file in (tmp_path / "state").glob("avatar.db*"):
        file.unlink()
    async with open_house() as house:
        assert house.left == before
        assert house.index == ()


async def test_a_row_that_cannot_be_written_leaves_no_file(house: VoiceHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await house.until((await house.create()).id, "ready")

    async def fail(*_: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(ProfileRepository, "insert", fail)
    monkeypatch.setattr(ProfileRepository, "update", fail)
    with pytest.raises(asyncio.CancelledError):
        await house.create(name="Ben")
    with as_file(good()) as file, pytest.raises(asyncio.CancelledError):
        await house.voices.record(made.id, file)
    assert house.left == ["anna", f"anna/{made.reference}"]
    assert await house.voices.get(made.id) == made
