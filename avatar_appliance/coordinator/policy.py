"""The numbers of the scheduler; the defaults are the product's, `coordinator:` in config.yaml changes them."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerPolicy:
    """All times in seconds."""

    gpu_ceiling: float = 0.90
    """Share of a GPU's usable memory that may be charged."""
    cpu_ceiling: float = 0.95
    """Share of the machine's RAM."""
    headroom_bytes: int = 256 * MIB
    """Kept free on each GPU below the ceiling."""
    most_waiting: int = 32
    """Requests that may wait at once."""
    min_residency_s: float = 20.0
    """A worker that just became ready is no victim for so long, unless a foreign process needs the room."""
    after_shed_s: float = 15.0
    """A worker that had to go for others does not come back earlier, unless a person wants it. Doubles each time in a
    row that it had hardly come, up to `longest_cool_down_s`."""
    better_rung_patience_s: float = 1.2
    """How long a request waits for a better rung that is nearly there (ESP32 speakers give up after 2 s)."""
    wake_s: float = 0.5
    """How long waking takes (vLLM level 1: 0.15 s on an H100, 0.25-0.5 s projected for PCIe 4)."""
    calm_start_s: float = 5.0
    """How long a start that nobody waits for lets urgent work on its GPU go first."""
    later_yield_s: float = 0.3
    """How long later clauses make room for urgent work on the same device, at most."""
    background_yield_s: float = 2.0
    """How long background work does."""
    first_delay_s: float = 0.5
    """Back-off after a failure; it doubles up to `longest_delay_s`."""
    longest_delay_s: float = 30.0
    crash_limit: int = 5
    """So many failures within `crash_window_s` are a crash loop."""
    crash_window_s: float = 120.0
    cool_down_s: float = 60.0
    """Rest of a worker after a crash loop, or after running out of memory twice; it doubles each time in a row."""
    longest_cool_down_s: float = 600.0
    steady_after_s: float = 60.0
    """A life that was ready for this long was good: earlier failures are forgotten."""
    wish_ttl_s: float = 60.0
    """How long a start that somebody wanted, and that does not fit, is tried."""
    redeclare_grace_s: float = 5.0
    """After a restart nothing found running is ended for so long: its users are still reconnecting."""
    guest_share: float = 0.5
    """Others holding this share of a GPU get all of it (guest mode `auto`)."""
    guest_linger_s: float = 30.0
    """They must be below half of that for so long before voice comes back."""
    guest_names: frozenset[str] = frozenset()
    """Programs that get the GPU whenever they run, by the short name of their process."""
    most_growth_bytes: int = 1024 * MIB
    """Growth in use beyond this is a leak: it is charged as it is seen, but not expected of the next life."""
    surprise_bytes: int = 64 * MIB
    """A measured size that is off by less is no surprise."""
