"""The report as tables for a terminal."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from .report import ArmFacts, BenchReport, Comparison, Measurement

_TITLES = {
    "turn": "Spoken turn, ms since the last loud sample",
    "burst": "One stage alone, ms since the request",
}
_STAGES = {
    "transcript": "transcript",
    "first_token": "first words of the answer",
    "answer": "whole answer",
    "first_audio": "first audio",
    "speech": "whole speech",
    "speech_rtf": "speech, real-time factor",
}


def print_report(report: BenchReport, console: Console, *, per_item: bool = False) -> None:
    """Print the report; `per_item` adds a line per recording and text."""
    console.print(render(report, per_item=per_item))


def render(report: BenchReport, *, per_item: bool = False) -> RenderableType:
    """Return the report as something rich can print."""
    parts: list[RenderableType] = [_heading(report)]
    modes = dict.fromkeys(m.mode for m in report.measurements)
    parts += [_measured(report, mode, per_item=per_item) for mode in modes]
    if report.comparisons:
        parts.append(_compared(report, per_item=per_item))
    if report.word_errors:
        parts.append(_heard(report))
    if report.failures:
        parts.append(_failed(report))
    parts += [Text(f"- {note}", style="dim") for note in report.notes]
    return Group(*parts)


def _heading(report: BenchReport) -> Text:
    machine = report.machine
    lines = [
        f"{machine.cpu}, {machine.usable_cpus} of {machine.cpus} CPUs, "
        f"{machine.memory_bytes / 2**30:.0f} GiB, {machine.os}",
        *machine.gpus,
        f"{report.made_at}, {report.rounds} rounds after {report.warm_up_rounds} of warm-up, "
        f"load {report.load_before[0]:g} before and {report.load_after[0]:g} after",
        *(_arm(arm) for arm in report.arms),
    ]
    return Text("\n".join(lines))


def _arm(arm: ArmFacts) -> str:
    programs = ", ".join(
        f"{p.name}{' ' + p.version if p.version else ''} ({', '.join(p.models[:3])})" for p in arm.programs
    )
    return f"{arm.name}: {arm.meaning}: {programs}"


def _measured(report: BenchReport, mode: str, *, per_item: bool) -> Table:
    table = Table(title=_TITLES[mode], title_justify="left")
    for name in ("stage", "who", "what"):
        table.add_column(name)
    for name in ("median", "p95", "min", "max", "n"):
        table.add_column(name, justify="right")
    for m in report.measurements:
        if m.mode == mode and (m.item is None or per_item):
            figures = (_figure(m, value) for value in (m.median, m.p95, m.minimum, m.maximum))
            table.add_row(_STAGES[m.stage], m.arm, _item(m.item), *figures, str(m.count))
    return table


def _compared(report: BenchReport, *, per_item: bool) -> Table:
    table = Table(title="Ours against the stock server, pair by pair", title_justify="left")
    for name in ("stage", "who", "what"):
        table.add_column(name)
    for name in ("ours/peer", "95 %", "ours - peer", "pairs", "within the bound"):
        table.add_column(name, justify="right")
    for c in report.comparisons:
        if c.item is None or per_item:
            stage = _STAGES[c.stage] + (" (live)" if c.mode == "turn" else "")
            difference = "" if c.difference_ms is None else f"{c.difference_ms:+.0f} ms"
            table.add_row(
                stage, c.arm, _item(c.item), f"{c.ratio:.2f}", _bounds(c), difference, str(c.pairs), _verdict(c)
            )
    return table


def _bounds(c: Comparison) -> str:
    return "" if c.ratio_low is None or c.ratio_high is None else f"{c.ratio_low:.2f}-{c.ratio_high:.2f}"


def _verdict(c: Comparison) -> str:
    return {None: "", True: "yes", False: "[bold red]no[/]"}[c.within_bound]


def _heard(report: BenchReport) -> Table:
    table = Table(title="Errors in the transcripts", title_justify="left")
    for name in ("mode", "who", "what", "rate", "errors", "heard"):
        table.add_column(name)
    for e in report.word_errors:
        heard = escape(" | ".join(e.heard))
        table.add_row(e.mode, e.arm, _item(e.item), f"{e.metric.upper()} {e.rate:.1%}", f"{e.errors}/{e.length}", heard)
    return table


def _failed(report: BenchReport) -> Table:
    table = Table(title="No figure", title_justify="left", style="red")
    for name in ("mode", "who", "what", "stage", "code", "times"):
        table.add_column(name)
    for f in report.failures:
        table.add_row(f.mode, f.arm, escape(f.item), _STAGES[f.stage], f.code, str(f.count))
    return table


def _item(item: str | None) -> str:
    return "all" if item is None else escape(item)


def _figure(m: Measurement, value: float) -> str:
    return f"{value:.2f}" if m.unit == "ratio" else f"{value:.0f}"
