"""`avatar voices`: what Home Assistant can choose from, and the household's own voices."""

from __future__ import annotations

import json as json_module
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from avatar_appliance.client import describe
from avatar_appliance.client.admin import AdminClient, admin_client
from avatar_appliance.control.announcing import local_endpoint
from avatar_appliance.errors import BadRequest, DeadlineExceeded

from .app import ConfigOption, JsonOption, app, err, out, run, settings_from
from .voices_report import print_voice, text_of, voices_table

voices_app = typer.Typer(help="The voices Home Assistant can choose from, and the household's own ones.")
app.add_typer(voices_app, name="voices")

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="A profile from `avatar voices list`.")]
WaitOption = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is checked and has spoken.")]
FileArgument = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="WAV, MP3, FLAC, M4A, Ogg or WebM.")]
TranscriptOption = Annotated[
    str | None, typer.Option(help="What is said in it, word for word; default: it is written down for you.")
]

_UNFINISHED = ("recorded", "checking", "cloning")
_POLL_S = 0.5
_LONGEST_S = 900.0


@voices_app.callback(invoke_without_command=True)
def voices(context: typer.Context, config: ConfigOption = None, json: JsonOption = False) -> None:
    """List the voices Home Assistant can choose from."""
    if context.invoked_subcommand is not None:
        return
    settings = settings_from(config)
    info = run(describe(local_endpoint(settings, "tts")))
    found = info.tts[0].voices if info.tts else []
    if json:
        out.print_json(data=[{"name": v.name, "languages": v.languages, "description": v.description} for v in found])
        return
    table = Table(Column("name", no_wrap=True), "languages", "description")
    for voice in found:
        table.add_row(voice.name, ", ".join(voice.languages), voice.description or "")
    out.print(table)


@voices_app.command("list")
def list_profiles(config: ConfigOption = None, json: JsonOption = False) -> None:
    """List the household's own voices and how far each is."""
    with admin_client(settings_from(config)) as appliance:
        voices = appliance.get("/api/voices")
    if json:
        out.print_json(data=voices)
        return
    if voices["items"]:
        out.print(voices_table(voices["items"]))
    else:
        err.print("There is no voice profile yet; `avatar voices add` makes one.")
    if voices["reason"]:
        err.print(f"[yellow]{escape(text_of(voices['reason']))}[/]", highlight=False)


@voices_app.command()
def add(
    file: FileArgument,
    name: Annotated[str, typer.Option(help="What people call the voice.")],
    language: Annotated[
        list[str], typer.Option("--language", "-l", help="A language it shall speak; may be repeated.")
    ],
    consent_by: Annotated[str | None, typer.Option(help="Who allows it: whose voice it is.")] = None,
    consent_for: Annotated[str, typer.Option(help="What they allow it for.")] = "speaking in this house",
    transcript: TranscriptOption = None,
    tier: Annotated[str, typer.Option(help="auto, fast or high-quality.")] = "auto",
    purpose: Annotated[str, typer.Option(help="answers, announcements or night-whisper.")] = "answers",
    speed: Annotated[float, typer.Option(help="Above 1 speaks faster.")] = 1.0,
    wait: WaitOption = True,
    config: ConfigOption = None,
) -> None:
    """Make a voice of a recording of half a minute. Without --consent-by it is kept, but not cloned."""
    fields: dict[str, Any] = {"name": name, "languages": language, "tier": tier, "purpose": purpose, "speed": speed}
    if consent_by is not None:
        fields["consent"] = {"given_by": consent_by, "purpose": consent_for}
    if transcript is not None:
        fields["transcript"] = transcript
    with admin_client(settings_from(config)) as appliance, file.open("rb") as recording:
        said = {"profile": json_module.dumps(fields)}
        _finish(appliance, appliance.upload("POST", "/api/voices", {"recording": recording}, said), wait=wait)


@voices_app.command()
def record(
    voice: IdArgument,
    file: FileArgument,
    transcript: TranscriptOption = None,
    wait: WaitOption = True,
    config: ConfigOption = None,
) -> None:
    """Take another recording for a voice."""
    with admin_client(settings_from(config)) as appliance, file.open("rb") as recording:
        said = {"transcript": transcript} if transcript else {}
        path = f"/api/voices/{voice}/recording"
        _finish(appliance, appliance.upload("PUT", path, {"recording": recording}, said), wait=wait)


