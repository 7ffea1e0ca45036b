"""`avatar bench`: measure the running appliance, or our servers against the stock ones."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from avatar_appliance.control.announcing import local_endpoint

from .app import ConfigOption, app, err, out, run, settings_from


@app.command()
def bench(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of WAV files.", show_default="the bundled recordings")
    ] = None,
    rounds: Annotated[int, typer.Option(help="Rounds that count.")] = 5,
    peer: Annotated[
        bool, typer.Option("--peer", help="Compare with stock wyoming-faster-whisper and wyoming-piper, same models.")
    ] = False,
    peer_python: Annotated[
        Path | None, typer.Option(help="Interpreter that has the stock servers.", show_default="this one, then PATH")
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="With --peer: also speak at microphone pace.")] = False,
    language: Annotated[str | None, typer.Option(help="Language of recordings without a manifest.")] = None,
    voice: Annotated[str | None, typer.Option(help="Voice to speak with.")] = None,
    vad_sensitivity: Annotated[str | None, typer.Option(help="default, relaxed or aggressive.")] = None,
    per_item: Annotated[bool, typer.Option("--per-item", help="Show each recording, too.")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the report as JSON, too.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    config: ConfigOption = None,
) -> None:
    """Measure from the last loud sample to transcript, first token and first audio; median and p95."""
    # Imported here: nobody else on this command line needs jiwer and the tables.
    from avatar_appliance.bench import (
        BenchOptions,
        Endpoints,
        PeerOptions,
        RichProgress,
        print_report,
        run_bench,
    )

    settings = settings_from(config)
    options = BenchOptions(
        folder=folder,
        rounds=rounds,
        language=language,
        voice=voice,
        vad_sensitivity=vad_sensitivity,
        peer=PeerOptions(settings, peer_python, live) if peer else None,
        command=("avatar", *sys.argv[1:]),
    )
    endpoints = None
    if not peer:
        asr, tts, conversation = (local_endpoint(settings, role) for role in ("asr", "tts", "conversation"))
        endpoints = Endpoints(asr, tts, conversation)
    with RichProgress(err) as progress:
        report = run(run_bench(options, endpoints, progress))
    text = report.model_dump_json(indent=2)
    if output is not None:
        output.write_text(text + "\n", encoding="utf-8")
    if json:
        out.print(text, highlight=False, markup=False, soft_wrap=True)
    else:
        print_report(report, out, per_item=per_item)
    if report.failures:
        raise typer.Exit(1)
