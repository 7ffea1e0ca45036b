"""Turning single timings into the lists of a report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from avatar_appliance.bench.probe import Missed, Timing
from avatar_appliance.bench.recordings import Recording
from avatar_appliance.bench.report import Arm, Stage
from avatar_appliance.bench.samples import Samples


def timing(stage: Stage = "transcript", value: float = 100.0) -> Timing:
    return Timing({stage: value})


def test_all_items_come_first_then_each_item() -> None:
    samples = Samples()
    for number, value in enumerate((100, 300)):
        samples.add("appliance", "burst", "a", number, timing(value=value))
    samples.add("appliance", "burst", "b", 0, timing(value=1000))
    found = [(m.item, m.median, m.count, m.values) for m in samples.measurements()]
    assert found == [
        (None, 300.0, 3, (100, 300, 1000)),
        ("a", 200.0, 2, (100, 300)),
        ("b", 1000.0, 1, (1000,)),
    ]


def test_stages_are_listed_in_the_order_of_a_turn() -> None:
    samples = Samples()
    samples.add("appliance", "turn", "a", 0, Timing({"speech_rtf": 0.2, "answer": 5.0, "transcript": 1.0}))
    stages = [m.stage for m in samples.measurements() if m.item is None]
    assert stages == ["transcript", "answer", "speech_rtf"]


def test_a_real_time_factor_is_a_ratio_not_milliseconds() -> None:
    samples = Samples()
    samples.add("appliance", "burst", "a", 0, timing("speech_rtf", 0.12345))
    assert [(m.unit, m.median) for m in samples.measurements()] == [("ratio", 0.1235)] * 2


def test_failures_are_counted_and_in_no_median() -> None:
    samples = Samples()
    for number in range(3):
        samples.add("appliance", "turn", "a", number, Timing(missed=Missed("transcript", "cut-short")))
    (failure,) = samples.failures()
    assert (failure.item, failure.stage, failure.code, failure.count) == ("a", "transcript", "cut-short", 3)
    assert samples.measurements() == ()


def compare(
    ours: list[float], peer: list[float], arm: Arm = "ours-same-settings", stage: Stage = "transcript"
) -> Samples:
    samples = Samples()
    for name, values in ((arm, ours), ("peer", peer)):
        for number, value in enumerate(values):
            samples.add(name, "burst", "a", number, timing(stage, value))
    return samples


def test_rounds_are_paired_with_the_same_round_of_the_peer() -> None:
    found = compare([110, 440, 55], [100, 400, 50]).comparisons("ours-same-settings")
    assert [(c.item, c.ratio, c.pairs, c.difference_ms) for c in found] == [(None, 1.1, 3, 10.0), ("a", 1.1, 3, 10.0)]


def test_a_round_that_failed_on_one_side_is_no_pair() -> None:
    samples = compare([110, 220], [100])
    assert {c.pairs for c in samples.comparisons("ours-same-settings")} == {1}


@pytest.mark.parametrize(
    ("ours", "peer", "within"),
    [(1100, 1000, True), (1101, 1000, False), (115, 100, True), (116, 100, False), (50, 100, True)],
)
def test_the_bound_is_ten_percent_or_fifteen_milliseconds(ours: float, peer: float, within: bool) -> None:
    assert [c.within_bound for c in compare([ours], [peer]).comparisons("ours-same-settings")] == [within, within]


def test_the_bound_holds_only_for_the_same_settings_and_for_times() -> None:
    assert {c.within_bound for c in compare([9], [1], arm="ours").comparisons("ours-same-settings")} == {None}
    ratios = compare([9], [1], stage="speech_rtf").comparisons("ours-same-settings")
    assert {(c.within_bound, c.difference_ms) for c in ratios} == {(None, None)}


def test_the_appliance_alone_is_compared_with_nobody() -> None:
    samples = Samples()
    samples.add("appliance", "burst", "a", 0, timing())
    assert samples.comparisons("ours-same-settings") == ()


def test_word_errors_are_summed_per_recording_and_over_all(recording: Recording) -> None:
    other = replace(recording, name="other", reference="lights off", public=True)
    samples = Samples()
    samples.add_heard("appliance", "turn", recording, "turn on a light")
    for heard in ("lights off", "lights of", "lights of"):
        samples.add_heard("appliance", "turn", other, heard)
    found = [(e.item, e.errors, e.length, e.rate, e.heard) for e in samples.word_errors()]
    assert found == [
        (None, 3, 10, 0.3, ()),
        ("tone", 1, 4, 0.25, ()),  # an owner's own recording is not quoted
        ("other", 2, 6, 0.3333, ("lights off", "lights of")),
    ]


def test_words_and_characters_are_not_summed_together(recording: Recording) -> None:
    chinese = replace(recording, name="zh", language="zh-TW", reference="打開燈")
    samples = Samples()
    samples.add_heard("appliance", "turn", recording, "turn on the light")
    samples.add_heard("appliance", "turn", chinese, "打开灯")
    totals = [(e.metric, e.length) for e in samples.word_errors() if e.item is None]
    assert totals == [("wer", 4), ("cer", 3)]


def test_without_reference_or_transcript_there_is_no_error_rate(recording: Recording) -> None:
    samples = Samples()
    samples.add_heard("appliance", "turn", replace(recording, reference=None), "anything")
    samples.add_heard("appliance", "turn", recording, None)
    assert samples.word_errors() == ()
