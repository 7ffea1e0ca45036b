"""Recordings from strangers: what is read, what is refused and why, and that the reader may die."""

from __future__ import annotations

import asyncio
import os
import signal
import wave
from pathlib import Path

import numpy as np
import pytest
from voice_harness.house import as_file, good
from voice_harness.recordings import RATE_HZ, encoded, film, speech, wav, with_header_of

from avatar_appliance.errors import Busy
from avatar_appliance.voices.errors import RecordingUnreadable
from avatar_appliance.voices.reference_file import reference_length_s
from avatar_appliance.voices.remark_texts import remark_text
from avatar_appliance.voices.studio.bounds import Bounds
from avatar_appliance.voices.studio_process import Reading, Studio


@pytest.fixture
def studio() -> Studio:
    return Studio(max_recording_s=30, reference_s=8)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "reference.wav"


async def read(studio: Studio, data: bytes, output: Path) -> Reading:
    with as_file(data) as file:
        return await studio.read(file, output)


def codes(reading: Reading, severity: str) -> set[str]:
    return {remark.code for remark in reading.remarks if remark.severity == severity}


@pytest.mark.parametrize(
    ("container", "codec", "name"),
    [
        ("wav", "pcm_s24le", "pcm_s24le"),
        ("wav", "pcm_f32le", "pcm_f32le"),
        ("mp3", "libmp3lame", "mp3"),
        ("flac", "flac", "flac"),
        ("ipod", "aac", "aac"),
        ("ipod", "alac", "alac"),
        ("ogg", "vorbis", "vorbis"),
        ("ogg", "libopus", "opus"),
        ("webm", "libopus", "opus"),
    ],
)
async def test_every_format_people_have_becomes_a_reference(
    studio: Studio, output: Path, container: str, codec: str, name: str
) -> None:
    rate_hz = 48_000 if codec == "libopus" else RATE_HZ
    reading = await read(studio, encoded(container, codec, rate_hz=rate_hz), output)
    assert codes(reading, "refused") == set()
    assert reading.measurements["codec"] == name
    assert 4 < reference_length_s(output) <= 8


async def test_the_reference_is_whole_phrases_at_an_even_loudness(studio: Studio, output: Path) -> None:
    quiet = await read(studio, wav(speech() * np.float32(0.05)), output)
    with wave.open(str(output)) as file:
        one = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)
    loud = await read(studio, good(), output)
    with wave.open(str(output)) as file:
        other = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)
    assert len(one) == pytest.approx(len(other), abs=0.2 * 24_000)
    assert 20 * np.log10(one.std() / other.std()) == pytest.approx(0, abs=0.5)
    assert float(quiet.measurements["gain_db"]) - float(loud.measurements["gain_db"]) == pytest.approx(26, abs=1)
    # It begins and ends in a pause.
    for edge in (other[:1200], other[-1200:]):
        assert edge.std() < other.std() / 4
    assert codes(loud, "note") == {"trimmed"}


def silence(seconds: float = 10) -> np.ndarray:
    return np.zeros(int(seconds * RATE_HZ), dtype=np.float32)


def noisy() -> np.ndarray:
    noise = np.random.default_rng(2).standard_normal(len(speech())).astype(np.float32)
    return speech() * np.float32(0.4) + noise * np.float32(0.08)


def telephone() -> bytes:
    return wav(speech(8_000), 8_000)


BAD = {
    "empty-file": lambda: b"",
    "not-audio": lambda: b"This is a letter, not a recording.\n" * 100,
    "cut-off": lambda: with_header_of(good()[:4096], 0xFFFFFF00),
    "video": film,
    "too-long": lambda: wav(np.tile(speech(8_000), 4), 8_000),
    "too-short": lambda: wav(speech()[: 2 * RATE_HZ]),
    "silent": lambda: wav(silence()),
    "no-speech": lambda: wav(np.random.default_rng(3).standard_normal(5 * RATE_HZ).astype(np.float32) * 0.05),
    "telephone": telephone,
    "distorted": lambda: wav(np.clip(speech() * 20, -0.9, 0.9)),
    "noise": lambda: wav(noisy()),
    "damaged-file": lambda: b"OggS" + os.urandom(5000),
    "codec-unknown": lambda: encoded("matroska", "ac3", rate_hz=48_000),
    "no-audio": lambda: wav(speech()[:0]),
    "little-speech": lambda: wav(np.concatenate([speech()[: int(1.5 * RATE_HZ)], silence(5)])),
}


@pytest.mark.parametrize("code", BAD)
async def test_what_no_voice_can_be_made_of_is_refused_with_the_reason(studio: Studio, output: Path, code: str) -> None:
    reading = await read(studio, BAD[code](), output)
    assert code in codes(reading, "refused")
    assert os.listdir(output.parent) == []
    for remark in reading.remarks:
        assert remark_text(remark, "en").isascii()
        assert any("\u4e00" <= char <= "\u9fff" for char in remark_text(remark, "zh-TW"))


async def test_telephone_sound_is_known_by_its_sound_and_not_by_its_header(studio: Studio, output: Path) -> None:
    import soxr

    upsampled = np.asarray(soxr.resample(speech(8_000), 8_000, 48_000), dtype=np.float32)
    assert "telephone" in codes(await read(studio, wav(upsampled, 48_000), output), "refused")


