"""The progress of a benchmark on a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class RichProgress:
    """A BenchProgress as one bar, gone when the `with` block ends; without a terminal only the notes are printed."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, title: str, steps: int) -> None:
        """Show the bar."""
        self._task = self._bar.add_task(escape(title), total=steps)

    def advance(self, what: str) -> None:
        """Move the bar on by one."""
        if self._task is not None:
            self._bar.update(self._task, advance=1, description=escape(what))

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        self._bar.console.print(escape(text), style="dim", highlight=False)
