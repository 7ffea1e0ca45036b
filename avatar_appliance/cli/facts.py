"""`avatar facts list|forget`: what people asked the assistant to remember about them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.table import Table

from avatar_appliance.client.admin import AdminClient, admin_client
from avatar_appliance.errors import BadRequest

from .app import ConfigOption, JsonOption, app, err, out, settings_from

facts_app = typer.Typer(help="What people asked to be remembered about them.", no_args_is_help=True)
app.add_typer(facts_app, name="facts")

SpeakerOption = Annotated[str | None, typer.Option("--speaker", "-s", metavar="NAME", help="Only this person's.")]
UnknownOption = Annotated[bool, typer.Option("--unknown", help="Only those of somebody nobody recognised.")]
SearchOption = Annotated[str | None, typer.Option("--search", metavar="WORDS", help="Only those with all these words.")]

_PAGE_ROWS: Final = 200


@facts_app.command("list")
def list_facts(
    speaker: SpeakerOption = None,
    unknown: UnknownOption = False,
    search: SearchOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """List what is remembered, newest first."""
    with admin_client(settings_from(config)) as appliance:
        facts = _all(appliance, speaker=speaker, unknown=unknown or None, q=search)
    if json:
        out.print_json(data=facts)
        return
    if not facts:
        err.print("Nothing is remembered." if not (speaker or unknown or search) else "Nothing of that is remembered.")
        return
    out.print(_table(facts))


@facts_app.command()
def forget(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="Facts from `avatar facts list`.")] = None,
    speaker: SpeakerOption = None,
    unknown: UnknownOption = False,
    search: SearchOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything about everybody.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    config: ConfigOption = None,
) -> None:
    """Delete facts for good: the ones given, or all that the options say."""
    chosen = {"speaker": speaker, "unknown": unknown or None, "q": search}
    filtered = any(value is not None for value in chosen.values())
    if sum((bool(ids), filtered, everything)) != 1:
        raise BadRequest(
            "say what to forget", hint="Give ids of `avatar facts list`, or --speaker/--unknown/--search, or --all."
        )
    with admin_client(settings_from(config)) as appliance:
        if ids:
            for fact_id in ids:
                appliance.delete(f"/api/facts/{_whole_id(appliance, fact_id)}")
            count = len(ids)
        else:
            matching = len(_all(appliance, **chosen))
            if matching and not yes:
                typer.confirm(f"Forget {matching} fact(s) for good?", abort=True)
            query = {"all": True} if everything else chosen
            count = appliance.delete("/api/facts", confirm="yes", **query)["facts_deleted"] if matching else 0
    out.print(f"{count} forgotten", highlight=False)


def _all(appliance: AdminClient, **query: Any) -> list[dict[str, Any]]:
    facts: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = appliance.get("/api/facts", limit=_PAGE_ROWS, cursor=cursor, **query)
        facts += page["items"]
        if (cursor := page["next_cursor"]) is None:
            return facts


def _whole_id(appliance: AdminClient, given: str) -> str:
    """Return the id that begins with what was given, as the table shows it."""
    found = [fact["id"] for fact in _all(appliance) if fact["id"].startswith(given)] if len(given) < 32 else [given]
    if len(found) != 1:
        raise BadRequest(
            f"{given!r} is {'no fact' if not found else 'more than one fact'}", hint="See `avatar facts list --json`."
        )
    return str(found[0])


def _table(facts: list[dict[str, Any]]) -> Table:
    table = Table("id", "who", "when", "what", box=None, pad_edge=False)
    for fact in facts:
        when = datetime.fromisoformat(fact["created_at"]).astimezone()
        who = escape(fact["speaker"]) if fact["speaker"] is not None else "[dim]unknown[/]"
        table.add_row(fact["id"][:8], who, f"{when:%Y-%m-%d %H:%M}", escape(fact["text"]))
    return table
