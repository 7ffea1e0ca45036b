"""What workers were seen to take, kept for the next start."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from avatar_appliance.coordinator.measurement import Measurement
from avatar_appliance.store import Database, MeasurementRepository, read_measurements
from avatar_appliance.store.schema import load_migrations

GIB = 2**30
F5 = Measurement(
    worker="f5",
    device="cuda:0",
    fingerprint="a" * 32,
    rest_bytes=1652 * 2**20,
    peak_bytes=2100 * 2**20,
    start_s=20.0,
    measured_at=1000.0,
)


@pytest.fixture
def measurements(database: Database) -> MeasurementRepository:
    return MeasurementRepository(database)


async def test_a_first_sample_is_kept_as_it_is(measurements: MeasurementRepository) -> None:
    assert await measurements.add(F5) == F5
    assert await measurements.all() == [F5]


async def test_a_worker_that_grew_is_remembered_as_large_as_it_was_seen(measurements: MeasurementRepository) -> None:
    await measurements.add(F5)
    grown = await measurements.add(replace(F5, rest_bytes=2176 * 2**20, peak_bytes=2176 * 2**20, measured_at=2000.0))
    assert (grown.rest_bytes, grown.samples, grown.measured_at) == (2176 * 2**20, 2, 2000.0)
    assert await measurements.all() == [grown]


async def test_an_outlier_fades(measurements: MeasurementRepository) -> None:
    usual = 2 * GIB
    await measurements.add(replace(F5, rest_bytes=8 * GIB, peak_bytes=9 * GIB))
    known = F5
    for _ in range(20):
        known = await measurements.add(replace(F5, rest_bytes=usual, peak_bytes=usual))
        assert known.rest_bytes >= usual
    assert known.rest_bytes < usual * 1.05
    assert known.peak_bytes >= known.rest_bytes


async def test_a_start_takes_as_long_as_starts_took(measurements: MeasurementRepository) -> None:
    await measurements.add(F5)
    assert (await measurements.add(replace(F5, start_s=40.0))).start_s == 25.0


async def test_other_settings_or_another_model_begin_anew(measurements: MeasurementRepository) -> None:
    await measurements.add(replace(F5, rest_bytes=9 * GIB, peak_bytes=9 * GIB))
    other = replace(F5, fingerprint="b" * 32)
    assert await measurements.add(other) == other
    assert await measurements.all() == [other]


async def test_each_device_has_its_own(measurements: MeasurementRepository) -> None:
    on_cpu = replace(F5, device="cpu", rest_bytes=3 * GIB, peak_bytes=3 * GIB)
    await measurements.add(F5)
    await measurements.add(on_cpu)
    assert await measurements.all() == [on_cpu, F5]


async def test_what_cannot_be_is_refused(measurements: MeasurementRepository) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        await measurements.add(replace(F5, rest_bytes=2, peak_bytes=1))
    assert await measurements.all() == []


async def test_the_command_line_reads_them_beside_a_running_appliance(
    database: Database, measurements: MeasurementRepository
) -> None:
    await measurements.add(F5)
    assert read_measurements(database.path) == [F5]


@pytest.mark.parametrize("content", [None, b"", b"no database at all" * 100])
def test_without_a_usable_database_there_are_none(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "avatar.db"
    if content is not None:
        path.write_bytes(content)
    assert read_measurements(path) == ()
    assert path.exists() is (content is not None), "looking must not make a database"


async def test_a_database_from_before_has_none_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "avatar.db"
    async with Database.open(path, migrations=load_migrations()[:2]):
        pass
    assert read_measurements(path) == ()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    connection.close()
