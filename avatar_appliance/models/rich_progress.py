"""Progress bars for a terminal; plain lines where the output is a file or a journal."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)


class RichProgress:
    """A `FetchProgress` on a rich console; use it as a context manager around the fetches."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(compact=True),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._finish()
        self._bars.stop()

    def step(self, label: str, total_bytes: int | None) -> None:
        """Fill the bar before and begin the next one; without a terminal: print one line."""
        self._finish()
        if not self._console.is_terminal:
            size = "" if total_bytes is None else f" ({decimal(total_bytes)})"
            self._console.print(f"{label}{size}", markup=False, highlight=False)
        self._task = self._bars.add_task(label.replace("[", r"\["), total=total_bytes)

    def at(self, done_bytes: int) -> None:
        """Move the current bar to `done_bytes`."""
        if self._task is not None:
            self._bars.update(self._task, completed=done_bytes)

    def note(self, text: str) -> None:
        """Print a sentence above the bars."""
        self._console.print(text, markup=False, highlight=False)

    def _finish(self) -> None:
        """Show the current step as done, also where its size was not known."""
        if self._task is None:
            return
        task = self._bars.tasks[-1]
        total = task.completed if task.total is None else task.total
        self._bars.update(self._task, total=total, completed=total)
        self._task = None
