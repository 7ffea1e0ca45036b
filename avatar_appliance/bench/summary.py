"""Median, 95th percentile, extremes, and the paired ratio of two series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Summary:
    """What a series of measurements comes to; the 95th percentile is interpolated between neighbours."""

    count: int
    median: float
    p95: float
    minimum: float
    maximum: float


@dataclass(frozen=True, slots=True)
class PairedRatio:
    """How a series compares with another one measured alternately with it."""

    pairs: int
    ratio: float
    """Median of the ratios first/second, pair by pair."""
    ratio_low: float | None
    ratio_high: float | None
    """Bounds that hold the true median with at least 95 % confidence; None with fewer than six pairs."""
    difference: float
    """Median of the differences first - second."""


def summarise(values: Sequence[float]) -> Summary:
    """Return the summary of at least one value; raises ValueError for none."""
    if not values:
        raise ValueError("nothing was measured")
    return Summary(
        count=len(values),
        median=float(np.median(values)),
        p95=float(np.percentile(values, 95)),
        minimum=float(min(values)),
        maximum=float(max(values)),
    )


def paired_ratio(pairs: Sequence[tuple[float, float]]) -> PairedRatio:
    """Return the ratio of the firsts to the seconds; raises ValueError for no pair or a second that is not positive.

    Pairs are taken one right after the other, so that what disturbs the machine disturbs both; their ratios are
    summed up by the median, which one disturbed pair cannot move far.
    """
    if not pairs:
        raise ValueError("there is no pair to compare")
    if any(second <= 0 for _, second in pairs):
        raise ValueError("a duration must be positive")
    ratios = sorted(first / second for first, second in pairs)
    low, high = _median_bounds(ratios)
    return PairedRatio(
        pairs=len(ratios),
        ratio=float(np.median(ratios)),
        ratio_low=low,
        ratio_high=high,
        difference=float(np.median([first - second for first, second in pairs])),
    )


def _median_bounds(ordered: Sequence[float]) -> tuple[float | None, float | None]:
    """Return the order statistics around the median that no assumption about the distribution is needed for."""
    count = len(ordered)
    tail, rank = 0.0, -1
    # The k-th smallest is above the true median only when fewer than k of n fair coins fell on one side.
    while rank + 1 <= count // 2:
        tail += comb(count, rank + 1) / 2**count
        if 2 * tail > 1 - CONFIDENCE:
            break
        rank += 1
    return (ordered[rank], ordered[count - 1 - rank]) if rank >= 0 else (None, None)
