"""`avatar bench`: how fast a spoken turn is here, and how our servers compare with the stock ones."""

from __future__ import annotations

from .errors import NoRecordings, NothingToCompare, PeerMissing, ServerDidNotStart
from .options import BenchOptions, BenchProgress, Endpoints, PeerOptions
from .render import print_report, render
from .report import BenchReport
from .rich_progress import RichProgress
from .run import run_bench

__all__ = [
    "BenchOptions",
    "BenchProgress",
    "BenchReport",
    "Endpoints",
    "NoRecordings",
    "NothingToCompare",
    "PeerMissing",
    "PeerOptions",
    "RichProgress",
    "ServerDidNotStart",
    "print_report",
    "render",
    "run_bench",
]