async def test_a_header_of_a_stream_that_knows_no_length_is_fine(studio: Studio, output: Path) -> None:
    reading = await read(studio, with_header_of(good(), 0xFFFFFFFF), output)
    assert codes(reading, "refused") == set()


async def test_a_four_gigabyte_header_over_nothing_is_refused(studio: Studio, output: Path) -> None:
    assert (await read(studio, with_header_of(good()[:100], 0xFFFFFFFF), output)).refused


@pytest.mark.parametrize(
    ("code", "sound"),
    [
        ("short", lambda: speech()[int(3 * RATE_HZ) : int(8 * RATE_HZ)]),
        ("some-noise", lambda: speech() + np.random.default_rng(4).standard_normal(len(speech())) * 0.008),
        ("quiet", lambda: speech() * 0.02),
        (
            "pause",
            lambda: np.concatenate(
                [speech()[: int(2.4 * RATE_HZ)], silence(2), speech()[int(3.2 * RATE_HZ) : int(5.5 * RATE_HZ)]]
            ),
        ),
    ],
)
async def test_what_will_sound_worse_is_said_and_kept(studio: Studio, output: Path, code: str, sound: object) -> None:
    reading = await read(studio, wav(sound().astype(np.float32)), output)  # type: ignore[operator]
    assert code in codes(reading, "warning"), reading
    assert codes(reading, "refused") == set()


async def test_one_empty_channel_does_no_harm(studio: Studio, output: Path) -> None:
    one_sided = np.stack([speech(), np.zeros_like(speech())])
    inverted = np.stack([speech(), -speech()])
    for sound in (one_sided, inverted):
        assert codes(await read(studio, wav(sound), output), "refused") == set()


async def test_a_reader_that_hangs_is_killed(output: Path) -> None:
    studio = Studio(max_recording_s=30, reference_s=8, bounds=Bounds(wall_s=0.01))
    with pytest.raises(RecordingUnreadable):
        await read(studio, good(), output)
    assert (await read(Studio(max_recording_s=30, reference_s=8), good(), output)).refused is False


async def test_a_reader_that_wants_too_much_memory_dies_alone(output: Path) -> None:
    studio = Studio(max_recording_s=600, reference_s=8, bounds=Bounds(memory_bytes=64 * 2**20))
    with pytest.raises(RecordingUnreadable):
        await read(studio, good(), output)


async def test_a_reader_that_computes_for_ever_is_ended_by_the_kernel(output: Path) -> None:
    studio = Studio(max_recording_s=600, reference_s=8, bounds=Bounds(cpu_s=0))
    with pytest.raises(RecordingUnreadable):
        await read(studio, good(), output)


async def test_a_killed_reader_is_no_defect_of_ours(
    output: Path, monkeypatch: pytest.MonkeyPatch, studio: Studio
) -> None:
    start = asyncio.create_subprocess_exec

    async def start_and_kill(*arguments: object, **options: object) -> asyncio.subprocess.Process:
        child = await start(*arguments, **options)  # type: ignore[arg-type]
        child.send_signal(signal.SIGSEGV)
        return child

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start_and_kill)
    with pytest.raises(RecordingUnreadable, match="SIGSEGV"):
        await read(studio, good(), output)


async def test_only_so_many_may_wait(studio: Studio, output: Path) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_outcome(studio, output.with_name(f"{n}.wav"))) for n in range(6)]
    outcomes = [task.result() for task in tasks]
    assert outcomes.count("busy") == 2
    assert outcomes.count("read") == 4


async def _outcome(studio: Studio, output: Path) -> str:
    try:
        await read(studio, good(), output)
    except Busy:
        return "busy"
    return "read"


@pytest.mark.parametrize(
    ("heard", "expected", "language", "written", "share"),
    [
        ("The kettle is on", "the kettle is on.", "en-GB", "The kettle is on", 0.0),
        ("The cattle is on", "the kettle is on.", "en", "The cattle is on", 0.25),
        ("软件打开了", "軟體打開了", "zh-TW", "軟體打開了", 0.2),
        ("水开了", None, "zh-TW", "水開了", None),
        ("水開了", "…", "zh", "水開了", None),
    ],
)
async def test_words_are_compared_as_they_are_heard_and_written_as_the_house_writes(
    studio: Studio, heard: str, expected: str | None, language: str, written: str, share: float | None
) -> None:
    compared = await studio.compare(heard, expected, language)
    assert compared.heard == written
    assert compared.error_share == share


@pytest.mark.parametrize(
    ("heard", "expected", "language", "part"),
    [
        ("the light is on", "Well, good evening. The light is on. Good night to you.", "en", "The light is on."),
        ("廚房的燈開著", "大家晚安，廚房的燈開著，大門已經關好了。", "zh-TW", "廚房的燈開著"),
        ("the light is on", "The light is on", "en", None),
        ("", "The light is on", "en", None),
    ],
)
async def test_of_more_words_the_heard_ones_are_found(
    studio: Studio, heard: str, expected: str, language: str, part: str | None
) -> None:
    assert (await studio.compare(heard, expected, language)).part == part
