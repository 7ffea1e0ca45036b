"""Measuring the running appliance: whole turns at microphone pace, and each stage alone in a burst."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from .offers import appliance_programs
from .options import BenchOptions, BenchProgress, Endpoints
from .probe import Timing, Wishes, time_answer, time_speech, time_transcript, time_turn
from .recordings import Recording
from .report import ArmFacts, Mode
from .samples import Samples
from .texts import questions, speeches

TURN_NOTE = (
    "turn: each recording is sent at the speed of a microphone with silence behind it, its transcript goes to the "
    "conversation server, the whole answer to the speech server, each over a connection of its own, as Home Assistant "
    "does. All times count from the last loud sample; Home Assistant's and the network's share is not in them."
)
BURST_NOTE = "burst: one stage alone, everything sent at once; times count from opening the connection."
CLIENT_ENDS_NOTE = (
    "The speech-to-text server leaves the end of speech to its client: the audio ends 1.35 s after the last loud "
    "sample, where Home Assistant ends it."
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a kind of benchmark hands over for the report."""

    samples: Samples
    arms: tuple[ArmFacts, ...]
    texts: dict[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Step:
    mode: Mode
    item: str
    measure: Callable[[], Awaitable[Timing]]
    recording: Recording | None = None


async def measure_appliance(
    options: BenchOptions, endpoints: Endpoints, recordings: list[Recording], progress: BenchProgress
) -> Measured:
    """Measure; raises what `describe` raises when a server is not there. What fails later is counted as a failure."""
    programs, client_ends = await appliance_programs(endpoints)
    steps = _steps(options, endpoints, recordings, client_ends)
    rounds = options.warm_up_rounds + options.rounds
    samples = Samples()
    progress.begin("measuring the appliance", rounds * len(steps))
    for number in range(rounds):
        counts = number >= options.warm_up_rounds
        name = f"round {number - options.warm_up_rounds + 1}" if counts else "warm-up"
        for step in steps:
            await asyncio.sleep(options.settle_s)
            timing = await step.measure()
            if counts:
                samples.add("appliance", step.mode, step.item, number, timing)
                if step.recording is not None:
                    samples.add_heard("appliance", step.mode, step.recording, timing.heard)
            progress.advance(f"{name}: {step.mode} {step.item}")
    facts = ArmFacts(
        name="appliance",
        meaning="the running appliance as it is configured",
        programs=programs,
        settings={"voice": options.voice, "vad_sensitivity": options.vad_sensitivity},
        packages={},
    )
    languages = _languages(options, recordings)
    texts = {fixed.item: fixed.text for fixed in (*questions(languages), *speeches(languages))}
    notes = [TURN_NOTE] * ("turn" in options.modes) + [BURST_NOTE] * ("burst" in options.modes)
    if client_ends and "turn" in options.modes:
        notes.append(CLIENT_ENDS_NOTE)
    return Measured(samples, (facts,), texts if "burst" in options.modes else {}, tuple(notes))


def _languages(options: BenchOptions, recordings: list[Recording]) -> list[str | None]:
    return list(dict.fromkeys([options.language, *(recording.language for recording in recordings)]))


def _steps(options: BenchOptions, endpoints: Endpoints, recordings: list[Recording], client_ends: bool) -> list[_Step]:
    wishes = Wishes(options.trailing_silence_s, options.voice, options.vad_sensitivity)
    languages = _languages(options, recordings)
    steps: list[_Step] = []
    if "turn" in options.modes:
        steps += [
            _Step("turn", r.name, partial(time_turn, endpoints, r, wishes, client_ends=client_ends), r)
            for r in recordings
        ]
    if "burst" in options.modes:
        steps += [_Step("burst", r.name, partial(time_transcript, endpoints.asr, r), r) for r in recordings]
        steps += [
            _Step("burst", q.item, partial(time_answer, endpoints.conversation, q.text, q.language))
            for q in questions(languages)
        ]
        steps += [
            _Step("burst", s.item, partial(time_speech, endpoints.tts, s.text, options.voice))
            for s in speeches(languages)
        ]
    return steps
