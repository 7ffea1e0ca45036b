"""`avatar say`, `avatar ask`, `avatar listen`: one stage each, from the command line."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from avatar_appliance.client import converse, read_wav, synthesize, transcribe, write_wav
from avatar_appliance.control.announcing import local_endpoint
from avatar_appliance.errors import BadRequest

from .app import ConfigOption, app, err, out, run, settings_from

_PLAYERS = (
    ["pw-play"],
    ["paplay"],
    ["aplay", "-q"],
    ["ffplay", "-nodisp", "-autoexit", "-loglevel", "error"],
)


@app.command()
def say(
    text: Annotated[str, typer.Argument(help="What to say.")],
    voice: Annotated[str | None, typer.Option(help="A voice from `avatar voices`.")] = None,
    language: Annotated[str | None, typer.Option(help="Any voice of this language, e.g. zh-TW.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write a WAV file instead of playing.")] = None,
    config: ConfigOption = None,
) -> None:
    """Let the text-to-speech server speak."""
    settings = settings_from(config)
    endpoint, played = local_endpoint(settings, "tts"), output is None
    speech = run(synthesize(endpoint, text, voice=voice, language=language, played=played))
    first = f"{speech.first_audio_s - speech.asked_s:.2f} s" if speech.first_audio_s else "no audio"
    err.print(f"{speech.audio.duration_s:.1f} s of speech, first audio after {first}", highlight=False)
    if output is not None:
        write_wav(output, speech.audio)
        return
    player = next((p for p in _PLAYERS if shutil.which(p[0])), None)
    if player is None:
        raise BadRequest(
            "no audio player is installed here", hint="Write a file instead: `avatar say -o out.wav TEXT`."
        )
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        write_wav(Path(file.name), speech.audio)
        subprocess.run([*player, file.name], check=False)


@app.command()
def ask(
    text: Annotated[str, typer.Argument(help="The question.")],
    language: Annotated[str | None, typer.Option(help="Language of the question; default: found out.")] = None,
    conversation: Annotated[str | None, typer.Option(help="Identifier of a conversation to continue.")] = None,
    config: ConfigOption = None,
) -> None:
    """Ask the conversation server and print the answer while it comes."""
    settings = settings_from(config)

    def show(piece: str) -> None:
        sys.stdout.write(piece)
        sys.stdout.flush()

    answer = run(
        converse(
            local_endpoint(settings, "conversation"),
            text,
            language=language,
            conversation_id=conversation,
            on_text=show,
        )
    )
    if not answer.handled:
        out.print(answer.text, highlight=False, markup=False)
        raise typer.Exit(1)
    out.print()
    if answer.first_text_s is not None:
        err.print(
            f"[dim]first words after {answer.first_text_s - answer.asked_s:.2f} s, all after "
            f"{answer.ended_s - answer.asked_s:.2f} s; continue with --conversation {answer.conversation_id}[/]",
            highlight=False,
        )


@app.command()
def listen(
    file: Annotated[Path, typer.Argument(help="A WAV file with speech.")],
    language: Annotated[str | None, typer.Option(help="Language of the speech; default: found out.")] = None,
    name: Annotated[
        list[str] | None, typer.Option(help="A word to expect, e.g. a room's name; may be repeated.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Transcribe a WAV file with the speech-to-text server."""
    settings = settings_from(config)
    heard = run(transcribe(local_endpoint(settings, "asr"), read_wav(file), language=language, names=name or ()))
    out.print(heard.text, highlight=False, markup=False)
    err.print(f"[dim]after {heard.answered_s - heard.started_s:.2f} s[/]", highlight=False)
    if not heard.text:
        raise typer.Exit(1)
