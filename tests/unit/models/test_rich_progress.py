"""Progress for people: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from avatar_appliance.models import Model, ModelStore
from avatar_appliance.models.hub import Hub
from avatar_appliance.models.rich_progress import RichProgress


def _said(terminal: bool, tell: Callable[[RichProgress], None]) -> str:
    out = io.StringIO()
    with RichProgress(Console(file=out, force_terminal=terminal, width=100)) as progress:
        tell(progress)
    return out.getvalue()


def _two_steps(progress: RichProgress) -> None:
    progress.step("voice.onnx [1]", 2_000_000)
    progress.at(1_000_000)
    progress.note("the hub cannot be reached.")
    progress.step("voice.json", None)
    progress.at(5)


def test_a_journal_gets_one_line_per_step_and_no_bars() -> None:
    assert _said(False, _two_steps).splitlines() == [
        "voice.onnx [1] (2.0 MB)",
        "the hub cannot be reached.",
        "voice.json",
    ]


def test_a_terminal_gets_bars_that_end_full() -> None:
    said = _said(True, _two_steps)
    last = said[said.rindex("voice.onnx [1]") :]
    assert "2.0/2.0 MB" in last
    assert "5/5 bytes" in last


def test_a_failed_step_does_not_look_finished() -> None:
    out = io.StringIO()
    try:
        with RichProgress(Console(file=out, force_terminal=True, width=100)) as progress:
            progress.step("voice.onnx", 2_000_000)
            progress.at(1_000_000)
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert "1.0/2.0 MB" in out.getvalue()
    assert "2.0/2.0 MB" not in out.getvalue()


def test_a_whole_fetch_is_shown(
    tmp_path: Path, make_model: Callable[..., Model], hub_source: Any, hub: Hub, fake_hub: Any
) -> None:
    fake_hub.files = {"a": b"aaa"}
    model = make_model({"a": (b"aaa", [hub_source("a")])})
    assert _said(False, lambda progress: ModelStore(tmp_path, hub=hub).fetch(model, progress)) == (
        "a from the hub (3 bytes)\n"
    )
