"""Starts that no request waits for: preloading, warm-up ahead, better rungs, people."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .placement import Eviction


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody would like a worker to be up."""

    worker: str
    eviction: Eviction
    asked_s: float
    expires_s: float
    why: str


class Wishes:
    """At most one wish per worker: the one that may send more away, else the one that lasts longer."""

    def __init__(self) -> None:
        self._wishes: dict[str, Wish] = {}

    def add(self, wish: Wish) -> None:
        """Take a wish."""
        held = self._wishes.get(wish.worker)
        if held is None or (wish.eviction, wish.expires_s) > (held.eviction, held.expires_s):
            self._wishes[wish.worker] = wish

    def drop(self, worker: str) -> None:
        """Forget a wish: it came true, or nobody wants it any more."""
        self._wishes.pop(worker, None)

    def has(self, worker: str) -> bool:
        """Return whether somebody would like the worker to be up."""
        return worker in self._wishes

    def all(self) -> list[Wish]:
        """Return every wish, the oldest first."""
        return sorted(self._wishes.values(), key=lambda wish: wish.asked_s)


FOREVER_S = math.inf
