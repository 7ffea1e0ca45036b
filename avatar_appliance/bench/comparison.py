"""Our servers against the stock ones, in the same run, turn and turn about."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from .appliance import BURST_NOTE, Measured
from .arm import RunningArm
from .options import BenchOptions, BenchProgress, PeerOptions
from .peers import find_peers, stock_servers
from .probe import Timing, Wishes, time_live_transcript, time_speech, time_transcript
from .recordings import Recording
from .report import Arm, Mode
from .samples import BOUND_MS, BOUND_RATIO, Samples
from .small_appliance import small_appliance
from .subject import Subject, choose_subject
from .texts import speeches

BOUNDED: Arm = "ours-same-settings"
NOTES = (
    "All servers run on this machine, on loopback, at the same time, with the same model files; each gets its requests "
    "one at a time over fresh connections. Within a round every request goes to one server right after the other, in "
    "an order that rotates. ratio is the median of ours/peer pair by pair: below 1 ours is faster.",
    "ours-same-settings isolates what our servers add (two processes per role, checks, history): the bound is "
    f"{(BOUND_RATIO - 1) * 100:.0f} % or {BOUND_MS:g} ms more than the stock server. ours is what the configuration "
    "gives.",
    "Not the same on both sides: the stock server lets Whisper write time stamps and condition on its earlier text, "
    "ours does not for recordings below 30 s; Piper draws the length of each sound at random, so that two speeches of "
    "one text differ by some percent on either side (speech_rtf takes that out).",
)
LIVE_NOTE = (
    "turn: recordings at microphone pace, time from the last loud sample to the transcript. A server that leaves the "
    "end of speech to its client gets the end of audio 1.35 s after the last loud sample, as from Home Assistant. That "
    "a client may end in a pause of the recording is left out; a server that does so is marked cut-short."
)


class _Item(NamedTuple):
    """One request that every arm gets; `measure` is None for an arm without the role."""

    mode: Mode
    name: str
    measure: Callable[[RunningArm], Coroutine[Any, Any, Timing] | None]
    recording: Recording | None = None


async def measure_against_peer(
    options: BenchOptions, peer: PeerOptions, recordings: list[Recording], progress: BenchProgress
) -> Measured:
    """Start everything, measure, stop everything.

    Raises NothingToCompare, PeerMissing, ServerDidNotStart, and the model store's errors.
    """
    subject = choose_subject(peer.settings)
    programs = await find_peers(subject, peer.python)
    for role, chosen in (("speech-to-text", subject.whisper), ("text-to-speech", subject.piper)):
        if chosen is None:
            progress.note(f"no {role} worker here has a stock server beside it; comparing the other role only")
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="avatar-bench-")))
        progress.note("starting three sets of servers")
        arms = [
            await stack.enter_async_context(small_appliance(peer.settings, subject, folder, "ours")),
            await stack.enter_async_context(small_appliance(peer.settings, subject, folder, BOUNDED)),
            await stack.enter_async_context(stock_servers(programs, subject, folder)),
        ]
        samples, texts = await compare(options, arms, recordings, progress, live=peer.live)
    notes = (BURST_NOTE, *([LIVE_NOTE] if peer.live else []), *NOTES)
    return Measured(samples, tuple(arm.facts for arm in arms), texts, _with_subject(notes, subject))


async def compare(
    options: BenchOptions,
    arms: Sequence[RunningArm],
    recordings: list[Recording],
    progress: BenchProgress,
    *,
    live: bool = False,
) -> tuple[Samples, dict[str, str]]:
    """Measure running servers in alternation; return the samples and the texts that were spoken."""
    spoken = speeches([*(recording.language for recording in recordings), options.language])
    speaking = any(arm.tts for arm in arms)
    items = _items(options, recordings, live=live)
    if speaking:
        items += [_Item("burst", fixed.item, partial(_speech, text=fixed.text)) for fixed in spoken]
    rounds = options.warm_up_rounds + options.rounds
    samples = Samples()
    progress.begin("comparing", rounds * len(items) * len(arms))
    for number in range(rounds):
        for place, item in enumerate(items):
            for arm in order(arms, place, number):
                await _measure(samples, options, arm, item, number)
                progress.advance(f"{item.mode} {item.name}: {arm.facts.name}")
    return samples, {fixed.item: fixed.text for fixed in spoken} if speaking else {}


def order(arms: Sequence[RunningArm], place: int, number: int) -> list[RunningArm]:
    """Return who is measured after whom: everybody comes first equally often, and after each other one too.

    Who comes first finds the machine as somebody else left it: its caches, its clock.
    """
    first = (place + number) % len(arms)
    rotated = [*arms[first:], *arms[:first]]
    return rotated[::-1] if number % 2 else rotated


def _items(options: BenchOptions, recordings: list[Recording], *, live: bool) -> list[_Item]:
    wishes = Wishes(options.trailing_silence_s, options.voice, options.vad_sensitivity)
    items = [_Item("burst", r.name, partial(_transcript, recording=r), r) for r in recordings]
    if live:
        items += [_Item("turn", r.name, partial(_live, recording=r, wishes=wishes), r) for r in recordings]
    return items


async def _measure(samples: Samples, options: BenchOptions, arm: RunningArm, item: _Item, number: int) -> None:
    measuring = item.measure(arm)
    if measuring is None:
        return
    await asyncio.sleep(options.settle_s)
    timing = await measuring
    if number >= options.warm_up_rounds:
        samples.add(arm.facts.name, item.mode, item.name, number, timing)
        if item.recording is not None:
            samples.add_heard(arm.facts.name, item.mode, item.recording, timing.heard)


def _transcript(arm: RunningArm, *, recording: Recording) -> Coroutine[Any, Any, Timing] | None:
    return time_transcript(arm.asr, recording) if arm.asr else None


def _live(arm: RunningArm, *, recording: Recording, wishes: Wishes) -> Coroutine[Any, Any, Timing] | None:
    return time_live_transcript(arm.asr, recording, wishes, client_ends=arm.client_ends) if arm.asr else None


def _speech(arm: RunningArm, *, text: str) -> Coroutine[Any, Any, Timing] | None:
    return time_speech(arm.tts, text, arm.voice) if arm.tts else None


def _with_subject(notes: tuple[str, ...], subject: Subject) -> tuple[str, ...]:
    missing = [role for role, chosen in (("asr", subject.whisper), ("tts", subject.piper)) if chosen is None]
    return (*notes, *(f"{role}: not compared, no worker of it has a stock server to stand beside" for role in missing))
