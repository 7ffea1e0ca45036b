"""Collects single timings and turns them into the lists of a report."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from avatar_appliance.transcripts.word_errors import ErrorCount, Metric, count_errors

from .probe import Timing
from .recordings import Recording
from .report import STAGES, Arm, Comparison, Failure, Measurement, Mode, Stage, WordErrors
from .summary import paired_ratio, summarise

# What our servers may add to a stock server with the same model and the same settings: one of the two.
BOUND_RATIO = 1.10
BOUND_MS = 15.0


class _Series(NamedTuple):
    arm: Arm
    mode: Mode
    stage: Stage


class _Round(NamedTuple):
    item: str
    number: int


class Samples:
    """Timings by arm, mode, stage, item and round."""

    def __init__(self) -> None:
        self._values: dict[_Series, dict[_Round, float]] = defaultdict(dict)
        self._failures: Counter[tuple[Arm, Mode, Stage, str, str]] = Counter()
        self._errors: dict[tuple[Arm, Mode, Recording], list[tuple[str, ErrorCount]]] = defaultdict(list)

    def add(self, arm: Arm, mode: Mode, item: str, number: int, timing: Timing) -> None:
        """Take what one request of round `number` brought."""
        for stage, value in timing:
            self._values[_Series(arm, mode, stage)][_Round(item, number)] = value
        if timing.missed is not None:
            self._failures[arm, mode, timing.missed.stage, item, timing.missed.code] += 1

    def add_heard(self, arm: Arm, mode: Mode, recording: Recording, heard: str | None) -> None:
        """Compare a transcript with the recording's reference, if both are there."""
        if recording.reference and heard is not None:
            count = count_errors(recording.reference, heard, recording.language)
            self._errors[arm, mode, recording].append((heard, count))

    def measurements(self) -> tuple[Measurement, ...]:
        """Return every series, all items together first, then item by item."""
        found = []
        for series, values in self._in_order():
            for item in _items(values):
                chosen = [v for place, v in values.items() if item in (None, place.item)]
                summary = summarise(chosen)
                digits = 4 if series.stage == "speech_rtf" else 1
                found.append(
                    Measurement(
                        arm=series.arm,
                        mode=series.mode,
                        stage=series.stage,
                        item=item,
                        unit="ratio" if series.stage == "speech_rtf" else "ms",
                        count=summary.count,
                        median=round(summary.median, digits),
                        p95=round(summary.p95, digits),
                        minimum=round(summary.minimum, digits),
                        maximum=round(summary.maximum, digits),
                        values=tuple(round(value, digits) for value in chosen),
                    )
                )
        return tuple(found)

    def comparisons(self, bounded: Arm) -> tuple[Comparison, ...]:
        """Return each of our arms against the peer; only the arm `bounded` is held to the bound."""
        found = []
        for series, values in self._in_order():
            theirs = self._values.get(_Series("peer", series.mode, series.stage), {})
            if series.arm == "peer" or not theirs:
                continue
            for item in _items(values):
                pairs = [
                    (value, theirs[place])
                    for place, value in values.items()
                    if item in (None, place.item) and place in theirs
                ]
                if pairs:
                    found.append(_compare(series, item, pairs, bounded=series.arm == bounded))
        return tuple(found)

    def word_errors(self) -> tuple[WordErrors, ...]:
        """Return the error rates per recording, and over all recordings of the same metric."""
        found: list[WordErrors] = []
        for (arm, mode, recording), transcripts in self._errors.items():
            heard = tuple(dict.fromkeys(text for text, _ in transcripts)) if recording.public else ()
            found.append(_rate(arm, mode, recording.name, (count for _, count in transcripts), heard))
        groups: dict[tuple[Arm, Mode, Metric], list[ErrorCount]] = defaultdict(list)
        for (arm, mode, _), transcripts in self._errors.items():
            for _, count in transcripts:
                groups[arm, mode, count.metric].append(count)
        return (*(_rate(arm, mode, None, counts, ()) for (arm, mode, _), counts in groups.items()), *found)

    def failures(self) -> tuple[Failure, ...]:
        """Return what brought no figure."""
        return tuple(
            Failure(arm=arm, mode=mode, stage=stage, item=item, code=code, count=count)
            for (arm, mode, stage, item, code), count in sorted(self._failures.items())
        )

    def _in_order(self) -> list[tuple[_Series, dict[_Round, float]]]:
        return sorted(self._values.items(), key=lambda kv: (kv[0].mode, STAGES.index(kv[0].stage), kv[0].arm))


def _items(values: Iterable[_Round]) -> list[str | None]:
    """Return None (all together) and each item, in order of appearance."""
    return [None, *dict.fromkeys(place.item for place in values)]


def _compare(series: _Series, item: str | None, pairs: list[tuple[float, float]], *, bounded: bool) -> Comparison:
    paired = paired_ratio(pairs)
    is_time = series.stage != "speech_rtf"
    within = paired.ratio <= BOUND_RATIO or (is_time and paired.difference <= BOUND_MS)
    return Comparison(
        arm=series.arm,
        mode=series.mode,
        stage=series.stage,
        item=item,
        pairs=paired.pairs,
        ratio=round(paired.ratio, 4),
        ratio_low=None if paired.ratio_low is None else round(paired.ratio_low, 4),
        ratio_high=None if paired.ratio_high is None else round(paired.ratio_high, 4),
        difference_ms=round(paired.difference, 1) if is_time else None,
        within_bound=within if bounded and is_time else None,
    )


def _rate(arm: Arm, mode: Mode, item: str | None, counts: Iterable[ErrorCount], heard: tuple[str, ...]) -> WordErrors:
    listed = list(counts)
    errors, length = sum(c.errors for c in listed), sum(c.length for c in listed)
    return WordErrors(
        arm=arm, mode=mode, item=item, metric=listed[0].metric, errors=errors, length=length,
        rate=round(errors / length, 4), heard=heard,
    )  # fmt: skip
