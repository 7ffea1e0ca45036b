"""Alternating measurements of ours and the peer, over scripted servers."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from avatar_appliance.bench import BenchOptions, PeerMissing, PeerOptions, comparison, run_bench
from avatar_appliance.bench.arm import RunningArm
from avatar_appliance.bench.comparison import compare, order
from avatar_appliance.bench.options import Silence
from avatar_appliance.bench.peers import PeerPrograms
from avatar_appliance.bench.recordings import Recording
from avatar_appliance.bench.report import Arm, ArmFacts
from avatar_appliance.config import Settings

from .conftest import Script, Serve, asr_script, tts_script

OPTIONS = BenchOptions(rounds=2, warm_up_rounds=1, settle_s=0.0, trailing_silence_s=0.02)
ARMS: tuple[Arm, ...] = ("ours", "ours-same-settings", "peer")


async def start(serve: Serve, name: Arm, asr: Script | None = None, tts: Script | None = None) -> RunningArm:
    facts = ArmFacts(name=name, meaning="test", programs=(), settings={}, packages={})
    return RunningArm(
        facts, await serve(asr) if asr else None, await serve(tts) if tts else None, "voice-a", client_ends=False
    )


async def three_arms(serve: Serve) -> list[RunningArm]:
    return [await start(serve, name, asr_script(), tts_script()) for name in ARMS]


async def test_every_arm_is_measured_alike_and_paired(serve: Serve, recording: Recording) -> None:
    samples, texts = await compare(OPTIONS, await three_arms(serve), [recording], Silence())
    counts = {(m.arm, m.stage): m.count for m in samples.measurements() if m.item is None}
    assert counts == {
        (arm, stage): count
        for arm in ARMS
        for stage, count in (("transcript", 2), ("first_audio", 6), ("speech", 6), ("speech_rtf", 6))
    }
    pairs = {(c.arm, c.stage): c.pairs for c in samples.comparisons("ours-same-settings") if c.item is None}
    assert pairs == {key: count for key, count in counts.items() if key[0] != "peer"}
    assert list(texts) == ["en-short", "en-sentence", "en-two-sentences"]


async def test_live_recordings_are_a_mode_of_their_own(serve: Serve, recording: Recording) -> None:
    samples, _ = await compare(OPTIONS, await three_arms(serve), [recording], Silence(), live=True)
    live = {m.arm: m.minimum for m in samples.measurements() if m.mode == "turn" and m.item == "tone"}
    assert live.keys() == set(ARMS)
    assert min(live.values()) >= 40  # the silence behind the last loud frame passes at the pace of a microphone


async def test_a_role_that_is_not_compared_is_left_out(serve: Serve, recording: Recording) -> None:
    arms = [await start(serve, name, None, tts_script()) for name in ARMS]
    samples, _ = await compare(OPTIONS, arms, [recording], Silence(), live=True)
    assert {m.stage for m in samples.measurements()} == {"first_audio", "speech", "speech_rtf"}
    arms = [await start(serve, name, asr_script()) for name in ARMS]
    samples, texts = await compare(OPTIONS, arms, [recording], Silence())
    assert {m.stage for m in samples.measurements()} == {"transcript"}
    assert texts == {}


async def test_a_failing_arm_leaves_the_others_their_figures(serve: Serve, recording: Recording) -> None:
    peer = asr_script()
    peer.error = "broken"
    arms = [await start(serve, "ours", asr_script()), await start(serve, "peer", peer)]
    samples, _ = await compare(OPTIONS, arms, [recording], Silence())
    assert {(m.arm, m.count) for m in samples.measurements()} == {("ours", 2)}
    assert [(f.arm, f.code, f.count) for f in samples.failures()] == [("peer", "server-error", 2)]
    assert samples.comparisons("ours") == ()


async def test_nobody_is_always_first_or_always_after_the_same_one(serve: Serve) -> None:
    arms = await three_arms(serve)
    orders = [order(arms, place, number) for number in range(6) for place in range(2)]
    assert Counter(o[0].facts.name for o in orders) == dict.fromkeys(ARMS, 4)
    after = Counter((a.facts.name, b.facts.name) for o in orders for a, b in pairwise(o))
    assert after == {(a, b): 4 for a in ARMS for b in ARMS if a != b}
    assert all(sorted(a.facts.name for a in o) == sorted(ARMS) for o in orders)


async def test_a_peer_run_reports_arms_comparisons_and_what_they_mean(
    serve: Serve, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[Path] = []

    @contextlib.asynccontextmanager
    async def small(_settings: Settings, _subject: Any, parent: Path, name: Arm) -> AsyncIterator[RunningArm]:
        used.append(parent)
        yield await start(serve, name, asr_script(), tts_script())

    @contextlib.asynccontextmanager
    async def stock(_programs: PeerPrograms, _subject: Any, _parent: Path) -> AsyncIterator[RunningArm]:
        yield await start(serve, "peer", asr_script(), tts_script())

    async def found(*_: Any) -> PeerPrograms:
        return PeerPrograms(("asr",), ("tts",), {})

    monkeypatch.setattr(comparison, "small_appliance", small)
    monkeypatch.setattr(comparison, "stock_servers", stock)
    monkeypatch.setattr(comparison, "find_peers", found)
    options = BenchOptions(
        folder=folder, rounds=1, settle_s=0, peer=PeerOptions(settings), command=("/bin/avatar", "bench", "--peer")
    )
    report = await run_bench(options, None)
    assert (report.kind, report.command) == ("peer", "avatar bench --peer")
    assert [arm.name for arm in report.arms] == list(ARMS)
    bounded = {(c.arm, c.within_bound is None) for c in report.comparisons if c.stage == "transcript"}
    assert bounded == {("ours", True), ("ours-same-settings", False)}
    assert "below 1 ours is faster" in " ".join(report.notes)
    assert len(used) == 2
    assert not any(path.exists() for path in used)


async def test_a_missing_peer_ends_the_run_before_anything_is_started(
    settings: Settings, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("started")

    monkeypatch.setattr(comparison, "small_appliance", never)
    options = BenchOptions(folder=folder, peer=PeerOptions(settings, python=tmp_path / "no-python"))
    with pytest.raises(PeerMissing, match="wyoming-faster-whisper is not installed for"):
        await run_bench(options, None)
