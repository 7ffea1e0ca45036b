"""A device's memory as one line of blocks."""

from __future__ import annotations

from rich.text import Text

_COLOURS = ("cyan", "green", "blue", "magenta", "yellow", "bright_cyan", "bright_green", "bright_blue")


def memory_bar(total_bytes: int, budget_bytes: int, ours: dict[str, int], foreign_bytes: int, width: int = 48) -> Text:
    """Return the bar: a colour per worker, others, room up to the budget, and what is kept free above it."""
    bar, used = Text("▕"), 0
    scale = width / max(1, total_bytes)

    def fill(size_bytes: int, block: str, style: str) -> None:
        nonlocal used
        # By running totals, so that roundings do not add up.
        end = min(width, round((used + size_bytes) * scale))
        bar.append(block * max(0, end - round(used * scale)), style)
        used += size_bytes

    for index, size_bytes in enumerate(ours.values()):
        fill(size_bytes, "█", worker_colour(index))
    fill(foreign_bytes, "▓", "red")
    fill(max(0, budget_bytes - used), "·", "dim")
    fill(max(0, total_bytes - used), " ", "")
    bar.append("▏")
    return bar


def worker_colour(index: int) -> str:
    """Return the colour of the worker at this place in the bar."""
    return _COLOURS[index % len(_COLOURS)]
