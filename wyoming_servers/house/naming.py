"""Which of its names a thing is called by."""

from __future__ import annotations

from collections.abc import Sequence


def name_in(names: Sequence[str], language: str) -> str:
    """Return the first name written in the script of the language; the very first where none is."""
    chinese = language.lower().startswith(("zh", "cmn", "yue"))
    fitting = (name for name in names if any("\u3400" <= char <= "\u9fff" for char in name) == chinese)
    return next(fitting, names[0])
