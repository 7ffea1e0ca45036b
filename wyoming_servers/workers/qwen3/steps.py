"""The two networks that take a step of speech, as CUDA graphs or without, and a way to stop between two steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wyoming_servers.workers.engine import StopFlag

from .imports import Qwen3Package


class Abandoned(Exception):
    """Nobody wants the speech any more."""


class StoppablePredictor:
    """The package's `PredictorGraph`, which every step goes through, with a look at the stop flag before each."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph
        self.stop: StopFlag | None = None

    def capture(self, **options: Any) -> None:
        """Record the graph."""
        self._graph.capture(**options)

    def run(self, pred_input: Any) -> Any:
        """Take a step; raises Abandoned where the flag is set."""
        if self.stop is not None and self.stop.is_set():
            raise Abandoned
        return self._graph.run(pred_input)


class _Replay:
    """Stands where a recorded graph would: it does the work anew."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work

    def replay(self) -> None:
        self._work()


def step_classes(package: Qwen3Package, *, graphs: bool) -> tuple[Any, Any]:
    """Return the classes of predictor and talker: the package's, or such that run on a CPU too.

    The latter do the same with the same fixed buffers (0.5.4), so that what is tested on a CPU is what a GPU replays.
    """
    if graphs:
        return package.PredictorGraph, package.TalkerGraph

    class EagerPredictor(package.PredictorGraph):  # type: ignore[name-defined, misc]
        def capture(self, num_warmup: int = 0) -> None:
            self._init_cache_layers()
            self._build_attention_masks()
            self.graph = _Replay(self._full_loop)
            self.captured = True

    class EagerTalker(package.TalkerGraph):  # type: ignore[name-defined, misc]
        def capture(self, prefill_len: int = 0, num_warmup: int = 0) -> None:
            self._init_cache_layers()
            self._build_attention_masks()
            self.graph = _Replay(self._decode_step)
            self.captured = True

    return EagerPredictor, EagerTalker
