"""`avatar pronounce list|set|remove`: how words of this house are to be said."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from avatar_appliance.client.admin import admin_client

from .app import ConfigOption, JsonOption, app, err, out, settings_from

pronounce_app = typer.Typer(help="How words of this house are to be said.", no_args_is_help=True)
app.add_typer(pronounce_app, name="pronounce")

Word = Annotated[str, typer.Argument(help="The word or words, as they are written.")]
LanguageOption = Annotated[
    str | None, typer.Option("--language", "-l", metavar="TAG", help="Only in this language, e.g. en or zh-TW.")
]


@pronounce_app.command("list")
def list_words(config: ConfigOption = None, json: JsonOption = False) -> None:
    """List all of them."""
    with admin_client(settings_from(config)) as appliance:
        entries = appliance.get("/api/pronunciations")["items"]
    if json:
        out.print_json(data=entries)
        return
    if not entries:
        err.print("Nothing is set; every word is said as it is written.")
        return
    table = Table("word", "is said", "in", box=None, pad_edge=False)
    for entry in entries:
        table.add_row(escape(entry["word"]), escape(entry["say"]), entry["language"] or "[dim]any language[/]")
    out.print(table)


@pronounce_app.command("set")
def set_word(
    word: Word,
    say: Annotated[str, typer.Argument(help="How to say it, in ordinary letters: how it sounds.")],
    language: LanguageOption = None,
    config: ConfigOption = None,
) -> None:
    """Set how a word is said, from the next answer on."""
    with admin_client(settings_from(config)) as appliance:
        appliance.put("/api/pronunciations", {"word": word, "say": say, "language": language})
    out.print(f"{word} is said {say}", highlight=False, markup=False)


@pronounce_app.command("remove")
def remove_word(word: Word, language: LanguageOption = None, config: ConfigOption = None) -> None:
    """Say a word as it is written again."""
    with admin_client(settings_from(config)) as appliance:
        appliance.delete("/api/pronunciations", word=word, language=language)
    out.print(f"{word} is said as it is written", highlight=False, markup=False)
