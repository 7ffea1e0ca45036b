"""A simulated day as a picture: who held the GPU's memory, and how the turns went (SVG, no dependency)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from .day import HOUR_S, DayRecord
from .household import GIB, GPU
from .turns import Turn

WIDTH, LEFT, RIGHT = 1240, 56, 24
CHART_TOP, CHART_HEIGHT = 86, 330
ROW_TOP, ROW_HEIGHT = CHART_TOP + CHART_HEIGHT + 40, 26
HEIGHT = ROW_TOP + 6 * ROW_HEIGHT + 34
SLOT_S = 600.0
COLOURS = {
    "others": "#9aa0a6",
    "llm": "#3b6fb6",
    "asr": "#3f9c6c",
    "f5": "#e08a3c",
    "cosyvoice": "#b2549a",
}
NAMES = {"others": "others (game, transcoder, training)"}
DEGRADED = {"asr": "#3f9c6c", "llm": "#3b6fb6", "tts": "#e08a3c"}
ROLES = {"asr-cpu": "asr", "llm-small": "llm", "piper": "tts", "f5": "tts"}


@dataclass(frozen=True, slots=True)
class _Scale:
    """From hours and bytes to pixels."""

    card_bytes: int

    def x(self, at_s: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * at_s / (24 * HOUR_S), 1)

    def y(self, size_bytes: float) -> float:
        return round(CHART_TOP + CHART_HEIGHT * (1 - size_bytes / (1.04 * self.card_bytes)), 1)


def day_picture(record: DayRecord) -> str:
    """Return the picture as SVG."""
    scale = _Scale(record.card_bytes)
    parts = [*_frame(record, scale), *_stack(record, scale), *_lines(record, scale), *_rows(record, scale)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="12" fill="#202124">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _text(x: float, y: float, text: str, **attributes: str) -> str:
    more = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<text x="{x}" y="{y}"{more}>{escape(text)}</text>'


def _frame(record: DayRecord, scale: _Scale) -> Iterator[str]:
    turns = record.turns
    degraded, failed = sum(bool(t.degraded) for t in turns), sum(t.failed is not None for t in turns)
    yield _text(
        LEFT, 26, f"A simulated day on one {record.card_bytes / GIB:g} GiB GPU", font_size="17", font_weight="600"
    )
    told = f"{len(turns)} turns, {degraded} degraded, {failed} failed; {len(record.starts)} starts of workers"
    yield _text(LEFT, 46, told, fill="#5f6368")
    x = float(LEFT)
    for name, colour in COLOURS.items():
        label = NAMES.get(name, name)
        yield f'<rect x="{x}" y="58" width="11" height="11" fill="{colour}"/>'
        yield _text(x + 16, 68, label)
        x += 16 + 7 * len(label) + 22
    for hour in range(0, 25, 2):
        at = scale.x(hour * HOUR_S)
        bottom = ROW_TOP + 6 * ROW_HEIGHT
        yield f'<line x1="{at}" y1="{CHART_TOP}" x2="{at}" y2="{bottom}" stroke="#e8eaed"/>'
        yield _text(at, bottom + 18, f"{hour:02}:00", text_anchor="middle", fill="#5f6368")
    step = 4 if record.card_bytes <= 32 * GIB else 16
    for gib in range(0, int(record.card_bytes / GIB) + 1, step):
        at = scale.y(gib * GIB)
        yield f'<line x1="{LEFT}" y1="{at}" x2="{WIDTH - RIGHT}" y2="{at}" stroke="#e8eaed"/>'
        yield _text(LEFT - 8, at + 4, f"{gib}", text_anchor="end", fill="#5f6368")
    yield _text(14, CHART_TOP - 8, "GiB", fill="#5f6368")


def _stack(record: DayRecord, scale: _Scale) -> Iterator[str]:
    """Draw the memory, strangers at the bottom and ours above them."""
    base = [0] * len(record.samples)
    for name, colour in COLOURS.items():
        sizes = [sample.others if name == "others" else sample.ours.get(name, 0) for sample in record.samples]
        tops = [low + size for low, size in zip(base, sizes, strict=True)]
        upper = list(_steps(record, scale, tops))
        lower = list(_steps(record, scale, base))
        points = " ".join(f"{x},{y}" for x, y in (*upper, *reversed(lower)))
        yield f'<polygon points="{points}" fill="{colour}" fill-opacity="0.88"><title>{name}</title></polygon>'
        base = tops


def _steps(record: DayRecord, scale: _Scale, values: Sequence[int]) -> Iterator[tuple[float, float]]:
    """Yield the corners of a step line; equal values make no corner."""
    before: int | None = None
    for sample, value in zip(record.samples, values, strict=True):
        if value != before:
            x = scale.x(sample.at_s)
            if before is not None:
                yield x, scale.y(before)
            yield x, scale.y(value)
            before = value
    if before is not None:
        yield scale.x(record.samples[-1].at_s), scale.y(before)


def _lines(record: DayRecord, scale: _Scale) -> Iterator[str]:
    for size_bytes, label, dash in ((record.card_bytes, "card", ""), (record.budget_bytes, "budget", "6 4")):
        at = scale.y(size_bytes)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        yield f'<path d="M{LEFT} {at}H{WIDTH - RIGHT}" stroke="#c5221f" stroke-width="1.4"{dashes}/>'
        yield _text(WIDTH - RIGHT, at - 5, f"{label} {size_bytes / GIB:.4g} GiB", text_anchor="end", fill="#c5221f")


def _rows(record: DayRecord, scale: _Scale) -> Iterator[str]:
    yield from _bars(scale, 0, "turns", "#5f6368", [turn.at_s for turn in record.turns])
    for row, (role, colour) in enumerate(DEGRADED.items(), start=1):
        times = [turn.at_s for turn in record.turns if role in _degraded_roles(turn)]
        yield from _bars(scale, row, f"degraded {role}", colour, times)
    yield from _row_label(4, "guest mode")
    yield from _guest_mode(record, scale)
    yield from _row_label(5, "trouble")
    y = ROW_TOP + 5 * ROW_HEIGHT + 15
    for at_s, what in record.marks:
        x = scale.x(at_s)
        yield _text(x, y, "✕", text_anchor="middle", fill="#c5221f", font_weight="700")
        yield _text(x + 8, y, what, font_size="10", fill="#5f6368")


def _degraded_roles(turn: Turn) -> set[str]:
    return {ROLES[text.partition(" ")[0]] for text in turn.degraded}


def _row_label(row: int, label: str) -> Iterator[str]:
    y = ROW_TOP + row * ROW_HEIGHT
    yield f'<line x1="{LEFT}" y1="{y + 22}" x2="{WIDTH - RIGHT}" y2="{y + 22}" stroke="#dadce0"/>'
    yield _text(LEFT + 4, y + 10, label, font_size="10", fill="#5f6368")


def _bars(scale: _Scale, row: int, label: str, colour: str, times_s: Sequence[float]) -> Iterator[str]:
    """Draw how many there were, in every ten minutes."""
    yield from _row_label(row, label)
    bottom = ROW_TOP + row * ROW_HEIGHT + 22
    width = scale.x(SLOT_S) - scale.x(0) - 1
    for slot, count in sorted(Counter(int(at_s // SLOT_S) for at_s in times_s).items()):
        height = min(20, 2 * count)
        size = f'width="{width:.1f}" height="{height}"'
        title = f"<title>{count}</title>"
        yield f'<rect x="{scale.x(slot * SLOT_S)}" y="{bottom - height}" {size} fill="{colour}">{title}</rect>'


def _guest_mode(record: DayRecord, scale: _Scale) -> Iterator[str]:
    since: tuple[float, str] | None = None
    y = ROW_TOP + 4 * ROW_HEIGHT + 5
    for at_s, text in [
        *((decision.at_s, decision.text) for decision in record.decisions if decision.kind == "guest-mode"),
        (24 * HOUR_S, "the guest has left"),
    ]:
        if since is None and text.startswith(f"{GPU} is a guest's"):
            since = at_s, text.partition(": ")[2]
        elif since is not None and text.startswith("the guest has left"):
            x, end = scale.x(since[0]), scale.x(at_s)
            yield f'<rect x="{x}" y="{y}" width="{end - x:.1f}" height="15" rx="3" fill="#fde293"/>'
            yield _text(x + 5, y + 11, since[1], font_size="10")
            since = None
