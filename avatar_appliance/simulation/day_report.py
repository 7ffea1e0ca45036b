"""The figures of a simulated day, for machines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from .day import HOUR_S, DayRecord
from .household import GIB, household_specs
from .turns import Turn


def day_report(record: DayRecord) -> dict[str, Any]:
    """Return what happened, as JSON takes it: turns, degraded ones by rung and reason, starts, strangers, decisions."""
    turns = record.turns
    return {
        "seed": record.seed,
        "card_gib": round(record.card_bytes / GIB, 2),
        "budget_gib": round(record.budget_bytes / GIB, 2),
        "turns": {
            "spoken": sum(turn.kind == "turn" for turn in turns),
            "announcements": sum(turn.kind == "announcement" for turn in turns),
            "by_language": dict(sorted(Counter(turn.language for turn in turns).items())),
            "degraded": sum(bool(turn.degraded) for turn in turns),
            "failed": sum(turn.failed is not None for turn in turns),
            "failed_for_lack_of_memory": sum(turn.failed_for_memory for turn in turns),
        },
        "degraded_stages": degraded_stages(turns),
        "lease_wait_s": {
            "p50": percentile(record.waited_s, 0.5),
            "p95": percentile(record.waited_s, 0.95),
            "most": percentile(record.waited_s, 1.0),
        },
        "starts": {
            spec.name: {
                "in_the_day": len(record.starts_of(spec.name)),
                "most_in_an_hour": record.most_starts_in_an_hour(spec.name),
            }
            for spec in household_specs()
        },
        "strangers": [
            {
                "name": visit.name,
                "from_h": round(visit.at_s / HOUR_S, 2),
                "until_h": round(visit.until_s / HOUR_S, 2),
                "gib": round(visit.wants_bytes / GIB, 1),
                "kept_waiting_s": round(visit.kept_waiting_s, 1),
            }
            for visit in sorted(record.visits, key=lambda visit: visit.at_s)
        ],
        "out_of_memory_in_use": record.out_of_memory_in_use,
        "decisions": dict(sorted(record.count().items())),
        "events": record.events,
    }


def degraded_stages(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """Return how often which rung served instead of which, and why; figures in the reasons are left out."""
    counts: Counter[tuple[str, str]] = Counter()
    for turn in turns:
        for text in turn.degraded:
            rungs, _, why = text.partition(": ")
            better = rungs.rpartition(" instead of ")[2]
            counts[rungs, re.sub(r"\d+(\.\d+)?(?= (GiB|MiB|s\b))", "N", why.removeprefix(f"{better}: "))] += 1
    return [{"rungs": rungs, "why": why, "stages": count} for (rungs, why), count in counts.most_common()]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of the values are."""
    if not values:
        return 0.0
    return round(sorted(values)[min(len(values) - 1, int(share * len(values)))], 3)
