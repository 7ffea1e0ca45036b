"""Voice profiles in a terminal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Column, Table

from .app import out

_MARKS = {"refused": "[red]x[/]", "warning": "[yellow]![/]", "note": "[dim]-[/]"}


def text_of(said: Any) -> str:
    """Return a remark or reason in the language of this terminal: Chinese where its locale is, else English."""
    locale = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return str(said["text"]["zh-TW" if locale.lower().startswith("zh") else "en"])


def voices_table(voices: Sequence[Any]) -> Table:
    """Return all profiles as a table."""
    table = Table(Column("id", no_wrap=True), "name", "languages", "purpose", "state", "score")
    for voice in voices:
        purpose = f"{voice['purpose']}{' (default)' if voice['is_default'] else ''}"
        score = voice["trial"]["score"] if voice["trial"] else None
        state = voice["state"] if voice["reason"] is None else f"{voice['state']}: {voice['reason']['code']}"
        shown = "" if score is None else str(score)
        table.add_row(voice["id"], escape(voice["name"]), ", ".join(voice["languages"]), purpose, state, shown)
    return table


def print_voice(voice: Any) -> None:
    """Print one profile with all that the doctor says."""
    score = voice["trial"]["score"] if voice["trial"] else None
    scored = "" if score is None else f", score {score} of 100"
    name = escape(voice["name"])
    out.print(f"{voice['id']} ({name}): {voice['state']}, version {voice['version']}{scored}", highlight=False)
    if voice["reason"] is not None:
        out.print(f"  {escape(text_of(voice['reason']))}", highlight=False, soft_wrap=True)
    for remark in voice["remarks"]:
        out.print(f"  {_MARKS[remark['severity']]} {escape(text_of(remark))}", highlight=False, soft_wrap=True)
    if voice["transcript"]:
        words = escape(voice["transcript"])
        out.print(f"  [dim]words ({voice['transcript_language']}):[/] {words}", highlight=False, soft_wrap=True)
