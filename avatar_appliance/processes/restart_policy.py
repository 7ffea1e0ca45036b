"""When a process that ended by itself is started again: pure arithmetic on the times it is told."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

EX_CONFIG = 78
"""sysexits.h: the configuration cannot be used, so trying again is useless until somebody changes it."""
EX_OUT_OF_MEMORY = 101
"""Ours, beyond those of sysexits.h: the engine ran out of memory while it loaded; other memory may make it work."""


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """The numbers of restarting; the defaults are the product's. Raises ValueError for a `crash_limit` below 1."""

    first_delay_s: float = 0.5
    """Back-off after the first failure; it doubles with each further one."""
    longest_delay_s: float = 30.0
    steady_after_s: float = 60.0
    """A life that was ready for this long was good: earlier failures are forgotten."""
    crash_limit: int = 5
    """So many failures within `crash_window_s` are a crash loop."""
    crash_window_s: float = 120.0
    cool_down_s: float = 60.0
    """Rest after a crash loop; then one try, and another rest if that fails too."""
    kill_timeout_s: float = 10.0
    """How long a process may take to be gone after SIGKILL (a GPU driver can hold it) before we give up on it."""

    def __post_init__(self) -> None:
        if self.crash_limit < 1:
            raise ValueError("crash_limit must be at least 1")


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again in `delay_s`; `crash_loop` says that it is hardly worth it."""

    delay_s: float
    crash_loop: bool


class RestartHistory:
    """The failures of one process since somebody asked for it."""

    def __init__(self, policy: RestartPolicy) -> None:
        self._policy = policy
        self._failed_at: deque[float] = deque(maxlen=policy.crash_limit)
        self._delay_s = policy.first_delay_s
        self._looping = False

    def after_failure(self, now_s: float, ready_s: float) -> Retry:
        """Count a failure at `now_s` of a life that had been ready for `ready_s` (0: never); say when to retry."""
        policy = self._policy
        if ready_s >= policy.steady_after_s:
            self._failed_at.clear()
            self._delay_s = policy.first_delay_s
            self._looping = False
        self._failed_at.append(now_s)
        full = len(self._failed_at) >= policy.crash_limit
        # Once in a loop, only a steady life leads out of it: the try after a cool-down may well take so long to
        # fail that the window is empty again, and that would be no reason for a fresh set of tries.
        self._looping |= full and now_s - self._failed_at[0] <= policy.crash_window_s
        if self._looping:
            return Retry(policy.cool_down_s, crash_loop=True)
        delay_s = self._delay_s
        self._delay_s = min(2 * delay_s, policy.longest_delay_s)
        return Retry(delay_s, crash_loop=False)
