"""Starts that no request waits for: preloading, warm-up ahead, better rungs, people."""

from __future__ import annotations

import math
from typing import NamedTuple

from .eviction import Eviction


class Wish(NamedTuple):
    """Somebody would like a worker to be up."""

    worker: str
    eviction: Eviction
    asked_s: float
    expires_s: float
    why: str


class Wishes:
    """At most one wish per worker: the one that may send more away, else the one that lasts longer.

    It is as old as the first of them: wishing again does not start the waiting anew.
    """

    def __init__(self) -> None:
        self._wishes: dict[str, Wish] = {}
        self.version = 0
        """Changes with every new wish."""

    def add(self, worker: str, eviction: Eviction, now_s: float, ttl_s: float, why: str) -> None:
        """Take a wish, which is tried for `ttl_s`."""
        held, expires_s = self._wishes.get(worker), now_s + ttl_s
        if held is None:
            self.version += 1
            self._wishes[worker] = Wish(worker, eviction, now_s, expires_s, why)
        elif (eviction, expires_s) > (held.eviction, held.expires_s):
            self.version += 1
            self._wishes[worker] = Wish(worker, eviction, held.asked_s, expires_s, why)

    def drop(self, worker: str) -> None:
        """Forget a wish: it came true, or nobody wants it any more."""
        self._wishes.pop(worker, None)

    def has(self, worker: str) -> bool:
        """Return whether somebody would like the worker to be up."""
        return worker in self._wishes

    def all(self) -> list[Wish]:
        """Return every wish."""
        return list(self._wishes.values())


FOREVER_S = math.inf
