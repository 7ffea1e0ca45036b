"""`run_bench` over scripted servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from avatar_appliance.bench import BenchOptions, BenchReport, Endpoints, run_bench
from avatar_appliance.client import Endpoint
from avatar_appliance.errors import BadRequest, WorkerUnavailable

from .conftest import Serve, Stubs, asr_script


class Heard:
    def __init__(self) -> None:
        self.steps = 0
        self.done: list[str] = []

    def begin(self, title: str, steps: int) -> None:
        self.steps = steps

    def advance(self, what: str) -> None:
        self.done.append(what)

    def note(self, text: str) -> None:
        pass


def options(folder: Path, **changes: object) -> BenchOptions:
    wanted = {"rounds": 2, "warm_up_rounds": 1, "settle_s": 0.0, "trailing_silence_s": 0.02, "language": "en"}
    return BenchOptions(folder=folder, **(wanted | changes))  # type: ignore[arg-type]


async def bench(serve: Serve, stubs: Stubs, folder: Path, **changes: object) -> BenchReport:
    return await run_bench(options(folder, **changes), await stubs.start(serve))


async def test_a_run_measures_turns_and_bursts(serve: Serve, stubs: Stubs, folder: Path) -> None:
    report = await bench(serve, stubs, folder)
    turn = {m.stage: m.count for m in report.measurements if m.mode == "turn" and m.item is None}
    burst = {m.stage: m.count for m in report.measurements if m.mode == "burst" and m.item is None}
    stages = ["transcript", "first_token", "answer", "first_audio", "speech", "speech_rtf"]
    assert turn == dict.fromkeys(stages, 2)
    assert burst == dict.fromkeys(stages[:3], 2) | dict.fromkeys(stages[3:], 6)  # three texts are spoken
    assert report.kind == "appliance"
    assert report.failures == ()
    assert {e.errors for e in report.word_errors} == {0}


async def test_the_warm_up_is_measured_and_thrown_away(serve: Serve, stubs: Stubs, folder: Path) -> None:
    report = await bench(serve, stubs, folder, modes=("turn",), rounds=2, warm_up_rounds=3)
    assert stubs.tts.requests == 5
    assert {m.count for m in report.measurements} == {2}


async def test_models_and_versions_come_from_describe(serve: Serve, stubs: Stubs, folder: Path) -> None:
    (arm,) = (await bench(serve, stubs, folder, modes=("burst",), rounds=1)).arms
    found = [(p.role, p.name, p.version, p.models) for p in arm.programs]
    assert found == [
        ("asr", "asr", "1.0", ("model-a",)),
        ("tts", "tts", "1.0", ("voice-a",)),
        ("conversation", "chat", "1.0", ("model-b",)),
    ]


async def test_one_request_at_a_time(serve: Serve, stubs: Stubs, folder: Path) -> None:
    await bench(serve, stubs, folder, rounds=1)
    assert [s.most_busy for s in (stubs.asr, stubs.handle, stubs.tts)] == [1, 1, 1]


async def test_progress_counts_every_measurement(serve: Serve, stubs: Stubs, folder: Path) -> None:
    heard = Heard()
    await run_bench(options(folder), await stubs.start(serve), heard)
    assert len(heard.done) == heard.steps == 3 * (1 + 1 + 1 + 3)
    assert heard.done[0] == "warm-up: turn recording-01"
    assert heard.done[-1] == "round 2: burst en-two-sentences"


async def test_an_external_vad_gets_the_end_of_audio_that_home_assistant_sends(
    serve: Serve, stubs: Stubs, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avatar_appliance.bench.recordings.HOME_ASSISTANT_END_S", 0.04)
    stubs.asr = asr_script(external_vad=True)
    report = await bench(serve, stubs, folder, modes=("turn",), rounds=1, warm_up_rounds=0, trailing_silence_s=60.0)
    assert report.measurements
    assert "leaves the end of speech to its client" in " ".join(report.notes)


async def test_failures_are_reported_and_do_not_end_the_run(serve: Serve, stubs: Stubs, folder: Path) -> None:
    stubs.handle.error = "worker-busy"
    report = await bench(serve, stubs, folder, modes=("turn",))
    (failure,) = report.failures
    assert (failure.stage, failure.item, failure.code, failure.count) == ("answer", "recording-01", "server-error", 2)
    assert {m.stage for m in report.measurements} == {"transcript"}


async def test_nothing_that_was_said_by_an_owner_is_in_the_report(serve: Serve, stubs: Stubs, folder: Path) -> None:
    stubs.asr = asr_script("open the secret garage")
    said = (await bench(serve, stubs, folder, rounds=1)).to_json().casefold()
    assert "garage" not in said
    assert "turn on" not in said
    assert "turn-on" not in said


async def test_bursts_follow_the_language_of_the_recordings(serve: Serve, stubs: Stubs, folder: Path) -> None:
    report = await bench(serve, stubs, folder, modes=("burst",), rounds=1, warm_up_rounds=0, language="zh-TW")
    assert list(report.texts) == ["zh-question", "zh-short", "zh-sentence", "zh-two-sentences"]


async def test_an_appliance_that_is_not_there_is_an_error(folder: Path) -> None:
    nobody = Endpoint("127.0.0.1", 9)
    with pytest.raises(WorkerUnavailable, match="nothing answers"):
        await run_bench(options(folder), Endpoints(nobody, nobody, nobody))


async def test_no_endpoints_are_an_error(folder: Path) -> None:
    with pytest.raises(BadRequest, match="no servers"):
        await run_bench(options(folder), None)


@pytest.mark.parametrize("changes", [{"rounds": 0}, {"warm_up_rounds": -1}])
async def test_a_run_without_rounds_is_an_error(folder: Path, changes: dict[str, int]) -> None:
    with pytest.raises(BadRequest, match="at least one round"):
        await run_bench(options(folder, **changes), None)