@voices_app.command()
def show(voice: IdArgument, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show a voice with what the doctor says of it."""
    with admin_client(settings_from(config)) as appliance:
        found = appliance.get(f"/api/voices/{voice}")
    if json:
        out.print_json(data=found)
    else:
        print_voice(found)


@voices_app.command()
def rename(voice: IdArgument, name: Annotated[str, typer.Argument()], config: ConfigOption = None) -> None:
    """Call a voice otherwise; its id, and so Home Assistant's name of it, stays."""
    _change(voice, {"name": name}, config)


@voices_app.command()
def change(
    voice: IdArgument,
    language: Annotated[list[str] | None, typer.Option("--language", "-l", help="Languages it shall speak.")] = None,
    tier: Annotated[str | None, typer.Option(help="auto, fast or high-quality.")] = None,
    purpose: Annotated[str | None, typer.Option(help="answers, announcements or night-whisper.")] = None,
    speed: Annotated[float | None, typer.Option(help="Above 1 speaks faster.")] = None,
    transcript: Annotated[str | None, typer.Option(help="What is really said in the recording.")] = None,
    consent_by: Annotated[str | None, typer.Option(help="Who allows it: whose voice it is.")] = None,
    consent_for: Annotated[str, typer.Option(help="What they allow it for.")] = "speaking in this house",
    withdraw_consent: Annotated[bool, typer.Option("--withdraw-consent", help="End the voice; it is kept.")] = False,
    config: ConfigOption = None,
) -> None:
    """Change what a voice speaks, how fast, what for; correct its words; give consent or take it back."""
    wishes = {"languages": language, "tier": tier, "purpose": purpose, "speed": speed, "transcript": transcript}
    said: dict[str, Any] = {name: value for name, value in wishes.items() if value is not None}
    if consent_by is not None:
        said["consent"] = {"given_by": consent_by, "purpose": consent_for}
    elif withdraw_consent:
        said["consent"] = None
    if not said:
        raise BadRequest("nothing to change was given", hint="`avatar voices change --help` lists what can be.")
    _change(voice, said, config)


@voices_app.command()
def default(voice: IdArgument, config: ConfigOption = None) -> None:
    """Let a voice speak where none is asked for."""
    _change(voice, {"is_default": True}, config)


@voices_app.command()
def check(voice: IdArgument, wait: WaitOption = True, config: ConfigOption = None) -> None:
    """Check a voice again, and let it say its test sentence."""
    with admin_client(settings_from(config)) as appliance:
        _finish(appliance, appliance.post(f"/api/voices/{voice}/check"), wait=wait)


@voices_app.command()
def delete(
    voice: IdArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    config: ConfigOption = None,
) -> None:
    """Delete a voice with its recording."""
    with admin_client(settings_from(config)) as appliance:
        found = appliance.get(f"/api/voices/{voice}")
        if not yes:
            typer.confirm(f"Delete {found['name']} ({voice}) for good?", abort=True)
        appliance.delete(f"/api/voices/{voice}")
    out.print(f"{voice} is deleted", highlight=False)


@voices_app.command()
def export(
    voice: IdArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write.", show_default="ID.avatar-voice.zip")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Write a voice into one file. It holds the person's recording: keep it as you would keep that."""
    path = output or Path(f"{voice}.avatar-voice.zip")
    with admin_client(settings_from(config)) as appliance:
        content = appliance.download(f"/api/voices/{voice}/export")
    try:
        path.write_bytes(content)
        path.chmod(0o600)
    except OSError as error:
        raise BadRequest(f"{path} cannot be written: {error.strerror}", hint="Choose another --output.") from None
    out.print(f"{path}", highlight=False)


@voices_app.command("import")
def import_profile(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A file of `avatar voices export`.")],
    wait: WaitOption = True,
    config: ConfigOption = None,
) -> None:
    """Take a voice that was exported, here or elsewhere."""
    with admin_client(settings_from(config)) as appliance, file.open("rb") as archive:
        _finish(appliance, appliance.upload("POST", "/api/voices/import", {"archive": archive}, {}), wait=wait)


def _change(voice: str, said: dict[str, Any], config: Path | None) -> None:
    with admin_client(settings_from(config)) as appliance:
        print_voice(appliance.patch(f"/api/voices/{voice}", said))


def _finish(appliance: AdminClient, voice: Any, *, wait: bool) -> None:
    """Show the profile, once its check is over where that is wished; exits 1 where it became no voice."""
    began_s = time.monotonic()
    with err.status(voice["id"]) as line:
        while wait and voice["state"] in _UNFINISHED:
            if time.monotonic() - began_s > _LONGEST_S:
                raise DeadlineExceeded(
                    f"{voice['id']} is still {voice['state']}", hint="`avatar voices show` shows it."
                )
            line.update(f"{voice['id']}: {voice['state']}")
            time.sleep(_POLL_S)
            voice = appliance.get(f"/api/voices/{voice['id']}")
    print_voice(voice)
    if wait and not voice["is_voice"]:
        raise typer.Exit(1)
