"""One benchmark from options to report."""

from __future__ import annotations

from datetime import UTC, datetime

from avatar_appliance import __version__
from avatar_appliance.errors import BadRequest

from .appliance import measure_appliance
from .command_line import public_command
from .comparison import BOUNDED, measure_against_peer
from .machine import load_average, machine_facts
from .options import BenchOptions, BenchProgress, Endpoints, Silence
from .recordings import load_recordings
from .report import BenchReport


async def run_bench(
    options: BenchOptions, endpoints: Endpoints | None, progress: BenchProgress | None = None
) -> BenchReport:
    """Measure the appliance at `endpoints`, or with `options.peer` our servers against the stock ones.

    Raises NoRecordings or BadRequest for the folder, WorkerUnavailable and the like when the appliance is not there,
    PeerMissing, NothingToCompare, ServerDidNotStart for a comparison. Single requests that fail are in the report.
    """
    if options.rounds < 1 or options.warm_up_rounds < 0:
        raise BadRequest("a benchmark needs at least one round", hint="Give --rounds 1 or more.")
    progress = progress or Silence()
    recordings = load_recordings(options.folder, options.language)
    load_before = load_average()
    if options.peer is not None:
        measured = await measure_against_peer(options, options.peer, recordings, progress)
    elif endpoints is not None:
        measured = await measure_appliance(options, endpoints, recordings, progress)
    else:
        raise BadRequest("there are no servers to measure", hint="Give the endpoints of a running appliance.")
    hosts = [e.host for e in (endpoints.asr, endpoints.tts, endpoints.conversation)] if endpoints else []
    return BenchReport(
        kind="appliance" if options.peer is None else "peer",
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        command=public_command(options.command, hosts),
        appliance_version=__version__,
        machine=machine_facts(),
        load_before=load_before,
        load_after=load_average(),
        rounds=options.rounds,
        warm_up_rounds=options.warm_up_rounds,
        trailing_silence_s=options.trailing_silence_s,
        arms=measured.arms,
        recordings=tuple(recording.facts() for recording in recordings),
        texts=measured.texts,
        measurements=measured.samples.measurements(),
        word_errors=measured.samples.word_errors(),
        failures=measured.samples.failures(),
        comparisons=measured.samples.comparisons(BOUNDED),
        notes=measured.notes,
    )
